/** Tables of hostile names in real databases and files, and whether what a load published of them is what was there. */
import { inWarehouse } from '#core/warehouse-name';
import type { SourceTable } from '#core/source';

/** Rows of each table of hostile columns. */
export const ROWS = 3;

/** The value of a column in a row: it says of which name it is, and occurs once. */
export const marker = (name: string, row: number): string => `${Buffer.from(name).toString('hex')}/${row}`;

export const quotePostgres = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteMariadb = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const text = (value: string): string => `'${value}'`;

/** Statements that make a table with a column for each name, and its rows. */
export function tableSql(table: string, names: readonly string[], quote: (name: string) => string): string[] {
  const columns = names.map((name) => `${quote(name)} varchar(1300)`).join(', ');
  const rows = Array.from(
    { length: ROWS },
    (_, row) => `(${names.map((name) => text(marker(name, row))).join(', ')})`,
  );
  return [`CREATE TABLE ${table} (${columns})`, `INSERT INTO ${table} VALUES ${rows.join(', ')}`];
}

/** The file of a table of `names`: every field in quotes. */
export function csvOf(names: readonly string[]): string {
  const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  const rows = Array.from({ length: ROWS }, (_, row) => names.map((name) => quoted(marker(name, row))));
  return [names.map(quoted), ...rows].map((fields) => `${fields.join(',')}\n`).join('');
}

const LEGAL = /^[A-Za-z_][A-Za-z0-9_]{0,299}$/;
/** BigQuery's documentation of column names; and ours. */
const RESERVED = /^(_table_|_file_|_partition|_row_timestamp|__root__|_colidentifier|_tradewind_)/i;

/**
 * What is wrong with a published table of hostile columns; nothing where each name is there, under a name that BigQuery takes,
 * with its own values.
 */
export function differences(
  table: Pick<SourceTable, 'name' | 'columns'>,
  names: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string[] {
  const wrong: string[] = [];
  const shown = (name: string): string => `${table.name}: ${JSON.stringify(name).slice(0, 80)}`;
  const found = new Map(inWarehouse(table.columns).map(({ name }, at) => [table.columns[at]?.name, name]));
  const seen = new Set<string>();
  for (const name of names) {
    const published = found.get(name);
    if (published === undefined) {
      wrong.push(`${shown(name)} was not discovered`);
      continue;
    }
    if (!LEGAL.test(published) || RESERVED.test(published) || seen.has(published.toLowerCase()))
      wrong.push(`${shown(name)} became ${published}`);
    seen.add(published.toLowerCase());
    const wanted = Array.from({ length: ROWS }, (_, row) => marker(name, row));
    const values = rows.map((row) => String(row[published])).toSorted((a, b) => (a < b ? -1 : 1));
    if (JSON.stringify(values) !== JSON.stringify(wanted))
      wrong.push(`${shown(name)} holds ${String(values)}`);
  }
  if (rows.length !== ROWS) wrong.push(`${table.name} has ${rows.length} rows`);
  const columns = Object.keys(rows[0] ?? {}).length;
  if (columns !== names.length) wrong.push(`${table.name} has ${columns} columns, not ${names.length}`);
  return wrong;
}
