import { z } from 'zod';
import type { TrialResult } from '#core/metrics';
import { BASELINES, SLOTS, type AlgorithmName, type SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { findBlend } from './blend-trial.ts';
import { NDCG10, type EvaluateOptions, type Evaluation, type Goal } from './evaluate.ts';
import { leadersOf, MOST_CUSTOMERS, planRungs, promote, type Standing } from './halving.ts';
import type { Journal } from './journal.ts';
import { makeKeeper, type FitTools } from './model-keeper.ts';
import { makeShelf } from './rank.ts';
import { sampleCases, type Cases } from './split.ts';
import { expect, finalSeconds, tell, timeFor, tryOut } from './trial.ts';
import type { ByAlgorithm, Candidate, Search } from './trial.ts';
import { furtherTrials, isBaseline, isBaselineForm, planTrials, type Setting } from './trial-plan.ts';
import { bestFirst, type Winner } from './winner.ts';

/** What a search may use and whom it tells. */
export interface SearchContext extends FitTools {
  readonly journal: Journal;
  /** What decides; NDCG@10 where absent. */
  readonly goal?: Goal;
  /** Customers of the last rung, at most. */
  readonly customers?: number;
  /** What is tried in full whatever the caps say; the baselines where absent. */
  readonly spared?: readonly AlgorithmName[];
  /**
   * Another way to the same evaluation: benchmarks of many customers spread it over threads. `ready`: seconds that it took before
   * the first was asked.
   */
  readonly evaluate?: (
    setting: Setting,
    model: Model,
    cases: Cases,
    slot: SlotName,
    options: EvaluateOptions,
  ) => Promise<Evaluation & { readonly ready?: number }>;
  /**
   * What is chosen will be fitted afresh and asked for so many customers, all within `config.seconds`: the search leaves time
   * for it, and chooses nothing that takes longer. Where absent the seconds are the search's alone.
   */
  readonly after?: number;
  readonly onTrial?: (trial: TrialResult) => void;
  readonly onProgress?: (step: string, share: number) => void;
}

type BySlot<T> = Readonly<Record<SlotName, T>>;

export interface SearchResult {
  /** Among the chosen algorithms. */
  readonly winners: BySlot<Winner | null>;
  /** Every algorithm's best setting, of those that came furthest. */
  readonly best: BySlot<Readonly<ByAlgorithm>>;
  /** The best setting of each baseline, for the slots that were trained and that it can answer. */
  readonly baselines: BySlot<Readonly<ByAlgorithm>>;
  /** Settings tried; of these the ones that the time cap kept from a later round; planned ones never tried. */
  readonly trials: number;
  readonly stopped: number;
  readonly cut: number;
  /** Settings that could not be fitted, and why. */
  readonly failed: readonly (Setting & { readonly reason: string })[];
  /** Every trial with its curve over the rungs. */
  readonly tried: readonly TrialResult[];
  /** The validation window, its customers as the last rung measured them. */
  readonly cases: Cases;
  /** A setting fitted on what lies before the validation window. */
  readonly model: (setting: Setting) => Promise<Model>;
  /** Seconds that fitting a setting afresh in full and asking it for so many customers should take, by what was seen. */
  readonly expected: (setting: Setting, customers: number) => number;
}

/**
 * Tries the planned settings on the validation window, by successive halving (halving.ts) under the trial and time caps,
 * which spare the baselines; then blends of what did best. All that it finds goes through the journal.
 */
export async function search(cases: Cases, context: SearchContext): Promise<SearchResult> {
  const { config, onProgress, spared = BASELINES } = context;
  const size = { ...cases.before, pairs: cases.before.item.length };
  const most = sampleCases(cases, context.customers ?? MOST_CUSTOMERS, config.seed);
  const state: Search = {
    context,
    cases: most,
    size,
    shelf: makeShelf(cases.before, config.minInteractionsPerItem),
    goal: context.goal ?? NDCG10,
    keeper: makeKeeper(cases.before, context),
    best: { reorder: {}, discover: {} },
    tried: new Map(),
    costs: [],
    from: 0,
  };
  const plan: Candidate[] = [];
  const add = (settings: readonly Setting[]) =>
    settings.map((setting) => {
      const candidate: Candidate = { trial: plan.length, setting, curves: new Map() };
      plan.push(candidate);
      return candidate;
    });
  add(planTrials(config, size, spared));
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
  const failed = new Map<number, SearchResult['failed'][number]>();
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
        failed.set(candidate.trial, { ...candidate.setting, reason: outcome.failure });
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
    if (n > 0 || rungs.length === 1) continue;
    const planned = plan.map(({ setting }) => setting);
    const further = furtherTrials(
      alive.map(({ setting }) => setting),
      planned,
      config,
      size,
      spared,
    );
    // What leads goes first, so that it is not left out for what might be better.
    alive = [...alive.slice(0, 1), ...add(further), ...alive.slice(1)];
  }
  for (const candidate of leftOver(plan, cut, state)) {
    // What the rungs left of the time goes to what it cut before its first trial, the algorithms that do best first.
    const n = rungs.length - 1;
    const allowed = await timeFor(state, candidate, rungs.length, rungs[n]!, true);
    const outcome = allowed === null ? null : await tryOut(state, candidate, n, rungs[n]!, allowed);
    if (outcome === null) continue;
    cut.delete(candidate.trial);
    if (outcome.failure !== undefined)
      failed.set(candidate.trial, { ...candidate.setting, reason: outcome.failure });
  }
  const winners: Record<SlotName, Winner | null> = { reorder: null, discover: null };
  for (const slot of SLOTS) winners[slot] = await winnerOf(state, slot, plan.length);
  onProgress?.('search', 1);
  const tried = new Set([...state.tried.values()].map(({ trial }) => trial));
  const stopped = [...cut].filter((trial) => tried.has(trial)).length;
  return {
    winners,
    best: state.best,
    baselines: held,
    trials: tried.size,
    stopped,
    cut: cut.size - stopped,
    failed: [...failed.values()],
    tried: [...state.tried.values()],
    cases: most,
    model: (setting) => state.keeper.model(setting),
    expected: (setting, asked) =>
      expect(state, setting, { effort: 1, customers: asked, fresh: true }).seconds,
  };
}

/** What the time cap kept from any trial, those of the algorithms that did best first, best guesses first. */
function leftOver(
  plan: readonly Candidate[],
  cut: ReadonlySet<number>,
  { best, tried }: Search,
): Candidate[] {
  const had = new Set([...tried.values()].map(({ trial }) => trial));
  const order = SLOTS.flatMap((slot) => bestFirst(Object.values(best[slot]))).map(
    ({ algorithm }) => algorithm,
  );
  const place = ({ setting }: Candidate) => {
    const at = order.indexOf(setting.algorithm);
    return at < 0 ? order.length : at;
  };
  return plan
    .filter(({ trial }) => cut.has(trial) && !had.has(trial))
    .toSorted((a, b) => place(a) - place(b) || a.trial - b.trial);
}

function onlyBaselines(best: ByAlgorithm): ByAlgorithm {
  return Object.fromEntries(
    Object.values(best)
      .filter(({ algorithm }) => isBaseline(algorithm))
      .map((winner) => [winner.algorithm, winner]),
  );
}

/** The best of the chosen algorithms for a slot, or the blend of the best where that is better beyond doubt. */
async function winnerOf(state: Search, slot: SlotName, trial: number): Promise<Winner | null> {
  const { config, journal, after } = state.context;
  // Of equals the one named first in the configuration.
  const all = bestFirst([...new Set(config.algorithms)].flatMap((name) => state.best[slot][name] ?? []));
  const slow = await journal.step(`time winner ${slot}`, z.array(z.string()), () => {
    const left = config.seconds - journal.elapsed();
    if (after === undefined) return [];
    return all.filter((winner) => finalSeconds(state, winner) > left).map(({ algorithm }) => algorithm);
  });
  const intime = all.filter(({ algorithm }) => !slow.includes(algorithm));
  const ranked = intime.length > 0 ? intime : all;
  const single = ranked[0] ?? null;
  if (single === null || ranked.length < 2 || !config.algorithms.includes('blend')) return single;
  const plan = await journal.step(`time blend ${slot}`, BlendPlan, () => planBlend(state, ranked));
  const parts = ranked.filter(({ algorithm }) => plan.parts.includes(algorithm));
  if (parts.length < 2) return single;
  const blend = await findBlend(parts, slot, {
    ...state,
    journal,
    seed: config.seed,
    customers: plan.customers,
    k: config.k,
    modelOf: (setting) => state.keeper.model(setting),
  });
  if (blend === null) return single;
  const { winner, seconds, better, customers } = blend;
  const { algorithm, options, validation: metrics, figure } = winner;
  const curve = [{ rung: 0, customers, effort: 1, figure, seconds }];
  tell(state, { trial: trial + SLOTS.indexOf(slot), slot, algorithm, options, metrics, seconds, curve });
  if (!better) return single;
  state.best[slot].blend = winner;
  return winner;
}

/** What a blend is looked for among, and with how many customers. */
const BlendPlan = z.object({ parts: z.array(z.string()), customers: z.int() });

/** Algorithms that a blend is looked for among, the best first. */
const PARTS = 5;
/** Of these so many are of a blend, at most. */
const SHIPPED = 3;
/** Customers that weights are learned on, at most: more do not change them. */
const LEARN_ON = 2000;
/** Where time is short, at least so many of them. */
const LEAST_LEARN_ON = 600;

/**
 * Of `ranked` the algorithms that a blend can be made of before the time is over, what it takes afterwards included; the best
 * always.
 */
function planBlend(state: Search, ranked: readonly Winner[]): z.infer<typeof BlendPlan> {
  const { context, cases, keeper } = state;
  const { journal, config, pool } = context;
  const left = config.seconds - journal.elapsed();
  // Threads that answered the trials do not help here.
  const alone = context.evaluate === undefined ? 1 : pool.threads;
  const plan = (customers: number) => {
    let spent = 0;
    const finals: number[] = [];
    const parts = ranked.filter((setting, place) => {
      if (finals.length >= PARTS) return false;
      const fit = keeper.has(setting)
        ? 0
        : expect(state, setting, { effort: 1, customers: 0, ahead: keeper.ahead(setting) }).seconds;
      const asked = expect(state, setting, { effort: 1, customers }).seconds;
      const ask = (asked - expect(state, setting, { effort: 1, customers: 0 }).seconds) * alone;
      const cost = fit + ask;
      const longest = [...finals, finalSeconds(state, setting)].toSorted((a, b) => b - a).slice(0, SHIPPED);
      if (place > 0 && spent + cost + longest.reduce((sum, one) => sum + one, 0) > left) return false;
      spent += cost;
      finals.push(finalSeconds(state, setting));
      return true;
    });
    return { parts: parts.map(({ algorithm }) => algorithm), customers };
  };
  if (left <= 0) return { parts: [], customers: 0 };
  const many = plan(Math.min(LEARN_ON, cases.customers.length));
  const few = plan(Math.min(LEAST_LEARN_ON, cases.customers.length));
  return few.parts.length > many.parts.length ? few : many;
}
