import { TerminalError } from '#core/errors';
import type { ChampionMetrics, MetricsReport, RankingMetrics, SlotMetrics } from '#core/metrics';
import { BASELINES, slotBaseline, type AlgorithmName, type SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { choose, type Choice } from './choose.ts';
import {
  evaluate,
  listerOf,
  overallLister,
  type Evaluation,
  type Lister,
  type Question,
} from './evaluate.ts';
import { makeShelf, rank, type Shelf } from './rank.ts';
import { registry } from './registry.ts';
import { fitSetting, plainSetting, type SearchContext, type SearchResult, type Setting } from './search.ts';
import type { Cases } from './split.ts';

/** The one look at the test window, and what ships. */
export interface Measured {
  readonly slots: Partial<Record<SlotName, SlotMetrics>>;
  readonly overall: MetricsReport['overall'];
  /** Per slot what ships, as chosen on the validation window; where the slot was not trained, its baseline. */
  readonly shipped: Readonly<Record<SlotName, Setting>>;
}

/** What measuring works with: each setting's model, each baseline at its best for a slot, a score on the test window. */
interface Tools {
  readonly fits: (setting: Setting) => Promise<Model>;
  readonly baseline: (slot: SlotName, name: AlgorithmName) => Setting;
  readonly shelf: Shelf;
  readonly score: (lister: Lister, question: Question) => Promise<Evaluation>;
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

/**
 * Fits what ships, the baselines and the live version's settings on everything before the test window and measures each
 * once in it. Nothing is decided here by what is seen there.
 */
export async function measure(
  found: SearchResult,
  test: Cases,
  context: SearchContext,
  champion: MetricsReport | null,
): Promise<Measured> {
  const { config, onProgress } = context;
  const size = { customers: test.before.customers, items: test.before.items };
  const tools: Tools = {
    fits: fitOnce((setting) => fitSetting(setting, test.before, context)),
    baseline: (slot, name) => found.baselines[slot][name] ?? plainSetting(name, config, size),
    shelf: makeShelf(test.before, config.minInteractionsPerItem),
    score: (lister, question) =>
      evaluate(lister, test, question, {
        k: config.k,
        catalogue: size.items,
        ...(context.signal ? { signal: context.signal } : {}),
      }),
  };
  const choice = (slot: SlotName) =>
    choose(slot, found.winners[slot], tools.baseline(slot, slotBaseline[slot]));
  const shipped = { reorder: choice('reorder'), discover: choice('discover') };
  const slots: Partial<Record<SlotName, SlotMetrics>> = {};
  for (const slot of config.slots) {
    slots[slot] = await measureSlot(slot, shipped[slot], champion?.slots[slot] ?? null, tools);
    onProgress?.('measure', Object.keys(slots).length / (config.slots.length + 1));
  }
  const overall = await measureOverall(shipped, tools);
  onProgress?.('measure', 1);
  return { slots, overall, shipped };
}

async function measureSlot(
  slot: SlotName,
  { algorithm, options, fellBack }: Choice,
  live: SlotMetrics | null,
  tools: Tools,
): Promise<SlotMetrics> {
  const { fits, shelf, score } = tools;
  const measured = async (setting: Setting) => score(listerOf(await fits(setting), shelf, slot), slot);
  const baselines: Record<string, RankingMetrics> = {};
  const baselineOptions: SlotMetrics['baselineOptions'] = {};
  for (const name of BASELINES) {
    if (!registry[name].slots.includes(slot)) continue;
    const setting = tools.baseline(slot, name);
    baselines[name] = (await measured(setting)).metrics;
    baselineOptions[name] = setting.options;
  }
  const { metrics, customers } = await measured({ algorithm, options });
  const champion = live && (await measureChampion(live, measured));
  return { model: metrics, baselines, baselineOptions, champion, algorithm, options, customers, fellBack };
}

/** The live version's setting on the same purchases: figures of two different test windows cannot be compared. */
async function measureChampion(
  { algorithm, options, model: { ndcg10: reported } }: SlotMetrics,
  measured: (setting: Setting) => Promise<Evaluation>,
): Promise<ChampionMetrics> {
  const told = { algorithm, options, reported };
  const parsed = registry[algorithm].options.safeParse(options);
  if (!parsed.success) {
    const reason = `the options ${JSON.stringify(options)} of ${algorithm} are no longer valid`;
    return { ...told, model: null, reason };
  }
  try {
    const { metrics } = await measured({ algorithm, options: parsed.data });
    return { ...told, model: metrics, reason: null };
  } catch (error) {
    // Data may have outgrown the algorithm; that must not keep a new version from being measured.
    if (!(error instanceof TerminalError)) throw error;
    return { ...told, model: null, reason: error.message };
  }
}

async function measureOverall(
  shipped: Readonly<Record<SlotName, Setting>>,
  { fits, baseline, shelf, score }: Tools,
): Promise<MetricsReport['overall']> {
  const slotLister = async (setting: Setting, slot: SlotName) => listerOf(await fits(setting), shelf, slot);
  /** One model for everything, bought or not. */
  const plainLister = async (name: AlgorithmName): Promise<Lister> => {
    const model = await fits(baseline('discover', name));
    return (profile, k) =>
      rank(model, profile, shelf, { slot: 'discover', k, includeBought: true }).map(({ item }) => item);
  };
  const listers: Record<string, Lister> = {
    popularity: await plainLister('popularity'),
    'item-neighbours': await plainLister('item-neighbours'),
    'personal-frequency': overallLister(
      await slotLister(baseline('reorder', 'personal-frequency'), 'reorder'),
      await slotLister(baseline('discover', 'popularity'), 'discover'),
    ),
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
