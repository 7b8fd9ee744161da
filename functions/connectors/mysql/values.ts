/**
 * Text of the MySQL protocol into column builders, byte by byte: no string is made of numbers and moments.
 *
 * A decoder appends the value and answers null, or appends nothing and answers why the value does not fit. Nothing is
 * ever rounded, clamped, shifted or replaced.
 */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import type { ColumnBuilder } from '#columnar/table-writer';
import { decimalShape } from '#core/column';
import { expectKind } from '../expect-kind.ts';
import { misfit, type Misfit, shortestSingle } from '../values.ts';
import { STEP_DIGITS, WideDecimal } from '../wide-decimal.ts';
import type { ColumnPlan, TextForm } from './types.ts';

/** Reads the value `bytes[at .. end)`. */
export type Decode = (bytes: Buffer, at: number, end: number) => Misfit | null;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
/** Digits that a double holds whatever they are. */
const SAFE_DIGITS = 15;
const POWERS = Array.from({ length: SAFE_DIGITS + 1 }, (_, digits) => 10 ** digits);

type MakeDecoder = (plan: ColumnPlan, builder: ColumnBuilder) => Decode;

const makers: Readonly<Record<TextForm, MakeDecoder>> = {
  integer: integers,
  decimal: decimals,
  single: floats,
  double: floats,
  date: dates,
  moment: moments,
  text: (plan, builder) => texts(plan, builder, true),
  bytes: (plan, builder) => texts(plan, builder, false),
};

/** The decoder of `plan` into `builder`. */
export function makeDecoder(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  return makers[plan.form](plan, builder);
}

/** Numbers, moments and what is shown of other values: ASCII. */
function shown(bytes: Buffer, at: number, end: number): string {
  return bytes.toString('latin1', at, Math.min(end, at + 200));
}

function integers(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'integer');
  return (bytes, start, end) => {
    const negative = bytes[start] === MINUS;
    let at = negative ? start + 1 : start;
    if (at === end || end - at > SAFE_DIGITS) return long(bytes, start, end);
    let value = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) return noNumber(bytes, start, end);
      value = value * 10 + digit;
    }
    column.appendNumber(negative ? -value : value);
    return null;
  };

  /** More digits than a double holds, or zeros that fill a width (ZEROFILL). */
  function long(bytes: Buffer, start: number, end: number): Misfit | null {
    const digits = shown(bytes, start, end);
    if (end - start > 200 || !/^-?\d+$/.test(digits)) return noNumber(bytes, start, end);
    const value = BigInt(digits);
    if (BigInt.asIntN(64, value) !== value)
      return misfit('numeric-overflow', digits, `does not fit ${plan.column.type}`);
    column.appendBigInt(value);
    return null;
  }
}

function noNumber(bytes: Buffer, start: number, end: number): Misfit {
  return misfit('no-number', JSON.stringify(shown(bytes, start, end)), 'is no number');
}

function decimals(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  if (builder.kind !== 'integer' && builder.kind !== 'decimal')
    throw new RangeError(`a decimal column given a builder of ${builder.kind}`);
  const { precision, scale } = decimalShape(plan.column);
  const shape = `${plan.column.type}(${precision},${scale})`;
  const wide = new WideDecimal();
  const long = (bytes: Buffer, start: number, first: number, end: number): Misfit | null => {
    const problem = readWide(wide, bytes, first, end, scale, precision);
    if (problem === null) wide.appendTo(builder, first > start);
    else if (problem === 'no-number') return noNumber(bytes, start, end);
    else return misfit(problem, shown(bytes, start, end), `does not fit ${shape}`);
    return null;
  };
  return (bytes, start, end) => {
    const negative = bytes[start] === MINUS;
    const first = negative ? start + 1 : start;
    if (end - first > SAFE_DIGITS) return long(bytes, start, first, end);
    let value = 0;
    let digits = 0;
    let point = end;
    for (let at = first; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        digits++;
      } else if (bytes[at] === POINT && point === end) point = at;
      else return noNumber(bytes, start, end);
    }
    const missing = scale - Math.max(end - point - 1, 0);
    const short = digits > 0 && missing >= 0 && digits + missing <= Math.min(SAFE_DIGITS, precision);
    if (!short) return long(bytes, start, first, end);
    value *= POWERS[missing]!;
    builder.appendNumber(negative ? -value : value);
    return null;
  };
}

/** Longer than any decimal that a server writes. */
const MAX_DECIMAL = 80;

/** Reads the number `bytes[at .. end)` times 10^scale into `wide`, unless it has more than `most` digits then. */
function readWide(
  wide: WideDecimal,
  bytes: Buffer,
  at: number,
  end: number,
  scale: number,
  most: number,
): 'no-number' | 'numeric-inexact' | 'numeric-overflow' | null {
  if (end - at > MAX_DECIMAL) return 'no-number';
  wide.clear();
  let group = 0;
  let size = 0;
  let point = end;
  for (let place = at; place < end; place++) {
    const digit = bytes[place]! - ZERO;
    if (digit < 0 || digit > 9) {
      if (bytes[place] !== POINT || point < end) return 'no-number';
      point = place;
      continue;
    }
    group = group * 10 + digit;
    if (++size < STEP_DIGITS) continue;
    wide.shift(POWERS[STEP_DIGITS]!, group);
    group = 0;
    size = 0;
  }
  if (size > 0) wide.shift(POWERS[size]!, group);
  const decimals = Math.max(end - point - 1, 0);
  let lead = at;
  while (lead < end && (bytes[lead] === ZERO || lead === point)) lead++;
  // Digits from the first that counts: without the point, where that comes later.
  const digits = end - lead - (lead < point && point < end ? 1 : 0);
  if (at === end || (point < end && end - at === 1)) return 'no-number';
  if (decimals > scale) return 'numeric-inexact';
  if (digits > 0 && digits + scale - decimals > most) return 'numeric-overflow';
  wide.scaleUp(scale - decimals);
  return null;
}

function floats(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'float');
  const single = plan.form === 'single';
  return (bytes, start, end) => {
    const text = shown(bytes, start, end);
    const value = /^[-+\d.eE]+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) return noNumber(bytes, start, end);
    column.append(single ? shortestSingle(Math.fround(value)) : value);
    return null;
  };
}

function texts(plan: ColumnPlan, builder: ColumnBuilder, checked: boolean): Decode {
  const column = expectKind(plan, builder, 'bytes');
  return (bytes, start, end) => {
    if (end - start > MAX_VALUE_BYTES)
      return misfit('value-too-big', `${end - start} bytes`, `is longer than ${MAX_VALUE_BYTES} bytes`);
    // The server converts other character sets, but does not look into what is stored as UTF-8 already.
    if (!checked) column.append(bytes, start, end - start);
    else if (!column.appendUtf8(bytes, start, end - start)) {
      const hex = bytes.toString('hex', start, Math.min(end, start + 100));
      return misfit('invalid-utf8', `0x${hex}`, 'is not UTF-8');
    }
    return null;
  };
}

/** In place of a day: the text is no day, and why. All are far below the first day. */
const NO_DATE = -1e9;
const ZERO_DATE = -2e9;
const IMPOSSIBLE = -3e9;
const YEAR_ZERO = -4e9;

const DATE_BYTES = 10;
const MOMENT_BYTES = 19;
/** Days beyond this have more microseconds than a double holds exactly. */
const EXACT_DAYS = 100_000;
const DAY_MICROS = 86_400_000_000;

function dates(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'date');
  return (bytes, start, end) => {
    const day = end - start === DATE_BYTES ? readDay(bytes, start) : NO_DATE;
    if (day <= NO_DATE) return noDay(day, shown(bytes, start, end));
    column.append(day);
    return null;
  };
}

function moments(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'integer');
  return (bytes, start, end) => {
    const day = end - start >= MOMENT_BYTES ? readDay(bytes, start) : NO_DATE;
    if (day <= NO_DATE) return noDay(day, shown(bytes, start, end));
    const micros = readMicros(bytes, start + DATE_BYTES, end);
    if (micros < 0) return noDay(NO_DATE, shown(bytes, start, end));
    if (day < EXACT_DAYS && day > -EXACT_DAYS) column.appendNumber(day * DAY_MICROS + micros);
    else column.appendBigInt(BigInt(day) * BigInt(DAY_MICROS) + BigInt(micros));
    return null;
  };
}

function noDay(day: number, text: string): Misfit {
  if (day === ZERO_DATE) return misfit('zero-date', text, 'is the zero date, which is no day');
  if (day === IMPOSSIBLE) return misfit('impossible-date', text, 'is no day of the calendar');
  if (day === YEAR_ZERO) return misfit('date-out-of-range', text, 'is outside 0001-01-01 to 9999-12-31');
  return misfit('no-date', JSON.stringify(text), 'is no date');
}

/** Two digits as a number; negative where they are none. */
function two(bytes: Buffer, at: number): number {
  const tens = bytes[at]! - ZERO;
  const ones = bytes[at + 1]! - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Days since 1970 of `YYYY-MM-DD`, or why there are none. */
function readDay(bytes: Buffer, at: number): number {
  const century = two(bytes, at);
  const ofCentury = two(bytes, at + 2);
  const month = two(bytes, at + 5);
  const day = two(bytes, at + 8);
  const written = bytes[at + 4] === MINUS && bytes[at + 7] === MINUS;
  if (!written || century < 0 || ofCentury < 0 || month < 0 || day < 0) return NO_DATE;
  const year = century * 100 + ofCentury;
  if (year === 0 && month === 0 && day === 0) return ZERO_DATE;
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]!) return IMPOSSIBLE;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0)))
    return IMPOSSIBLE;
  if (year === 0) return YEAR_ZERO;
  // Years that begin in March end with the leap day; 719,468 days lie between 0000-03-01 and 1970-01-01.
  const y = month > 2 ? year : year - 1;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + ofYear - 719_468;
}

/** Microseconds of ` hh:mm:ss[.ffffff]`; negative where that is no time of a day. */
function readMicros(bytes: Buffer, at: number, end: number): number {
  const hour = two(bytes, at + 1);
  const minute = two(bytes, at + 4);
  const second = two(bytes, at + 7);
  const written = bytes[at] === 0x20 && bytes[at + 3] === 0x3a && bytes[at + 6] === 0x3a;
  if (!written || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  const seconds = hour * 3600 + minute * 60 + second;
  let place = at + 9;
  if (place === end) return seconds * 1_000_000;
  const decimals = end - place - 1;
  if (bytes[place] !== POINT || decimals < 1 || decimals > 6) return -1;
  let fraction = 0;
  for (place++; place < end; place++) {
    const digit = bytes[place]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    fraction = fraction * 10 + digit;
  }
  return seconds * 1_000_000 + fraction * POWERS[6 - decimals]!;
}
