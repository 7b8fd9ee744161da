/** A table's drift with everything that decides about it: its policy, its key, the data sets that read it. Pure. */
import type { Column } from './column.ts';
import { columnsRead, type Dataset } from './dataset.ts';
import {
  type Baseline,
  type ColumnChange,
  type DescribedSchema,
  heldChanges,
  type KeptColumn,
  type LoadedSchema,
  needNewVersion,
  type Proposal,
  propose,
  tableDifference,
} from './drift.ts';
import { hashedAmong } from './hashed-column.ts';
import { asChosen } from './misfit-policy.ts';
import type { SourceTable } from './source.ts';
import { DELETED_AT, type LoadedColumn, loadedColumns, warehouseNames } from './warehouse-name.ts';

/** Who reads which columns of a raw table: the names of data sets by column, in small letters, by raw table. */
export type ColumnReaders = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** The readers among `datasets` that are not deleted. A column counts by each name that may be meant. */
export function readersOf(datasets: readonly Dataset[]): ColumnReaders {
  const readers = new Map<string, Map<string, string[]>>();
  for (const dataset of datasets.filter(({ deletedAt }) => deletedAt === null))
    for (const destination of new Set(dataset.tables.map((table) => table.destination))) {
      const columns = readers.get(destination) ?? new Map<string, string[]>();
      readers.set(destination, columns);
      for (const { column } of columnsRead(dataset, [destination]))
        for (const name of namesOf(column)) {
          const known = columns.get(name) ?? [];
          if (!known.includes(dataset.name)) columns.set(name, [...known, dataset.name]);
        }
    }
  return readers;
}

/** The names, in small letters, that a column may have in the warehouse that somebody calls `column`. */
export function namesOf(column: string): string[] {
  return [...new Set([column, warehouseNames([column])[0] ?? column].map((name) => name.toLowerCase()))];
}

/** What has changed, what of it no load applies by itself, and whether that needs a new version of the raw table. */
export interface TableDrift {
  readonly changes: readonly ColumnChange[];
  readonly held: readonly ColumnChange[];
  readonly newVersion: boolean;
}

type Drifting = Pick<
  SourceTable,
  'columns' | 'key' | 'excluded' | 'hashed' | 'misfits' | 'drift' | 'mode' | 'mergeKey' | 'destination'
>;

/** Columns that are to be left out or hashed, and that are not among `columns`, which are all of the table's. */
export function missingOf(
  columns: readonly Pick<Column, 'name'>[],
  { excluded, hashed }: Pick<SourceTable, 'excluded' | 'hashed'>,
): string[] {
  const there = new Set(columns.map(({ name }) => name));
  return [
    ...excluded.filter((name) => !there.has(name)),
    ...hashed.flatMap((one) => (hashedAmong(columns, [one]).length === 0 ? [one.column] : [])),
  ].filter((name, index, all) => all.indexOf(name) === index);
}

/**
 * The drift of a table, as it was described last, from `loaded`. Where it was never loaded (null) nothing is a difference
 * but that a column whose values are not to arrive is gone before its first load.
 */
export function driftOf(table: Drifting, loaded: Baseline | null, readers: ColumnReaders): TableDrift {
  const now: DescribedSchema = {
    columns: loadedColumns(asChosen(table.columns, table), table.excluded),
    key: table.key,
    excluded: table.excluded,
    missing: missingOf(table.columns, table),
  };
  const changes = tableDifference(loaded, now);
  const mergesByPrimaryKey = table.mode === 'merge' && table.mergeKey === null;
  const read = readers.get(table.destination);
  const isHashed = (column: string) => hashedAmong([{ name: column }], table.hashed).length > 0;
  const isNeeded = (column: string) => {
    const kept = loaded?.columns.find(({ source }) => source === column)?.name ?? column;
    return read?.has(kept.toLowerCase()) === true || read?.has(column.toLowerCase()) === true;
  };
  const held = heldChanges(changes, { policy: table.drift, mergesByPrimaryKey, isNeeded, isHashed });
  return { changes, held, newVersion: needNewVersion(held, { mergesByPrimaryKey }) };
}

/** The table with the proposal that its drift calls for, or without one. A version accepted for another drift is given up. Where nobody has kept what was loaded, a load finds that out. */
export function withProposal<T extends SourceTable>(
  table: T,
  readers: ColumnReaders,
  seen: { readonly at: string; readonly by: string },
): T {
  if (table.loaded === null && !isAboutLost(table.proposal)) return table;
  return proposed(table, driftOf(table, table.loaded, readers), seen);
}

/** What is proposed before a first load, which a look at the table may settle. */
function isAboutLost(proposal: Proposal | null): boolean {
  return proposal !== null && proposal.changes.every(({ kind }) => kind === 'lost');
}

/** Likewise, for a drift that is known. */
export function proposed<T extends SourceTable>(
  table: T,
  { held, newVersion }: TableDrift,
  seen: { readonly at: string; readonly by: string },
): T {
  const proposal = held.length === 0 ? null : propose(held, newVersion, table.proposal, seen);
  if (proposal?.decision === 'accepted') return { ...table, proposal };
  return { ...table, proposal, ...withoutNext(table, seen.at) };
}

/** A new version that is not wanted any more: what a load may have put there goes. */
export function withoutNext(
  { next, former }: Pick<SourceTable, 'next' | 'former'>,
  at: string,
): Pick<SourceTable, 'next' | 'former'> {
  if (next === null) return { next, former };
  return { next: null, former: [...former, { destination: next, until: at, expiresAt: null }] };
}

/** Columns of a raw table, as the warehouse has them. */
type Fields = readonly Pick<KeptColumn, 'name' | 'type'>[];

/**
 * What is known of a raw table's columns before a load: as the load before left them, but where the warehouse says
 * otherwise, which is the truth. Of a table whose loads nobody has kept, types alone.
 */
export function reconciled(loaded: LoadedSchema | null, fields: Fields): Baseline {
  const known = new Map((loaded?.columns ?? []).map((one) => [one.name.toLowerCase(), one]));
  const columns = sourcesOf(fields).map(({ name, type }): KeptColumn => {
    const before = known.get(name.toLowerCase());
    if (before !== undefined) return { ...before, name, type };
    return { name, type, source: loaded === null ? name : null, sourceType: '', nullable: true };
  });
  return loaded === null
    ? { columns, excluded: [] }
    : { columns, excluded: loaded.excluded, key: loaded.key, absent: loaded.absent };
}

/** A raw table's columns after a load of `columns`: those that the source has no more stay, and are null in new rows. */
export function schemaAfter(columns: readonly LoadedColumn[], fields: Fields): KeptColumn[] {
  const brought = new Map(columns.map((one) => [one.name.toLowerCase(), one.column]));
  return sourcesOf(fields).map(({ name, type }) => {
    const from = brought.get(name.toLowerCase());
    return from === undefined
      ? { name, type, source: null, sourceType: '', nullable: true }
      : { name, type, source: from.name, sourceType: from.sourceType, nullable: from.nullable };
  });
}

/** Without what Tradewind itself keeps of rows. */
function sourcesOf(fields: Fields): Fields {
  return fields.filter(({ name }) => name !== DELETED_AT);
}
