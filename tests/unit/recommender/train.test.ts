import { TrainingConfig, type TrainingConfigInput } from '../../../functions/core/training-config.ts';
import type { TrialResult } from '../../../functions/core/metrics.ts';
import { offlineLists } from '../../../functions/recommender/offline-lists.ts';
import { openRecommender } from '../../../functions/recommender/recommend.ts';
import { planTrials } from '../../../functions/recommender/search.ts';
import { train } from '../../../functions/recommender/train.ts';
import { wholesaler } from '#tests/purchases';

const data = wholesaler();
const now = Date.UTC(2026, 0, 1);

async function trained(input: TrainingConfigInput = {}, clock?: () => number) {
  const trials: TrialResult[] = [];
  const config = TrainingConfig.parse({ preset: 'quick', trials: 3, ...input });
  const output = await train({
    ...data,
    config,
    now,
    onTrial: (trial) => trials.push(trial),
    ...(clock ? { clock } : {}),
  });
  return { ...output, trials };
}

describe('training', () => {
  it('finds the structure: discovery beats popularity, re-ordering does not lose to frequency', async () => {
    const { report, card, trials } = await trained({ trials: 12 });
    const { discover, reorder } = report.slots;
    expect(discover!.model.ndcg10).toBeGreaterThan(discover!.baselines['popularity']!.ndcg10);
    expect(reorder!.model.ndcg10).toBeGreaterThanOrEqual(reorder!.baselines['personal-frequency']!.ndcg10);
    expect(Object.keys(discover!.baselines)).toEqual(['popularity', 'item-neighbours']);
    expect(Object.keys(reorder!.baselines)).toEqual(['popularity', 'item-neighbours', 'personal-frequency']);
    expect(Object.keys(report.overall.baselines)).toEqual([
      'popularity',
      'item-neighbours',
      'personal-frequency',
    ]);
    expect(card.gate.passed).toBe(true);
    expect(card.data).toMatchObject({
      customers: 120,
      items: 60,
      interactions: data.interactions.item.length,
    });
    expect(trials.length).toBeGreaterThan(6);
  });

  it('gives lists that are the same after saving and loading, for every customer', async () => {
    const { artifact, recommender } = await trained();
    const loaded = openRecommender(artifact);
    expect(offlineLists(loaded)).toEqual(offlineLists(recommender));
    for (let customer = 0; customer < 120; customer++)
      for (const slot of ['reorder', 'discover'] as const) {
        const options = { slot, k: 15, explain: true };
        expect(loaded.recommend(loaded.profile(customer), options)).toEqual(
          recommender.recommend(recommender.profile(customer), options),
        );
      }
    expect(loaded.similar(4, 5)).toEqual(recommender.similar(4, 5));
    expect(loaded.card.metrics.slots).toEqual(recommender.card.metrics.slots);
  });

  it('recommends nothing bought for discovery and only bought for re-ordering', async () => {
    const { recommender } = await trained();
    const profile = recommender.profile(9);
    const bought = new Set(profile.items);
    const listed = (slot: 'reorder' | 'discover') => recommender.recommend(profile, { slot, k: 20 });
    expect(listed('discover').some(({ item }) => bought.has(item))).toBe(false);
    expect(listed('reorder').every(({ item }) => bought.has(item))).toBe(true);
  });

  it('finds the basket’s group, and similar items of the same group', async () => {
    const { recommender } = await trained({ trials: 12 });
    const offers = recommender.recommend(recommender.basket([8, 12, 16]), { slot: 'discover', k: 5 });
    expect(offers.filter(({ item }) => item % 4 === 0).length).toBeGreaterThanOrEqual(4);
    expect(recommender.similar(9, 5).every(({ item }) => item % 4 === 1 || item < 3)).toBe(true);
  });

  it('is the same again with the same seed, on one thread or two', async () => {
    const clock = () => 0;
    const config = TrainingConfig.parse({ preset: 'quick', trials: 6 });
    const one = await train({ ...data, config, now, clock });
    const two = await train({ ...data, config, now, clock, threads: 2 });
    expect(two.artifact).toEqual(one.artifact);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const config = TrainingConfig.parse({ preset: 'quick' });
    const run = train({
      ...data,
      config,
      now,
      signal: stop.signal,
      onTrial: () => stop.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
  });

  it('says so when the history is too short to measure anything', async () => {
    await expect(trained({ holdout: { days: 200 } })).rejects.toThrow(/300 days.*200 days twice/);
  });
});

describe('every option has an effect', () => {
  const sizeOf = { customers: 120, items: 60 };

  it('preset: tries more, with longer factors', () => {
    const plan = (preset: 'quick' | 'thorough') => planTrials(TrainingConfig.parse({ preset }), sizeOf);
    expect(plan('thorough').length).toBeGreaterThan(plan('quick').length);
    const factors = plan('thorough').map(({ options }) => options['factors']);
    expect(factors).toContain(128);
  });

  it('algorithms: only these are tried and may win', async () => {
    const { report, trials } = await trained({ algorithms: ['item-neighbours'] });
    expect(new Set(trials.slice(5).map(({ algorithm }) => algorithm))).toEqual(new Set(['item-neighbours']));
    expect(report.slots.discover?.algorithm).toBe('item-neighbours');
    // No chosen algorithm answers re-orders better than the baseline, which is shipped and named.
    expect(report.slots.reorder?.algorithm).toBe('personal-frequency');
    expect(report.slots.reorder?.fellBack?.from).toBe('item-neighbours');
  });

  it('slots: only these are measured; the other is still answered by its baseline', async () => {
    const { report, recommender } = await trained({ slots: ['discover'] });
    expect(Object.keys(report.slots)).toEqual(['discover']);
    expect(recommender.recommend(recommender.profile(1), { slot: 'reorder', k: 3 })).toHaveLength(3);
  });

  it('trials: the cap counts all but the baselines', async () => {
    const count = async (trials: number) =>
      new Set((await trained({ trials })).trials.map(({ trial }) => trial)).size;
    expect(await count(1)).toBe(4);
    expect(await count(4)).toBe(7);
  });

  it('seconds: no new trial starts once they have passed', async () => {
    let seconds = 0;
    const { trials } = await trained({ trials: 10, seconds: 1 }, () => (seconds += 1));
    expect(new Set(trials.map(({ trial }) => trial)).size).toBe(3);
  });

  it('holdout: moves the window', async () => {
    const from = async (holdout: TrainingConfig['holdout']) =>
      (await trained({ holdout })).report.window.testFrom;
    expect(await from({ days: 10 })).toBe('2025-10-18T00:00:00.000Z');
    expect(await from({ days: 30 })).toBe('2025-09-28T00:00:00.000Z');
    expect(await from({ quantile: 0.2 })).toMatch(/^2025-0[89]/);
  });

  it('minInteractionsPerItem: rare items are no discoveries', async () => {
    const { recommender } = await trained({ minInteractionsPerItem: 25 });
    const offers = recommender.recommend(recommender.profile(2), { slot: 'discover', k: 60 });
    expect(offers.every(({ item }) => recommender.history.buyers[item]! >= 25)).toBe(true);
    const { recommender: all } = await trained({ minInteractionsPerItem: 1 });
    expect(all.recommend(all.profile(2), { slot: 'discover', k: 60 }).length).toBeGreaterThan(offers.length);
  });

  it('minInteractionsPerCustomer: small customers do not teach, and are served all the same', async () => {
    const { recommender, report } = await trained({ minInteractionsPerCustomer: 12 });
    const { report: all } = await trained();
    expect(report.slots.discover?.baselines).not.toEqual(all.slots.discover?.baselines);
    for (let customer = 0; customer < 120; customer++)
      expect(recommender.recommend(recommender.profile(customer), { slot: 'discover', k: 3 })).toHaveLength(
        3,
      );
  });

  it('halfLifeDays: adds trials that weight by age, with this half-life', () => {
    const ages = (halfLifeDays: number | null) =>
      planTrials(TrainingConfig.parse({ preset: 'thorough', halfLifeDays }), sizeOf).map(
        ({ options }) => options['halfLifeDays'] ?? null,
      );
    expect(ages(null).every((age) => age === null)).toBe(true);
    expect(ages(77)).toContain(77);
  });

  it('seed: another seed, another start', async () => {
    const only: TrainingConfigInput = { algorithms: ['ials'], slots: ['discover'], trials: 1 };
    const scores = async (seed: number) => {
      const { recommender } = await trained({ ...only, seed });
      return recommender
        .recommend(recommender.profile(0), { slot: 'discover', k: 5 })
        .map(({ score }) => score);
    };
    expect(await scores(1)).not.toEqual(await scores(2));
  });

  it('k: these list lengths are reported', async () => {
    const { report } = await trained({ k: [3, 40] });
    expect(report.slots.discover?.model.at?.map(({ k }) => k)).toEqual([3, 40]);
    expect(report.overall.model.at?.map(({ k }) => k)).toEqual([3, 40]);
  });

  it('gateTolerance: how much may be lost to the live version', async () => {
    const first = await trained();
    const better = structuredClone(first.report);
    better.slots.discover!.model.ndcg10 *= 1.1;
    const verdict = async (gateTolerance: number) =>
      (
        await train({
          ...data,
          config: TrainingConfig.parse({ preset: 'quick', trials: 3, gateTolerance }),
          now,
          champion: better,
        })
      ).card.gate.passed;
    expect(await verdict(0.01)).toBe(false);
    expect(await verdict(0.2)).toBe(true);
  });
});
