/** Days, moments and times of day as Parquet counts them, checked against what the warehouse has. */
import type { TimeUnit } from './types.ts';

/** The warehouse's dates: 0001-01-01 to 9999-12-31, in days since 1970-01-01. */
export const MIN_DAY = -719_162;
export const MAX_DAY = 2_932_896;

const DAY_MICROS = 86_400_000_000n;
const FIRST = BigInt(MIN_DAY) * DAY_MICROS;
const LAST = BigInt(MAX_DAY + 1) * DAY_MICROS - 1n;
/** 1970-01-01 as a Julian day, which INT96 counts in. */
const EPOCH_JULIAN = 2_440_588n;
const HIGH_FIRST = Number(FIRST >> 32n);
const LOW_FIRST = Number(FIRST & 0xffffffffn);
const HIGH_LAST = Number(LAST >> 32n);
const LOW_LAST = Number(LAST & 0xffffffffn);

/** Why a moment has no place in the warehouse. */
export type MomentFault = 'time-inexact' | 'time-out-of-range';

/** The 64-bit value of two's complement halves. */
export function longOf(low: number, high: number): bigint {
  return (BigInt(high) << 32n) + BigInt(low >>> 0);
}

/** Whether microseconds since 1970, as halves, are within the warehouse's years. */
export function inYears(low: number, high: number): boolean {
  const early = high < HIGH_FIRST || (high === HIGH_FIRST && low >>> 0 < LOW_FIRST);
  const late = high > HIGH_LAST || (high === HIGH_LAST && low >>> 0 > LOW_LAST);
  return !early && !late;
}

/** `value` in `unit` as microseconds since 1970, or why not. */
export function microsOf(value: bigint, unit: TimeUnit): bigint | MomentFault {
  if (unit === 'NANOS' && value % 1000n !== 0n) return 'time-inexact';
  const micros = unit === 'NANOS' ? value / 1000n : unit === 'MILLIS' ? value * 1000n : value;
  return micros >= FIRST && micros <= LAST ? micros : 'time-out-of-range';
}

/** INT96: nanoseconds of the day (low, high) and a Julian day. */
export function nanosOfInt96(low: number, high: number, julian: number): bigint {
  return (BigInt(julian) - EPOCH_JULIAN) * DAY_MICROS * 1000n + longOf(low, high);
}

/** A time of day in `unit` as microseconds since midnight, or why not. */
export function clockOf(value: bigint, unit: TimeUnit): number | MomentFault {
  if (unit === 'NANOS' && value % 1000n !== 0n) return 'time-inexact';
  const micros = unit === 'NANOS' ? value / 1000n : unit === 'MILLIS' ? value * 1000n : value;
  return micros >= 0n && micros < DAY_MICROS ? Number(micros) : 'time-out-of-range';
}

/** `2024-02-29`; days outside of the calendar in words. */
export function showDay(day: number): string {
  const date = new Date(day * 86_400_000);
  return Number.isNaN(date.getTime()) ? `day ${day} since 1970` : date.toISOString().slice(0, -14);
}

/** `08:30:00.000001`. */
export function showClock(micros: number): string {
  const clock = new Date(Math.floor(micros / 1000)).toISOString().slice(11, 23);
  return `${clock}${String(micros % 1000).padStart(3, '0')}`;
}

/** `2024-02-29T08:30:00.000001`, of microseconds within the warehouse's years. */
export function showMicros(micros: bigint): string {
  const ofDay = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
  return `${showDay(Number((micros - ofDay) / DAY_MICROS))}T${showClock(Number(ofDay))}`;
}

/** A count of `unit` since 1970 as it is, for values that are no moment of the warehouse. */
export function showCount(value: bigint, unit: TimeUnit): string {
  return `${value} ${unit === 'NANOS' ? 'ns' : unit === 'MICROS' ? 'µs' : 'ms'}`;
}
