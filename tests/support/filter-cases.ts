/** Rows and filters on them, with the rows that each takes: the same for every source, whoever carries the filter out. */
import type { FilterCondition, RowFilter } from '#core/row-filter';
import { typeFilter } from '#core/typed-filter';
import type { SourceSession } from '#connectors/connector';
import { extractAll } from './connectors.ts';
import { readWithHyparquet } from './parquet.ts';

/** Names of the columns: `id`, and what their values are. */
export const FILTERED_COLUMNS = [
  ['id', 'int'],
  ['price', 'numeric(12,3)'],
  ['weight', 'double precision'],
  ['small', 'real'],
  ['country "x\' `y` ]', 'varchar(40)'],
  ['code', 'char(5)'],
  ['day', 'date'],
  ['at', 'timestamp(6)'],
  ['changed', 'timestamptz(6)'],
] as const;
export const COUNTRY = FILTERED_COLUMNS[4][0];

type Text = string | null;
/** One row a line, as texts; null is null. */
export const FILTERED_ROWS: readonly (readonly Text[])[] = [
  ['1', '1.500', '0.1', '0.1', 'DE', 'AB', '2024-01-31', '2024-01-31 00:00:00.000000', '2024-01-31 00:00:00.000000'],
  ['2', '1.501', '0.2', '0.2', 'de', 'ab', '2024-02-01', '2024-01-31 23:59:59.999999', '2024-01-31 23:59:59.999999'],
  ['3', '-1.500', '-0.1', '-0.1', 'DE ', 'AB C', '1969-12-31', '1969-12-31 23:59:59.999999', '1971-12-31 23:59:59.999999'],
  ['4', '0.000', '0', '0', ' DE', null, '2026-03-31', '2026-03-31 12:00:00.000000', '2026-03-31 12:00:00.000000'],
  ['5', null, null, null, null, 'ß', null, null, null],
  ['6', '999999999.999', '1e300', '3e38', 'Österreich', 'É', '9999-12-31', '9999-12-31 23:59:59.999999', '2037-12-31 23:59:59.999999'],
  ['7', '-999999999.999', '-1e300', '-3e38', "O'Neil\\", 'É', '0001-01-01', '1000-01-01 00:00:00.000000', '1971-01-01 00:00:01.000000'],
  ['8', '12.000', '12', '12', '🎉', '12', '2024-02-29', '2024-02-29 08:30:00.500000', '2024-02-29 08:30:00.500000'],
  ['9', '12.340', '12.34', '12.34', '"; DROP TABLE', 'x', '2024-12-31', '2024-12-31 23:59:59.000000', '2024-12-31 23:59:59.000000'],
]; // prettier-ignore

const eq = (column: string, value: string | number | boolean): FilterCondition => ({
  column,
  operator: 'eq',
  value,
});
type Of = RowFilter['conditions'][number];
const all = (...conditions: Of[]): RowFilter => ({ match: 'all', conditions });
const any = (...conditions: FilterCondition[]) => ({ match: 'any' as const, conditions });

/** Filters and the ids they take, of a run that was started at noon (UTC) of 2026-03-31. */
export const FILTER_CASES: readonly (readonly [filter: RowFilter, ids: readonly number[]])[] = [
  [all(eq('id', 8)), [8]],
  [all({ column: 'id', operator: 'ne', value: 8 }), [1, 2, 3, 4, 5, 6, 7, 9]],
  [all({ column: 'id', operator: 'lt', value: '2.5' }), [1, 2]],
  [all({ column: 'id', operator: 'in', values: [1, '2', 3.5, '99999999999999999999'] }), [1, 2]],
  [all({ column: 'id', operator: 'le', value: '99999999999999999999' }), [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [all({ column: 'id', operator: 'gt', value: '-99999999999999999999.5' }), [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [all(eq('price', '1.5')), [1]],
  [all(eq('price', '1.5000001')), []],
  [all({ column: 'price', operator: 'ne', value: 1.5 }), [2, 3, 4, 6, 7, 8, 9]],
  [all({ column: 'price', operator: 'le', value: '1.5004' }), [1, 3, 4, 7]],
  [all({ column: 'price', operator: 'lt', value: '-1.4999' }), [3, 7]],
  [all({ column: 'price', operator: 'gt', value: '-1.5001' }), [1, 2, 3, 4, 6, 8, 9]],
  [all({ column: 'price', operator: 'ge', value: '-1.5' }), [1, 2, 3, 4, 6, 8, 9]],
  [all({ column: 'price', operator: 'not-in', values: ['0', '12', '7.77777'] }), [1, 2, 3, 6, 7, 9]],
  [all({ column: 'weight', operator: 'le', value: 0.1 }), [1, 3, 4, 7]],
  [all({ column: 'weight', operator: 'gt', value: 0.1 }), [2, 6, 8, 9]],
  [all({ column: 'weight', operator: 'ge', value: '1e300' }), [6]],
  [all({ column: 'small', operator: 'le', value: 0.1 }), [1, 3, 4, 7]],
  [all({ column: 'small', operator: 'lt', value: 0.2 }), [1, 3, 4, 7]],
  [all({ column: 'small', operator: 'lt', value: 1e300 }), [1, 2, 3, 4, 6, 7, 8, 9]],
  [all(eq(COUNTRY, 'DE')), [1, 3]],
  [all(eq(COUNTRY, 'DE  ')), [1, 3]],
  [all(eq(COUNTRY, "O'Neil\\")), [7]],
  [all(eq(COUNTRY, '"; DROP TABLE')), [9]],
  [all(eq(COUNTRY, '🎉')), [8]],
  [all(eq(COUNTRY, '')), []],
  [all({ column: COUNTRY, operator: 'ne', value: 'de' }), [1, 3, 4, 6, 7, 8, 9]],
  [all({ column: COUNTRY, operator: 'not-in', values: ['DE', 'österreich', "'--", '\\'] }), [2, 4, 6, 7, 8, 9]],
  [all(eq('code', 'AB')), [1]],
  [all({ column: 'code', operator: 'in', values: ['é', 'ß ', 'AB C'] }), [3, 5]],
  [all({ column: 'code', operator: 'null' }), [4]],
  [all({ column: 'code', operator: 'not-null' }), [1, 2, 3, 5, 6, 7, 8, 9]],
  [all({ column: 'day', operator: 'ge', value: '2024-02-01' }), [2, 4, 6, 8, 9]],
  [all({ column: 'day', operator: 'lt', value: '1970-01-01' }), [3, 7]],
  [all(eq('day', '0001-01-01')), [7]],
  [all({ column: 'day', operator: 'within-last', last: { count: 24, unit: 'months' } }), [4, 6, 9]],
  [all({ column: 'at', operator: 'gt', value: '2024-01-31' }), [2, 4, 6, 8, 9]],
  [all({ column: 'at', operator: 'le', value: '1969-12-31 23:59:59.999999' }), [3, 7]],
  [all({ column: 'at', operator: 'in', values: ['2024-02-29T08:30:00.5', '2024-01-31'] }), [1, 8]],
  [all({ column: 'changed', operator: 'ge', value: '2024-02-29 10:30:00.5+02:00' }), [4, 6, 8, 9]],
  [all({ column: 'changed', operator: 'lt', value: '1972-01-01' }), [3, 7]],
  [all({ column: 'changed', operator: 'within-last', last: { count: 1, unit: 'days' } }), [4, 6]],
  [all({ column: 'id', operator: 'gt', value: 2 }, any(eq(COUNTRY, 'DE'), { column: 'price', operator: 'null' })), [3, 5]],
  [{ match: 'any', conditions: [eq('id', 1), { match: 'all', conditions: [{ column: 'id', operator: 'gt', value: 6 }, eq(COUNTRY, '🎉')] }] }, [1, 8]],
  // Unknown is not true, and neither is its opposite.
  [any({ column: 'price', operator: 'lt', value: 0 }, { column: 'price', operator: 'ge', value: 0 }), [1, 2, 3, 4, 6, 7, 8, 9]],
]; // prettier-ignore

/** What each case takes of `table` in `session`, whose snapshot is open. */
export async function takenIds(session: SourceSession, table: string, filter: RowFilter): Promise<number[]> {
  const { columns } = await session.describe(table);
  const typed = typeFilter(filter, columns, Date.parse('2026-03-31T12:00:00Z'));
  if ('problem' in typed) throw new Error(typed.problem.message);
  // Columns that rows are chosen by need not be loaded.
  const loaded = columns.filter(({ name }) => name === 'id');
  const units = await session.planUnits(table, { targetBytes: 1e9 });
  const { files, rejects } = await extractAll(session, units, loaded, undefined, { filter: typed.filter });
  expect(rejects).toEqual([]);
  const rows = (await Promise.all(files.map(readWithHyparquet))).flat();
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b);
}

/** CREATE TABLE and INSERT, by a dialect's types and quotes. */
export function filteredTableSql(
  table: string,
  quote: (name: string) => string,
  text: (value: string) => string,
  type: (type: string) => string = (as) => as,
): string {
  const columns = FILTERED_COLUMNS.map(
    ([name, of]) => `${quote(name)} ${type(of)} ${name === 'id' ? 'PRIMARY KEY' : 'NULL'}`,
  );
  const rows = FILTERED_ROWS.map(
    (row) => `(${row.map((value) => (value === null ? 'NULL' : text(value))).join(', ')})`,
  );
  return `CREATE TABLE ${quote(table)} (${columns.join(', ')}); INSERT INTO ${quote(table)} VALUES ${rows.join(', ')}`;
}
