/** What is wrong with a table, told from its description: pure. */
import type { Field } from '#cloud/bigquery';
import { connectors } from '#connectors/registry';
import type { Column } from '#core/column';
import type { Failure } from '#core/errors';
import { keyProblem, mergeKeyOf } from '#core/merge-key';
import type { PreflightCheck } from '#core/preflight';
import type { Source, SourceTable } from '#core/source';
import { type LoadedColumn, loadedColumns } from '#core/warehouse-name';
import { noColumns } from './plan.ts';
import { planSchema } from './publish-sql.ts';
import type { Described } from './probe-source.ts';

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
 * Whether a table can be loaded as it is in its source now.
 * @param loaded the columns of its raw table in the warehouse; none where it was never loaded
 */
export function checkTable(
  source: Source,
  table: SourceTable,
  described: Described,
  loaded: readonly Field[],
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
    ...checkTypes(table, columns, loaded),
    ...checkKey(
      table,
      columns.map(({ column }) => column),
    ),
    ...checkCursor(source, table, described),
  ];
}

type Columns = Exclude<Described, Failure>;

function checkTypes(
  table: SourceTable,
  columns: readonly LoadedColumn[],
  loaded: readonly Field[],
): PreflightCheck[] {
  const named = columns.map(({ column, name }) => ({ ...column, name }));
  const { changed, added } = planSchema(loaded, named);
  if (changed.length > 0)
    return changed.map(({ name, from, to }) =>
      failed('columns', table.name, {
        message: `The column "${name}" of "${table.name}" is ${to} in the source now and ${from} in the warehouse.`,
        remedy:
          'Change it back in the source (or cast it in a view), or add the source again under another name to load it into a new table.',
      }),
    );
  const gone = table.columns.filter(
    ({ name }) => !table.excluded.includes(name) && !columns.some(({ column }) => column.name === name),
  );
  const notes = [
    ...(loaded.length > 0 && added.length > 0 ? [`${added.length} new columns will be added`] : []),
    ...(gone.length > 0 ? [`${gone.map(({ name }) => `"${name}"`).join(', ')} gone, null from now on`] : []),
  ];
  const told = notes.length === 0 ? 'fit' : `fit; ${notes.join('; ')}`;
  return [passed('columns', table.name, `The columns of "${table.name}" ${told}.`)];
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
