import { bigquery } from '#connectors/bigquery/bigquery';
import { openClient } from '#connectors/bigquery/client';
import { extractAll } from '#tests/connectors';
import { PROJECT, startTestBigQuery, type TestBigQuery } from '#tests/bigquery';
import { readWithDuckDb } from '#tests/parquet';
import { openLedger } from '#tests/types-ledger';

const READER = 'reader@demo-tradewind.iam.gserviceaccount.com';
const ledger = openLedger('BigQuery');
let server: TestBigQuery;

beforeAll(async () => {
  server = await startTestBigQuery();
});
afterAll(async () => {
  ledger.close();
  await server?.stop();
});

/** A type, values as GoogleSQL writes them, the warehouse's type, and how DuckDB shows what arrived. */
const fidelity: readonly (readonly [type: string, values: readonly string[], warehouse: string, arrived: readonly unknown[]])[] = [
  ['INT64', ['-9223372036854775808', '9223372036854775807', '0'], 'INT64', ['-9223372036854775808', '9223372036854775807', '0']],
  ['FLOAT64', ["CAST('NaN' AS FLOAT64)", "CAST('-inf' AS FLOAT64)", '-0.1'], 'FLOAT64', ['NaN', '-Infinity', -0.1]],
  ['BOOL', ['TRUE', 'FALSE'], 'BOOL', [true, false]],
  ['NUMERIC', ["NUMERIC '99999999999999999999999999999.999999999'", "NUMERIC '-0.000000001'"], 'NUMERIC', ['99999999999999999999999999999.999999999', '-0.000000001']],
  ['NUMERIC(12, 2)', ["NUMERIC '9999999999.99'", "NUMERIC '-0.01'"], 'NUMERIC', ['9999999999.99', '-0.01']],
  ['STRING', ["'ü🎉'", "''", "'a\\u0000b'"], 'STRING', ['ü🎉', '', 'a\u0000b']],
  ['BYTES', ["FROM_HEX('00ff')", "FROM_HEX('')"], 'BYTES', ['\\x00\\xFF', '']],
  ['DATE', ["DATE '0001-01-01'", "DATE '9999-12-31'"], 'DATE', ['0001-01-01', '9999-12-31']],
  ['DATETIME', ["DATETIME '0001-01-01 00:00:00'", "DATETIME '9999-12-31 23:59:59.999999'"], 'DATETIME', ['0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00']],
  ['TIMESTAMP', ["TIMESTAMP '0001-01-01 00:00:00+00'", "TIMESTAMP '9999-12-31 23:59:59.999999+00'", "TIMESTAMP '1969-12-31 23:59:59.999999+00'"], 'TIMESTAMP', ['0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999+00']],
  ['TIME', ["TIME '23:59:59.999999'", "TIME '00:00:00'"], 'TIME', ['23:59:59.999999', '00:00:00']],
  ['JSON', [`PARSE_JSON('{"a": [1, null, "ü"]}')`, "PARSE_JSON('null')"], 'JSON', ['{"a":[1,null,"ü"]}', 'null']],
  ['ARRAY<INT64>', ['[1, 9007199254740993]', '[]'], 'JSON', ['[1,"9007199254740993"]', '[]']],
  ['STRUCT<a STRING, b ARRAY<FLOAT64>>', ["STRUCT('x' AS a, [0.5] AS b)"], 'JSON', ['{"a":"x","b":[0.5]}']],
]; // prettier-ignore

test('every value arrives as it was, nulls included', async () => {
  const key = server.account(READER);
  await server.dataset('kinds', { readers: [READER] });
  const columns = fidelity.map(([type], index) => `c${index} ${type}`);
  await server.run(`CREATE TABLE kinds.every (id INT64, ${columns.join(', ')})`);
  for (const k of [0, 1, 2, 3]) {
    const given = fidelity.flatMap(([, values], index) => (values[k] === undefined ? [] : [{ index, value: values[k] }])); // prettier-ignore
    const names = ['id', ...given.map(({ index }) => `c${index}`)];
    const values = [String(k), ...given.map(({ value }) => value)];
    await server.run(`INSERT INTO kinds.every (${names.join(', ')}) VALUES (${values.join(', ')})`);
  }
  const never = new AbortController().signal;
  const settings = { kind: 'bigquery' as const, project: PROJECT, dataset: 'kinds' };
  const session = await bigquery.connect({ settings, credentials: { key } }, server.context, never);
  await session.openSnapshot();
  const described = await session.describe('every');
  expect(described.columns.slice(1).map(({ type }) => type)).toEqual(fidelity.map(([, , type]) => type));
  const units = await session.planUnits('every', { targetBytes: 1e9 });
  const { files, rejects } = await extractAll(session, units, described.columns);
  expect(rejects).toEqual([]);
  const read = (await Promise.all(files.map((file) => readWithDuckDb(file, 'SELECT * FROM $file ORDER BY id')))).flat();
  fidelity.forEach(([type, values, warehouse, arrived], index) => {
    // BigQuery has no arrays that are null: one that was not given is empty.
    const none = type.startsWith('ARRAY') ? '[]' : null;
    const here = read.map((row) => row[`c${index}`]);
    const expected = [0, 1, 2, 3].map((k) => (k < values.length ? arrived[k] : none));
    for (const [k, value] of values.entries())
      ledger.add({ type, value, warehouse, expected: String(expected[k]), obtained: String(here[k]) });
    expect({ type, read: here }).toEqual({ type, read: expected });
  });
}); // prettier-ignore

test('a query that takes longer than the source lets it is ended by BigQuery', async () => {
  const patient = `patient-${READER}`;
  await server.dataset('long', { readers: [patient] });
  await server.run('CREATE TABLE long.things AS SELECT n FROM UNNEST(GENERATE_ARRAY(1, 300000)) AS n');
  const key = server.account(patient);
  const place = { project: PROJECT, dataset: 'long' };
  const client = openClient(server.context.bigQuery(key), place, 300, new AbortController().signal);
  const sql = 'SELECT COUNT(*) AS n FROM long.things AS a, long.things AS b WHERE MOD(a.n * b.n, 7) = 1';
  await expect(client.run('r1', sql, 'things')).rejects.toMatchObject({
    name: 'TerminalError',
    code: 'statement-timeout',
    message: expect.stringContaining('long.things took longer than 0.005 minutes'),
    remedy: expect.stringContaining('statementMinutes'),
  });
});
