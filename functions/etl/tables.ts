import { type Failure, TerminalError } from '#core/errors';
import { EtlTable, etlCycle, type TableStep } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import type { Proof } from '#core/proof';
import { loadsInto, Source, SourceTable } from '#core/source';
import { readerLimit } from '#core/source-limits';
import { readAll, revise, transition } from '#store/document';
import { now, type Store } from '#store/store';
import type { TaskShare } from './plan.ts';
import { type RunKey, tablePath } from './run-key.ts';

type ModelKey = Pick<RunKey, 'tenant' | 'model'>;

/** A source with its tables, in the order of their names. */
export interface SourceTables {
  readonly source: Source;
  readonly tables: readonly SourceTable[];
}

/** The model's sources that are not deleted, with their tables, oldest first. */
export async function sourceTables(store: Store, { tenant, model }: ModelKey): Promise<SourceTables[]> {
  const sources = await readAll(store, paths.sources(tenant, model), Source, {
    orderBy: ['createdAt', 'asc'],
  });
  return Promise.all(
    sources
      .filter((source) => source.deletedAt === null)
      .map(async (source) => {
        const tables = await readAll(store, paths.sourceTables(tenant, model, source.id), SourceTable);
        return { source, tables: tables.sort((a, b) => (a.name < b.name ? -1 : 1)) };
      }),
  );
}

/** What a run is to load, of what is enabled; both left out: all of it. */
export interface Choice {
  readonly tables?: readonly string[] | undefined;
  readonly sources?: readonly string[] | undefined;
}

/**
 * The enabled tables that `choice` names.
 * @throws TerminalError `unknown-table`, `unknown-source`, `table-disabled`, `source-disabled`, `nothing-to-load`
 */
export function chooseTables(all: readonly SourceTables[], choice: Choice): SourceTable[] {
  for (const id of choice.sources ?? []) {
    const found = all.find(({ source }) => source.id === id);
    if (found === undefined) throw refused('unknown-source', `There is no source "${id}" in this model.`);
    if (!found.source.enabled)
      throw refused('source-disabled', `The source "${found.source.name}" is disabled.`);
  }
  for (const id of choice.tables ?? []) {
    const found = all.find(({ tables }) => tables.some((table) => table.id === id));
    const table = found?.tables.find((one) => one.id === id);
    if (found === undefined || table === undefined)
      throw refused('unknown-table', `There is no table "${id}" in this model.`);
    if (!found.source.enabled || !table.enabled)
      throw refused('table-disabled', `The table "${table.name}" of "${found.source.name}" is disabled.`);
  }
  const chosen = enabled(all).filter(
    (table) =>
      (choice.tables === undefined && choice.sources === undefined) ||
      choice.tables?.includes(table.id) === true ||
      choice.sources?.includes(table.source) === true,
  );
  if (chosen.length === 0)
    throw new TerminalError('nothing-to-load', 'No table is enabled, so there is nothing to load.', {
      remedy: 'Add a source, discover its tables and enable at least one.',
    });
  return chosen;
}

function refused(code: string, message: string): TerminalError {
  return new TerminalError(code, message, {
    remedy: 'Name only tables and sources of this model that are enabled.',
  });
}

function enabled(all: readonly SourceTables[]): SourceTable[] {
  return all.flatMap(({ source, tables }) => (source.enabled ? tables.filter((table) => table.enabled) : []));
}

/** Every table that a run loads, as its model stands: enabled, and where it names tables (`only`) among those. */
export async function tablesToLoad(
  store: Store,
  key: ModelKey,
  only: readonly string[] | null,
): Promise<SourceTable[]> {
  return (await sourcesToLoad(store, key, only)).flatMap(({ tables }) => tables);
}

/** The same by their sources; those of which none is loaded are left out. */
export async function sourcesToLoad(
  store: Store,
  key: ModelKey,
  only: readonly string[] | null,
): Promise<SourceTables[]> {
  const all = await sourceTables(store, key);
  return all
    .map((one) => ({
      ...one,
      tables: enabled([one]).filter((table) => only === null || only.includes(table.id)),
    }))
    .filter(({ tables }) => tables.length > 0);
}

/** What a source's tables are worth in tasks, and how many of them can read it. */
export function taskShare({ source: { settings }, tables }: SourceTables): TaskShare {
  return { estimates: tables.map(({ estimatedRows }) => estimatedRows), readers: readerLimit(settings) };
}

/** The tables of a run as they stand, by name. */
export async function tablesOf(store: Store, { tenant, model, run }: RunKey): Promise<EtlTable[]> {
  const tables = await readAll(store, paths.etlTables(tenant, model, run), EtlTable);
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A run's record of a table that is to be loaded. */
export function newTable(run: string, table: SourceTable, at: string): EtlTable {
  return {
    id: table.id,
    run,
    source: table.source,
    name: table.name,
    destination: loadsInto(table),
    mode: table.mode,
    status: 'queued',
    counts: { rows: 0, bytes: 0, rejected: {} },
    failure: null,
    watermark: null,
    proof: null,
    rowLimit: table.rowLimit,
    ofRows: table.rowLimit === null ? null : table.estimatedRows,
    added: null,
    notes: [],
    asItIs: null,
    reading: null,
    marks: {},
    createdAt: at,
    finishedAt: null,
  };
}

/** Ends the table as failed, unless it is over. The others go on. */
export async function failTable(store: Store, key: RunKey, table: string, failure: Failure): Promise<void> {
  await transition(store, tablePath(key, table), EtlTable, etlCycle, 'fail', {
    patch: () => ({ failure: { ...failure }, finishedAt: now(store) }),
  });
}

/** Keeps what the table's rows were compared by. */
export async function keepProof(
  { store, key }: { readonly store: Store; readonly key: RunKey },
  table: string,
  proof: Proof,
): Promise<void> {
  await store.db.commit([{ kind: 'update', path: tablePath(key, table), data: { proof } }]);
}

/** Tells that a step of the table begins, with what else is known of it by now; nothing of one that is over. */
export async function markStep(
  { store, key }: { readonly store: Store; readonly key: RunKey },
  table: string,
  step: TableStep,
  more: Partial<Pick<EtlTable, 'asItIs'>> = {},
): Promise<void> {
  await revise(store, tablePath(key, table), EtlTable, (current) =>
    isOver(current)
      ? null
      : { value: { ...current, ...more, marks: { ...current.marks, [step]: now(store) } } },
  );
}

/** Whether nothing will happen to the table any more. */
export function isOver(table: Pick<EtlTable, 'status'>): boolean {
  return isFinal(etlCycle, table.status);
}
