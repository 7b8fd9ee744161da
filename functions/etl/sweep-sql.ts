/** Statements about a part of a raw table's rows: marking those whose keys are gone, and making place for some. */
import type { TableRef } from '#cloud/bigquery';
import type { Column, ColumnType } from '#core/column';
import { DELETED_AT, LEDGER } from '#core/warehouse-name';
import { about, published, quoted, tableName } from './publish-sql.ts';

/** What the ledger calls the looks for deleted rows of a raw table. */
export function sweepName(destination: string): string {
  return `${destination}#sweep`;
}

/**
 * Marks the rows of `destination` whose key is not among `keys`, and takes the mark from those whose key is there again.
 * Parameters: run, sweep (the name in the ledger).
 */
export function sweepStatements(destination: TableRef, keys: TableRef, key: readonly Column[]): string[] {
  const mark = `kept.${quoted(DELETED_AT)}`;
  const same = key.map(({ name }) => `kept.${quoted(name)} = came.${quoted(name)}`);
  // A statement that matches no column would match every row.
  if (same.length === 0) throw new RangeError('rows without a key cannot be looked for');
  const values = key.map((column) => `${published(column)} AS ${quoted(column.name)}`);
  return [
    `MERGE INTO ${tableName(destination)} AS kept USING (SELECT DISTINCT ${values.join(', ')} FROM ${tableName(keys)}) AS came
ON ${same.join(' AND ')}
WHEN MATCHED AND ${mark} IS NOT NULL THEN UPDATE SET ${quoted(DELETED_AT)} = NULL
WHEN NOT MATCHED BY SOURCE AND ${mark} IS NULL THEN UPDATE SET ${quoted(DELETED_AT)} = CURRENT_TIMESTAMP();`,
    `INSERT INTO ${tableName({ dataset: destination.dataset, table: LEDGER })} (run, table_name, rows_published, published_at)
VALUES (@run, @sweep, 0, CURRENT_TIMESTAMP());`,
  ];
}

/** What the statement says, with the raw table's name, where rows are there whose place cannot be told. */
export const UNTOLD_ROWS = 'rows without a value of the cursor are there';

/** How a canonical value travels as a parameter of text and becomes one of its column's type. */
const CASTS: Partial<Record<ColumnType, string>> = {
  INT64: 'CAST(@from AS INT64)',
  NUMERIC: 'CAST(@from AS NUMERIC)',
  BIGNUMERIC: 'CAST(@from AS BIGNUMERIC)',
  DATETIME: 'CAST(@from AS DATETIME)',
  TIMESTAMP: 'CAST(@from AS TIMESTAMP)',
};

/** Makes place for the rows of `destination` whose `column` is at least @from. */
export function makePlaceStatements(destination: TableRef, column: Column): string[] {
  const cast = CASTS[column.type];
  if (cast === undefined) throw new RangeError(`a cursor of ${column.type}`);
  const table = tableName(destination);
  return [
    `ASSERT NOT EXISTS (SELECT 1 FROM ${table} WHERE ${quoted(column.name)} IS NULL) AS ${about(UNTOLD_ROWS, destination.table)};`,
    `DELETE FROM ${table} WHERE ${quoted(column.name)} >= ${cast};`,
  ];
}
