/** The key by which a table's rows are merged, and what may be wrong with it. */
import type { Column, ColumnType } from './column.ts';
import type { SourceTable } from './source.ts';

/** The columns by which a table in mode `merge` tells its rows apart; empty where there are none. */
export function mergeKeyOf({ key, mergeKey }: Pick<SourceTable, 'key' | 'mergeKey'>): readonly string[] {
  return mergeKey ?? key ?? [];
}

/** Types of columns that can tell rows apart: BigQuery compares no JSON, and equal floats need not be the same value. */
export const MERGE_KEY_TYPES: readonly ColumnType[] = [
  'INT64',
  'NUMERIC',
  'BIGNUMERIC',
  'STRING',
  'BYTES',
  'BOOL',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
  'TIME',
];

/** Why rows cannot be told apart; the remedy names columns that could. */
export interface KeyProblem {
  readonly code: 'key-missing' | 'unknown-column' | 'key-not-possible';
  readonly message: string;
  readonly remedy: string;
}

/** Whether rows of the table `name` can be told apart by `key`: null where they can, as far as its columns say. */
export function keyProblem(
  name: string,
  key: readonly string[],
  columns: readonly Column[],
): KeyProblem | null {
  const fitting = columns.filter(({ type }) => MERGE_KEY_TYPES.includes(type)).map((one) => `"${one.name}"`);
  const remedy =
    fitting.length === 0
      ? 'Load it by replace: this table has no column that tells rows apart.'
      : `Choose the columns that tell its rows apart, of ${fitting.slice(0, 10).join(', ')}; or load it by replace.`;
  if (key.length === 0)
    return { code: 'key-missing', message: `"${name}" has no primary key to merge its rows by.`, remedy };
  for (const wanted of key) {
    const column = columns.find((one) => one.name === wanted);
    if (column === undefined)
      return {
        code: 'unknown-column',
        message: `"${name}" has no column "${wanted}" among those that are loaded.`,
        remedy,
      };
    if (!MERGE_KEY_TYPES.includes(column.type)) {
      const message = `"${wanted}" of "${name}" is ${column.type}; rows cannot be told apart by it.`;
      return { code: 'key-not-possible', message, remedy };
    }
  }
  return null;
}
