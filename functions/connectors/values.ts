/** What values of every database share: the warehouse's bounds, and the words for a value that does not fit. */

/** Why a value was left out. */
export interface Misfit {
  readonly reason: string;
  readonly value: string;
  readonly message: string;
}

/** The warehouse's dates as days since 1970: 0001-01-01 to 9999-12-31. */
export const MIN_DAY = -719_162;
export const MAX_DAY = 2_932_896;

/** A misfit: `value` is shown cut to 200 characters, `problem` ends the sentence that begins with it. */
export function misfit(reason: string, value: string, problem: string): Misfit {
  const shown = value.slice(0, 200);
  return { reason, value: shown, message: `The value ${shown} ${problem}.` };
}

/** A day since 1970 as people write it. */
export function showDay(day: number): string {
  const date = new Date(day * 86_400_000);
  return Number.isNaN(date.getTime()) ? `day ${day} since 1970` : date.toISOString().slice(0, -14);
}

/** The shortest decimal of a single, read as a double: 0.1 stays 0.1 and does not become 0.10000000149. */
export function shortestSingle(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(9));
}

const DECIMAL = /^(-?)(\d{1,38})(?:\.(\d{1,38}))?$/;
/** A number written with a zero before other digits is a code: as a number it would lose the zero. */
const LEADING_ZERO = /^[-+]?0\d/;

/** `text` times 10^scale; null when it is no decimal number, begins with a zero before digits, or has other decimals than zeros beyond the scale. */
export function parseUnscaled(text: string, scale: number): bigint | null {
  const match = LEADING_ZERO.test(text) ? null : DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', decimals = ''] = match;
  if (/[1-9]/.test(decimals.slice(scale))) return null;
  const value = BigInt(whole + decimals.slice(0, scale).padEnd(scale, '0'));
  return sign === '-' ? -value : value;
}
