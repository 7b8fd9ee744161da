import type { ColumnType } from '../column.ts';
import type { ColumnRef, DatasetDefinition } from '../dataset.ts';
import { TerminalError } from '../errors.ts';
import { warehouseNames } from '../warehouse-name.ts';

/** A raw table as it is in the warehouse. */
export interface RawTable {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
}

/** The raw tables of a data set, by destination; a missing one has not been loaded yet. */
export type RawTables = ReadonlyMap<string, RawTable>;

/** A column that exists. */
export interface Resolved {
  readonly alias: string;
  readonly name: string;
  readonly type: ColumnType;
}

/**
 * Checks that the tables, joins and roles of `definition` hang together: aliases are different, every join leads from a
 * table already there to one not yet there, no table is left over, every role names a table of the data set.
 * @throws TerminalError `dataset-invalid`
 */
export function checkShape(definition: DatasetDefinition): void {
  const aliases = definition.tables.map((table) => table.alias);
  const twice = aliases.find((alias, index) => aliases.indexOf(alias) !== index);
  if (twice !== undefined)
    throw invalid(`The table name "${twice}" is used twice.`, 'Give each table its own name.');
  const joined = new Set(aliases.slice(0, 1));
  for (const { left, right } of definition.joins) {
    for (const ref of [left, right]) needAlias(aliases, ref, 'A join');
    if (!joined.has(left.table))
      throw invalid(
        `The join to "${right.table}" starts at "${left.table}", which is not joined yet.`,
        'Put the joins in an order in which each starts at a table that is already there.',
      );
    if (joined.has(right.table))
      throw invalid(`The table "${right.table}" is joined twice.`, 'Keep one join to it.');
    joined.add(right.table);
  }
  const loose = aliases.find((alias) => !joined.has(alias));
  if (loose !== undefined)
    throw invalid(`No join leads to the table "${loose}".`, 'Add a join, or leave the table out.');
  for (const [role, ref] of Object.entries(definition.roles))
    if (ref !== undefined) needAlias(aliases, ref, `The ${role} column`);
}

/**
 * The column that `ref` names in the warehouse: by its name there, or by its name in the source.
 * @throws TerminalError `table-not-loaded` or `unknown-column`, naming it and the near ones.
 */
export function resolveColumn(
  definition: DatasetDefinition,
  tables: RawTables,
  ref: ColumnRef,
  role: string,
): Resolved {
  const destination = definition.tables.find((table) => table.alias === ref.table)?.destination ?? '';
  const table = tables.get(destination);
  if (table === undefined)
    throw new TerminalError('table-not-loaded', `The table ${destination} is not in the warehouse yet.`, {
      remedy: 'Start an ETL run that loads it, then try again.',
    });
  const wanted = [ref.column, warehouseNames([ref.column])[0] ?? ref.column].map((name) =>
    name.toLowerCase(),
  );
  const found =
    table.columns.find((column) => column.name === ref.column) ??
    table.columns.find((column) => wanted.includes(column.name.toLowerCase()));
  if (found !== undefined) return { alias: ref.table, name: found.name, type: found.type };
  const near = nearest(
    ref.column,
    table.columns.map((column) => column.name),
  );
  throw new TerminalError(
    'unknown-column',
    `The table ${destination} has no column "${ref.column}" (${role}).`,
    { remedy: `Choose one of its columns, for example ${near.map((name) => `"${name}"`).join(', ')}.` },
  );
}

/** The up to three of `names` most like `name`, by shared pairs of letters. */
export function nearest(name: string, names: readonly string[]): string[] {
  const wanted = pairs(name);
  const likeness = (other: string) => {
    const theirs = pairs(other);
    const shared = [...wanted].filter((pair) => theirs.has(pair)).length;
    return shared / Math.max(1, wanted.size + theirs.size - shared);
  };
  return [...names]
    .map((other) => ({ other, score: likeness(other) }))
    .sort((a, b) => b.score - a.score || (a.other < b.other ? -1 : 1))
    .slice(0, 3)
    .map(({ other }) => other);
}

function pairs(text: string): Set<string> {
  const plain = ` ${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')} `;
  const found = new Set<string>();
  for (let i = 0; i + 2 <= plain.length; i++) found.add(plain.slice(i, i + 2));
  return found;
}

function needAlias(aliases: readonly string[], ref: ColumnRef, what: string): void {
  if (!aliases.includes(ref.table))
    throw invalid(
      `${what} names the table "${ref.table}", which the data set does not have.`,
      `Use one of its tables: ${aliases.join(', ')}.`,
    );
}

function invalid(message: string, remedy: string): TerminalError {
  return new TerminalError('dataset-invalid', message, { remedy });
}
