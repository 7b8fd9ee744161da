/**
 * Values of flat columns into column builders. A taker appends the value and answers null, or appends nothing and answers
 * why the value does not fit. Nothing is ever rounded, clamped or replaced.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import type { ColumnBuilder } from '#columnar/table-writer';
import type { Column } from '#core/column';
import { inYears, MAX_DAY, MIN_DAY, shortestSingle, showDay } from '../values.ts';
import { misfit, type Misfit } from './misfit.ts';
import { clockOf, longOf, microsOf, nanosOfInt96, showClock, showCount } from './moments.ts';
import type { PageValues, PhysicalType } from './page-values.ts';
import { halfAt, intervalAt, showDecimal, unscaledAt, uuidAt } from './scalars.ts';
import type { ValueForm } from './types.ts';

/** Takes the value at `index`. */
export type Take = (values: PageValues, index: number) => Misfit | null;

type Builder<K extends ColumnBuilder['kind']> = Extract<ColumnBuilder, { kind: K }>;

/** The taker of `column`'s values, stored as `physical` and meaning `form`, into `builder`. */
export function makeTaker(
  column: Column,
  physical: PhysicalType,
  form: ValueForm,
  builder: ColumnBuilder,
): Take {
  const expect = <K extends ColumnBuilder['kind']>(kind: K): Builder<K> => {
    if (builder.kind !== kind)
      throw new RangeError(`column ${column.name} of form ${form.kind} given a builder of ${builder.kind}`);
    return builder as Builder<K>; // just compared; TypeScript cannot narrow by a generic
  };
  switch (form.kind) {
    case 'bool': {
      const to = expect('bool');
      return always(({ words }, index) => to.append(words[index] === 1));
    }
    case 'int': {
      const to = expect('integer');
      return always(({ words }, index) => to.appendWords(words[index]!, words[index]! >> 31));
    }
    case 'uint32': {
      const to = expect('integer');
      return always(({ words }, index) => to.appendWords(words[index]!, 0));
    }
    case 'long': {
      const to = expect('integer');
      return always(({ words }, index) => to.appendWords(words[index * 2]!, words[index * 2 + 1]!));
    }
    case 'uint64': {
      const to = expect('decimal');
      return always(({ words }, index) =>
        to.appendBigInt(BigInt.asUintN(64, longOf(words[index * 2]!, words[index * 2 + 1]!))),
      );
    }
    case 'float': {
      const to = expect('float');
      return physical === 'FLOAT'
        ? always(({ floats }, index) => to.append(shortestSingle(floats[index]!)))
        : always(({ floats }, index) => to.append(floats[index]!));
    }
    case 'float16': {
      const to = expect('float');
      return always((values, index) => to.append(halfAt(values, index)));
    }
    case 'date':
      return takeDate(expect('date'));
    case 'timestamp':
    case 'int96':
      return takeMoment(form, expect('integer'));
    case 'time':
      return takeClock(physical, form, expect('bytes'));
    case 'decimal':
      return takeDecimal(column, physical, form, builder);
    case 'text':
    case 'bytes':
      return takeBytes(form.kind === 'text', expect('bytes'));
    case 'uuid':
    case 'interval': {
      const to = expect('bytes');
      const show = form.kind === 'uuid' ? uuidAt : intervalAt;
      return always((values, index) => to.appendText(show(values, index)));
    }
  }
}

/** A taker of values that all fit. */
function always(take: (values: PageValues, index: number) => void): Take {
  return (values, index) => {
    take(values, index);
    return null;
  };
}

function takeDate(to: Builder<'date'>): Take {
  return ({ words }, index) => {
    const day = words[index]!;
    if (day < MIN_DAY || day > MAX_DAY) return misfit('date-out-of-range', showDay(day));
    to.append(day);
    return null;
  };
}

function takeMoment(form: Extract<ValueForm, { kind: 'timestamp' | 'int96' }>, to: Builder<'integer'>): Take {
  if (form.kind === 'timestamp' && form.unit === 'MICROS')
    return ({ words }, index) => {
      const low = words[index * 2]!;
      const high = words[index * 2 + 1]!;
      if (!inYears(low, high)) return misfit('time-out-of-range', showCount(longOf(low, high), 'MICROS'));
      to.appendWords(low, high);
      return null;
    };
  const unit = form.kind === 'int96' ? 'NANOS' : form.unit;
  const read =
    form.kind === 'int96'
      ? ({ words }: PageValues, index: number) =>
          nanosOfInt96(words[index * 3]!, words[index * 3 + 1]!, words[index * 3 + 2]!)
      : ({ words }: PageValues, index: number) => longOf(words[index * 2]!, words[index * 2 + 1]!);
  return (values, index) => {
    const value = read(values, index);
    const micros = microsOf(value, unit);
    if (typeof micros === 'string') return misfit(micros, showCount(value, unit));
    to.appendBigInt(micros);
    return null;
  };
}

/** TIME travels as text. */
function takeClock(
  physical: PhysicalType,
  { unit }: Extract<ValueForm, { kind: 'time' }>,
  to: Builder<'bytes'>,
): Take {
  return ({ words }, index) => {
    const value =
      physical === 'INT32' ? BigInt(words[index]!) : longOf(words[index * 2]!, words[index * 2 + 1]!);
    const micros = clockOf(value, unit);
    if (typeof micros === 'string') return misfit(micros, showCount(value, unit));
    to.appendText(showClock(micros));
    return null;
  };
}

function takeDecimal(
  column: Column,
  physical: PhysicalType,
  { precision, scale }: Extract<ValueForm, { kind: 'decimal' }>,
  builder: ColumnBuilder,
): Take {
  const limit = 10n ** BigInt(precision);
  const append = decimalSink(column, scale, builder);
  return (values, index) => {
    const unscaled = unscaledAt(physical, values, index);
    if (unscaled === null)
      return {
        ...misfit('numeric-overflow', `of ${values.ends[index]! - values.starts[index]!} bytes`),
        text: null,
      };
    if (unscaled >= limit || unscaled <= -limit)
      return misfit('numeric-overflow', showDecimal(unscaled, scale));
    append(unscaled);
    return null;
  };
}

function decimalSink(column: Column, scale: number, builder: ColumnBuilder): (unscaled: bigint) => void {
  if (builder.kind === 'integer' || builder.kind === 'decimal')
    return (unscaled) => builder.appendBigInt(unscaled);
  if (builder.kind === 'bytes') return (unscaled) => builder.appendText(showDecimal(unscaled, scale));
  throw new RangeError(`the decimals of ${column.name} given a builder of ${builder.kind}`);
}

function takeBytes(text: boolean, to: Builder<'bytes'>): Take {
  return ({ bytes, starts, ends }, index) => {
    const start = starts[index]!;
    const end = ends[index]!;
    if (end - start > MAX_VALUE_BYTES) return misfit('value-too-big', `${end - start} bytes`);
    if (text && !isUtf8(bytes.subarray(start, end)))
      return misfit('invalid-utf8', `\\x${showHex(bytes, start, end)}`);
    to.append(bytes, start, end - start);
    return null;
  };
}

function showHex(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, Math.min(end, start + 95))).toString('hex');
}
