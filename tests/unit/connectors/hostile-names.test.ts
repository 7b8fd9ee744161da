/** Names from outside in SQL, in one text for two, and in the warehouse: read back, each is what it was and nothing more. */
import { quoteIdentifier as bigQueryName } from '#connectors/bigquery/select';
import { quoteName as mysqlName, textLiteral } from '#connectors/mysql/names';
import { escapeIdentifier, escapeLiteral, parseRelation } from '#connectors/postgres/names';
import { formatRelation } from '#connectors/relation-names';
import { bracket } from '#connectors/sqlserver/names';
import { destinationName } from '#core/source';
import { quoteName, quoteText } from '#core/sql/quote';
import { inWarehouse, warehouseNames } from '#core/warehouse-name';
import { HOSTILE_FILE_COLUMNS, HOSTILE_NAMES } from '#tests/hostile-names';

/** What a quoted name or text says where the quote within it is doubled; null where it ends before its end. */
const doubled = (open: string, close: string) => (sql: string) => {
  const inner = sql.slice(1, -1);
  const rest = inner.replaceAll(close + close, '');
  return sql.startsWith(open) && sql.endsWith(close) && !rest.includes(close)
    ? inner.replaceAll(close + close, close)
    : null;
};

/** The same of GoogleSQL, which escapes with backslashes and takes no line break. */
const escaped = (quote: string) => (sql: string) => {
  const inner = sql.slice(1, -1);
  const rest = inner.replaceAll(/\\./gs, '');
  if (!sql.startsWith(quote) || !sql.endsWith(quote) || rest.includes(quote) || /[\r\n\\]/.test(rest)) return null;
  return inner.replaceAll(/\\(?:u([0-9a-f]{4})|(.))/gs, (_, code: string | undefined, char: string) =>
    code === undefined ? ({ n: '\n', r: '\r' }[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}; // prettier-ignore

/** PostgreSQL's texts take no backslash for an escape, unless they say so (E''). */
const postgresText = (sql: string) =>
  sql.startsWith(' E') ? escapedText(sql.slice(2)) : doubled("'", "'")(sql);
const escapedText = (sql: string) => {
  const plain = doubled("'", "'")(sql);
  return plain === null ? null : plain.replaceAll('\\\\', '\\');
};
const hexText = (sql: string) =>
  sql === "''" ? '' : Buffer.from(/^_utf8mb4 0x([0-9a-f]+)$/.exec(sql)?.[1] ?? '', 'hex').toString();

test.each([
  ['a name in PostgreSQL', escapeIdentifier, doubled('"', '"')],
  ['a text in PostgreSQL', escapeLiteral, postgresText],
  ['a name in MySQL', mysqlName, doubled('`', '`')],
  ['a text in MySQL', textLiteral, hexText],
  ['a name in SQL Server', bracket, doubled('[', ']')],
  ['a name in GoogleSQL', quoteName, escaped('`')],
  ['a text in GoogleSQL', quoteText, escaped("'")],
  ['a column of a data set of BigQuery', bigQueryName, escaped('`')],
] as const)('%s is the name and no more', (_, write, read) => {
  expect(HOSTILE_NAMES.filter((name) => read(write(name)) !== name)).toEqual([]);
});

test('a schema and a table in one text are told apart again', () => {
  const wrong = HOSTILE_NAMES.flatMap((schema, at) => {
    const name = HOSTILE_NAMES[(at * 7 + 3) % HOSTILE_NAMES.length] ?? '';
    const read = parseRelation(formatRelation({ schema, name }));
    return read.schema === schema && read.name === name ? [] : [{ schema, name, read }];
  });
  expect(wrong).toEqual([]);
});

test('in the warehouse every column has a name that BigQuery takes, its own and always the same', () => {
  expect(HOSTILE_NAMES.length).toBeGreaterThanOrEqual(200);
  const names = warehouseNames(HOSTILE_FILE_COLUMNS);
  expect(names.filter((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))).toEqual([]);
  expect(names.filter((name) => /^(_table_|_file_|_partition|_row_timestamp|__root__|_colidentifier|_tradewind_)/i.test(name))).toEqual([]);
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(HOSTILE_FILE_COLUMNS.length);
  const turned = warehouseNames(HOSTILE_FILE_COLUMNS.toReversed()).toReversed();
  expect(turned).toEqual(names);
  const columns = HOSTILE_FILE_COLUMNS.map((name) => ({ name, type: 'STRING' as const, nullable: true, sourceType: 'text' }));
  expect(inWarehouse(columns).map(({ name }) => name)).toEqual(names);
}); // prettier-ignore

test('every table has a name that BigQuery takes', () => {
  const names = HOSTILE_NAMES.flatMap((name) => [destinationName('Shop', name), destinationName(name, name)]);
  expect(names.filter((name) => !/^[a-z_][a-z0-9_]{0,199}$/.test(name))).toEqual([]);
});
