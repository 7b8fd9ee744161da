import type { MetricsReport, RankingMetrics, SlotMetrics } from '#core/metrics';
import { BASELINES, slotBaseline, type AlgorithmName, type SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { evaluate, listerOf, overallLister, type Lister, type Question } from './evaluate.ts';
import { makeShelf, rank, type Shelf } from './rank.ts';
import { registry } from './registry.ts';
import {
  baselineSetting,
  fitSetting,
  type SearchContext,
  type SearchResult,
  type Setting,
} from './search.ts';
import type { Cases } from './split.ts';

/** The one look at the test window, and what may ship after it. */
export interface Measured {
  readonly slots: Partial<Record<SlotName, SlotMetrics>>;
  readonly overall: MetricsReport['overall'];
  /** Per slot what ships: the winner, or the slot's baseline where the winner lost to it or the slot was not trained. */
  readonly shipped: Readonly<Record<SlotName, Setting>>;
}

/** Gives each setting's model, fitting it once however often it is asked for. */
export function fitOnce(fit: (setting: Setting) => Promise<Model>): (setting: Setting) => Promise<Model> {
  const known = new Map<string, Promise<Model>>();
  return (setting) => {
    const key = JSON.stringify([setting.algorithm, setting.options]);
    const model = known.get(key) ?? fit(setting);
    known.set(key, model);
    return model;
  };
}

/** Fits winners and baselines on everything before the test window and measures each once in it. */
export async function measure(found: SearchResult, test: Cases, context: SearchContext): Promise<Measured> {
  const { config, onProgress } = context;
  const size = { customers: test.before.customers, items: test.before.items };
  const shelf = makeShelf(test.before, config.minInteractionsPerItem);
  const fits = fitOnce((setting) => fitSetting(setting, test.before, context));
  const baseline = (name: AlgorithmName) => baselineSetting(name, config, size);
  const score = (lister: Lister, question: Question) =>
    evaluate(lister, test, question, {
      k: config.k,
      catalogue: size.items,
      ...(context.signal ? { signal: context.signal } : {}),
    });

  const slots: Partial<Record<SlotName, SlotMetrics>> = {};
  const shipped: Record<SlotName, Setting> = {
    reorder: baseline(slotBaseline.reorder),
    discover: baseline(slotBaseline.discover),
  };
  for (const slot of config.slots) {
    const baselines: Record<string, RankingMetrics> = {};
    for (const name of BASELINES)
      if (registry[name].slots.includes(slot))
        baselines[name] = (await score(listerOf(await fits(baseline(name)), shelf, slot), slot)).metrics;
    const winner = found.winners[slot] ?? shipped[slot];
    const { metrics, customers } = await score(listerOf(await fits(winner), shelf, slot), slot);
    const measured = settle(slot, winner, metrics, baselines, shipped[slot]);
    slots[slot] = { ...measured, baselines, customers };
    shipped[slot] = { algorithm: measured.algorithm, options: measured.options };
    onProgress?.('measure', Object.keys(slots).length / (config.slots.length + 1));
  }
  const overall = await measureOverall(shipped, { fits, baseline, shelf, score });
  onProgress?.('measure', 1);
  return { slots, overall, shipped };
}

/** The winner, or the slot's baseline where the winner measured worse than it. */
function settle(
  slot: SlotName,
  winner: Setting,
  metrics: RankingMetrics,
  baselines: Readonly<Record<string, RankingMetrics>>,
  fallback: Setting,
): Pick<SlotMetrics, 'model' | 'algorithm' | 'options' | 'fellBack'> {
  const floor = baselines[slotBaseline[slot]];
  if (floor === undefined || metrics.ndcg10 >= floor.ndcg10)
    return { model: metrics, algorithm: winner.algorithm, options: winner.options, fellBack: null };
  const reason = `On the test window ${winner.algorithm} reached NDCG@10 ${metrics.ndcg10.toFixed(4)}, less than ${slotBaseline[slot]} with ${floor.ndcg10.toFixed(4)}; the baseline answers this slot.`;
  return { model: floor, ...fallback, fellBack: { from: winner.algorithm, reason } };
}

async function measureOverall(
  shipped: Readonly<Record<SlotName, Setting>>,
  tools: {
    fits: (setting: Setting) => Promise<Model>;
    baseline: (name: AlgorithmName) => Setting;
    shelf: Shelf;
    score: (lister: Lister, question: Question) => Promise<{ metrics: RankingMetrics; customers: number }>;
  },
): Promise<MetricsReport['overall']> {
  const { fits, baseline, shelf, score } = tools;
  const slotLister = async (setting: Setting, slot: SlotName) => listerOf(await fits(setting), shelf, slot);
  /** One model for everything, bought or not. */
  const plainLister = async (name: AlgorithmName): Promise<Lister> => {
    const model = await fits(baseline(name));
    return (profile, k) =>
      rank(model, profile, shelf, { slot: 'discover', k, includeBought: true }).map(({ item }) => item);
  };
  const popular = await slotLister(baseline('popularity'), 'discover');
  const listers: Record<string, Lister> = {
    popularity: await plainLister('popularity'),
    'item-neighbours': await plainLister('item-neighbours'),
    'personal-frequency': overallLister(await slotLister(baseline('personal-frequency'), 'reorder'), popular),
  };
  const baselines: Record<string, RankingMetrics> = {};
  for (const [name, lister] of Object.entries(listers))
    baselines[name] = (await score(lister, 'overall')).metrics;
  const model = overallLister(
    await slotLister(shipped.reorder, 'reorder'),
    await slotLister(shipped.discover, 'discover'),
  );
  const { metrics, customers } = await score(model, 'overall');
  return { model: metrics, baselines, customers };
}
