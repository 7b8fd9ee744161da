/** Whether a load may take a table as its source has it now. */
import { isDeepStrictEqual } from 'node:util';
import type { Field } from '#cloud/bigquery';
import type { TableDescription } from '#connectors/connector';
import { Column } from '#core/column';
import { Dataset } from '#core/dataset';
import { type ColumnChange, describeChange, type Proposal } from '#core/drift';
import { TerminalError } from '#core/errors';
import type { EtlTable } from '#core/etl-run';
import { hashedAmong, notesWithout } from '#core/hashed-column';
import { paths } from '#core/paths';
import { loadsInto, SourceTable } from '#core/source';
import { driftOf, proposed, readersOf, reconciled } from '#core/table-drift';
import { readAll, revise } from '#store/document';
import { now } from '#store/store';
import type { Scope } from './scope.ts';

/**
 * Compares a table with what was loaded last, before anything of it is read, and keeps how it is described now. May be
 * called again at any time.
 * @param raw the raw table that the run is to load into; null where there is none
 * @returns the table as it stands
 * @throws TerminalError `schema-changed` where its policy does not let the difference through: it is then proposed;
 *   `schema-kept` where somebody decided against it; `schema-decided` where that was while this run had begun
 */
export async function admit(
  scope: Scope,
  table: EtlTable,
  known: SourceTable,
  described: TableDescription,
  raw: { readonly fields: readonly Field[] } | null,
): Promise<SourceTable> {
  const { store, key, warehouse, dataset } = scope;
  const { destination } = known;
  // A new version, which is not read yet, is compared with the one before.
  const last =
    destination === table.destination ? raw : await warehouse.describe({ dataset, table: destination });
  const baseline = last === null ? null : reconciled(known.loaded, last.fields);
  const readers = readersOf(await readAll(store, paths.datasets(key.tenant, key.model), Dataset));
  const facts = {
    // As Firestore keeps them: without what is undefined.
    columns: described.columns.map((column) => Column.parse(JSON.parse(JSON.stringify(column)))),
    key: described.key.length === 0 ? null : [...described.key],
    notes: notesWithout(described.notes, hashedAmong(described.columns, known.hashed)),
  };
  let admitted = known;
  await revise(
    store,
    paths.sourceTable(key.tenant, key.model, table.source, table.id),
    SourceTable,
    (stored) => {
      const seen = { at: now(store), by: key.run };
      const after = { ...stored, ...facts };
      admitted = proposed(after, driftOf(after, baseline, readers), seen);
      if (isDeepStrictEqual(admitted, stored)) return null;
      return { value: { ...admitted, discoveredAt: seen.at } };
    },
  );
  const { proposal } = admitted;
  if (proposal !== null && proposal.decision !== 'accepted') throw refused(table.name, proposal);
  if (loadsInto(admitted) !== table.destination) throw decidedMeanwhile(table.name);
  return admitted;
}

/** Why a load does not take a table, in words, with what to do about it. */
export function refused(
  name: string,
  { changes, decision, newVersion }: Pick<Proposal, 'changes' | 'decision' | 'newVersion'>,
): TerminalError {
  const what = `"${name}" has changed since it was last loaded: ${inWords(changes)}. Nothing of it was read.`;
  if (decision === 'kept')
    return new TerminalError('schema-kept', what, {
      remedy:
        'Somebody chose to keep the raw table as it is. Accept the change on the Sources page, or undo it in the source.',
    });
  const hidden = changes.filter(({ kind }) => kind === 'lost').map(({ column }) => `"${column}"`);
  if (hidden.length > 0)
    return new TerminalError('schema-changed', what, {
      remedy: `Where a new column is ${hidden.slice(0, 5).join(' or ')} under another name, leave it out or hash it as well on the Sources page; where none is, accept the change there.`,
    });
  const accepted = newVersion
    ? 'accept it to begin the table anew with the columns it has now'
    : 'accept it to change the raw table';
  return new TerminalError('schema-changed', what, {
    remedy: `Look at what depends on it on the Sources page: ${accepted}, keep the raw table as it is, or leave the column out.`,
  });
}

/**
 * Why nothing of `table`, as it is described now, may be shown: columns whose values are not to be seen are gone, and may be
 * there under another name. Null where none is.
 */
export function lostColumns(table: SourceTable): TerminalError | null {
  const { changes } = driftOf(table, table.loaded, new Map());
  const hidden = changes.filter(
    ({ kind, column }) =>
      kind === 'lost' || (kind === 'removed' && table.hashed.some((one) => one.column === column)),
  );
  const came = changes.filter(({ kind }) => kind === 'added');
  if (hidden.length === 0 || isAccepted(table, [...hidden, ...came])) return null;
  return refused(table.name, { changes: [...hidden, ...came], decision: 'open', newVersion: false });
}

/** Somebody has looked at just these. */
function isAccepted({ proposal }: SourceTable, changes: readonly ColumnChange[]): boolean {
  if (proposal?.decision !== 'accepted') return false;
  return changes.every(({ kind, column }) =>
    proposal.changes.some((one) => one.kind === kind && one.column === column),
  );
}

/** The first of `changes` in words. */
export function inWords(changes: readonly ColumnChange[]): string {
  const shown = changes.slice(0, 5).map(describeChange).join('; ');
  return changes.length > 5 ? `${shown}; and ${changes.length - 5} more` : shown;
}

function decidedMeanwhile(name: string): TerminalError {
  return new TerminalError(
    'schema-decided',
    `What is to become of the changed columns of "${name}" was decided after this load had begun.`,
    { remedy: 'Start the load again: it follows the decision.' },
  );
}
