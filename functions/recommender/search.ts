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

/** The baseline form of `algorithm`: its first trial. */
export function baselineSetting(
  algorithm: AlgorithmName,
  config: TrainingConfig,
  size: { customers: number; items: number },
): Setting {
  const entry = registry[algorithm];
  return { algorithm, options: entry.options.parse(entry.trials(config, size)[0] ?? {}) };
}

/**
 * What to try, in order: the baselines first, then one setting of each chosen algorithm in turn, best guesses first, so
 * that a short budget still tries everything. `config.trials` counts all but the baselines.
 */
export function planTrials(config: TrainingConfig, size: { customers: number; items: number }): Setting[] {
  const baselines = BASELINES.map((name) => baselineSetting(name, config, size));
  const queues = config.algorithms.map((algorithm) => {
    const entry = registry[algorithm];
    const settings = entry
      .trials(config, size)
      .map((options) => ({ algorithm, options: entry.options.parse(options) }));
    return BASELINES.some((name) => name === algorithm) ? settings.slice(1) : settings;
  });
  const planned: Setting[] = [];
  for (let round = 0; queues.some((queue) => queue[round] !== undefined); round++)
    for (const queue of queues) {
      const setting = queue[round];
      if (setting && registry[setting.algorithm].slots.some((slot) => config.slots.includes(slot)))
        planned.push(setting);
    }
  return [...baselines, ...planned.slice(0, config.trials)];
}

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
  readonly winners: Readonly<Record<SlotName, Winner | null>>;
  /** The best item-neighbours setting for discovery: similar items and explanations use it. */
  readonly neighbours: Setting;
  readonly trials: number;
}

/** Tries the planned settings on the validation window until the trial or time cap; each is fitted once for all its slots. */
export async function search(cases: Cases, context: SearchContext): Promise<SearchResult> {
  const { config, clock, signal, onTrial, onProgress } = context;
  const size = { customers: cases.before.customers, items: cases.before.items };
  const plan = planTrials(config, size);
  const shelf = makeShelf(cases.before, config.minInteractionsPerItem);
  const winners: Record<SlotName, Winner | null> = { reorder: null, discover: null };
  let neighbours: Winner | null = null;
  const latest = new Map<AlgorithmName, { options: Record<string, unknown>; model: Model }>();
  const began = clock();
  let tried = 0;
  for (const [trial, setting] of plan.entries()) {
    // Baselines are always measured: without them no result means anything.
    if (trial >= BASELINES.length && clock() - began >= config.seconds) break;
    signal?.throwIfAborted();
    const started = clock();
    const former = latest.get(setting.algorithm);
    const model =
      (former && registry[setting.algorithm].refit?.(former.model, former.options, setting.options)) ??
      (await fitSetting(setting, cases.before, context));
    latest.set(setting.algorithm, { options: setting.options, model });
    for (const slot of SLOTS) {
      if (!config.slots.includes(slot) || !registry[setting.algorithm].slots.includes(slot)) continue;
      const { metrics } = await evaluate(listerOf(model, shelf, slot), cases, slot, {
        k: config.k,
        catalogue: size.items,
        ...(signal ? { signal } : {}),
      });
      onTrial?.({ trial, slot, ...setting, metrics, seconds: clock() - started });
      if (config.algorithms.includes(setting.algorithm))
        winners[slot] = better(winners[slot], setting, metrics);
      if (slot === 'discover' && setting.algorithm === 'item-neighbours')
        neighbours = better(neighbours, setting, metrics);
    }
    tried++;
    onProgress?.('search', tried / plan.length);
  }
  return {
    winners,
    neighbours: neighbours ?? baselineSetting('item-neighbours', config, size),
    trials: tried,
  };
}

/** The better of two by NDCG@10; the earlier where equal. */
function better(known: Winner | null, setting: Setting, metrics: RankingMetrics): Winner {
  return known !== null && known.validation.ndcg10 >= metrics.ndcg10
    ? known
    : { ...setting, validation: metrics };
}
