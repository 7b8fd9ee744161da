import { z } from 'zod';
import { TerminalError } from '#core/errors';
import { RankingMetrics, type TrialResult } from '#core/metrics';
import { BASELINES, SLOTS, type AlgorithmName, type SlotName } from '#core/slot';
import type { DataSize, Model } from './algorithm.ts';
import { evaluateLists, listsOf, type EvaluateOptions, type Evaluation, type Goal } from './evaluate.ts';
import type { Rung } from './halving.ts';
import type { ModelKeeper } from './model-keeper.ts';
import type { Shelf } from './rank.ts';
import { registry } from './registry.ts';
import type { SearchContext } from './search.ts';
import { sampleCases, type Cases } from './split.ts';
import {
  allowedSeconds,
  expectedSeconds,
  guessedSeconds,
  reducedTo,
  within,
  workOf,
  type Cost,
  type Wanted,
} from './trial-cost.ts';
import { settingKey, type Setting } from './trial-plan.ts';
import { bestFirst, packFigures, spreadFigures, unpackFigures, type Winner } from './winner.ts';

/** What a trial of one rung found, as it is kept in a checkpoint. */
const Outcome = z.object({
  seconds: z.number(),
  /** Of these the fit's. */
  fit: z.number().default(0),
  /** Seconds that making the model ready to answer took, whatever the number of customers. */
  ready: z.number().default(0),
  /** What the fit took in the units of `workOf`; null: it was made from another model. */
  work: z.number().nullable().default(null),
  /** Why nothing was found: the setting does not suit the data. */
  failure: z.string().optional(),
  slots: z.partialRecord(
    z.enum(SLOTS),
    z.object({ metrics: RankingMetrics, figure: z.number(), customers: z.int(), figures: z.string() }),
  ),
});
type Outcome = z.infer<typeof Outcome>;

/** A trial under way. */
export interface Candidate {
  readonly trial: number;
  readonly setting: Setting;
  readonly curves: Map<SlotName, NonNullable<TrialResult['curve']>>;
}

export type ByAlgorithm = Partial<Record<AlgorithmName, Winner>>;

/** What the rungs of a search share. */
export interface Search {
  readonly context: SearchContext;
  readonly cases: Cases;
  readonly size: DataSize;
  readonly shelf: Shelf;
  readonly goal: Goal;
  /** The models on what lies before the validation window. */
  readonly keeper: ModelKeeper;
  readonly best: Record<SlotName, ByAlgorithm>;
  readonly tried: Map<string, TrialResult>;
  readonly costs: Cost[];
  /** Seconds that had passed when the first rung began. */
  from: number;
}

/** Of the seconds, what trials leave to the search for blends. */
const TO_BLEND = 0.15;

/** Seconds that something should take, by what was seen of it or of its algorithm; else by its own guess. */
export function expect({ costs, size }: Search, setting: Setting, wanted: Wanted) {
  const seconds = expectedSeconds(costs, setting, wanted, size);
  return seconds === null
    ? { seconds: guessedSeconds(costs, setting, wanted.effort, size), seen: false }
    : { seconds, seen: true };
}

/** What a fit and its answers may take beyond what was seen: there is more to learn from, and the machine may be busier. */
const MARGIN = 1.25;

/** Seconds that are to be left after the search to fit `setting` again and ask it; 0 where nothing is asked of it. */
export function finalSeconds(search: Search, setting: Setting): number {
  const { after } = search.context;
  if (after === undefined) return 0;
  return MARGIN * expect(search, setting, { effort: 1, customers: after, fresh: true }).seconds;
}

/** What the best so far of the slots will still take, the longest of them. */
function reserved(search: Search): number {
  const leaders = SLOTS.flatMap((slot) => bestFirst(Object.values(search.best[slot])).slice(0, 1));
  return leaders.reduce((most, leader) => Math.max(most, finalSeconds(search, leader)), 0);
}

/** The time cap's decision about one trial, which a later life of the training takes over: its seconds, null: none. */
export async function timeFor(
  search: Search,
  { trial, setting }: Candidate,
  n: number,
  rung: Rung,
  leads: boolean,
): Promise<number | null> {
  const { journal, config, after } = search.context;
  return journal.step(`time ${n}/${trial}`, z.number().nullable(), () => {
    const ahead = search.keeper.ahead(setting);
    const customers = Math.min(rung.customers, search.cases.customers.length);
    const expected = expect(search, setting, { effort: rung.effort, customers, ahead });
    const cap = config.seconds - Math.max(reserved(search), finalSeconds(search, setting));
    const blends = config.algorithms.includes('blend') ? 1 - TO_BLEND : 1;
    return allowedSeconds(
      {
        spent: journal.elapsed(),
        from: search.from,
        cap: search.from + (cap - search.from) * blends,
        until: rung.until,
        hard: after !== undefined,
      },
      expected,
      leads,
    );
  });
}

/** A trial of at most `allowed` seconds; null where they were not enough. */
export async function tryOut(
  search: Search,
  candidate: Candidate,
  n: number,
  rung: Rung,
  allowed: number,
): Promise<Outcome | null> {
  const { context, best, cases, costs } = search;
  const { trial, setting } = candidate;
  const key = settingKey(setting);
  const ahead = search.keeper.ahead(setting);
  const outcome = await context.journal.step(`trial ${n}/${trial} ${key}`, Outcome.nullable(), () =>
    within(allowed, context.signal, (signal) => measureTrial(search, setting, rung, signal)),
  );
  // How long it would have taken is not known, but for more than that.
  const { fit, ready, seconds, work } = outcome ?? {
    fit: 2 * allowed,
    ready: 0,
    seconds: 2 * allowed,
    work: Math.max(0, workOf(setting, rung.effort, search.size) - ahead),
  };
  const customers = Math.min(rung.customers, cases.customers.length);
  const ask = Math.max(0, seconds - fit - ready);
  costs.push({ algorithm: setting.algorithm, key, work, customers, fit, ready, ask });
  if (outcome === null) return null;
  for (const slot of SLOTS) {
    const found = outcome.slots[slot];
    if (!found) continue;
    const { metrics, figure, customers: measured } = found;
    const point = { rung: n, customers: measured, effort: rung.effort, figure, seconds: outcome.seconds };
    const curve = [...(candidate.curves.get(slot) ?? []), point];
    candidate.curves.set(slot, curve);
    tell(search, { trial, slot, ...setting, metrics, seconds: outcome.seconds, curve });
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

/** Keeps a trial's result and tells whoever listens. */
export function tell({ tried, context }: Search, trial: TrialResult): void {
  tried.set(`${trial.trial} ${trial.slot}`, trial);
  context.onTrial?.(trial);
}

async function measureTrial(
  search: Search,
  setting: Setting,
  rung: Rung,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const { context, cases, keeper } = search;
  const { config, journal } = context;
  const began = journal.elapsed();
  const reduced = reducedTo(setting, rung.effort);
  const made = await keeper.make(reduced, signal).catch((error: unknown) => {
    // What one setting cannot do must not end the search; what is always measured must be able to.
    if (!(error instanceof TerminalError) || (context.spared ?? BASELINES).includes(setting.algorithm))
      throw error;
    return error;
  });
  const fit = journal.elapsed() - began;
  if (made instanceof TerminalError)
    return { seconds: fit, fit, ready: 0, work: null, slots: {}, failure: made.message };
  const { model, work } = made;
  const sample = sampleCases(cases, rung.customers, config.seed);
  const slots: Outcome['slots'] = {};
  let ready = 0;
  for (const slot of SLOTS) {
    if (!config.slots.includes(slot) || !registry[setting.algorithm].slots.includes(slot)) continue;
    const evaluation = await evaluateSlot(search, reduced, model, sample, slot, signal);
    const { metrics, customers, figure, figures } = evaluation;
    ready += evaluation.ready ?? 0;
    slots[slot] = { metrics, customers, figure, figures: packFigures(figures) };
    const standing = { effort: rung.effort, figure };
    keeper.keep(`${setting.algorithm} ${slot}`, model, setting, reduced, standing);
  }
  return { seconds: journal.elapsed() - began, fit, ready, work, slots };
}

/** What `model` reaches on `cases` for a slot, by the goal of the search. */
export function evaluateSlot(
  { context, shelf, goal }: Search,
  setting: Setting,
  model: Model,
  cases: Cases,
  slot: SlotName,
  signal = context.signal,
): Promise<Evaluation & { readonly ready?: number }> {
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
