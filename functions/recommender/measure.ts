import { TerminalError } from '#core/errors';
import {
  MetricsReport,
  SlotMetrics,
  type ChampionMetrics,
  type DerivedMetrics,
  type RankingMetrics,
} from '#core/metrics';
import { BASELINES, slotBaseline, type AlgorithmName, type DerivedSlot, type SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { bootstrapDifference, bootstrapMean } from './bootstrap.ts';
import { choose, type Choice } from './choose.ts';
import { chooseDerived, type AnsweredSlot, type Answers } from './choose-derived.ts';
import { basketLister, measureDerived, similarLister, type DerivedCases } from './derived.ts';
import {
  evaluate,
  listerOf,
  overallLister,
  type Evaluation,
  type Lister,
  type Question,
} from './evaluate.ts';
import { learnShare, nextOrderLister } from './next-order.ts';
import { measureNewItems } from './measure-new-items.ts';
import { measureParts } from './parts.ts';
import { makeShelf, rank, type Shelf } from './rank.ts';
import { registry } from './registry.ts';
import { fitSetting } from './model-keeper.ts';
import type { SearchContext, SearchResult } from './search.ts';
import type { Cases } from './split.ts';
import { plainSetting, settingKey, type Setting } from './trial-plan.ts';

/** The one look at the test window, and what ships. */
export interface Measured {
  readonly slots: Partial<Record<SlotName, SlotMetrics>>;
  readonly overall: MetricsReport['overall'];
  readonly derived: NonNullable<MetricsReport['derived']>;
  /** Per slot what ships, as chosen on the validation window; where the slot was not trained, its baseline. */
  readonly shipped: Readonly<Record<SlotName, Setting>>;
  /** What answers a derived question where it is not its default. */
  readonly answers: Answers;
}

/** What measuring works with: each setting's model, each baseline at its best for a slot, a score on the test window. */
interface Tools {
  readonly fits: (setting: Setting) => Promise<Model>;
  readonly baseline: (slot: SlotName, name: AlgorithmName) => Setting;
  readonly test: Cases;
  readonly shelf: Shelf;
  readonly score: (lister: Lister, question: Question) => Promise<Evaluation>;
  readonly seed: number;
}

/** Gives each setting's model, fitting it once however often it is asked for. */
export function fitOnce(fit: (setting: Setting) => Promise<Model>): (setting: Setting) => Promise<Model> {
  const known = new Map<string, Promise<Model>>();
  return (setting) => {
    const key = settingKey(setting);
    const model = known.get(key) ?? fit(setting);
    known.set(key, model);
    return model;
  };
}

/** What ships per slot, by what the search found on the validation window; the test window plays no part. */
export function chooseAll(
  found: Pick<SearchResult, 'winners' | 'baselines'>,
  plain: (algorithm: AlgorithmName) => Setting,
  seed: number,
): Readonly<Record<SlotName, Choice>> {
  const choice = (slot: SlotName) => {
    const name = slotBaseline[slot];
    return choose(slot, found.winners[slot], found.baselines[slot][name] ?? plain(name), seed);
  };
  return { reorder: choice('reorder'), discover: choice('discover') };
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
  derived: { readonly validation: Pick<DerivedCases, AnsweredSlot>; readonly test: DerivedCases },
): Promise<Measured> {
  const { config, onProgress, journal, signal } = context;
  const size = { customers: test.before.customers, items: test.before.items };
  const plain = (name: AlgorithmName) => plainSetting(name, config, test.before);
  const tools: Tools = {
    fits: fitOnce((setting) => fitSetting(setting, test.before, context)),
    baseline: (slot, name) => found.baselines[slot][name] ?? plain(name),
    test,
    shelf: makeShelf(test.before, config.minInteractionsPerItem),
    score: (lister, question) =>
      evaluate(lister, test, question, { k: config.k, catalogue: size.items, ...(signal ? { signal } : {}) }),
    seed: config.seed,
  };
  const shipped = chooseAll(found, plain, config.seed);
  const slots: Partial<Record<SlotName, SlotMetrics>> = {};
  for (const slot of config.slots) {
    slots[slot] = await journal.step(`measure ${slot}`, SlotMetrics, () =>
      measureSlot(slot, shipped[slot], champion?.slots[slot] ?? null, tools),
    );
    onProgress?.('measure', Object.keys(slots).length / (config.slots.length + 1));
  }
  const models = async () => ({
    reorder: await found.model(shipped.reorder),
    discover: await found.model(shipped.discover),
  });
  const validationShelf = makeShelf(found.cases.before, config.minInteractionsPerItem);
  const share = await learnShare(models, found.cases, validationShelf, {
    journal,
    seed: config.seed,
    ...(signal ? { signal } : {}),
  });
  const overall = await journal.step('measure overall', MetricsReport.shape.overall, () =>
    measureOverall(shipped, share, tools),
  );
  const { discover } = shipped;
  const defaults = {
    similar: tools.baseline('discover', 'item-neighbours'),
    basket: { algorithm: discover.algorithm, options: discover.options },
  };
  const answers = await chooseDerived(found, derived.validation, defaults, {
    journal,
    seed: config.seed,
    minBuyers: config.minInteractionsPerItem,
  });
  const besides = await journal.step('measure derived', MetricsReport.shape.derived.unwrap(), () =>
    measureBesides(derived.test, { ...defaults, ...answers, discover }, found, context, tools),
  );
  onProgress?.('measure', 1);
  return { slots, overall, shipped, answers, derived: besides };
}

/** The derived questions, by what answers them when served. */
async function measureBesides(
  cases: DerivedCases,
  { similar, basket, discover }: Readonly<Record<'similar' | 'basket' | 'discover', Setting>>,
  found: SearchResult,
  context: SearchContext,
  { fits, baseline, shelf, seed, test: { before } }: Tools,
): Promise<Measured['derived']> {
  const answers = async (setting: Setting, lister = basketLister) => ({
    name: setting.algorithm,
    list: lister(await fits(setting), before, shelf),
  });
  const popular = await answers(baseline('discover', 'popularity'));
  const measured: Measured['derived'] = {};
  const add = (slot: DerivedSlot, result: DerivedMetrics | null) => {
    if (result !== null) measured[slot] = result;
  };
  add('similar', await measureDerived(cases.similar, await answers(similar, similarLister), popular, seed));
  add('basket', await measureDerived(cases.basket, await answers(basket), popular, seed));
  add('cold-customer', await measureDerived(cases['cold-customer'], await answers(discover), popular, seed));
  add('cold-item', await measureNewItems(cases['cold-item'], { before, discover, found, fits }, context));
  return measured;
}

async function measureSlot(
  slot: SlotName,
  { algorithm, options, fellBack }: Choice,
  live: SlotMetrics | null,
  tools: Tools,
): Promise<SlotMetrics> {
  const { fits, test, shelf, score, seed } = tools;
  const measured = async (setting: Setting) => score(listerOf(await fits(setting), shelf, slot), slot);
  const baselines: Record<string, RankingMetrics> = {};
  const baselineOptions: SlotMetrics['baselineOptions'] = {};
  const against = slotBaseline[slot];
  let theirs: Evaluation | null = null;
  for (const name of BASELINES) {
    if (!registry[name].slots.includes(slot)) continue;
    const setting = tools.baseline(slot, name);
    const found = await measured(setting);
    baselines[name] = found.metrics;
    baselineOptions[name] = setting.options;
    if (name === against && settingKey(setting) !== settingKey({ algorithm, options })) theirs = found;
  }
  const ours = await measured({ algorithm, options });
  const { metrics, customers, figures } = ours;
  const champion = live && (await measureChampion(live, measured));
  const interval = bootstrapMean(figures, seed);
  const lead = theirs && { against, ...bootstrapDifference(figures, theirs.figures, seed) };
  const customersBy = measureParts(test, ours, theirs ?? ours, seed);
  return {
    model: metrics,
    baselines,
    baselineOptions,
    champion,
    algorithm,
    options,
    customers,
    fellBack,
    ...(customers > 0 ? { interval, ...(lead ? { lead } : {}), customersBy } : {}),
  };
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
  discoverShare: number,
  { fits, baseline, shelf, score, seed }: Tools,
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
  const model = nextOrderLister(
    await fits(shipped.reorder),
    await fits(shipped.discover),
    shelf,
    discoverShare,
  );
  const { metrics, customers, figures } = await score(model, 'overall');
  const interval = bootstrapMean(figures, seed);
  return { model: metrics, baselines, customers, discoverShare, ...(customers > 0 ? { interval } : {}) };
}
