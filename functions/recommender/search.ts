import type { RankingMetrics, TrialResult } from '#core/metrics';
import { BASELINES, SLOTS, type AlgorithmName, type SlotName } from '#core/slot';
import type { TrainingConfig } from '#core/training-config';
import type { Model } from './algorithm.ts';
import { learnable, type History } from './data.ts';
import { evaluate, listerOf } from './evaluate.ts';
import type { Pool } from './kernels/pool.ts';
import { seededRandom } from './random.ts';
import { makeShelf } from './rank.ts';
import { registry } from './registry.ts';
import type { Cases } from './split.ts';

/** An algorithm with its options. */
export interface Setting {
  readonly algorithm: AlgorithmName;
  readonly options: Record<string, unknown>;
}

/** What a search may use and whom it tells. */
export interface SearchContext {
  readonly config: TrainingConfig;
  readonly pool: Pool;
  /** Seconds that pass. */
  readonly clock: () => number;
  readonly signal?: AbortSignal;
  readonly onTrial?: (trial: TrialResult) => void;
  readonly onProgress?: (step: string, share: number) => void;
}

/** The plain form of `algorithm`, its first trial: what it is where nothing was tried. */
export function plainSetting(
  algorithm: AlgorithmName,
  config: TrainingConfig,
  size: { customers: number; items: number },
): Setting {
  const entry = registry[algorithm];
  return { algorithm, options: entry.options.parse(entry.trials(config, size)[0] ?? {}) };
}

/**
 * What to try, in order: every setting of the baselines, so that none is beaten for want of tuning; then `config.trials`
 * settings of the other chosen algorithms, one of each in turn, best guesses first. Of these the light ones come first,
 * so that where time runs out it cuts the last guesses of what takes longest.
 */
export function planTrials(config: TrainingConfig, size: { customers: number; items: number }): Setting[] {
  const settingsOf = (algorithm: AlgorithmName): Setting[] => {
    const entry = registry[algorithm];
    if (!entry.slots.some((slot) => config.slots.includes(slot))) return [];
    return entry
      .trials(config, size)
      .map((options) => ({ algorithm, options: entry.options.parse(options) }));
  };
  const queues = config.algorithms.filter((algorithm) => !isBaseline(algorithm)).map(settingsOf);
  const planned: Setting[] = [];
  for (let round = 0; queues.some((queue) => queue[round] !== undefined); round++)
    for (const queue of queues) if (queue[round] !== undefined) planned.push(queue[round]!);
  const chosen = planned.slice(0, config.trials);
  const of = (effort: 'light' | 'heavy') =>
    chosen.filter(({ algorithm }) => registry[algorithm].effort === effort);
  return [...BASELINES.flatMap(settingsOf), ...of('light'), ...of('heavy')];
}

const isBaseline = (algorithm: AlgorithmName) => BASELINES.some((name) => name === algorithm);

/** Fits `setting` on what may be learned from `history`; the same seed for every fit, so their order plays no part. */
export async function fitSetting(setting: Setting, history: History, context: SearchContext): Promise<Model> {
  const { config, pool, signal } = context;
  const learned = learnable(history, config.minInteractionsPerCustomer, config.minInteractionsPerItem);
  return registry[setting.algorithm].fit(learned, setting.options, {
    random: seededRandom(config.seed),
    pool,
    ...(signal ? { signal } : {}),
  });
}

/** The best setting found for a slot, by NDCG@10 on the validation window. */
export interface Winner extends Setting {
  readonly validation: RankingMetrics;
}

export interface SearchResult {
  /** Among the chosen algorithms. */
  readonly winners: Readonly<Record<SlotName, Winner | null>>;
  /** The best setting of each baseline, for the slots that were trained and that it can answer. */
  readonly baselines: Readonly<Record<SlotName, Readonly<Partial<Record<AlgorithmName, Winner>>>>>;
  /** Settings tried, and planned ones that the time cap cut. */
  readonly trials: number;
  readonly cut: number;
}

/**
 * Tries the planned settings on the validation window until the trial or time cap, which spares the baselines; each is
 * fitted once for all its slots.
 */
export async function search(cases: Cases, context: SearchContext): Promise<SearchResult> {
  const { config, clock, signal, onTrial, onProgress } = context;
  const size = { customers: cases.before.customers, items: cases.before.items };
  const plan = planTrials(config, size);
  const shelf = makeShelf(cases.before, config.minInteractionsPerItem);
  const winners: Record<SlotName, Winner | null> = { reorder: null, discover: null };
  const baselines: Record<SlotName, Partial<Record<AlgorithmName, Winner>>> = { reorder: {}, discover: {} };
  const latest = new Map<AlgorithmName, { options: Record<string, unknown>; model: Model }>();
  const began = clock();
  let tried = 0;
  for (const [trial, setting] of plan.entries()) {
    const { algorithm } = setting;
    // Baselines are always measured, at their best: without them no result means anything.
    if (!isBaseline(algorithm) && clock() - began >= config.seconds) break;
    signal?.throwIfAborted();
    const started = clock();
    const former = latest.get(algorithm);
    const model =
      (former && registry[algorithm].refit?.(former.model, former.options, setting.options)) ??
      (await fitSetting(setting, cases.before, context));
    latest.set(algorithm, { options: setting.options, model });
    for (const slot of SLOTS) {
      if (!config.slots.includes(slot) || !registry[algorithm].slots.includes(slot)) continue;
      const { metrics } = await evaluate(listerOf(model, shelf, slot), cases, slot, {
        k: config.k,
        catalogue: size.items,
        ...(signal ? { signal } : {}),
      });
      onTrial?.({ trial, slot, ...setting, metrics, seconds: clock() - started });
      if (config.algorithms.includes(algorithm)) winners[slot] = better(winners[slot], setting, metrics);
      if (isBaseline(algorithm))
        baselines[slot][algorithm] = better(baselines[slot][algorithm] ?? null, setting, metrics);
    }
    tried++;
    onProgress?.('search', tried / plan.length);
  }
  return { winners, baselines, trials: tried, cut: plan.length - tried };
}

/** The better of two by NDCG@10; the earlier where equal. */
function better(known: Winner | null, setting: Setting, metrics: RankingMetrics): Winner {
  return known !== null && known.validation.ndcg10 >= metrics.ndcg10
    ? known
    : { ...setting, validation: metrics };
}
