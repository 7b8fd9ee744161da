/** Values that are left out, with the reasons all connectors share. */

import { type Misfit, misfit as misfitOf } from '../values.ts';

export type { Misfit };

const problems = {
  'invalid-utf8': 'is not UTF-8',
  'date-out-of-range': 'is outside 0001-01-01 to 9999-12-31',
  'time-out-of-range': 'is outside the years 0001 to 9999, or the hours of a day',
  'time-inexact': 'has nanoseconds that would be lost',
  'numeric-overflow': 'has more digits than its column says',
  'value-too-big': 'is longer than 16 MiB',
  'duplicate-key': 'is twice a key of one map',
} as const;

/** The misfit of `value` for `reason`. */
export function misfit(reason: keyof typeof problems, value: string): Misfit {
  return misfitOf(reason, value, problems[reason]);
}
