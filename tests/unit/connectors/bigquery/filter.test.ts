import { bigQueryFilter, quoteText } from '#connectors/bigquery/filter';
import { SchemaField } from '#connectors/bigquery/resources';
import { type ColumnPlan, planColumn } from '#connectors/bigquery/types';
import { filterSql } from '#core/sql/row-filter';
import { typeFilter } from '#core/typed-filter';
import { COUNTRY, FILTER_CASES, FILTERED_COLUMNS, FILTERED_ROWS } from '#tests/filter-cases';
import { openLocalSql } from '#tests/local-sql';

/** BigQuery allows fewer signs in the names of columns than others do. */
const country = 'country & € \\';
const TYPES: Readonly<Record<string, string>> = {
  int: 'INT64',
  'numeric(12,3)': 'NUMERIC',
  'double precision': 'FLOAT64',
  real: 'FLOAT64',
  'varchar(40)': 'STRING',
  'char(5)': 'STRING',
  date: 'DATE',
  'timestamp(6)': 'DATETIME',
  'timestamptz(6)': 'TIMESTAMP',
};
const fields = FILTERED_COLUMNS.map(([name, type]) => ({
  name: name === COUNTRY ? country : name,
  type: TYPES[type] ?? '',
}));

test('rows are chosen by BigQuery as they are by us', async () => {
  const sql = await openLocalSql();
  const plans = fields.map((field) => planColumn(SchemaField.parse(field)) as ColumnPlan); // their types are known
  const columns = plans.map(({ column }) => column);
  const rows = FILTERED_ROWS.map(
    (row) =>
      `SELECT ${row.map((value, at) => `CAST(${value === null ? 'NULL' : quoteText(value)} AS ${fields[at]?.type}) AS c${at}`).join(', ')}`,
  );
  const names = fields.map(({ name }, at) => `c${at} AS \`${name.replaceAll('\\', '\\\\')}\``);
  await sql.run(`CREATE TABLE d.filtered AS SELECT ${names.join(', ')} FROM (${rows.join(' UNION ALL ')})`);
  const conditions = FILTER_CASES.map(([filter], index) => {
    // The cases name the column as the other databases have it.
    const renamed = JSON.parse(JSON.stringify(filter).replaceAll(JSON.stringify(COUNTRY), JSON.stringify(country)));
    const typed = typeFilter(renamed, columns, Date.parse('2026-03-31T12:00:00Z'));
    if ('problem' in typed) throw new Error(typed.problem.message);
    const where = filterSql(typed.filter, bigQueryFilter(plans, 'filtered'));
    return `SELECT ${index} AS number, t.id FROM d.filtered AS t WHERE ${where}`;
  });
  const found = await sql.run(conditions.join(' UNION ALL '));
  const taken = (index: number) =>
    found.flatMap(([number, id]) => (Number(number) === index ? [Number(id)] : [])).toSorted((a, b) => a - b);
  for (const [index, [filter, ids]] of FILTER_CASES.entries())
    expect([filter, taken(index)]).toEqual([filter, [...ids]]);
  sql.close();
}); // prettier-ignore

test('texts from outside stay within their quotes', () => {
  expect(quoteText("a'b\\c\n")).toBe("'a\\'b\\\\c\\u000a'");
  expect(quoteText("\\' OR TRUE -- \u0000")).toBe("'\\\\\\' OR TRUE -- \\u0000'");
});
