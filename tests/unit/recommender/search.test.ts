import { TerminalError } from '../../../functions/core/errors.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { train } from '../../../functions/recommender/train.ts';
import { bestFirst, type Winner } from '../../../functions/recommender/winner.ts';
import { wholesaler } from '#tests/purchases';

describe('a setting that cannot be fitted', () => {
  const data = wholesaler({ customers: 40, items: 24, days: 120 });
  const config = TrainingConfig.parse({
    preset: 'quick',
    algorithms: ['purchase-rhythm', 'ease'],
    trials: 4,
    seconds: 1000,
  });
  const whole = { ...registry.ease };
  afterEach(() => Object.assign(registry.ease, whole));
  /** From here on the first setting of EASE ends with `error`. */
  const failing = (error: Error) =>
    Object.assign(registry.ease, {
      fit: async (...given: Parameters<typeof whole.fit>) => {
        if (given[1]['regularization'] === 300) throw error;
        return whole.fit(...given);
      },
    });

  it('is left out and told, and the others are tried all the same', async () => {
    failing(new TerminalError('memory-exceeded', 'There is no room.', { remedy: 'Take less.' }));
    const { report, card } = await train({ ...data, config, now: 0, clock: () => 0 });
    expect(report.failed).toMatchObject([
      { algorithm: 'ease', options: { regularization: 300 }, reason: 'There is no room.' },
      { algorithm: 'ease', options: { regularization: 300 }, reason: 'There is no room.' },
    ]);
    expect(card.notes.join('\n')).toContain('could not be fitted and was left out: There is no room.');
    expect(report.tried!.map(({ algorithm }) => algorithm)).toContain('purchase-rhythm');
  });

  it('ends the training where it is no fault of the setting', async () => {
    failing(new Error('a mistake'));
    await expect(train({ ...data, config, now: 0, clock: () => 0 })).rejects.toThrow('a mistake');
  });
});

describe('the best of several algorithms', () => {
  const winner = (name: Winner['algorithm'], rung: number, figure: number, ...figures: number[]): Winner => ({
    algorithm: name,
    options: {},
    validation: { ndcg10: 0, recall10: 0, recall20: 0, coverage: 0 },
    figure,
    figures: Float32Array.from(figures),
    rung,
  });
  const names = (...winners: Winner[]) => bestFirst(winners).map(({ algorithm }) => algorithm);

  it('is the one with the highest figure where all came as far', () => {
    expect(names(winner('ease', 1, 0.3), winner('ials', 1, 0.4), winner('graph-filter', 1, 0.4))).toEqual([
      'ials',
      'graph-filter',
      'ease',
    ]);
  });

  it('is compared on the same customers where one came less far', () => {
    const full = winner('ials', 1, 0.4, 0.9, 0.7, 0, 0);
    // It was measured on the two easy customers only, and did worse on both.
    const lucky = winner('ease', 0, 0.7, 0.8, 0.6, NaN, NaN);
    const better = winner('graph-filter', 0, 0.15, NaN, NaN, 0.1, 0.2);
    expect(names(lucky, full)).toEqual(['ials', 'ease']);
    expect(names(full, better)).toEqual(['graph-filter', 'ials']);
  });
});
