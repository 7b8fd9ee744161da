/**
 * Fields of text into column builders, strictly: a value is taken exactly or not at all. Spaces around numbers, moments
 * and truth values are not part of them.
 */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import type { ColumnBuilder } from '#columnar/table-writer';
import { decimalShape, type Column, type ColumnType } from '#core/column';
import { parseUnscaled } from '../values.ts';

/** The column types that CSV text can become. */
export type TextType = Extract<
  ColumnType,
  'INT64' | 'NUMERIC' | 'FLOAT64' | 'BOOL' | 'DATE' | 'DATETIME' | 'TIMESTAMP' | 'STRING'
>;

/** Takes the field `bytes[start .. end)`, which is not empty; answers whether it fitted. */
export type TakeField = (bytes: Uint8Array, start: number, end: number) => boolean;

const INTEGER = /^-?\d{1,19}$/;
const DECIMAL = /^(-?)(\d{1,38})(?:\.(\d{1,38}))?$/;
const FLOAT = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?$/;
/** A number written with a zero before other digits is a code: as a number it would lose the zero. */
const LEADING_ZERO = /^[-+]?0\d/;
/** A guess of FLOAT64 keeps every digit: so many are exact in a double both ways. */
const EXACT_DIGITS = 15;
/** More digits than a double can tell apart: the value would be rounded. */
const MAX_FLOAT_DIGITS = 17;
const MOMENT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(?: ?(Z|UTC|[-+]\d\d(?::?\d\d)?))?$/;

/** Day.month.year, as in German and its neighbours; with dots no other order is written. */
const DOTTED_MOMENT = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/;

/** The taker of `column`'s values into `builder`. RangeError for types that CSV does not have. */
export function makeTaker(column: Column, builder: ColumnBuilder): TakeField {
  switch (builder.kind) {
    case 'bytes':
      return (bytes, start, end) => {
        if (end - start > MAX_VALUE_BYTES) return false;
        builder.append(bytes, start, end - start);
        return true;
      };
    case 'bool':
      return textTaker((text) => {
        const truth = /^true$/i.test(text);
        if (!truth && !/^false$/i.test(text)) return false;
        builder.append(truth);
        return true;
      });
    case 'float':
      return textTaker((text) => {
        const value = parseFloat64(text);
        if (value !== null) builder.append(value);
        return value !== null;
      });
    case 'date':
      return textTaker((text) => {
        const moment = parseMoment(text);
        if (moment?.form !== 'DATE') return false;
        builder.append(Number(moment.micros / 86_400_000_000n));
        return true;
      });
    case 'integer':
    case 'decimal':
      if (column.type === 'DATETIME' || column.type === 'TIMESTAMP') return momentTaker(column.type, builder);
      return numberTaker(column, builder);
  }
  throw new RangeError(`a CSV column of type ${column.type}`);
}

type NumberBuilder = Extract<ColumnBuilder, { kind: 'integer' | 'decimal' }>;

function numberTaker(column: Column, builder: NumberBuilder): TakeField {
  const { precision, scale } = column.type === 'INT64' ? { precision: 19, scale: 0 } : decimalShape(column);
  const limit = column.type === 'INT64' ? 2n ** 63n : 10n ** BigInt(precision);
  const lowest = column.type === 'INT64' ? -limit : 1n - limit;
  // Nearly all numbers: a sign, at most so many digits that the unscaled value is a safe integer, decimals up to `scale`.
  const shortDigits = Math.min(precision - scale, 15 - scale);
  return (bytes, start, end) => {
    let at = start;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    let value = 0;
    let digits = 0;
    for (; at < end; at++, digits++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    let decimals = 0;
    let simple = digits > 0 && digits <= shortDigits;
    if (at < end && bytes[at] === 0x2e) {
      for (at++; at < end && decimals < scale; at++, decimals++) {
        const digit = bytes[at]! - 48;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      simple &&= decimals > 0;
    }
    // 00123 is a code; 0 and 0.5 are numbers.
    const first = negative ? start + 1 : start;
    if (bytes[first] === 0x30 && digits > 1) return false;
    if (simple && at === end) {
      value *= 10 ** (scale - decimals);
      builder.appendNumber(negative ? -value : value);
      return true;
    }
    const exact = parseUnscaled(asText(bytes, start, end), scale);
    if (exact === null || exact >= limit || exact < lowest) return false;
    builder.appendBigInt(exact);
    return true;
  };
}

function momentTaker(type: 'DATETIME' | 'TIMESTAMP', builder: NumberBuilder): TakeField {
  return textTaker((text) => {
    const moment = parseMoment(text);
    if (moment?.form !== type) return false;
    builder.appendBigInt(moment.micros);
    return true;
  });
}

function textTaker(take: (text: string) => boolean): TakeField {
  return (bytes, start, end) => take(asText(bytes, start, end));
}

/** Numbers and moments are ASCII; latin1 is the fastest way to read that, and anything else fails their patterns. */
function asText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
    .toString('latin1')
    .trim();
}

function parseFloat64(text: string): number | null {
  if (FLOAT.test(text)) {
    if (LEADING_ZERO.test(text) || significantDigits(text) > MAX_FLOAT_DIGITS) return null;
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  }
  if (/^nan$/i.test(text)) return Number.NaN;
  const infinite = /^([-+]?)inf(?:inity)?$/i.exec(text);
  return infinite === null ? null : infinite[1] === '-' ? -Infinity : Infinity;
}

/** Digits that the value of `text` (a FLOAT) depends on: zeros before and after them only say where they stand. */
function significantDigits(text: string): number {
  const [mantissa = ''] = text.split(/[eE]/);
  const digits = mantissa.replaceAll(/[^0-9]/g, '').replace(/^0+/, '');
  return digits.replace(/0+$/, '').length;
}

/** Whether `text` is a measurement and no code: no sign before +49…, no 12E5, and few enough digits to be kept. */
function mayBeFloat(text: string): boolean {
  if (!FLOAT.test(text) || !Number.isFinite(Number(text)) || text.startsWith('+')) return false;
  if (significantDigits(text) > EXACT_DIGITS) return false;
  return !/[eE]/.test(text) || text.includes('.');
}

/** A moment as microseconds since 1970 (UTC, or as if UTC for DATETIME) and which type it is written as. */
export function parseMoment(
  text: string,
): { readonly form: 'DATE' | 'DATETIME' | 'TIMESTAMP'; readonly micros: bigint } | null {
  const match = MOMENT.exec(fromDotted(text));
  if (match === null) return null;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone] = match;
  if (zone !== undefined && hour === undefined) return null;
  const date = new Date(`${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second}Z`);
  // Date takes 31 February for 2 March, and 24:00 for the next day: neither is what was written.
  const valid =
    !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day) && year !== '0000' && hour !== '24';
  if (!valid) return null;
  const micros = BigInt(date.getTime()) * 1000n + BigInt(fraction.padEnd(6, '0'));
  if (hour === undefined) return { form: 'DATE', micros };
  if (zone === undefined) return { form: 'DATETIME', micros };
  const offset = zoneMinutes(zone);
  if (offset === null) return null;
  const utc = micros - BigInt(offset) * 60_000_000n;
  const inRange = utc >= -62_135_596_800_000_000n && utc < 253_402_300_800_000_000n;
  return inRange ? { form: 'TIMESTAMP', micros: utc } : null;
}

/** `02.01.2024 08:30` as `2024-01-02 08:30`; anything else as it is. */
function fromDotted(text: string): string {
  const match = DOTTED_MOMENT.exec(text);
  if (match === null) return text;
  const [, day = '', month = '', year = '', hour, minute, second = '00'] = match;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return hour === undefined ? date : `${date} ${hour}:${minute}:${second}`;
}

function zoneMinutes(zone: string): number | null {
  if (zone === 'Z' || zone === 'UTC') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 15 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/**
 * The types that `text` (not empty) could be, as bits of `typeBits`. What would change as a number is a code, so STRING:
 * leading zeros (00123), a plus sign (+49151…), 12E5, more digits than FLOAT64 keeps.
 */
export function possibleTypes(text: string): number {
  const first = text.charCodeAt(0);
  const numeric = (first >= 48 && first <= 57) || first === 45 || first === 43 || first === 46;
  if (numeric) {
    if (LEADING_ZERO.test(text) || /^(?:\d{4}-|\d{1,2}\.\d{1,2}\.\d)/.test(text)) {
      const moment = parseMoment(text);
      return moment === null ? 0 : typeBits[moment.form];
    }
    let bits = 0;
    if (INTEGER.test(text) && text !== '-0' && fits64(text)) bits |= typeBits.INT64;
    const match = DECIMAL.exec(text);
    if (match !== null && match[2]!.length <= 29 && (match[3]?.length ?? 0) <= 9) bits |= typeBits.NUMERIC;
    if (mayBeFloat(text)) bits |= typeBits.FLOAT64;
    return bits;
  }
  if (/^(true|false)$/i.test(text)) return typeBits.BOOL;
  return /^nan$/i.test(text) ? typeBits.FLOAT64 : 0;
}

function fits64(text: string): boolean {
  return text.length < 19 || BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

/** A bit for each type that can be guessed; STRING needs none. In the order of preference. */
export const typeBits = {
  BOOL: 1,
  INT64: 2,
  NUMERIC: 4,
  FLOAT64: 8,
  DATE: 16,
  DATETIME: 32,
  TIMESTAMP: 64,
} as const satisfies Partial<Record<TextType, number>>;
