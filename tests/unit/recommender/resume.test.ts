import { TrainingConfig } from '../../../functions/core/training-config.ts';
import type { TrainingCheckpoint } from '../../../functions/recommender/journal.ts';
import { train } from '../../../functions/recommender/train.ts';
import { wholesaler } from '#tests/purchases';

const data = wholesaler({ customers: 40, items: 24, days: 120 });
const config = TrainingConfig.parse({
  preset: 'quick',
  algorithms: ['purchase-rhythm', 'item-neighbours', 'ease', 'blend'],
  trials: 6,
  halfLifeDays: null,
  seconds: 1000,
});

/** A store that holds its checkpoint as text, as a file would, and dies instead of saving step `last + 1`. */
function makeStore(last = Infinity) {
  let text: string | null = null;
  return {
    load: async (): Promise<unknown> => (text === null ? null : JSON.parse(text)),
    save: async (checkpoint: TrainingCheckpoint) => {
      if (checkpoint.steps.length > last) throw new Error('killed');
      text = JSON.stringify(checkpoint);
    },
    steps: async () => (text === null ? [] : (JSON.parse(text) as TrainingCheckpoint).steps),
    revive: () => {
      last = Infinity;
    },
  };
}

const run = (checkpoint?: ReturnType<typeof makeStore>, clock = () => 0, input = config) =>
  train({ ...data, config: input, now: 0, clock, ...(checkpoint ? { checkpoint } : {}) });

describe('a training that dies', () => {
  it('goes on from its checkpoint after any step, and ends with the same artifact bit for bit', async () => {
    const whole = makeStore();
    const { artifact } = await run(whole);
    const steps = await whole.steps();
    expect(steps.length).toBeGreaterThan(15);
    // The input alone decides, with a checkpoint or without.
    expect((await run()).artifact).toEqual(artifact);
    for (let last = 0; last < steps.length; last++) {
      const store = makeStore(last);
      await expect(run(store)).rejects.toThrow('killed');
      store.revive();
      expect((await run(store)).artifact).toEqual(artifact);
      expect((await store.steps()).map(({ key }) => key)).toEqual(steps.map(({ key }) => key));
    }
  });

  it('replays what the time cap decided, whatever the clock says now', async () => {
    // Every look at the clock is a second later: the cap falls in the middle of the trials.
    const slow = () => {
      let seconds = 0;
      return () => (seconds += 1);
    };
    const capped = { ...config, seconds: 70 };
    const store = makeStore();
    const { report, artifact } = await run(store, slow(), capped);
    expect(report.trialsCut).toBeGreaterThan(0);
    expect(report.trialsCut).toBeLessThan(6);
    const known = (await store.steps()).length;
    const killed = makeStore(known - 4);
    await expect(run(killed, slow(), capped)).rejects.toThrow('killed');
    killed.revive();
    // The clock stands still now: only what was recorded can have cut anything.
    const again = await run(killed, () => 0, capped);
    expect(again.report.trialsCut).toBe(report.trialsCut);
    expect(again.artifact).toEqual(artifact);
  });

  it('takes nothing over from another input, or from what is no checkpoint', async () => {
    const store = makeStore();
    await run(store);
    const other = { ...config, seed: 2 };
    expect((await run(store, () => 0, other)).artifact).toEqual(
      (await run(undefined, () => 0, other)).artifact,
    );
    const broken = { load: async () => ({ format: 1, steps: 'none' }), save: async () => undefined };
    const { artifact } = await train({ ...data, config, now: 0, clock: () => 0, checkpoint: broken });
    expect(artifact).toEqual((await run()).artifact);
  });
});
