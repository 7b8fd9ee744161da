/** Days, moments and times of day as Parquet counts them, checked against what the warehouse has. */
import { MAX_MICROS, MIN_MICROS, showDay } from '../values.ts';
import type { TimeUnit } from './types.ts';

const DAY_MICROS = 86_400_000_000n;
/** 1970-01-01 as a Julian day, which INT96 counts in. */
const EPOCH_JULIAN = 2_440_588n;

/** Why a moment has no place in the warehouse. */
export type MomentFault = 'time-inexact' | 'time-out-of-range';

/** The 64-bit value of two's complement halves. */
export function longOf(low: number, high: number): bigint {
  return (BigInt(high) << 32n) + BigInt(low >>> 0);
}

/** `value` in `unit` as microseconds since 1970, or why not. */
export function microsOf(value: bigint, unit: TimeUnit): bigint | MomentFault {
  if (unit === 'NANOS' && value % 1000n !== 0n) return 'time-inexact';
  const micros = unit === 'NANOS' ? value / 1000n : unit === 'MILLIS' ? value * 1000n : value;
  return micros >= MIN_MICROS && micros <= MAX_MICROS ? micros : 'time-out-of-range';
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
