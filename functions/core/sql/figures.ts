/**
 * Figures over the rows of a table in the warehouse, to be compared with those that were gathered while the rows were read
 * (core/tally.ts). Each of them is one number whatever the order of the rows.
 *
 * The checksum is the sum over all rows of a number that every value of the row has a part in, so that a value in the wrong
 * row changes it as well as a wrong one:
 *
 *     figure   of a value, 31 bits:  whole numbers, decimals without their point, days, microseconds: the lowest bits;
 *              text and bytes: of their FARM_FINGERPRINT; true 1, false 0; FLOAT64: of 2^20 times the value, cut off
 *     r        = Σ weight(column) · figure, 31 bits
 *     checksum = Σ over rows of the lowest 32 bits of r · (r >> 15 | 1)
 *
 * TIME and JSON take no part, which the warehouse writes in its own way, nor does BIGNUMERIC. functions/columnar counts the
 * same, a page at a time.
 */
import { type Column, decimalShape, wireTypeOf } from '../column.ts';
import type { TableTally } from '../tally.ts';
import { quoteName } from './quote.ts';

/** The lowest 31 bits. */
export const FIGURE_MASK = 0x7fff_ffff;
/** The figure of null. */
export const NULL_FIGURE = 0x2545_f491;
/** The figure of a number that is too large for the rule: a decimal from 2^62 on, a FLOAT64 from 2^31 on or not a number. */
export const LARGE_FIGURE = 1;
/** What a FLOAT64 is multiplied by before the rest is cut off. */
export const FLOAT_FACTOR = 1_048_576;

/** The weight of the column at `index`: odd, 15 bits. */
export function weightOf(index: number): number {
  return (Math.imul(index + 1, 0x9e37_79b1) >>> 17) | 1;
}

/** Columns that take part: a statement has a length. */
const CHECKSUM_COLUMNS = 1000;

/** Whether values of the column at `index` have a figure. */
export function hasFigure({ type }: Pick<Column, 'type'>, index: number): boolean {
  return index < CHECKSUM_COLUMNS && type !== 'TIME' && type !== 'JSON' && type !== 'BIGNUMERIC';
}

/** Where rows are looked at: in staging, in wire types, or in a table of the columns' own types. */
export type Form = 'staged' | 'own';

/** DATETIME is a TIMESTAMP in staging, and must be made one elsewhere. */
function micros({ name, type }: Column, form: Form): string {
  const value = quoteName(name);
  return `UNIX_MICROS(${type === 'DATETIME' && form === 'own' ? `TIMESTAMP(${value})` : value})`;
}

/** The figure of a column's value; null where it has none. */
function figureOf(column: Column, index: number, form: Form): string | null {
  const name = quoteName(column.name);
  const bits = (value: string) => `COALESCE(${value} & ${FIGURE_MASK}, ${NULL_FIGURE})`;
  const within = (condition: string, value: string) =>
    `CASE WHEN ${name} IS NULL THEN ${NULL_FIGURE} WHEN ${condition} THEN CAST(${value} AS INT64) & ${FIGURE_MASK} ELSE ${LARGE_FIGURE} END`;
  if (!hasFigure(column, index)) return null;
  switch (wireTypeOf(column.type)) {
    case 'INT64':
      return bits(name);
    case 'TIMESTAMP':
      return bits(micros(column, form));
    case 'DATE':
      return bits(`UNIX_DATE(${name})`);
    case 'BOOL':
      return `CASE WHEN ${name} IS NULL THEN ${NULL_FIGURE} WHEN ${name} THEN 1 ELSE 0 END`;
    case 'STRING':
    case 'BYTES':
      return bits(`FARM_FINGERPRINT(${name})`);
    case 'FLOAT64':
      return within(`${name} >= -2147483648 AND ${name} < 2147483648`, `TRUNC(${name} * ${FLOAT_FACTOR})`);
    case 'NUMERIC': {
      const { scale } = decimalShape(column);
      const bound = `NUMERIC '${shifted(2n ** 62n, scale)}'`;
      return within(`${name} >= -${bound} AND ${name} < ${bound}`, `${name} * ${10 ** scale}`);
    }
    default:
      return null;
  }
}

/** `value` with its point `scale` digits from the right. */
function shifted(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function rowFigure(columns: readonly Column[], form: Form): string {
  const parts = columns.flatMap((column, index) => {
    const figure = figureOf(column, index, form);
    return figure === null ? [] : [`${weightOf(index)} * ${figure}`];
  });
  return parts.length === 0 ? '0' : `(${parts.join(' + ')}) & ${FIGURE_MASK}`;
}

/**
 * SUM of an exact type; null where the type has none, or where values like those of `tally` could leave it (unknown: decimals
 * could).
 */
function sumOf(column: Column, form: Form, index: number, tally: TableTally | null): string | null {
  const name = quoteName(column.name);
  if (form === 'own' && (column.type === 'TIME' || column.type === 'JSON')) return null;
  switch (wireTypeOf(column.type)) {
    case 'INT64':
      return `SUM(CAST(${name} AS NUMERIC))`;
    case 'NUMERIC':
    case 'BIGNUMERIC':
      return fits(column, index, tally) ? `SUM(${name})` : null;
    case 'DATE':
      return `SUM(UNIX_DATE(${name}))`;
    case 'TIMESTAMP':
      return `SUM(CAST(${micros(column, form)} AS NUMERIC))`;
    case 'BOOL':
      return `COUNTIF(${name})`;
    case 'STRING':
      return `SUM(BYTE_LENGTH(${name}))`;
    case 'BYTES':
      return `SUM(LENGTH(${name}))`;
    default:
      // FLOAT64's sum depends on the order.
      return null;
  }
}

/** Digits before the point that sums may have: NUMERIC's own, and of BIGNUMERIC what is of use. */
const SUM_DIGITS = { NUMERIC: 29, BIGNUMERIC: 18 };
/** Digits before the point of values that so many of them as there can be rows leave room for. */
const SAFE_DIGITS = 18;

/** Whether the column's values leave the type in no order of adding them up. */
function fits(column: Column, index: number, tally: TableTally | null): boolean {
  const { precision, scale } = decimalShape(column);
  const counted = tally?.columns[index];
  if (tally === null || counted === undefined || counted.min === null || counted.max === null)
    return column.type === 'NUMERIC' && precision - scale <= SAFE_DIGITS;
  const [low, high] = [-BigInt(counted.min), BigInt(counted.max)];
  const widest = low > high ? low : high;
  const digits = SUM_DIGITS[column.type === 'NUMERIC' ? 'NUMERIC' : 'BIGNUMERIC'];
  return widest * BigInt(tally.rows) < 10n ** BigInt(digits + scale);
}

/** What is asked of a table. */
export interface FiguresWanted {
  /** The table as statements name it, with conditions if need be: what follows FROM. */
  readonly from: string;
  /** Under their names there. */
  readonly columns: readonly Column[];
  readonly form: Form;
  /** What is expected: sums that could leave the warehouse's types are not asked for. Null: nothing is known. */
  readonly tally: TableTally | null;
}

/** The checksum over rows whose figures are under the name `row`. */
const checksumOf = (row: string) => `SUM((${row} * ((${row} >> 15) | 1)) & 4294967295)`;

/** `name`, or more of it where a column has it: a table's name stands for its rows where a column's is meant. */
export function unlike(name: string, columns: readonly Pick<Column, 'name'>[]): string {
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  let free = name;
  while (taken.has(free)) free += '_';
  return free;
}

/** The rows of the table with the figure of each under a name that no column has. */
function rowsOf(
  { from, columns, form }: FiguresWanted,
  beside: readonly Column[] = columns,
): { readonly rows: string; readonly row: string } {
  const row = unlike('r', beside);
  const names = beside.map(({ name }) => `${quoteName(name)}, `).join('');
  return { row, rows: `(SELECT ${names}${rowFigure(columns, form)} AS ${row} FROM ${from})` };
}

/** One row: `n`, and of column i `nulls_i` and, as text, `sum_i`; `checksum`; and what else is asked for. */
export function figuresQuery(wanted: FiguresWanted, more: readonly string[] = []): string {
  const { columns, form, tally } = wanted;
  const { rows, row } = rowsOf(wanted);
  const perColumn = columns.flatMap((column, index) => {
    const sum = sumOf(column, form, index, tally);
    return [
      `COUNTIF(${quoteName(column.name)} IS NULL) AS nulls_${index}`,
      ...(sum === null ? [] : [`CAST(${sum} AS STRING) AS sum_${index}`]),
    ];
  });
  const all = ['COUNT(*) AS n', ...more, ...perColumn, `CAST(${checksumOf(row)} AS STRING) AS checksum`];
  return `SELECT ${all.join(',\n  ')}\nFROM ${rows}`;
}

/** Columns of which an assertion holds more than their part in the checksum: a statement has a length. */
const ASSERTED_COLUMNS = 500;

/** A condition: the table has the figures of `tally`. */
export function figuresCondition(wanted: FiguresWanted & { readonly tally: TableTally }): string {
  const { form, tally } = wanted;
  const columns = wanted.columns.slice(0, ASSERTED_COLUMNS);
  const { rows, row } = rowsOf(wanted, columns);
  const perColumn = columns.flatMap((column, index) => {
    const expected = tally.columns[index];
    if (expected === undefined) return [];
    const sum = expected.sum === null ? null : sumOf(column, form, index, tally);
    const scale = hasScale(column) ? decimalShape(column).scale : 0;
    return [
      `COUNTIF(${quoteName(column.name)} IS NULL) = ${expected.nulls}`,
      ...(sum === null || expected.sum === null
        ? []
        : [`${sum} = ${literalOf(column)} '${shifted(BigInt(expected.sum), scale)}'`]),
    ];
  });
  const checksum = tally.checksum === null ? [] : [`COALESCE(${checksumOf(row)}, 0) = ${tally.checksum}`];
  return `(SELECT ${[`COUNT(*) = ${tally.rows}`, ...perColumn, ...checksum].join('\n  AND ')}\nFROM ${rows})`;
}

function hasScale({ type }: Column): boolean {
  return type === 'NUMERIC' || type === 'BIGNUMERIC';
}

function literalOf({ type }: Column): 'NUMERIC' | 'BIGNUMERIC' {
  return type === 'BIGNUMERIC' ? 'BIGNUMERIC' : 'NUMERIC';
}

/** What `figuresQuery` answered, as the tally of the table's rows: what is to be expected where they are copied. */
export function tallyOfFigures(
  row: Readonly<Record<string, unknown>>,
  columns: readonly Column[],
): TableTally {
  const sumAt = (column: Column, index: number): string | null => {
    const sum = row[`sum_${index}`];
    if (sum === undefined || sum === null) return null;
    return unscaled(sum, hasScale(column) ? decimalShape(column).scale : 0).toString();
  };
  return {
    rows: Number(row['n']),
    bytes: 0,
    checksum: unscaled(row['checksum'] ?? null, 0).toString(),
    columns: columns.map((column, index) => ({
      name: column.name,
      nulls: Number(row[`nulls_${index}`]),
      min: null,
      max: null,
      sum: sumAt(column, index),
    })),
  };
}

/** `12.5` at scale 2 as 1250n; a SUM over no values (null) is 0. */
export function unscaled(value: unknown, scale: number): bigint {
  if (value === null) return 0n;
  const written = typeof value === 'string' ? value : JSON.stringify(value);
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(written) ?? [];
  if (whole === undefined) throw new RangeError(`decimal ${written}`);
  const digits = `${whole}${fraction.padEnd(scale, '0').slice(0, scale)}`;
  if (/[1-9]/.test(fraction.slice(scale))) throw new RangeError(`decimal ${written} at scale ${scale}`);
  return BigInt(sign + digits);
}
