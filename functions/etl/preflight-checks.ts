/** What is wrong with a table, told from its description: pure. */
import type { Field } from '#cloud/bigquery';
import { connectors } from '#connectors/registry';
import type { Column } from '#core/column';
import { type Failure, toFailure } from '#core/errors';
import { hashedAmong } from '#core/hashed-column';
import { asChosen } from '#core/misfit-policy';
import { keyProblem, mergeKeyOf } from '#core/merge-key';
import type { PreflightCheck } from '#core/preflight';
import type { Source, SourceTable } from '#core/source';
import { connectionLimit } from '#core/source-limits';
import { type ColumnReaders, driftOf, proposed, reconciled } from '#core/table-drift';
import { loadedColumns } from '#core/warehouse-name';
import { inWords, refused } from './drift.ts';
import { noColumns } from './plan.ts';
import type { Described } from './probe-source.ts';
import { chosenRows } from './table-choice.ts';

/** A check that found all well. */
export function passed(check: string, where: string | null, message: string): PreflightCheck {
  return { check, ok: true, message, remedy: null, where };
}

/** A check that found what would fail. */
export function failed(
  check: string,
  where: string | null,
  { message, remedy }: Pick<Failure, 'message' | 'remedy'>,
): PreflightCheck {
  return { check, ok: false, message, remedy, where };
}

/** Two tables that would be loaded to one place. */
export function checkDestinations(tables: readonly SourceTable[]): PreflightCheck[] {
  const check = 'destinations';
  const owners = new Map<string, string>();
  const findings: PreflightCheck[] = [];
  for (const { destination, name } of tables) {
    const owner = owners.get(destination);
    if (owner === undefined) owners.set(destination, name);
    else
      findings.push(
        failed(check, name, {
          message: `"${name}" would be loaded to "${destination}", as "${owner}" is.`,
          remedy: 'Discover the tables of this source again, or disable one of the two.',
        }),
      );
  }
  return findings.length > 0 ? findings : [passed(check, null, 'Each table has a destination of its own.')];
}

/**
 * Whether a load by so many tasks gets the connections that it takes of a source; nothing where it holds none.
 * @param allowed what the server lets the user hold at once; null: any number
 */
export function checkConnections(source: Source, allowed: number | null, tasks: number): PreflightCheck[] {
  const most = connectionLimit(source.settings);
  if (most === null) return [];
  // One more than read holds the moment that they read.
  const takes = Math.min(most, tasks + 1);
  const check = 'connections';
  const { name } = source;
  if (allowed === null || allowed >= takes)
    return [passed(check, name, `A load holds ${takes} of at most ${counted(most)} to "${name}".`)];
  return [
    failed(check, name, {
      message: `A load would hold ${counted(takes)} to "${name}", whose server lets this user hold ${allowed}.`,
      remedy:
        allowed < 2
          ? 'Let the user hold at least two there (ALTER ROLE … CONNECTION LIMIT, or ALTER DATABASE).'
          : `Let the user hold more there (ALTER ROLE … CONNECTION LIMIT, or ALTER DATABASE), or set the source’s limit of connections (maxConnections) to ${allowed}.`,
    }),
  ];
}

function counted(connections: number): string {
  return connections === 1 ? '1 connection' : `${connections} connections`;
}

/**
 * Whether a table can be loaded as it is in its source now.
 * @param raw the columns of its raw table in the warehouse; null where it was never loaded
 * @param readers what reads the raw tables
 */
export function checkTable(
  source: Source,
  table: SourceTable,
  described: Described,
  raw: Raw,
  readers: ColumnReaders,
): PreflightCheck[] {
  const where = table.name;
  if ('code' in described) return [failed('table-readable', where, described)];
  const columns = loadedColumns(described.columns, table.excluded);
  const empty = noColumns(
    where,
    described.columns,
    columns.map(({ column }) => column),
  );
  if (empty !== null) return [failed('table-readable', where, empty)];
  return [
    passed('table-readable', where, `"${where}" is there, with ${columns.length} columns.`),
    checkDrift(table, described, raw, readers),
    ...checkKey(
      table,
      asChosen(
        columns.map(({ column }) => column),
        table,
      ),
    ),
    ...checkRows(table, described.columns),
    ...checkCursor(source, table, described),
  ];
}

type Columns = Exclude<Described, Failure>;
type Raw = readonly Field[] | null;

function checkDrift(table: SourceTable, { columns, key }: Columns, raw: Raw, readers: ColumnReaders) {
  const check = 'columns';
  const now = { ...table, columns: [...columns], key: key.length === 0 ? null : [...key] };
  const drift = driftOf(now, raw === null ? null : reconciled(table.loaded, raw), readers);
  const { proposal } = proposed(now, drift, { at: table.discoveredAt, by: 'preflight' });
  if (proposal !== null && proposal.decision !== 'accepted') {
    const { message, remedy = null } = refused(table.name, proposal);
    return failed(check, table.name, { message, remedy });
  }
  if (raw === null) return passed(check, table.name, `"${table.name}" is loaded for the first time.`);
  if (proposal?.newVersion === true)
    return passed(check, table.name, `"${table.name}" begins anew with its new columns, as was accepted.`);
  const told = drift.changes.length === 0 ? 'fit' : `are taken as they are now: ${inWords(drift.changes)}`;
  return passed(check, table.name, `The columns of "${table.name}" ${told}.`);
}

function checkRows(table: SourceTable, columns: readonly Column[]): PreflightCheck[] {
  const gone = table.hashed.find((one) => hashedAmong(columns, [one]).length === 0);
  const notes = [
    ...(table.filter === null ? [] : ['by its filter']),
    ...(table.rowLimit === null ? [] : [`at most ${table.rowLimit}, as a sample`]),
    ...(gone === undefined ? [] : [`"${gone.column}", to be hashed, is gone`]),
  ];
  try {
    // What is relative is counted anew by each load: here it is only to be possible.
    chosenRows(table, columns, 0);
  } catch (error) {
    return [failed('rows', table.name, toFailure(error))];
  }
  return notes.length === 0
    ? []
    : [passed('rows', table.name, `Rows of "${table.name}" are chosen: ${notes.join('; ')}.`)];
}

function checkKey(table: SourceTable, columns: readonly Column[]): PreflightCheck[] {
  if (table.mode !== 'merge') return [];
  const key = mergeKeyOf(table);
  const problem = keyProblem(table.name, key, columns);
  if (problem !== null) return [failed('key', table.name, problem)];
  const named = key.map((name) => `"${name}"`).join(', ');
  return [passed('key', table.name, `Rows of "${table.name}" are told apart by ${named}.`)];
}

function checkCursor(source: Source, table: SourceTable, { columns }: Columns): PreflightCheck[] {
  if (table.mode === 'replace' || table.cursor === null) return [];
  const { capabilities, label } = connectors[source.settings.kind];
  const column = columns.find(({ name }) => name === table.cursor);
  const remedy = 'Choose another cursor for this table, or load it by replace.';
  if (column === undefined)
    return [
      failed('cursor', table.name, {
        message: `"${table.name}" has no column "${table.cursor}" any more, by which new rows are told.`,
        remedy,
      }),
    ];
  if (!capabilities.cursorTypes.includes(column.type))
    return [
      failed('cursor', table.name, {
        message: `"${column.name}" is ${column.type} now; ${label} cannot tell new rows by it.`,
        remedy,
      }),
    ];
  return [passed('cursor', table.name, `New rows of "${table.name}" are told by "${column.name}".`)];
}
