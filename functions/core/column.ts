/**
 * The columns of a table on its way from a source to the warehouse.
 *
 * A column has the type it will have in the warehouse (`ColumnType`). In the staging files it travels as a
 * `WireType`, the subset that a load job takes from Parquet without guessing; publishing casts back.
 */
import { z } from 'zod';

/** The warehouse's types that a source column can become. */
export const columnTypes = [
  'INT64',
  'FLOAT64',
  'BOOL',
  'NUMERIC',
  'BIGNUMERIC',
  'STRING',
  'BYTES',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
  'TIME',
  'JSON',
] as const;
export const ColumnType = z.enum(columnTypes);
export type ColumnType = z.infer<typeof ColumnType>;

/** The types of staging files and staging tables. */
export type WireType = Exclude<ColumnType, 'DATETIME' | 'TIME' | 'JSON'>;

/**
 * The type `type` has in staging: DATETIME travels as TIMESTAMP (microseconds, read as if UTC), TIME and JSON as
 * STRING, everything else as itself.
 */
export function wireTypeOf(type: ColumnType): WireType {
  switch (type) {
    case 'DATETIME':
      return 'TIMESTAMP';
    case 'TIME':
    case 'JSON':
      return 'STRING';
    default:
      return type;
  }
}

/**
 * One column of a source table.
 *
 * - `name`: as the source spells it, any text; quote it per dialect, never paste it.
 * - `precision`, `scale`: only for NUMERIC (≤ 38 digits, scale ≤ 9, ≤ 29 before the point) and BIGNUMERIC
 *   (≤ 76 digits, scale ≤ 38, ≤ 38 before the point); absent means the widest of the type.
 * - `sourceType`: the source's own words (`numeric(12,2)`, `character varying(40)`, `csv`), shown and compared for drift.
 */
export const Column = z.object({
  name: z.string().min(1).max(300),
  type: ColumnType,
  nullable: z.boolean(),
  precision: z.number().int().min(1).max(76).optional(),
  scale: z.number().int().min(0).max(38).optional(),
  sourceType: z.string().max(300),
});
export type Column = z.infer<typeof Column>;

/** Digits and scale of a NUMERIC or BIGNUMERIC column: its own, else (38,9) and (76,38). */
export function decimalShape(column: Column): { readonly precision: number; readonly scale: number } {
  const widest = column.type === 'BIGNUMERIC' ? { precision: 76, scale: 38 } : { precision: 38, scale: 9 };
  if (column.precision === undefined) return widest;
  return { precision: column.precision, scale: column.scale ?? 0 };
}
