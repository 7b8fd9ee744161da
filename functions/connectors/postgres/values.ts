/**
 * Binary values of PostgreSQL into column builders. Source: the `…send` functions of its backend (adt/*.c).
 *
 * A decoder appends the value and answers null, or appends nothing and answers why the value does not fit. Nothing is
 * ever rounded, clamped or replaced.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import type { ColumnBuilder } from '#columnar/table-writer';
import { decimalShape } from '#core/column';
import { expectKind } from '../expect-kind.ts';
import {
  inYears,
  MAX_DAY,
  MIN_DAY,
  misfit,
  type Misfit,
  shortestSingle,
  showDay,
  showMoment,
} from '../values.ts';
import { WideDecimal, wideLimit } from '../wide-decimal.ts';
import { decodeNumeric, formatNumeric, isNegative } from './numeric.ts';
import type { BinaryForm, ColumnPlan } from './types.ts';

type Builder<K extends ColumnBuilder['kind']> = Extract<ColumnBuilder, { kind: K }>;

/** Reads the value `bytes[at .. at + length)`; `view` is of the same bytes, and reads numbers several times as fast. */
export type Decode = (bytes: Uint8Array, view: DataView, at: number, length: number) => Misfit | null;

const WORD = 4_294_967_296;
/** Days and microseconds from 1970 to 2000, PostgreSQL's epoch. */
const EPOCH_DAYS = 10_957;
const EPOCH_MICROS = 946_684_800_000_000;

type MakeDecoder = (plan: ColumnPlan, builder: ColumnBuilder, checkUtf8: boolean) => Decode;

const makers: Readonly<Record<BinaryForm, MakeDecoder>> = {
  int2: (plan, builder) => integers(expectKind(plan, builder, 'integer'), 2),
  int4: (plan, builder) => integers(expectKind(plan, builder, 'integer'), 4),
  int8: (plan, builder) => {
    const column = expectKind(plan, builder, 'integer');
    return (_, view, at) => {
      column.appendWords(view.getInt32(at + 4), view.getInt32(at));
      return null;
    };
  },
  bool: (plan, builder) => {
    const column = expectKind(plan, builder, 'bool');
    return (bytes, _, at) => {
      column.append(bytes[at] !== 0);
      return null;
    };
  },
  float4: floats,
  float8: floats,
  numeric: numerics,
  date: dates,
  timestamp: timestamps,
  time: (plan, builder) => times(expectKind(plan, builder, 'bytes')),
  text: (plan, builder, checkUtf8) => texts(expectKind(plan, builder, 'bytes'), 0, checkUtf8),
  jsonb: (plan, builder) => texts(expectKind(plan, builder, 'bytes'), 1, false), // a version byte comes first
  bytes: (plan, builder) => texts(expectKind(plan, builder, 'bytes'), 0, false),
};

/**
 * The decoder of `plan` into `builder`. `checkUtf8`: the server stores bytes without an encoding (SQL_ASCII), so text may
 * be anything.
 */
export function makeDecoder(plan: ColumnPlan, builder: ColumnBuilder, checkUtf8: boolean): Decode {
  return makers[plan.form](plan, builder, checkUtf8);
}

function integers(column: Builder<'integer'>, width: 2 | 4): Decode {
  return (_, view, at) => {
    const value = width === 4 ? view.getInt32(at) : view.getInt16(at);
    column.appendWords(value, value >> 31);
    return null;
  };
}

function floats(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'float');
  const single = plan.form === 'float4';
  return (_, view, at) => {
    // The shortest decimal of a single, read as a double: 0.1 stays 0.1 and does not become 0.10000000149.
    column.append(single ? shortestSingle(view.getFloat32(at)) : view.getFloat64(at));
    return null;
  };
}

function numerics(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  if (builder.kind !== 'integer' && builder.kind !== 'decimal')
    throw new RangeError(`a numeric column given a builder of ${builder.kind}`);
  const { precision, scale } = decimalShape(plan.column);
  const limit = 10n ** BigInt(precision);
  const wide = new WideDecimal();
  const wideEnd = wideLimit(limit);
  return (_, view, at, length) => {
    const value = decodeNumeric(view, at, scale, wide);
    if (typeof value === 'number') {
      // Safe integers have at most 16 digits; a narrower column could still be too small for them.
      if (precision >= 16 || Math.abs(value) < Number(limit)) {
        builder.appendNumber(value);
        return null;
      }
    } else if (value === 'wide' && wide.isBelow(wideEnd)) {
      wide.appendTo(builder, isNegative(view, at));
      return null;
    }
    const shown = formatNumeric(view, at, length);
    if (value === 'not-finite')
      return misfit('numeric-not-finite', shown, 'has no place in a decimal column');
    const reason = value === 'inexact' ? 'numeric-inexact' : 'numeric-overflow';
    return misfit(reason, shown, `does not fit ${plan.column.type}(${precision},${scale})`);
  };
}

function dates(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'date');
  return (_, view, at) => {
    const raw = view.getInt32(at);
    const day = raw + EPOCH_DAYS;
    if (day >= MIN_DAY && day <= MAX_DAY) {
      column.append(day);
      return null;
    }
    if (raw === 0x7fffffff || raw === -0x80000000)
      return misfit('infinite-date', raw > 0 ? 'infinity' : '-infinity', 'is no date');
    return misfit('date-out-of-range', showDay(day), 'is outside 0001-01-01 to 9999-12-31');
  };
}

function timestamps(plan: ColumnPlan, builder: ColumnBuilder): Decode {
  const column = expectKind(plan, builder, 'integer');
  const epochLow = EPOCH_MICROS % WORD;
  const epochHigh = Math.floor(EPOCH_MICROS / WORD);
  return (_, view, at) => {
    const high = view.getInt32(at);
    const low = view.getUint32(at + 4);
    let ourHigh = high + epochHigh;
    let ourLow = low + epochLow;
    if (ourLow >= WORD) {
      ourHigh++;
      ourLow -= WORD;
    }
    if (inYears(ourLow, ourHigh)) {
      column.appendWords(ourLow, ourHigh);
      return null;
    }
    if (high === 0x7fffffff && low === 0xffffffff) return misfit('infinite-time', 'infinity', 'is no moment');
    if (high === -0x80000000 && low === 0) return misfit('infinite-time', '-infinity', 'is no moment');
    const shown = showMoment(BigInt(ourHigh) * BigInt(WORD) + BigInt(ourLow));
    return misfit('time-out-of-range', shown, 'is outside the years 0001 to 9999');
  };
}

/** TIME travels as text; PostgreSQL's 24:00:00 is the one value that the warehouse does not have. */
function times(column: Builder<'bytes'>): Decode {
  return (_, view, at) => {
    const micros = view.getInt32(at) * WORD + view.getUint32(at + 4);
    if (micros >= 86_400_000_000)
      return misfit('time-out-of-range', '24:00:00', 'is outside 00:00:00 to 23:59:59');
    const clock = new Date(Math.floor(micros / 1000)).toISOString().slice(11, 23);
    column.appendText(`${clock}${String(micros % 1000).padStart(3, '0')}`);
    return null;
  };
}

function texts(column: Builder<'bytes'>, skip: number, checkUtf8: boolean): Decode {
  return (bytes, _, at, length) => {
    if (length - skip > MAX_VALUE_BYTES)
      return misfit('value-too-big', `${length} bytes`, `is longer than ${MAX_VALUE_BYTES} bytes`);
    if (checkUtf8 && !isUtf8(bytes.subarray(at, at + length))) {
      const shown = Buffer.from(bytes.subarray(at, at + Math.min(length, 100))).toString('hex');
      return misfit('invalid-utf8', `\\x${shown}`, 'is not UTF-8');
    }
    column.append(bytes, at + skip, length - skip);
    return null;
  };
}
