/**
 * Row filters carried out by us, where the source cannot: on the values of one row, as they would be loaded. Means what
 * the databases' conditions mean (core/row-filter.ts).
 */
import { receivingBuilder, type Receiver } from '#columnar/receiver';
import type { ColumnBuilder } from '#columnar/table-writer';
import { type Column, decimalShape } from '#core/column';
import { microsOfMoment } from '#core/filter-moments';
import type { FilterLiteral, TypedCondition, TypedFilter } from '#core/typed-filter';
import { filteredPlan } from './filter-columns.ts';

/** A column that the filter looks at. */
export interface TestedColumn {
  readonly column: Column;
  /** Its numbers have single precision. */
  readonly single?: boolean;
}

/** A row under test: one value (or null) into each of `builders`, then `passes`. */
export interface RowTest<C extends TestedColumn> {
  /** The columns it looks at, and in the same order what takes their values. */
  readonly columns: readonly C[];
  readonly builders: readonly ColumnBuilder[];
  /** Whether the row whose values were given last is to be taken. */
  passes(): boolean;
}

type Value = number | bigint | string | boolean | null;
type Fits = (value: Exclude<Value, null>) => boolean;

/** The test of `filter` on rows of `table`. @throws TerminalError `column-changed` where it has not all of its columns */
export function makeRowTest<C extends TestedColumn>(
  filter: TypedFilter,
  columns: readonly C[],
  table: string,
): RowTest<C> {
  const tested = filter.columns.map(({ name }) => filteredPlan(columns, name, table));
  const slots = new Map(tested.map((one) => [one.column.name, new Slot()]));
  const conditions = filter.conditions.map((one) =>
    'match' in one
      ? joined(
          one.match,
          one.conditions.map((each) => makeCondition(each, tested, slots)),
        )
      : makeCondition(one, tested, slots),
  );
  return {
    columns: tested,
    builders: tested.map(({ column }) => receivingBuilder(column, slotOf(slots, column.name))),
    passes: joined(filter.match, conditions),
  };
}

function joined(match: 'all' | 'any', conditions: readonly (() => boolean)[]): () => boolean {
  if (conditions.length === 0) throw new RangeError('a filter without conditions');
  return match === 'all'
    ? () => conditions.every((condition) => condition())
    : () => conditions.some((condition) => condition());
}

/** The value that a column was given last. */
class Slot implements Receiver {
  value: Value = null;
  nothing(): void {
    this.value = null;
  }
  whole(value: number | bigint): void {
    this.value = value;
  }
  float(value: number): void {
    this.value = value;
  }
  truth(value: boolean): void {
    this.value = value;
  }
  /** A sign for each byte: texts are compared as they are stored, without spaces at their end. */
  bytes(source: Uint8Array, start: number, length: number): void {
    let end = length;
    while (end > 0 && source[start + end - 1] === 0x20) end--;
    this.value =
      end > LONGEST
        ? TOO_LONG
        : Buffer.from(source.buffer, source.byteOffset + start, end).toString('latin1');
  }
}

/** No literal has more bytes; what has is like no other, and nothing in latin1 is like it. */
const LONGEST = 800;
const TOO_LONG = '\u0100';

function slotOf(slots: ReadonlyMap<string, Slot>, name: string): Slot {
  const slot = slots.get(name);
  if (slot === undefined) throw new RangeError(`a filter without its column ${name}`);
  return slot;
}

/** Null is neither one of anything, nor none of it, nor above or below. */
function makeCondition(
  condition: TypedCondition,
  tested: readonly TestedColumn[],
  slots: ReadonlyMap<string, Slot>,
): () => boolean {
  const { column: name, test, values } = condition;
  const slot = slotOf(slots, name);
  if (test === 'null') return () => slot.value === null;
  if (test === 'not-null') return () => slot.value !== null;
  const column = filteredPlan(tested, name, '');
  const fits =
    test === 'one-of' || test === 'none-of' ? makeEqual(condition, column) : makeOrder(test, values, column);
  return () => slot.value !== null && fits(slot.value);
}

function makeEqual({ test, values }: TypedCondition, { column }: TestedColumn): Fits {
  const none = test === 'none-of';
  const wanted = new Set(values.flatMap((value) => keyOf(value, column) ?? []));
  return (value) => wanted.has(String(value)) !== none;
}

/** What equal values have in common; null for a number that no value of the column can be. */
function keyOf(literal: FilterLiteral, column: Column): string | null {
  switch (literal.type) {
    case 'text':
      return Buffer.from(literal.text, 'utf8').toString('latin1');
    case 'bool':
      return literal.text;
    default: {
      const { below, exact } = wholeOf(literal, column);
      return exact ? String(below) : null;
    }
  }
}

function makeOrder(
  test: 'lt' | 'le' | 'gt' | 'ge',
  [literal]: readonly FilterLiteral[],
  { column, single = false }: TestedColumn,
): Fits {
  if (literal === undefined) throw new RangeError(`${test} of nothing`);
  if (literal.type === 'float') {
    const bound = single ? Math.fround(Number(literal.text)) : Number(literal.text);
    // A single was written shortest: as a double it lies beside itself.
    return orders(test, bound, single ? (value) => Math.fround(Number(value)) : null);
  }
  // Of a bound between two values of the column: those up to the lower one are below it.
  const { below, exact } = wholeOf(literal, column);
  return orders(exact ? test : test === 'lt' || test === 'le' ? 'le' : 'gt', below, null);
}

type Ordered = number | bigint;

function orders(
  test: 'lt' | 'le' | 'gt' | 'ge',
  bound: Ordered,
  change: ((value: unknown) => number) | null,
): Fits {
  const ordered = (value: unknown): Ordered =>
    change !== null ? change(value) : typeof value === 'bigint' ? value : Number(value);
  switch (test) {
    case 'lt':
      return (value) => ordered(value) < bound;
    case 'le':
      return (value) => ordered(value) <= bound;
    case 'gt':
      return (value) => ordered(value) > bound;
    case 'ge':
      return (value) => ordered(value) >= bound;
  }
}

const DAY_MICROS = 86_400_000_000n;

/** The greatest value of the column, as its builder gets it, that is not above the literal; whether it is the literal. */
function wholeOf(
  { type, text }: FilterLiteral,
  column: Column,
): { readonly below: bigint; readonly exact: boolean } {
  if (type === 'date') return { below: microsOfMoment(text) / DAY_MICROS, exact: true };
  if (type === 'datetime' || type === 'timestamp') return { below: microsOfMoment(text), exact: true };
  const scale = column.type === 'INT64' ? 0 : decimalShape(column).scale;
  const [whole = '', decimals = ''] = text.replace('-', '').split('.');
  const amount = BigInt(whole + decimals.slice(0, scale).padEnd(scale, '0'));
  const exact = decimals.length <= scale;
  if (!text.startsWith('-')) return { below: amount, exact };
  return { below: exact ? -amount : -amount - 1n, exact };
}
