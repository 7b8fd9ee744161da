import type { Column } from './column.ts';

/** The raw dataset's table that says what was published when: one row per publication. */
export const LEDGER = '_ledger';
/** The raw dataset's table of rows that did not fit, with the reason. */
export const REJECTS = '_rejects';

/** A column of raw tables whose deleted rows are marked: when the row was found gone from its source; null while it is there. */
export const DELETED_AT = '_tradewind_deleted_at';

/**
 * BigQuery refuses columns whose names start so, in any case; and ours. A column `__proto__` it takes, but its client for
 * JavaScript loses the values.
 */
const RESERVED =
  /^(_table_|_file_|_partition|_row_timestamp|__root__|_colidentifier|_tradewind_|__proto__$)/i;

/**
 * The names that a source's columns have in the warehouse, in the same order: letters, digits and underscores, at most
 * 128, not starting with a digit, all different without regard to case. A name that already is one stays as it is; of those
 * that would become the same, the others are told apart by a mark of what they are called. A name never depends on its
 * place, so columns that come and go rename no other but one that would have had the same name.
 */
export function warehouseNames(names: readonly string[]): string[] {
  const bases = names.map((name) => plain(name) || `column_${markOf(name)}`);
  const owners = new Map<string, number>();
  // In the order of the alphabet where that leaves it open: never the first of the table.
  const order = [...names.keys()].sort(
    (a, b) => rank(names, bases, a) - rank(names, bases, b) || compare(names, a, b),
  );
  for (const index of order) {
    const key = (bases[index] ?? '').toLowerCase();
    if (!owners.has(key)) owners.set(key, index);
  }
  const taken = new Set<string>();
  return names.map((name, index) => {
    const base = bases[index] ?? '';
    let free = owners.get(base.toLowerCase()) === index ? base : `${base.slice(0, 110)}_${markOf(name)}`;
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${base.slice(0, 110)}_${markOf(name)}_${n}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

/** Who has the name: first those that are called so in small letters, then in any, then those that become it. */
function rank(names: readonly string[], bases: readonly string[], index: number): number {
  if (names[index] !== bases[index]) return 2;
  return names[index] === names[index]?.toLowerCase() ? 0 : 1;
}

const compare = (names: readonly string[], a: number, b: number) =>
  (names[a] ?? '') < (names[b] ?? '') ? -1 : 1;

/** Six letters and digits that follow from a name alone (FNV-1a). */
function markOf(name: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(36).padStart(7, '0').slice(-6);
}

/** `columns` without those `excluded`, under their names in the warehouse: see `loadedColumns`. */
export function inWarehouse(columns: readonly Column[], excluded: readonly string[] = []): Column[] {
  return loadedColumns(columns, excluded).map(({ column, name }) => ({ ...column, name }));
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
