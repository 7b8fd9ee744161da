import { createHash } from 'node:crypto';
import type { MetricsReport, ModelCard, TrialResult } from '#core/metrics';
import type { TrainingConfig } from '#core/training-config';
import { buildHistory, sizeOf, type Catalogue, type Interactions } from './data.ts';
import { derivedCases } from './derived.ts';
import { requireItemItem } from './item-item.ts';
import { openJournal, type CheckpointStore, type Journal } from './journal.ts';
import { withPool, type Pool } from './kernels/pool.ts';
import { fitOnce, measure } from './measure.ts';
import { makeCard } from './model-card.ts';
import { fitPacks } from './packs.ts';
import { makeRecommender, saveRecommender, type Portfolio, type Recommender } from './recommend.ts';
import { fitSetting } from './model-keeper.ts';
import { search, type SearchContext } from './search.ts';
import { fitSignals } from './signals/fit.ts';
import { makeCases, planWindows } from './split.ts';
import { plainSetting } from './trial-plan.ts';

/** Everything a training run depends on: the same input gives the same artifact, unless `config.seconds` cut the search. */
export interface TrainInput {
  readonly interactions: Interactions;
  readonly customers: Catalogue;
  readonly items: Catalogue;
  readonly config: TrainingConfig;
  /** When the model is made, milliseconds since 1970; goes on the card. */
  readonly now: number;
  /** Seconds that pass; measures the budget. Defaults to the process's clock. */
  readonly clock?: () => number;
  /** Metrics of the live version: its settings are measured beside the new ones, for the gate. */
  readonly champion?: MetricsReport | null;
  /** Worker threads; 1 (the default) works in this thread. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** `search`, `measure`, `fit`; the share of that step, 0 … 1. */
  readonly onProgress?: (step: string, share: number) => void;
  readonly onTrial?: (trial: TrialResult) => void;
  /**
   * Keeps what was found step by step: a training that died goes on from there and ends with the same artifact, also
   * where the time cap had decided something before it died.
   */
  readonly checkpoint?: CheckpointStore;
}

export interface TrainOutput {
  /** The artifact file's bytes (`openRecommender` reads them). */
  readonly artifact: Uint8Array;
  /** The recommender that the artifact holds, for offline lists. */
  readonly recommender: Recommender;
  readonly report: MetricsReport;
  readonly card: ModelCard;
}

/**
 * Trains a version: chooses per slot on the validation window (the slot's baseline where nothing did better), measures
 * once on the test window beside the baselines and the live version's settings, then fits what ships on everything.
 * TerminalErrors: `history-empty`, `history-too-short`. An abort rejects with the signal's reason.
 */
export async function train(input: TrainInput): Promise<TrainOutput> {
  return withPool(input.threads ?? 1, (pool) => trainWith(input, pool));
}

/**
 * The card as it goes into the artifact: without what only the clock or the way there knows, so that the file follows
 * from the input alone.
 */
function withoutClock(card: ModelCard): ModelCard {
  const metrics = { ...card.metrics, seconds: 0 };
  delete metrics.tried;
  return { ...card, metrics };
}

/** A digest of everything that decides what a training finds. */
function inputDigest({ interactions, customers, items, config, now, champion }: TrainInput): string {
  const hash = createHash('sha256');
  for (const column of Object.values(interactions) as (Int32Array | Float64Array)[])
    hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  for (const part of [customers, items, config, now, champion ?? null]) hash.update(JSON.stringify(part));
  return hash.digest('hex');
}

async function openTraining(input: TrainInput): Promise<Journal> {
  const clock = input.clock ?? (() => performance.now() / 1000);
  const digest = input.checkpoint ? inputDigest(input) : '';
  return openJournal(digest, clock, input.checkpoint ?? null);
}

async function trainWith(input: TrainInput, pool: Pool): Promise<TrainOutput> {
  const { interactions, config, onProgress } = input;
  const journal = await openTraining(input);
  const size = sizeOf(input.customers, input.items);
  const context: SearchContext = {
    config,
    pool,
    journal,
    catalogue: input.items,
    ...(input.signal ? { signal: input.signal } : {}),
    ...(input.onTrial ? { onTrial: input.onTrial } : {}),
    ...(onProgress ? { onProgress } : {}),
  };
  const windows = planWindows(interactions.time, config.holdout);
  const validation = makeCases(interactions, size, windows.validationFrom, windows.testFrom);
  const found = await search(validation, context);
  const test = makeCases(interactions, size, windows.testFrom, Infinity);
  const { validationFrom, testFrom } = windows;
  const derived = {
    validation: derivedCases(interactions, validation.before, validationFrom, config.seed, testFrom),
    test: derivedCases(interactions, test.before, testFrom, config.seed),
  };
  const measured = await measure(found, test, context, input.champion ?? null, derived);
  onProgress?.('fit', 0);
  const { history, leftOut } = buildHistory(interactions, size);
  const neighbours =
    found.baselines.discover['item-neighbours'] ?? plainSetting('item-neighbours', config, size);
  const fits = fitOnce((setting) => fitSetting(setting, history, context));
  const { reorder, discover } = measured.shipped;
  const slots = {
    reorder: { algorithm: reorder.algorithm, model: await fits(reorder) },
    discover: { algorithm: discover.algorithm, model: await fits(discover) },
  };
  const { similar, basket } = measured.answers;
  const answers = {
    ...(similar ? { similar: { algorithm: similar.algorithm, model: await fits(similar) } } : {}),
    ...(basket ? { basket: { algorithm: basket.algorithm, model: await fits(basket) } } : {}),
  };
  const report: MetricsReport = {
    slots: measured.slots,
    overall: measured.overall,
    derived: measured.derived,
    window: {
      trainFrom: iso(windows.trainFrom),
      validationFrom: iso(windows.validationFrom),
      testFrom: iso(windows.testFrom),
      testUntil: iso(windows.testUntil),
      newCustomers: test.newCustomers,
      newItemPurchases: test.newItemPurchases,
    },
    trials: found.trials,
    trialsCut: found.cut,
    trialsStopped: found.stopped,
    seconds: journal.elapsed(),
    tried: [...found.tried],
    ...(found.failed.length > 0 ? { failed: [...found.failed] } : {}),
  };
  const card = makeCard({ ...input, report, history, leftOut, windows });
  const portfolio: Portfolio = {
    customers: input.customers,
    items: input.items,
    history,
    minBuyers: config.minInteractionsPerItem,
    slots,
    answers,
    neighbours: requireItemItem(await fits(neighbours)),
    card: withoutClock(card),
    packs: fitPacks(interactions, size.items),
    signals: await fitSignals(interactions, history, input.items, input.signal),
  };
  const artifact = saveRecommender(portfolio);
  onProgress?.('fit', 1);
  return { artifact, recommender: makeRecommender(portfolio), report, card };
}

const iso = (time: number) => new Date(time).toISOString();
