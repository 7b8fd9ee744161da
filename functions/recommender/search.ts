import { z } from 'zod';
import { TerminalError } from '#core/errors';
import { RankingMetrics, type TrialResult } from '#core/metrics';
import { BASELINES, SLOTS, type AlgorithmName, type SlotName } from '#core/slot';
import type { TrainingConfig } from '#core/training-config';
import type { Model } from './algorithm.ts';
import { findBlend } from './blend-trial.ts';
import { learnable, type Catalogue, type History } from './data.ts';
import {
  evaluateLists,
  listsOf,
  NDCG10,
  type EvaluateOptions,
  type Evaluation,
  type Goal,
} from './evaluate.ts';
import { leadersOf, MOST_CUSTOMERS, planRungs, promote, type Rung, type Standing } from './halving.ts';
import type { Journal } from './journal.ts';
import type { Pool } from './kernels/pool.ts';
import { seededRandom } from './random.ts';
import { makeShelf, type Shelf } from './rank.ts';
import { registry } from './registry.ts';
import { sampleCases, type Cases } from './split.ts';
import { allowedSeconds, expectedSeconds, within, type Cost } from './trial-cost.ts';
import { isBaseline, isBaselineForm, planTrials, settingKey, type Setting } from './trial-plan.ts';
import { bestFirst, packFigures, spreadFigures, unpackFigures, type Winner } from './winner.ts';

/** What a search may use and whom it tells. */
export interface SearchContext {
  readonly config: TrainingConfig;
  readonly pool: Pool;
  readonly journal: Journal;
  /** The items' names and categories, for what learns from them. */
  readonly catalogue?: Catalogue;
  /** What decides; NDCG@10 where absent. */
  readonly goal?: Goal;
  /** Customers of the last rung, at most. */
  readonly customers?: number;
  /** What is tried in full whatever the caps say; the baselines where absent. */
  readonly spared?: readonly AlgorithmName[];
  /** Another way to the same evaluation: benchmarks of many customers spread it over threads. */
  readonly evaluate?: (
    setting: Setting,
    model: Model,
    cases: Cases,
    slot: SlotName,
    options: EvaluateOptions,
  ) => Promise<Evaluation>;
  readonly signal?: AbortSignal;
  readonly onTrial?: (trial: TrialResult) => void;
  readonly onProgress?: (step: string, share: number) => void;
}

/** Fits `setting` on what may be learned from `history`; the same seed for every fit, so their order plays no part. */
export async function fitSetting(setting: Setting, history: History, context: SearchContext): Promise<Model> {
  const { config, pool, signal, catalogue } = context;
  const learned = learnable(history, config.minInteractionsPerCustomer, config.minInteractionsPerItem);
  return registry[setting.algorithm].fit(learned, setting.options, {
    random: seededRandom(config.seed),
    pool,
    ...(catalogue ? { catalogue } : {}),
    ...(signal ? { signal } : {}),
  });
}

type BySlot<T> = Readonly<Record<SlotName, T>>;
type ByAlgorithm = Partial<Record<AlgorithmName, Winner>>;

export interface SearchResult {
  /** Among the chosen algorithms. */
  readonly winners: BySlot<Winner | null>;
  /** Every algorithm's best setting, of those that came furthest. */
  readonly best: BySlot<Readonly<ByAlgorithm>>;
  /** The best setting of each baseline, for the slots that were trained and that it can answer. */
  readonly baselines: BySlot<Readonly<ByAlgorithm>>;
  /** Settings tried, and planned ones of which the time cap cut the trial or a rung. */
  readonly trials: number;
  readonly cut: number;
  /** Settings that could not be fitted, and why. */
  readonly failed: readonly (Setting & { readonly reason: string })[];
  /** Every trial with its curve over the rungs. */
  readonly tried: readonly TrialResult[];
  /** The validation window, its customers as the last rung measured them. */
  readonly cases: Cases;
  /** A setting fitted on what lies before the validation window. */
  readonly model: (setting: Setting) => Promise<Model>;
  /** Seconds that fitting a setting in full and asking it for so many customers should take; null where nothing is known. */
  readonly expected: (setting: Setting, customers: number) => number | null;
}

/** What a trial of one rung found, as it is kept in a checkpoint. */
const Outcome = z.object({
  seconds: z.number(),
  /** Of these the fit's. */
  fit: z.number().default(0),
  /** Why nothing was found: the setting does not suit the data. */
  failure: z.string().optional(),
  slots: z.partialRecord(
    z.enum(SLOTS),
    z.object({ metrics: RankingMetrics, figure: z.number(), customers: z.int(), figures: z.string() }),
  ),
});
type Outcome = z.infer<typeof Outcome>;

/** A trial under way. */
interface Candidate {
  readonly trial: number;
  readonly setting: Setting;
  readonly curves: Map<SlotName, NonNullable<TrialResult['curve']>>;
}

/** What the rungs share. */
interface Search {
  readonly context: SearchContext;
  readonly cases: Cases;
  readonly shelf: Shelf;
  readonly goal: Goal;
  /** The last model fitted of each algorithm, for `refit`. */
  readonly latest: Map<AlgorithmName, { options: Record<string, unknown>; model: Model }>;
  /** The model of each algorithm's best trial for a slot: blends and later rungs need it again. */
  readonly kept: Map<string, { key: string; effort: number; figure: number; model: Model }>;
  readonly best: Record<SlotName, ByAlgorithm>;
  readonly tried: Map<string, TrialResult>;
  readonly costs: Cost[];
  /** Seconds that had passed when the first rung began. */
  from: number;
}

/**
 * Tries the planned settings on the validation window, by successive halving (halving.ts) under the trial and time caps,
 * which spare the baselines; then blends of what did best. All that it finds goes through the journal.
 */
export async function search(cases: Cases, context: SearchContext): Promise<SearchResult> {
  const { config, onProgress } = context;
  const most = sampleCases(cases, context.customers ?? MOST_CUSTOMERS, config.seed);
  const state: Search = {
    context,
    cases: most,
    shelf: makeShelf(cases.before, config.minInteractionsPerItem),
    goal: context.goal ?? NDCG10,
    latest: new Map(),
    kept: new Map(),
    best: { reorder: {}, discover: {} },
    tried: new Map(),
    costs: [],
    from: 0,
  };
  const { spared = BASELINES } = context;
  const plan = planTrials(config, cases.before, spared).map((setting, trial): Candidate => ({
    trial,
    setting,
    curves: new Map(),
  }));
  const baselines = plan.filter(({ setting }) => spared.includes(setting.algorithm));
  const rungs = planRungs(plan.length - baselines.length, most.customers.length, context.customers);
  const work = baselines.length + rungs.length * (plan.length - baselines.length);
  let done = 0;
  const advance = () => onProgress?.('search', Math.min(1, ++done / work));
  const tryInFull = async (candidates: readonly Candidate[]) => {
    for (const candidate of candidates) {
      await tryOut(state, candidate, rungs.length - 1, rungs.at(-1)!, Infinity);
      advance();
    }
  };
  // Baselines are always measured in full, at their best: without them no result means anything. What is more than a
  // baseline, though of its algorithm, is held against it like everything else.
  await tryInFull(baselines.filter(({ setting }) => isBaselineForm(setting)));
  const held = { reorder: onlyBaselines(state.best.reorder), discover: onlyBaselines(state.best.discover) };
  await tryInFull(baselines.filter(({ setting }) => !isBaselineForm(setting)));
  // The rungs share what the baselines leave of the time.
  state.from = await context.journal.step('time baselines', z.number(), () => context.journal.elapsed());
  let alive = plan.slice(baselines.length);
  const cut = new Set<number>();
  const failed: SearchResult['failed'][number][] = [];
  let leaders: ReadonlySet<number> = new Set();
  for (const [n, rung] of rungs.entries()) {
    const standings: Standing[] = [];
    for (const candidate of alive) {
      advance();
      const allowed = await timeFor(state, candidate, n, rung, leaders.has(candidate.trial));
      const outcome = allowed === null ? null : await tryOut(state, candidate, n, rung, allowed);
      if (outcome === null) {
        cut.add(candidate.trial);
        continue;
      }
      if (outcome.failure !== undefined) {
        failed.push({ ...candidate.setting, reason: outcome.failure });
        continue;
      }
      const figures = Object.fromEntries(
        Object.entries(outcome.slots).map(([slot, { figure }]) => [slot, figure]),
      );
      standings.push({ trial: candidate.trial, algorithm: candidate.setting.algorithm, figures });
    }
    const going = promote(standings);
    leaders = leadersOf(standings);
    alive = going.map((trial) => plan[trial]!);
  }
  const winners: Record<SlotName, Winner | null> = { reorder: null, discover: null };
  for (const slot of SLOTS) winners[slot] = await winnerOf(state, slot, plan.length);
  onProgress?.('search', 1);
  return {
    winners,
    best: state.best,
    baselines: held,
    trials: new Set([...state.tried.values()].map(({ trial }) => trial)).size,
    cut: cut.size,
    failed,
    tried: [...state.tried.values()],
    cases: most,
    model: (setting) => modelOf(state, setting),
    expected: (setting, customers) => expectedSeconds(state.costs, setting, { effort: 1, customers }),
  };
}

function onlyBaselines(best: ByAlgorithm): ByAlgorithm {
  return Object.fromEntries(
    Object.values(best)
      .filter(({ algorithm }) => isBaseline(algorithm))
      .map((winner) => [winner.algorithm, winner]),
  );
}

/** The time cap's decision about one trial, which a later life of the training takes over: its seconds, null: none. */
async function timeFor(state: Search, { trial, setting }: Candidate, n: number, rung: Rung, leads: boolean) {
  const { journal, config } = state.context;
  return journal.step(`time ${n}/${trial}`, z.number().nullable(), () => {
    const time = { spent: journal.elapsed(), from: state.from, cap: config.seconds, until: rung.until };
    return allowedSeconds(time, expectedSeconds(state.costs, setting, rung), leads);
  });
}

/** A trial of at most `allowed` seconds; null where they were not enough. */
async function tryOut(
  state: Search,
  candidate: Candidate,
  n: number,
  rung: Rung,
  allowed: number,
): Promise<Outcome | null> {
  const { context, best, cases, costs } = state;
  const { trial, setting } = candidate;
  const key = settingKey(setting);
  const outcome = await context.journal.step(`trial ${n}/${trial} ${key}`, Outcome.nullable(), () =>
    within(allowed, context.signal, (signal) => measureTrial(state, setting, rung, signal)),
  );
  // How long it would have taken is not known, but for more than that.
  const { fit, seconds } = outcome ?? { fit: 2 * allowed, seconds: 2 * allowed };
  const customers = Math.min(rung.customers, cases.customers.length);
  const { effort } = rung;
  costs.push({ algorithm: setting.algorithm, key, effort, customers, fit, ask: seconds - fit });
  if (outcome === null) return null;
  for (const slot of SLOTS) {
    const found = outcome.slots[slot];
    if (!found) continue;
    const { metrics, figure, customers } = found;
    const point = { rung: n, customers, effort: rung.effort, figure, seconds: outcome.seconds };
    const curve = [...(candidate.curves.get(slot) ?? []), point];
    candidate.curves.set(slot, curve);
    tell(state, { trial, slot, ...setting, metrics, seconds: outcome.seconds, curve });
    const known = best[slot][setting.algorithm];
    // What went further was better before, and is known better now; where the time cap ended all of an algorithm's
    // trials early, what they had reached by then still counts.
    if (known === undefined || n > known.rung || (n === known.rung && figure > known.figure)) {
      const sample = sampleCases(cases, rung.customers, context.config.seed);
      const figures = spreadFigures(unpackFigures(found.figures), sample.customers, cases.customers);
      best[slot][setting.algorithm] = { ...setting, validation: metrics, figure, figures, rung: n };
    }
  }
  return outcome;
}

function tell(state: Search, trial: TrialResult): void {
  state.tried.set(`${trial.trial} ${trial.slot}`, trial);
  state.context.onTrial?.(trial);
}

async function measureTrial(
  state: Search,
  setting: Setting,
  rung: Rung,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const { context, cases, kept } = state;
  const { config, journal } = context;
  const began = journal.elapsed();
  const entry = registry[setting.algorithm];
  const options =
    rung.effort < 1 ? (entry.reduced?.(setting.options, rung.effort) ?? setting.options) : setting.options;
  const reduced = { ...setting, options };
  const model = await modelOf(state, reduced, signal).catch((error: unknown) => {
    // What one setting cannot do must not end the search; what is always measured must be able to.
    if (!(error instanceof TerminalError) || (context.spared ?? BASELINES).includes(setting.algorithm))
      throw error;
    return error;
  });
  const fit = journal.elapsed() - began;
  if (model instanceof TerminalError) return { seconds: fit, fit, slots: {}, failure: model.message };
  const sample = sampleCases(cases, rung.customers, config.seed);
  const slots: Outcome['slots'] = {};
  for (const slot of SLOTS) {
    if (!config.slots.includes(slot) || !entry.slots.includes(slot)) continue;
    const { metrics, customers, figure, figures } = await evaluateSlot(
      state,
      reduced,
      model,
      sample,
      slot,
      signal,
    );
    slots[slot] = { metrics, customers, figure, figures: packFigures(figures) };
    const place = `${setting.algorithm} ${slot}`;
    const known = kept.get(place);
    // A fit of more effort is worth keeping whatever a lesser one reached on fewer customers.
    if (!known || rung.effort > known.effort || (rung.effort === known.effort && figure > known.figure))
      kept.set(place, { key: settingKey(reduced), effort: rung.effort, figure, model });
  }
  return { seconds: journal.elapsed() - began, fit, slots };
}

/** The model of a setting: kept, or made from the last of its algorithm, or fitted. */
async function modelOf(state: Search, setting: Setting, signal = state.context.signal): Promise<Model> {
  const { latest, kept, context, cases } = state;
  const key = settingKey(setting);
  for (const known of kept.values()) if (known.key === key) return known.model;
  const former = latest.get(setting.algorithm);
  const model =
    (former && registry[setting.algorithm].refit?.(former.model, former.options, setting.options)) ??
    (await fitSetting(setting, cases.before, signal ? { ...context, signal } : context));
  latest.set(setting.algorithm, { options: setting.options, model });
  return model;
}

function evaluateSlot(
  state: Search,
  setting: Setting,
  model: Model,
  cases: Cases,
  slot: SlotName,
  signal = state.context.signal,
) {
  const { context, shelf, goal } = state;
  const options: EvaluateOptions = {
    k: context.config.k,
    catalogue: cases.before.items,
    goal,
    ...(signal ? { signal } : {}),
  };
  return context.evaluate
    ? context.evaluate(setting, model, cases, slot, options)
    : evaluateLists(listsOf(model, shelf, slot, cases), cases, slot, options);
}

/** The best of the chosen algorithms for a slot, or the blend of the best where that is better beyond doubt. */
async function winnerOf(state: Search, slot: SlotName, trial: number): Promise<Winner | null> {
  const { config, journal } = state.context;
  // Of equals the one named first in the configuration.
  const ranked = bestFirst([...new Set(config.algorithms)].flatMap((name) => state.best[slot][name] ?? []));
  const single = ranked[0] ?? null;
  if (single === null || ranked.length < 2 || !config.algorithms.includes('blend')) return single;
  const names = await journal.step(`time blend ${slot}`, z.array(z.string()), () =>
    partsInTime(state, ranked),
  );
  const parts = ranked.filter(({ algorithm }) => names.includes(algorithm));
  if (parts.length < 2) return single;
  const blend = await findBlend(parts, slot, {
    ...state,
    journal,
    seed: config.seed,
    modelOf: (setting) => modelOf(state, setting),
    evaluate: (setting, model) => evaluateSlot(state, setting, model, state.cases, slot),
  });
  if (blend === null) return single;
  const { winner, seconds, better } = blend;
  const { algorithm, options, validation: metrics, figure } = winner;
  const curve = [{ rung: 0, customers: state.cases.customers.length, effort: 1, figure, seconds }];
  tell(state, { trial: trial + SLOTS.indexOf(slot), slot, algorithm, options, metrics, seconds, curve });
  if (!better) return single;
  state.best[slot].blend = winner;
  return winner;
}

/** Of `ranked` the algorithms whose models a blend can be made of before the time is over, the best always. */
function partsInTime({ context, costs, kept, cases }: Search, ranked: readonly Winner[]): string[] {
  const { journal, config } = context;
  let left = config.seconds - journal.elapsed();
  if (left <= 0) return [];
  const known = new Set([...kept.values()].map(({ key }) => key));
  const most = { effort: 1, customers: cases.customers.length };
  return ranked
    .filter(({ algorithm, options }, place) => {
      const setting = { algorithm, options };
      const cost = known.has(settingKey(setting)) ? 0 : (expectedSeconds(costs, setting, most) ?? Infinity);
      if (place > 0 && cost > left) return false;
      left -= cost;
      return true;
    })
    .map(({ algorithm }) => algorithm);
}
