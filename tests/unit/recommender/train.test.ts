import { TrainingConfig, type TrainingConfigInput } from '../../../functions/core/training-config.ts';
import type { TrialResult } from '../../../functions/core/metrics.ts';
import { offlineLists } from '../../../functions/recommender/offline-lists.ts';
import { openRecommender } from '../../../functions/recommender/recommend.ts';
import { train } from '../../../functions/recommender/train.ts';
import { furtherTrials, planTrials } from '../../../functions/recommender/trial-plan.ts';
import { catalogue, toInteractions, wholesaler, type Line } from '#tests/purchases';

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
    expect(reorder!.model.ndcg10).toBeGreaterThanOrEqual(
      0.995 * reorder!.baselines['personal-frequency']!.ndcg10,
    );
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
    expect(loaded.similar(4, { k: 5 })).toEqual(recommender.similar(4, { k: 5 }));
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
    expect(recommender.similar(9, { k: 5 }).every(({ item }) => item % 4 === 1 || item < 3)).toBe(true);
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
  const sizeOf = { customers: 120, items: 60, pairs: 1500 };

  it('preset: tries more, with longer factors', () => {
    const plan = (preset: 'quick' | 'thorough') => planTrials(TrainingConfig.parse({ preset }), sizeOf);
    expect(plan('thorough').length).toBeGreaterThan(plan('quick').length);
    const thorough = TrainingConfig.parse({ preset: 'thorough' });
    const best = plan('thorough').find(({ algorithm }) => algorithm === 'ials')!;
    // What takes longer is tried with the weights that did best.
    const further = furtherTrials([best], plan('thorough'), thorough, sizeOf);
    expect(further).toEqual([{ ...best, options: { ...best.options, factors: 128 } }]);
    expect(furtherTrials([best], plan('thorough'), { ...thorough, trials: 1 }, sizeOf)).toEqual([]);
  });

  it('algorithms: only these are tried beside the baselines, and may win', async () => {
    const { report, trials } = await trained({ algorithms: ['ials'] });
    const names = new Set(trials.map(({ algorithm }) => algorithm));
    expect(names).toEqual(new Set(['popularity', 'item-neighbours', 'personal-frequency', 'ials']));
    expect(report.slots.discover?.algorithm).toBe('ials');
    // Nothing chosen answers re-orders: their baseline does.
    expect(report.slots.reorder?.algorithm).toBe('personal-frequency');
  });

  it('slots: only these are measured; the other is still answered by its baseline', async () => {
    const { report, recommender } = await trained({ slots: ['discover'] });
    expect(Object.keys(report.slots)).toEqual(['discover']);
    expect(recommender.recommend(recommender.profile(1), { slot: 'reorder', k: 3 })).toHaveLength(3);
  });

  it('trials: the cap counts all but the baselines', async () => {
    const count = async (trials: number) =>
      new Set((await trained({ trials })).trials.map(({ trial }) => trial)).size;
    expect((await count(4)) - (await count(1))).toBe(3);
  });

  it('trials: baselines first and whole, then in turn, the light ones before those that take long', () => {
    const plan = planTrials(TrainingConfig.parse({ preset: 'quick' }), sizeOf);
    expect(plan.slice(-7).map(({ algorithm }) => algorithm)).toEqual([
      'purchase-rhythm',
      'purchase-rhythm',
      'purchase-rhythm',
      'ease',
      'ials',
      'ease',
      'ials',
    ]);
    const few = planTrials(TrainingConfig.parse({ preset: 'quick', trials: 1 }), sizeOf);
    expect(few.slice(0, -1)).toEqual(plan.slice(0, -7));
    expect(few.slice(0, -1).filter(({ algorithm }) => algorithm === 'popularity')).toHaveLength(3);
  });

  it('seconds: no new trial starts once they have passed, but for the baselines; the cut is reported', async () => {
    let seconds = 0;
    const { trials, report, card } = await trained({ trials: 10, seconds: 1 }, () => (seconds += 1));
    const names = new Set(trials.map(({ algorithm }) => algorithm));
    expect(names).toEqual(new Set(['popularity', 'item-neighbours', 'personal-frequency']));
    // One of eight is kept for settings near the best ones, of which there are none.
    expect(report.trialsCut).toBe(9);
    expect(report.trials).toBe(new Set(trials.map(({ trial }) => trial)).size);
    expect(card.notes.join()).toMatch(/12 settings were tried and 9 left out, because 1 seconds had passed/);
    expect((await trained({}, () => 0)).report.trialsCut).toBe(0);
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
    const only: TrainingConfigInput = { algorithms: ['ials'], slots: ['discover'], trials: 3 };
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

  it('gateTolerance: how much may be lost to the live version, measured on the same purchases', async () => {
    const { report: live } = await trained({ algorithms: ['item-neighbours'] });
    const verdict = async (gateTolerance: number) => {
      // The first guesses at implicit ALS: a twentieth worse here.
      const only = { algorithms: ['ials' as const], trials: 3 };
      const config = TrainingConfig.parse({ preset: 'quick', ...only, gateTolerance });
      const { card } = await train({ ...data, config, now, champion: live });
      return card.gate.checks.find(({ slot, against }) => slot === 'discover' && against === 'champion');
    };
    const refused = await verdict(0.01);
    expect(refused?.passed).toBe(false);
    // The same setting on the same purchases gives the same figure.
    expect(refused?.theirs).toBe(live.slots.discover?.model.ndcg10);
    expect((await verdict(0.2))?.passed).toBe(true);
  });
});

describe('what a new version is judged against', () => {
  /** Thirty customers who buy what is new this month; every month ten other items, so that only the trend says anything. */
  const months = Array.from({ length: 12 }, (_, month) => month);
  const trending = {
    interactions: toInteractions(
      months.flatMap((month) =>
        Array.from({ length: 30 }, (_, customer) => customer).flatMap((customer) =>
          [0, 1, 2, 3, 4, 5].map((n): Line => {
            const late = (customer + n) % 3 === 0 ? 1 : 0;
            const item = 10 * Math.max(0, month - late) + ((customer * 7 + n * (month + 3)) % 10);
            return [customer, item, month * 30 + ((customer + 5 * n) % 30), 1];
          }),
        ),
      ),
    ),
    customers: catalogue('c', 30),
    items: catalogue('i', 120),
  };

  it('popularity tuned to the trend does not beat popularity: it is popularity', async () => {
    const config = TrainingConfig.parse({ preset: 'quick', algorithms: ['popularity'], slots: ['discover'] });
    const { report, card } = await train({ ...trending, config, now });
    const { algorithm, options, model, baselines, baselineOptions } = report.slots.discover!;
    expect({ algorithm, options }).toEqual({ algorithm: 'popularity', options: { halfLifeDays: 30 } });
    expect(model.ndcg10).toBeGreaterThan(0);
    expect(baselines['popularity']).toEqual(model);
    expect(baselineOptions['popularity']).toEqual({ halfLifeDays: 30 });
    expect(card.gate.passed).toBe(false);
    expect(card.gate.reasons[0]).toMatch(/answered by the baseline popularity itself/);
    expect(card.notes.join()).toContain('popularity {"halfLifeDays":30}');
  });

  it('the live version is measured here and now, whatever it reported elsewhere', async () => {
    const { report } = await trained();
    const live = structuredClone(report);
    live.slots.discover!.model.ndcg10 = 0.99;
    const config = TrainingConfig.parse({ preset: 'quick', trials: 3, gateTolerance: 0 });
    const { report: next, card } = await train({ ...data, config, now, champion: live });
    expect(next.slots.discover?.champion).toMatchObject({
      algorithm: report.slots.discover?.algorithm,
      model: next.slots.discover?.model,
      reported: 0.99,
    });
    expect(card.gate.passed).toBe(true);
  });

  it('a live version with options of former days is named and let be', async () => {
    const { report } = await trained();
    const live = structuredClone(report);
    live.slots.discover!.options = { warp: 9 };
    const config = TrainingConfig.parse({ preset: 'quick', trials: 3 });
    const { card } = await train({ ...data, config, now, champion: live });
    expect(card.gate.passed).toBe(true);
    expect(card.gate.reasons.join()).toMatch(/not compared with the live version.*"warp":9.*no longer valid/);
  });

  it('a model that loses on the validation window gives way to the baseline, before the test is looked at', async () => {
    const { report, card, trials } = await trained({ algorithms: ['item-neighbours'] });
    const { algorithm, options, fellBack, model, baselines, baselineOptions } = report.slots.reorder!;
    const best = (name: string) =>
      Math.max(
        ...trials
          .filter((trial) => trial.slot === 'reorder' && trial.algorithm === name)
          .map(({ metrics }) => metrics.ndcg10),
      );
    expect(algorithm).toBe('personal-frequency');
    expect(options).toEqual(baselineOptions['personal-frequency']);
    expect(model).toEqual(baselines['personal-frequency']);
    expect(fellBack?.from).toBe('item-neighbours');
    for (const name of ['item-neighbours', 'personal-frequency'])
      expect(fellBack?.reason).toContain(best(name).toFixed(4));
    expect(card.notes.join()).toContain(fellBack?.reason);
  });
});
