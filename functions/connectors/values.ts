/** What values of every database share: the warehouse's bounds, and the words for a value that does not fit. */

/** Why a value was left out. */
export interface Misfit {
  readonly reason: string;
  /** As text, cut to 200 characters. */
  readonly value: string;
  /** As text, whole; null where that is not to be had. */
  readonly text: string | null;
  readonly message: string;
}

/** The warehouse's dates as days since 1970: 0001-01-01 to 9999-12-31. */
export const MIN_DAY = -719_162;
export const MAX_DAY = 2_932_896;

const DAY_MICROS = 86_400_000_000n;
/** The first and last microsecond since 1970. */
export const MIN_MICROS = BigInt(MIN_DAY) * DAY_MICROS;
export const MAX_MICROS = BigInt(MAX_DAY + 1) * DAY_MICROS - 1n;
/** As halves: they are beyond what a double holds exactly. */
const FIRST = halves(MIN_MICROS);
const LAST = halves(MAX_MICROS);

function halves(value: bigint): { readonly high: number; readonly low: number } {
  return { high: Number(value >> 32n), low: Number(value & 0xffffffffn) };
}

/** Whether microseconds since 1970, as the halves of a 64-bit number, are within the warehouse's years. */
export function inYears(low: number, high: number): boolean {
  const early = high < FIRST.high || (high === FIRST.high && low >>> 0 < FIRST.low);
  const late = high > LAST.high || (high === LAST.high && low >>> 0 > LAST.low);
  return !early && !late;
}

/** A misfit: `value` is shown cut to 200 characters, `problem` ends the sentence that begins with it. */
export function misfit(reason: string, value: string, problem: string): Misfit {
  const shown = value.slice(0, 200);
  return { reason, value: shown, text: value, message: `The value ${shown} ${problem}.` };
}

/** A day since 1970 as people write it. */
export function showDay(day: number): string {
  const date = new Date(day * 86_400_000);
  return Number.isNaN(date.getTime()) ? `day ${day} since 1970` : date.toISOString().slice(0, -14);
}

/** A moment, in microseconds since 1970, as people write it: whole, in whatever year. */
export function showMoment(micros: bigint): string {
  const within = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
  const time = new Date(Number(within / 1000n)).toISOString().slice(11, 19);
  const below = within % 1_000_000n;
  const decimals = below === 0n ? '' : `.${String(below).padStart(6, '0')}`;
  return `${showDay(Number((micros - within) / DAY_MICROS))} ${time}${decimals}`;
}

/** The shortest decimal of a single, read as a double: 0.1 stays 0.1 and does not become 0.10000000149. */
export function shortestSingle(value: number): number {
  // Whole numbers up to here are singles, all of them.
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) <= 2 ** 24)) return value;
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
