import type { AlgorithmName } from '#core/slot';
import type { DataSize } from './algorithm.ts';
import type { Rung } from './halving.ts';
import { registry } from './registry.ts';
import { settingKey, type Setting } from './trial-plan.ts';

/** What a trial took; of one that was ended because it took too long, twice what it was allowed. */
export interface Cost {
  readonly algorithm: AlgorithmName;
  /** `settingKey` of the whole setting, not of its reduced form. */
  readonly key: string;
  /** Of the fit, in the units of `workOf`; null where the model was made from another, so that nothing is known of a fresh fit. */
  readonly work: number | null;
  readonly customers: number;
  /** Seconds to fit, to make the model ready to answer, and to answer the customers. */
  readonly fit: number;
  readonly ready: number;
  readonly ask: number;
}

/** The form of `setting` for a share of its effort; itself where it has no cheaper one. */
export function reducedTo({ algorithm, options }: Setting, effort: number): Setting {
  const entry = registry[algorithm];
  return { algorithm, options: effort < 1 ? (entry.reduced?.(options, effort) ?? options) : options };
}

/** What a fit at `effort` takes, as its algorithm tells before one was seen: seconds, roughly; 1 where it tells nothing. */
export function workOf(setting: Setting, effort: number, size: DataSize): number {
  const { algorithm, options } = reducedTo(setting, effort);
  return registry[algorithm].seconds?.(options, size) ?? 1;
}

export interface Wanted extends Pick<Rung, 'effort' | 'customers'> {
  /** Work that is done already (`ModelKeeper.ahead`). */
  readonly ahead?: number;
  /** Nothing can be built on: a fit of its own. */
  readonly fresh?: boolean;
}

/**
 * Seconds that a trial of `setting` should take by what was seen of it, or else of its algorithm, last; null where nothing
 * was. Fits grow with the work they tell of, answers with customers.
 */
export function expectedSeconds(
  seen: readonly Cost[],
  setting: Setting,
  wanted: Wanted,
  size: DataSize,
): number | null {
  const { effort, customers, ahead = 0, fresh = false } = wanted;
  const key = settingKey(setting);
  const of = (usable: (one: Cost) => boolean) =>
    seen.findLast((one) => one.key === key && usable(one)) ??
    seen.findLast((one) => one.algorithm === setting.algorithm && usable(one));
  const asked = of(({ customers: some }) => some > 0);
  const fitted = of(({ work }) => !fresh || (work !== null && work > 0));
  if (fitted === undefined || asked === undefined) return null;
  const work = Math.max(0, workOf(setting, effort, size) - ahead);
  const fit = fitted.work === null || fitted.work === 0 ? fitted.fit : (fitted.fit * work) / fitted.work;
  return customers === 0 ? fit : fit + asked.ready + (asked.ask * customers) / asked.customers;
}

/** Fits shorter than this tell of other things than of the machine. */
const LEAST_FIT = 0.2;

/**
 * Seconds that a first trial of an algorithm should take: what it tells itself, at the pace that others have shown on this
 * machine (the median of theirs).
 */
export function guessedSeconds(
  seen: readonly Cost[],
  setting: Setting,
  effort: number,
  size: DataSize,
): number {
  const paces = seen
    .flatMap(({ algorithm, work, fit }) =>
      registry[algorithm].seconds !== undefined && work !== null && work > 0 && fit > LEAST_FIT
        ? [fit / work]
        : [],
    )
    .toSorted((a, b) => a - b);
  const pace = Math.max(0.3, paces[paces.length >> 1] ?? 1);
  return registry[setting.algorithm].seconds === undefined ? 0 : pace * workOf(setting, effort, size);
}

/** Of a cap how far a trial may run over it: one that was begun is worth a little more than its share. */
const SLACK = 1.2;
/** Of what is left the most that a trial may take whose algorithm was never seen: the others' turn comes too. */
const UNSEEN = 0.3;

export interface TimeLeft {
  readonly spent: number;
  /** When the first rung began. */
  readonly from: number;
  readonly cap: number;
  /** The share of the time from `from` to `cap` that the rung may take. */
  readonly until: number;
  /** Nothing may run over the cap, not even a little. */
  readonly hard?: boolean;
}

/**
 * Seconds that a trial may take, null where it is not to begin. The leader of a slot may take what is left of all the
 * time, an algorithm never seen a part of it (if its guess is within), so that none is left out for what another took; the
 * others take what is left of the rung's.
 */
export function allowedSeconds(
  time: TimeLeft,
  expected: { readonly seconds: number; readonly seen: boolean },
  leads: boolean,
): number | null {
  const { spent, from, cap, until, hard = false } = time;
  const end = from + (cap - from) * (leads || !expected.seen ? 1 : until);
  if (spent >= end) return null;
  const left = Math.min(SLACK * end, hard ? cap : Infinity) - spent;
  const most = expected.seen ? left : UNSEEN * left;
  return expected.seconds > most ? null : most;
}

/** Timers hold no more milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What `work` gives, or null where its signal ended it after `seconds`; an abort of `outer` rejects as ever. */
export async function within<T>(
  seconds: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T | null> {
  outer?.throwIfAborted();
  if (seconds === Infinity) return work(outer);
  const deadline = AbortSignal.timeout(Math.min(Math.ceil(1000 * seconds), LONGEST_TIMER));
  try {
    return await work(outer ? AbortSignal.any([outer, deadline]) : deadline);
  } catch (error) {
    if (deadline.aborted && error === deadline.reason) return null;
    throw error;
  }
}
