import type { Column } from './column.ts';

/** The raw dataset's table that says what was published when: one row per publication. */
export const LEDGER = '_ledger';
/** The raw dataset's table of rows that did not fit, with the reason. */
export const REJECTS = '_rejects';

/** A column of raw tables whose deleted rows are marked: when the row was found gone from its source; null while it is there. */
export const DELETED_AT = '_tradewind_deleted_at';

/** BigQuery refuses columns whose names start so, in any case; and ours. */
const RESERVED = /^(_table_|_file_|_partition|_row_timestamp|__root__|_colidentifier|_tradewind_)/i;

/**
 * The names that a source's columns have in the warehouse, in the same order: letters, digits and underscores, at most
 * 128, not starting with a digit, all different without regard to case. A name that already is one stays as it is.
 * Deterministic: the same columns always get the same names.
 */
export function warehouseNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, index) => {
    const base = plain(name) || `column_${index + 1}`;
    let free = base;
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${base.slice(0, 120)}_${n}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

/** `columns` under their names in the warehouse. */
export function inWarehouse(columns: readonly Column[]): Column[] {
  const names = warehouseNames(columns.map((column) => column.name));
  return columns.map((column, index) => ({ ...column, name: names[index] ?? column.name }));
}

/** Columns of a table that are loaded: each as its source has it, and under its name in the warehouse. */
export interface LoadedColumn {
  readonly column: Column;
  readonly name: string;
}

/** `columns` without those `excluded`. Names are given among all of them: leaving one out renames no other. */
export function loadedColumns(columns: readonly Column[], excluded: readonly string[]): LoadedColumn[] {
  const names = warehouseNames(columns.map((column) => column.name));
  return columns
    .map((column, index) => ({ column, name: names[index] ?? column.name }))
    .filter(({ column }) => !excluded.includes(column.name));
}

function plain(name: string): string {
  const ascii = name
    .normalize('NFKD')
    .replace(/ß/g, 'ss')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .slice(0, 128);
  const trimmed = /^[A-Za-z0-9_]+$/.test(name) ? ascii : ascii.replace(/^_+|_+$/g, '');
  if (trimmed === '') return '';
  return /^[0-9]/.test(trimmed) || RESERVED.test(trimmed) ? `c_${trimmed}`.slice(0, 128) : trimmed;
}
