import { normalQuantile, normalShare } from './robust.ts';

/**
 * How long somebody waits between two purchases: log-normal, so that half and double are equally far off; and the chance
 * that each purchase was the last. Times are days of the clock that runs with demand (calendar.ts).
 */
export interface Waiting {
  /** Of the logarithm of days. */
  readonly mean: number;
  readonly deviation: number;
}

/** The share of waits that are longer than `days`. */
export function stillWaiting({ mean, deviation }: Waiting, days: number): number {
  return days <= 0 ? 1 : normalShare((mean - Math.log(days)) / deviation);
}

/** The chance, after `silent` days, that a next purchase comes at all, where each purchase is the last with chance `ends`. */
export function alive(waiting: Waiting, silent: number, ends: number): number {
  const waits = (1 - ends) * stillWaiting(waiting, silent);
  return waits / (waits + ends);
}

/** How long the whole wait will be, after `silent` days of it: the median of those that are longer. */
export function wholeWait(waiting: Waiting, silent: number): number {
  const { mean, deviation } = waiting;
  const left = stillWaiting(waiting, silent);
  // Beyond what the distribution says anything about, any moment is as good as the next.
  if (left < 1e-6) return silent;
  return Math.max(silent, Math.exp(mean + deviation * normalQuantile(1 - left / 2)));
}

/** The chance that a wait of `silent` days, known to end, does so within `more` days. */
export function endsWithin(waiting: Waiting, silent: number, more: number): number {
  const left = stillWaiting(waiting, silent);
  return left < 1e-6 ? 1 : 1 - stillWaiting(waiting, silent + more) / left;
}
