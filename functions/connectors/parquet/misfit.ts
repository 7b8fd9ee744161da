/** Values that are left out, with the reasons all connectors share. */

/** Why a value was left out. */
export interface Misfit {
  readonly reason: string;
  /** At most 200 characters. */
  readonly value: string;
  readonly message: string;
}

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
  const shown = value.slice(0, 200);
  return { reason, value: shown, message: `The value ${shown} ${problems[reason]}.` };
}
