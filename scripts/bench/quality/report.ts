import type { Interval } from '../../../functions/core/metrics.ts';
import { makeResult, type Result } from '../report/results.ts';

/** A figure between 0 and 1 with its interval, and its ratio to the reference's figure. */
export function figureResult(
  name: string,
  { mean, low, high }: Interval,
  reference: number | null,
  n: number,
): Result {
  return { ...makeResult(name, 'share', n, mean, reference), low, high };
}
