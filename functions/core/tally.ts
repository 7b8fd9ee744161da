/**
 * What was counted while rows were written: kept with a unit of work, added up per table, and compared with the
 * warehouse after the load. Every figure is independent of the order of rows.
 */
import { z } from 'zod';

/**
 * One column's figures. Numbers that may pass 2^53 are decimal strings.
 *
 * - `min`, `max`: INT64 and decimals as decimals (unscaled for decimals, at the column's scale), DATE in days since
 *   1970-01-01, TIMESTAMP in microseconds since then; null for other types or without values.
 * - `sum`: of the same numbers; for STRING and BYTES of the lengths in bytes; for BOOL the count of true; null for
 *   FLOAT64, whose sum depends on the order.
 */
export const ColumnTally = z.object({
  name: z.string(),
  nulls: z.number().int().min(0),
  min: z.string().nullable(),
  max: z.string().nullable(),
  sum: z.string().nullable(),
});
export type ColumnTally = z.infer<typeof ColumnTally>;

/** The figures of one file, unit or table. `bytes` is the size of the Parquet output. */
export const TableTally = z.object({
  rows: z.number().int().min(0),
  bytes: z.number().int().min(0),
  columns: z.array(ColumnTally),
  /** Over all rows, in whatever order (columnar/row-checksum.ts), a decimal; null: not counted. */
  checksum: z.string().nullable().default(null),
});
export type TableTally = z.infer<typeof TableTally>;

/** The figures of no rows at all over the columns of `like`. */
export function emptyTally(names: readonly string[]): TableTally {
  return {
    rows: 0,
    bytes: 0,
    checksum: '0',
    columns: names.map((name) => ({ name, nulls: 0, min: null, max: null, sum: null })),
  };
}

function pick(a: string | null, b: string | null, choose: (a: bigint, b: bigint) => bigint): string | null {
  if (a === null || b === null) return a ?? b;
  return choose(BigInt(a), BigInt(b)).toString();
}

/** The figures of both parts together; columns are matched by position and must be the same list. */
export function addTallies(a: TableTally, b: TableTally): TableTally {
  return {
    rows: a.rows + b.rows,
    bytes: a.bytes + b.bytes,
    checksum:
      a.checksum === null || b.checksum === null
        ? null
        : (BigInt(a.checksum) + BigInt(b.checksum)).toString(),
    columns: a.columns.map((left, index) => {
      const right = b.columns[index];
      if (right?.name !== left.name)
        throw new RangeError(`tally column ${index} is ${left.name} here and ${String(right?.name)} there`);
      return {
        name: left.name,
        nulls: left.nulls + right.nulls,
        min: pick(left.min, right.min, (x, y) => (x < y ? x : y)),
        max: pick(left.max, right.max, (x, y) => (x > y ? x : y)),
        sum: pick(left.sum, right.sum, (x, y) => x + y),
      };
    }),
  };
}
