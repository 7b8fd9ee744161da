import { connectors } from '#connectors/registry';
import { TerminalError } from '#core/errors';
import { type HashedColumn, notesWithout } from '#core/hashed-column';
import { keyProblem, mergeKeyOf } from '#core/merge-key';
import { asChosen, type MisfitColumn } from '#core/misfit-policy';
import { paths } from '#core/paths';
import { type Deletes, type LoadMode, type NewPlace, SourceTable } from '#core/source';
import { columnsRead, Dataset } from '#core/dataset';
import type { DriftPolicy } from '#core/drift';
import type { FilterValue, RowFilter } from '#core/row-filter';
import { readersOf, withProposal } from '#core/table-drift';
import { loadedColumns } from '#core/warehouse-name';
import { mustRead, readAll } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { edit, given, mustReadLive } from '#store/resource';
import { now, type Store } from '#store/store';
import { checkRows } from './chosen-rows.ts';
import { checkMisfits, misfitRemarks } from './misfits.ts';
import { resourceOf, type SourceKey } from './sources.ts';

/** What a person may choose of a table; what is left out stays. */
export interface TableChoice {
  readonly enabled?: boolean | undefined;
  readonly mode?: LoadMode | undefined;
  readonly cursor?: string | null | undefined;
  readonly deletes?: Deletes | undefined;
  readonly deleteLimit?: number | undefined;
  readonly excluded?: string[] | undefined;
  readonly mergeKey?: string[] | null | undefined;
  readonly rejectLimit?: number | undefined;
  readonly sweepHours?: number | undefined;
  readonly startFrom?: FilterValue | null | undefined;
  readonly filter?: RowFilter | null | undefined;
  readonly rowLimit?: number | null | undefined;
  readonly hashed?: HashedColumn[] | undefined;
  readonly misfits?: MisfitColumn[] | undefined;
  /** What is at the place that the table's `moved` asks about. */
  readonly moved?: NewPlace | undefined;
  readonly drift?: DriftPolicy | undefined;
  readonly expectedUpdatedAt?: string | undefined;
}

/**
 * Changes how a table is loaded; what changes nothing writes nothing.
 * @throws TerminalError `not-found`, `conflict`, `unknown-column`, `cursor-not-possible`,
 *   `column-in-use`, `key-missing`, `key-not-possible`, `no-columns`, `deletes-not-possible`,
 *   `not-moved`, `filter-not-possible`, `hash-not-possible`, `start-not-possible`, `misfits-not-possible`
 */
export async function changeTable(
  store: Store,
  key: SourceKey & { readonly table: string },
  actor: string,
  { expectedUpdatedAt, moved, ...choice }: TableChoice,
): Promise<SourceTable & { readonly remarks: string[] }> {
  await mustBeThere(store, key.tenant, key.model);
  const source = (await mustReadLive(store, resourceOf(key))).value;
  const { capabilities, label } = connectors[source.settings.kind];
  const path = paths.sourceTable(key.tenant, key.model, key.source, key.table);
  if (choice.excluded !== undefined) {
    const table = (await mustRead(store, path, SourceTable, 'table')).value;
    await checkUnused(store, key, table, choice.excluded);
  }
  const readers = readersOf(await readAll(store, paths.datasets(key.tenant, key.model), Dataset));
  let remarks: string[] = [];
  const changed = await edit(
    store,
    { path, schema: SourceTable, what: 'table', noun: 'table' },
    { tenant: key.tenant, actor },
    expectedUpdatedAt,
    (table) => {
      const patch = given(choice);
      // Not what was left out before: a column that is gone stays so, should it come back.
      if (choice.excluded !== undefined) checkKnown(table, choice.excluded);
      checkChoice({ ...table, ...patch }, capabilities, label, table);
      checkRows({ ...table, ...patch }, table);
      // What was told of values that are hashed from now on is told no more.
      const notes = notesWithout(table.notes, patch.hashed ?? []);
      const told = notes.length === table.notes.length ? {} : { notes };
      // With another policy, key or choice of columns, something else may be left to decide.
      const seen = { at: now(store), by: 'discovery' };
      const { proposal, next, former } = withProposal({ ...table, ...patch }, readers, seen);
      remarks = misfitRemarks(table, { ...table, ...patch }, capabilities.ownCursor);
      const answered = moved === undefined ? {} : { moved: decided(table, moved) };
      return { patch: { ...patch, ...told, ...answered, proposal, next, former } };
    },
  );
  return { ...changed, remarks };
}

function decided({ name, moved }: SourceTable, decision: NewPlace): SourceTable['moved'] {
  if (moved !== null) return { ...moved, decision };
  throw new TerminalError('not-moved', `No load has found "${name}" at another place than before.`, {
    remedy: 'Load it: if its place has changed, the load asks what is there.',
  });
}

/** Whether the kind of source can load the table as chosen; a cursor or misfits that were chosen `before` are believed. */
export function checkChoice(
  table: Pick<
    SourceTable,
    | 'name'
    | 'columns'
    | 'excluded'
    | 'mode'
    | 'cursor'
    | 'key'
    | 'mergeKey'
    | 'deletes'
    | 'hashed'
    | 'misfits'
  >,
  capabilities: (typeof connectors)[keyof typeof connectors]['capabilities'],
  label: string,
  before: Pick<SourceTable, 'cursor' | 'misfits'> | null = null,
): void {
  if (table.columns.length > 0 && loadedOf(table).length === 0)
    throw new TerminalError('no-columns', `Of "${table.name}" every column would be left out.`, {
      remedy: 'Choose at least one of its columns, or do not load the table.',
    });
  checkMisfits(table, before?.misfits);
  const wanted = table.mode === 'merge' ? mergeKeyOf(table) : table.mergeKey;
  const unkeyed = wanted === null ? null : keyProblem(table.name, wanted, asChosen(loadedOf(table), table));
  if (unkeyed !== null) throw new TerminalError(unkeyed.code, unkeyed.message, { remedy: unkeyed.remedy });
  if (table.deletes === 'mark' && (capabilities.ownCursor || table.mode !== 'merge'))
    throw new TerminalError(
      'deletes-not-possible',
      `Rows of "${table.name}" that are deleted in the source cannot be found.`,
      {
        remedy:
          'They are found where rows of a database are merged by a key: choose merge, or keep deleted rows.',
      },
    );
  if (table.cursor === null || table.cursor === before?.cursor) return;
  const column = table.columns.find((one) => one.name === table.cursor);
  const fitting = table.columns.filter((one) => capabilities.cursorTypes.includes(one.type));
  const choices = fitting.slice(0, 10).map((one) => `"${one.name}"`);
  const remedy = capabilities.ownCursor
    ? 'Leave the cursor out: files tell by themselves what is new, a file that has not changed is not read again.'
    : choices.length === 0
      ? 'Leave the cursor out: this table has no column that can be one.'
      : `Choose one of ${choices.join(', ')}.`;
  if (column === undefined)
    throw new TerminalError('unknown-column', `"${table.name}" has no column "${table.cursor}".`, { remedy });
  if (!capabilities.cursorTypes.includes(column.type))
    throw new TerminalError(
      'cursor-not-possible',
      `"${column.name}" is ${column.type}; ${label} cannot tell new rows by it.`,
      { remedy },
    );
}

/** A column that a data set reads would be null there, and a role of null is learned from without a word. */
async function checkUnused(
  store: Store,
  { tenant, model }: SourceKey,
  table: SourceTable,
  left: readonly string[],
): Promise<void> {
  const named = new Map(
    loadedColumns(table.columns, []).map(({ column, name }) => [name.toLowerCase(), column.name]),
  );
  for (const dataset of await readAll(store, paths.datasets(tenant, model), Dataset)) {
    if (dataset.deletedAt !== null) continue;
    const used = columnsRead(dataset, [table.destination])
      .map(({ column }) => named.get(column.toLowerCase()) ?? column)
      .find((name) => left.includes(name) && !table.excluded.includes(name));
    if (used !== undefined)
      throw new TerminalError(
        'column-in-use',
        `The column "${used}" of "${table.name}" is read by the data set "${dataset.name}".`,
        { remedy: 'Take it out of the data set first, or keep loading it.' },
      );
  }
}

function loadedOf({ columns, excluded }: Pick<SourceTable, 'columns' | 'excluded'>) {
  return columns.filter((column) => !excluded.includes(column.name));
}

function checkKnown(
  { name, columns, excluded }: Pick<SourceTable, 'name' | 'columns' | 'excluded'>,
  left: readonly string[],
): void {
  const unknown = left.find(
    (wanted) => !excluded.includes(wanted) && !columns.some((column) => column.name === wanted),
  );
  if (unknown === undefined) return;
  throw new TerminalError('unknown-column', `"${name}" has no column "${unknown}".`, {
    remedy: 'Leave out only columns that the table has; discover the tables again if they have changed.',
  });
}
