/**
 * Values of the driver into column builders.
 *
 * A taker appends the value and answers null, or appends nothing and answers why the value does not fit. Nothing is
 * ever rounded, clamped or replaced. What is no value of the agreed form at all is a server that does not keep to its own
 * description: RangeError.
 */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import type { ColumnBuilder } from '#columnar/table-writer';
import { decimalShape } from '#core/column';
import { expectKind } from '../expect-kind.ts';
import {
  MAX_DAY,
  MIN_DAY,
  misfit,
  type Misfit,
  parseUnscaled,
  shortestSingle,
  showDay,
  showMoment,
} from '../values.ts';
import type { ColumnPlan, ValueForm } from './types.ts';

/** Takes one value that is not null. */
export type Take = (value: unknown) => Misfit | null;

const DAY_MS = 86_400_000;
const FIRST_MS = MIN_DAY * DAY_MS;
const LAST_MS = (MAX_DAY + 1) * DAY_MS - 1;

type MakeTaker = (plan: ColumnPlan, builder: ColumnBuilder) => Take;

const makers: Readonly<Record<ValueForm, MakeTaker>> = {
  integer(plan, builder) {
    const column = expectKind(plan, builder, 'integer');
    return (value) => {
      column.appendNumber(asNumber(value, plan));
      return null;
    };
  },
  bigint(plan, builder) {
    const column = expectKind(plan, builder, 'integer');
    return (value) => {
      const digits = asText(value, plan);
      // Sixteen signs hold any number of 15 digits, which a double holds exactly.
      if (digits.length < 16) column.appendNumber(Number(digits));
      else column.appendBigInt(BigInt(digits));
      return null;
    };
  },
  bool(plan, builder) {
    const column = expectKind(plan, builder, 'bool');
    return (value) => {
      if (typeof value !== 'boolean') throw unexpected(value, plan);
      column.append(value);
      return null;
    };
  },
  float(plan, builder) {
    const column = expectKind(plan, builder, 'float');
    return (value) => {
      column.append(asNumber(value, plan));
      return null;
    };
  },
  single(plan, builder) {
    const column = expectKind(plan, builder, 'float');
    return (value) => {
      column.append(shortestSingle(asNumber(value, plan)));
      return null;
    };
  },
  decimal: decimals,
  text: (plan, builder) => texts(plan, builder, (text) => text),
  // A seventh decimal of 0 is no decimal; between the moment and its offset the warehouse has no space.
  'moment-text': (plan, builder) =>
    texts(plan, builder, (text) => text.replace(/(\.\d{6})0(?!\d)/, '$1').replace(/ (?=[-+]\d\d:)/, '')),
  bytes(plan, builder) {
    const column = expectKind(plan, builder, 'bytes');
    return (value) => {
      if (!(value instanceof Uint8Array)) throw unexpected(value, plan);
      if (value.length > MAX_VALUE_BYTES) return tooBig(value.length);
      column.append(value, 0, value.length);
      return null;
    };
  },
  date(plan, builder) {
    const column = expectKind(plan, builder, 'date');
    return (value) => {
      const day = asDate(value, plan).getTime() / DAY_MS;
      if (!(day >= MIN_DAY && day <= MAX_DAY))
        return misfit('date-out-of-range', showDay(day), 'is outside 0001-01-01 to 9999-12-31');
      column.append(day);
      return null;
    };
  },
  moment(plan, builder) {
    const column = expectKind(plan, builder, 'integer');
    return (value) => {
      const date = asDate(value, plan);
      const milliseconds = date.getTime();
      // An offset can carry a moment over the edge of its calendar.
      if (!(milliseconds >= FIRST_MS && milliseconds <= LAST_MS))
        return misfit(
          'time-out-of-range',
          showMoment(BigInt(milliseconds) * 1000n + BigInt(microsBelow(date))),
          'is outside the years 0001 to 9999',
        );
      const micros = microsBelow(date);
      // A million times the seconds until the year 9999 is beyond what a double holds exactly.
      if (Math.abs(milliseconds) < 8e12) column.appendNumber(milliseconds * 1000 + micros);
      else column.appendBigInt(BigInt(milliseconds) * 1000n + BigInt(micros));
      return null;
    };
  },
  time(plan, builder) {
    const column = expectKind(plan, builder, 'bytes');
    return (value) => {
      const date = asDate(value, plan);
      const clock = date.toISOString().slice(11, 23);
      column.appendText(`${clock}${String(microsBelow(date)).padStart(3, '0')}`);
      return null;
    };
  },
};

/** The taker of `plan`'s values into `builder`. */
export function makeTake(plan: ColumnPlan, builder: ColumnBuilder): Take {
  return makers[plan.form](plan, builder);
}

function decimals(plan: ColumnPlan, builder: ColumnBuilder): Take {
  if (builder.kind !== 'integer' && builder.kind !== 'decimal')
    throw new RangeError(`a decimal column given a builder of ${builder.kind}`);
  const { precision, scale } = decimalShape(plan.column);
  const limit = 10n ** BigInt(precision);
  return (value) => {
    const text = asText(value, plan);
    const exact = parseUnscaled(text, scale);
    if (exact === null || exact >= limit || exact <= -limit)
      return misfit('numeric-overflow', text, `does not fit ${plan.column.type}(${precision},${scale})`);
    if (text.length < 16) builder.appendNumber(Number(exact));
    else builder.appendBigInt(exact);
    return null;
  };
}

function texts(plan: ColumnPlan, builder: ColumnBuilder, shape: (text: string) => string): Take {
  const column = expectKind(plan, builder, 'bytes');
  return (value) => {
    const text = shape(asText(value, plan));
    // UTF-16 of SQL Server may hold half a character, which UTF-8 has no form for.
    if (!text.isWellFormed()) return misfit('invalid-utf16', text.toWellFormed(), 'holds half a character');
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > MAX_VALUE_BYTES) return tooBig(bytes.length);
    column.append(bytes, 0, bytes.length);
    return null;
  };
}

function tooBig(bytes: number): Misfit {
  return misfit('value-too-big', `${bytes} bytes`, `is longer than ${MAX_VALUE_BYTES} bytes`);
}

/** Microseconds beyond the milliseconds of a `Date`: the driver keeps them beside it, in seconds. */
function microsBelow(date: Date): number {
  const seconds = 'nanosecondsDelta' in date ? Number(date.nanosecondsDelta) : 0;
  return Math.round(seconds * 1e6);
}

function asNumber(value: unknown, plan: ColumnPlan): number {
  if (typeof value !== 'number') throw unexpected(value, plan);
  return value;
}

function asText(value: unknown, plan: ColumnPlan): string {
  if (typeof value !== 'string') throw unexpected(value, plan);
  return value;
}

function asDate(value: unknown, plan: ColumnPlan): Date {
  if (!(value instanceof Date)) throw unexpected(value, plan);
  return value;
}

function unexpected(value: unknown, plan: ColumnPlan): RangeError {
  return new RangeError(
    `column ${plan.column.name} of form ${plan.form} got ${value instanceof Object ? value.constructor.name : typeof value}`,
  );
}
