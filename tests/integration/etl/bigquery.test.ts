import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { dryRunEtl, preflightEtl } from '#core/api/etl';
import { listSources, listSourceTables } from '#core/api/sources';
import type { SourceTable } from '#core/source';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { registerAccount } from '#tests/bigquery';
import { useLocalCloud } from '#tests/local-cloud';
import { warehouseRows } from '#tests/raw-tables';
import { openTestRunner } from '#tests/runner';
import { runEtl } from '../../../functions/etl/run-etl.ts';

const { env, projectId, location, stateDir } = useLocalCloud();
const name = `shop_${randomBytes(6).toString('hex')}`;
const reader = `reader-${randomBytes(4).toString('hex')}@${projectId}.iam.gserviceaccount.com`;
const settings = { kind: 'bigquery' as const, project: projectId, dataset: name };
let account: Account;

beforeAll(async () => {
  account = await openAccount();
  const response = await fetch(`${env['BIGQUERY_ENDPOINT']}/bigquery/v2/projects/${projectId}/datasets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      datasetReference: { datasetId: name },
      location,
      labels: { 'tradewind-tenant': account.params.tenant },
      access: [{ role: 'READER', userByEmail: reader }],
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  // The columns' names and values are what a run has trouble with.
  await warehouseRows(`CREATE TABLE ${name}.orders (
    id INT64 NOT NULL, \`größe in €\` NUMERIC(10, 2), price BIGNUMERIC, sold TIMESTAMP, made DATETIME, day DATE,
    clock TIME, raw BYTES, good BOOL, ratio FLOAT64, tags ARRAY<STRING>, place STRUCT<town STRING, floor INT64>, note STRING)`);
  await warehouseRows(`INSERT INTO ${name}.orders (id, \`größe in €\`, price, sold, made, day, clock, raw, good, ratio, tags, place, note) VALUES
    (1, 12.34, BIGNUMERIC '0.00000000000000000001', TIMESTAMP '2024-02-29 23:59:59.123456+00', DATETIME '2024-02-29 12:00:00.5', DATE '0001-01-01', TIME '23:59:59.999999', FROM_HEX('00ff'), TRUE, 0.1, ['a', 'ü'], STRUCT('Ulm' AS town, 9007199254740993 AS floor), 'über'),
    (2, -0.01, BIGNUMERIC '-123456789.5', TIMESTAMP '9999-12-31 23:59:59.999999+00', DATETIME '0001-01-01 00:00:00', DATE '9999-12-31', TIME '00:00:00', FROM_HEX(''), FALSE, -1e300, [], NULL, ''),
    (9223372036854775807, NULL, NULL, TIMESTAMP '2024-01-01 00:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, ['x'], NULL, NULL)`);
});

/** Copies and staging tables that nobody has removed. */
const left = () =>
  warehouseRows(
    `SELECT table_name FROM ${account.raw}.INFORMATION_SCHEMA.TABLES WHERE table_name LIKE '%stg%'`,
  );
const text = (column: string) => `CAST(${column} AS STRING) AS ${column}`;
const shown = (table: string) =>
  warehouseRows(
    `SELECT ${['id', 'grosse_in', 'price', 'sold', 'made', 'day', 'clock', 'good', 'ratio'].map(text).join(', ')}, TO_HEX(raw) AS raw, TO_JSON_STRING(tags) AS tags, TO_JSON_STRING(place) AS place, note FROM ${account.raw}.${table} ORDER BY id`,
  );
const rows = [
  { id: '1', grosse_in: '12.34', price: '0.00000000000000000001', sold: '2024-02-29 23:59:59.123456+00', made: '2024-02-29 12:00:00.500', day: '0001-01-01', clock: '23:59:59.999999', good: 'true', ratio: '0.1', raw: '00ff', tags: '["a","ü"]', place: '{"town":"Ulm","floor":"9007199254740993"}', note: 'über' },
  { id: '2', grosse_in: '-0.01', price: '-123456789.5', sold: '9999-12-31 23:59:59.999999+00', made: '0001-01-01 00:00:00', day: '9999-12-31', clock: '00:00:00', good: 'false', ratio: '-1e+300', raw: '', tags: '[]', place: 'null', note: '' },
  { id: '9223372036854775807', grosse_in: null, price: null, sold: '2024-01-01 00:00:00+00', made: null, day: null, clock: null, good: null, ratio: null, raw: null, tags: '["x"]', place: 'null', note: null },
]; // prettier-ignore

test('a labelled data set is copied by BigQuery itself, as another is read row by row with a key: the same rows', async () => {
  const key = registerAccount(join(stateDir, 'bigquery'), reader);
  const near = await account.addSource('Near', settings);
  const far = await account.addSource('Far', settings, { key });
  expect(JSON.stringify([near.source, far.source])).not.toContain('PRIVATE KEY');
  expect(far.source.credentialsSetAt).not.toBeNull();
  const tables = [near.tables[0], far.tables[0]].filter((table): table is SourceTable => table !== undefined);
  expect(tables.map(({ destination }) => destination)).toEqual(['near__orders', 'far__orders']);
  const { ok, checks } = await account.call(preflightEtl, { params: account.params, body: {} });
  expect([ok, checks.flatMap(({ check, message }) => (check === 'cost' ? [message] : []))]).toEqual([
    true,
    [expect.stringMatching(/^Reading all of orders scans [\d,]+ bytes, which the project demo-tradewind pays for\.$/)],
  ]);
  const first = await account.load();
  expect(first).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 6, rejected: {} } });
  expect(await shown('near__orders')).toEqual(rows);
  expect(await shown('far__orders')).toEqual(rows);

  // Copies and staging are gone.
  expect(await left()).toEqual([]);

  await account.choose(tables[0]!, { mode: 'append', cursor: 'sold'});
  await account.choose(tables[1]!, { mode: 'append', cursor: 'id'});
  await warehouseRows(`DELETE FROM ${name}.orders WHERE id <> 1`);
  await warehouseRows(`INSERT INTO ${name}.orders (id, sold) VALUES (5, CURRENT_TIMESTAMP())`);
  // What has just come waits for the next run where moments are followed.
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 1 + 2 } });
  await warehouseRows(`INSERT INTO ${name}.orders (id, sold) VALUES (6, NULL)`);
  const last = await account.load();
  const ended = last.perTable.map(({ counts, failure }) => `${counts.rows} ${failure?.code ?? 'fine'}`);
  expect(ended.toSorted()).toEqual(['0 cursor-null', '1 fine']);
}); // prettier-ignore

test('a copied table whose run dies before and after its publication is published once', async () => {
  const { items } = await account.call(listSources, { params: account.params, query: {} });
  const tablesOf = async (source: string) =>
    (await account.call(listSourceTables, { params: { ...account.params, source }, query: {} })).items;
  for (const { id, name: source } of items)
    for (const table of await tablesOf(id))
      await account.choose(table, source === 'Near' ? { mode: 'replace' } : { enabled: false });
  // Of a copy no rows are looked at before.
  const looked = await account.call(dryRunEtl, { params: account.params, body: {} });
  expect(looked.tables).toMatchObject([{ rows: 0, failure: { code: 'copy-not-sampled' } }]);
  const runner = openTestRunner(account.params);
  const run = await runner.newRun();
  for (const status of ['publishing', 'succeeded']) {
    const dying = runner.watched(async (writes) => {
      const table = writes.find(({ path }) => path.includes('/tables/'));
      if (table !== undefined && 'data' in table && table.data['status'] === status) throw new Error(`killed at ${status}`);
    });
    await expect(runEtl(runner.context(run, dying))).rejects.toThrow(`killed at ${status}`);
    runner.ahead += 31_000;
  }
  await runEtl(runner.context(run));
  const state = await runner.state(run);
  expect(state).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 3 } });
  const published = await warehouseRows(`SELECT run, rows_published AS n FROM ${account.raw}._ledger WHERE run = '${run}'`);
  expect(published).toEqual([{ run, n: 3 }]);
  expect(await warehouseRows(`SELECT COUNT(*) AS n FROM ${account.raw}.near__orders`)).toEqual([{ n: 3 }]);
  expect(await left()).toEqual([]);
  await runner.close();
}); // prettier-ignore

test('a data set that is not labelled for the tenant, and one of Tradewind’s own, are refused', async () => {
  const other = await openAccount();
  const refusal = await refusalOf(other.addSource('Theirs', settings));
  expect(refusal).toMatchObject({ code: 'dataset-forbidden' });
  const own = { ...settings, dataset: account.raw };
  expect(await refusalOf(account.addSource('Ours', own))).toMatchObject({ code: 'dataset-forbidden' });
  for (const odd of [{ password: 'none' }, { password: 'none', key: null }])
    expect(await refusalOf(account.addSource('Odd', settings, odd))).toMatchObject({
      code: 'credentials-kind',
    });
});
