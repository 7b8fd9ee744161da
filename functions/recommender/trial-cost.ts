import type { AlgorithmName } from '#core/slot';
import type { Rung } from './halving.ts';
import { registry } from './registry.ts';
import { settingKey, type Setting } from './trial-plan.ts';

/** What a trial took; of one that was ended because it took too long, twice what it was allowed. */
export interface Cost {
  readonly algorithm: AlgorithmName;
  /** `settingKey` of the whole setting, not of its reduced form. */
  readonly key: string;
  readonly effort: number;
  readonly customers: number;
  /** Seconds to fit, and to answer the customers. */
  readonly fit: number;
  readonly ask: number;
}

/**
 * Seconds that a trial of `setting` should take by what was seen of it, or else of its algorithm, last; null where nothing
 * was. Fits grow with effort where the algorithm has cheaper forms, answers with customers.
 */
export function expectedSeconds(
  seen: readonly Cost[],
  setting: Setting,
  { effort, customers }: Pick<Rung, 'effort' | 'customers'>,
): number | null {
  const key = settingKey(setting);
  const cost =
    seen.findLast((one) => one.key === key) ?? seen.findLast((one) => one.algorithm === setting.algorithm);
  if (cost === undefined) return null;
  const grown = registry[setting.algorithm].reduced === undefined ? 1 : effort / cost.effort;
  return cost.fit * grown + (cost.ask * customers) / Math.max(1, cost.customers);
}

/** Of a cap how far a trial may run over it: one that was begun is worth a little more than its share. */
const SLACK = 1.2;
/** Of what is left the most that a trial may take whose algorithm was never seen: the others' turn comes too. */
const UNSEEN = 0.25;

/**
 * Seconds that a trial may take, null where it is not to begin. The leader of a slot may take what is left of all the
 * time, an algorithm never seen a part of it, so that none is left out for what another took; the others take what is left of the rung's. `from`: when the first rung began.
 */
export function allowedSeconds(
  time: { readonly spent: number; readonly from: number; readonly cap: number; readonly until: number },
  expected: number | null,
  leads: boolean,
): number | null {
  const end = time.from + (time.cap - time.from) * (leads || expected === null ? 1 : time.until);
  if (time.spent >= end) return null;
  const left = SLACK * end - time.spent;
  if (expected === null) return UNSEEN * left;
  return expected > left ? null : left;
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
