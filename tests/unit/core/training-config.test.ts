import { TrainingConfig } from '../../../functions/core/training-config.ts';

describe('training configuration', () => {
  it('fills what is left out from the preset', () => {
    const config = TrainingConfig.parse({ preset: 'quick', seed: 9 });
    expect(config).toMatchObject({ preset: 'quick', seed: 9, trials: 7, holdout: { quantile: 0.1 } });
  });

  it('is balanced where nothing is said', () => {
    expect(TrainingConfig.parse({}).preset).toBe('balanced');
  });

  it('does not change when parsed again, as when it is read back from a run', () => {
    const config = TrainingConfig.parse({ preset: 'thorough', halfLifeDays: null, k: [3] });
    expect(TrainingConfig.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  it.each([
    [{ trails: 3 }, /trails/],
    [{ trials: 0 }, /trials/],
    [{ preset: 'slow' }, /preset/],
    [{ holdout: { days: 0 } }, /holdout/],
    [{ holdout: { quantile: 0.9 } }, /holdout/],
    [{ algorithms: ['magic'] }, /algorithms/],
    [{ algorithms: [] }, /algorithms/],
  ])('refuses %j, naming the key', (input, key) => {
    expect(() => TrainingConfig.parse(input)).toThrow(key);
  });
});
