/** The local BigQuery as production sees it: through the official clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BigQuery } from '@google-cloud/bigquery';
import { Storage } from '@google-cloud/storage';
import { PassThroughClient } from 'google-auth-library';
import { openWarehouse } from '#cloud/bigquery';
import { startLocalBigQuery } from '#scripts/local/bigquery/server';
import type { LocalBigQuery } from '#scripts/local/bigquery/server';
import { startLocalStorage } from '#scripts/local/storage/server';
import type { LocalStorage } from '#scripts/local/storage/server';

let dir: string;
let storageServer: LocalStorage;
let server: LocalBigQuery;
let bigQuery: BigQuery;
let storage: Storage;
let now: Date;
const start = async () => {
  server = await startLocalBigQuery({
    dir: join(dir, 'bigquery'),
    storageDir: join(dir, 'storage'),
    clock: () => now,
  });
  bigQuery = new BigQuery({
    projectId: 'demo-tradewind',
    apiEndpoint: server.url,
    authClient: new PassThroughClient(),
  });
};
const rows = async (query: string, params?: Record<string, unknown>): Promise<unknown[]> =>
  (await bigQuery.query({ query, ...(params === undefined ? {} : { params }) }))[0];
const failure = async (
  work: Promise<unknown>,
): Promise<{ code: number; message: string; errors: { reason: string }[] }> =>
  work.then(
    () => Promise.reject(new Error('should have failed')),
    (error: { code: number; message: string; errors: { reason: string }[] }) => error,
  );
const job = async (configuration: Record<string, unknown>, jobId?: string) => {
  const [created] = await bigQuery.createJob({
    configuration,
    ...(jobId === undefined ? {} : { jobId }),
    location: 'europe-west1',
  });
  await created.promise();
  return (await created.getMetadata())[0];
};
const table = (tableId: string) => ({ projectId: 'demo-tradewind', datasetId: 'd', tableId });
const put = (name: string, text: string) =>
  storage.bucket('bucket').file(name).save(text, { resumable: false });

beforeEach(async () => {
  now = new Date('2026-01-01T00:00:00Z');
  dir = mkdtempSync(join(tmpdir(), 'local-bigquery-'));
  storageServer = await startLocalStorage({ dir: join(dir, 'storage') });
  storage = new Storage({ projectId: 'demo-tradewind', apiEndpoint: storageServer.url });
  await storage.createBucket('bucket');
  await start();
  await bigQuery.createDataset('d', { location: 'europe-west1' });
});
afterEach(async () => {
  await server.close();
  await storageServer.close();
  rmSync(dir, { recursive: true });
});

test('a table keeps its schema, descriptions, labels and partitioning, and can be widened', async () => {
  const schema = [
    { name: 'id', type: 'INT64', mode: 'REQUIRED', description: 'key' },
    { name: 'ts', type: 'TIMESTAMP' },
  ];
  await bigQuery.dataset('d').createTable('t', {
    schema,
    description: 'x',
    labels: { a: 'b' },
    timePartitioning: { type: 'DAY', field: 'ts' },
    clustering: { fields: ['id'] },
  });
  expect((await failure(bigQuery.dataset('d').createTable('t', { schema }))).code).toBe(409);
  await bigQuery
    .dataset('d')
    .table('t')
    .setMetadata({ labels: { a: 'c' }, schema: { fields: [...schema, { name: 'n', type: 'NUMERIC' }] } });
  const [metadata] = await bigQuery.dataset('d').table('t').getMetadata();
  expect(metadata).toMatchObject({
    description: 'x',
    labels: { a: 'c' },
    timePartitioning: { field: 'ts' },
    clustering: { fields: ['id'] },
    numRows: '0',
    location: 'europe-west1',
  });
  expect(metadata.schema.fields).toMatchObject([
    { name: 'id', mode: 'REQUIRED', description: 'key' },
    { name: 'ts' },
    { name: 'n' },
  ]);
  const narrow = { schema: { fields: [{ name: 'id', type: 'STRING' }] } };
  expect((await failure(bigQuery.dataset('d').table('t').setMetadata(narrow))).message).toMatch(
    /changed type from INT64 to STRING/,
  );
  expect((await failure(rows('INSERT INTO d.t (ts) VALUES (NULL)'))).message).toMatch(
    /Required field id cannot be null/,
  );
});

test('a table past its expiration time is gone', async () => {
  await rows("CREATE TABLE d.t OPTIONS (expiration_timestamp = TIMESTAMP '2026-01-02') AS SELECT 1 AS a");
  expect(await rows('SELECT a FROM d.t')).toEqual([{ a: 1 }]);
  now = new Date('2026-01-03T00:00:00Z');
  expect((await bigQuery.dataset('d').table('t').exists())[0]).toBe(false);
  expect((await failure(rows('SELECT a FROM d.t'))).message).toMatch(/Not found: Table demo-tradewind:d.t/);
});

test('every type goes in as a parameter and comes out exact', async () => {
  const [row] = await rows(
    `SELECT @i AS i, @s AS s, CAST(@n AS NUMERIC) AS n, @d AS d, @dt AS dt, @ts AS ts, FROM_HEX('00ff') AS bytes, @b AS b, @f AS f, @list AS list, CAST('12345678901234567.12345678901234567891' AS BIGNUMERIC) AS big`,
    {
      i: 7,
      s: "it's `x` @y \\ ü",
      n: '12345678901234567890.123456789',
      d: BigQuery.date('2024-02-29'),
      dt: BigQuery.datetime('2024-02-29T01:02:03.456789'),
      ts: BigQuery.timestamp('2024-02-29T01:02:03.456789Z'),
      b: true,
      f: 1.5,
      list: ['a', "b'"],
    },
  );
  expect(row).toMatchObject({
    i: 7,
    s: "it's `x` @y \\ ü",
    d: { value: '2024-02-29' },
    dt: { value: '2024-02-29T01:02:03.456789' },
    b: true,
    f: 1.5,
    list: ['a', "b'"],
  });
  expect(JSON.parse(JSON.stringify(row))).toMatchObject({
    n: '12345678901234567890.123456789',
    big: '12345678901234567.12345678901234567891',
    ts: { value: '2024-02-29T01:02:03.456789000Z' },
    bytes: { data: [0, 255] },
  });
});

test('loads CSV and newline-delimited JSON by schema, with the dispositions, all or nothing', async () => {
  await put('a.csv', 'id,name,price\n1,"Bolt, M8",1.50\n2,,\n');
  await put('b.json', '{"id": 3, "name": "Nut", "price": "2.25"}\n{"id": "4"}\n');
  await put('bad.csv', '5,x,1\nsix,y,2\n');
  const load = {
    destinationTable: table('t'),
    schema: {
      fields: [
        { name: 'id', type: 'INT64' },
        { name: 'name', type: 'STRING' },
        { name: 'price', type: 'NUMERIC' },
      ],
    },
  };
  const csv = { ...load, sourceFormat: 'CSV', sourceUris: ['gs://bucket/a.csv'], skipLeadingRows: 1 };
  expect((await job({ load: { ...csv, writeDisposition: 'WRITE_TRUNCATE' } })).statistics.load).toMatchObject(
    { outputRows: '2' },
  );
  await job({
    load: { ...load, sourceFormat: 'NEWLINE_DELIMITED_JSON', sourceUris: ['gs://bucket/b.json'] },
  });
  expect(JSON.parse(JSON.stringify(await rows('SELECT * FROM d.t ORDER BY id')))).toEqual([
    { id: 1, name: 'Bolt, M8', price: '1.5' },
    { id: 2, name: '', price: null },
    { id: 3, name: 'Nut', price: '2.25' },
    { id: 4, name: null, price: null },
  ]);
  const bad = await failure(
    job({ load: { ...load, sourceFormat: 'CSV', sourceUris: ['gs://bucket/bad.csv'] } }),
  );
  expect(bad.message).toMatch(/Bad int64 value: six/);
  expect((await failure(job({ load: { ...csv, writeDisposition: 'WRITE_EMPTY' } }))).message).toMatch(
    /Already Exists/,
  );
  expect((await failure(job({ load: { ...csv, sourceUris: ['gs://bucket/none.csv'] } }))).message).toMatch(
    /Not found: URI gs:\/\/bucket\/none.csv/,
  );
  expect((await failure(job({ load: { ...csv, maxBadRecords: 5 } }))).message).toMatch(/maxBadRecords/);
  expect(await rows('SELECT COUNT(*) AS n FROM d.t')).toEqual([{ n: 4 }]);
});

test('what is exported as Parquet can be loaded again, and a wrong schema is refused', async () => {
  await rows(
    "CREATE TABLE d.t AS SELECT 1 AS id, NUMERIC '1.5' AS n, TIMESTAMP '2024-01-01' AS ts, 'x' AS s, DATE '2024-01-01' AS d, b'\\x00' AS b",
  );
  await rows(
    "EXPORT DATA OPTIONS (uri = 'gs://bucket/out/*.parquet', format = 'PARQUET') AS SELECT * FROM d.t",
  );
  expect(
    (
      await failure(
        rows(
          "EXPORT DATA OPTIONS (uri = 'gs://bucket/out/*.parquet', format = 'PARQUET') AS SELECT * FROM d.t",
        ),
      )
    ).message,
  ).toMatch(/overwrite/);
  await job({
    extract: {
      sourceTable: table('t'),
      destinationUris: ['gs://bucket/two/part-*.parquet'],
      destinationFormat: 'PARQUET',
      compression: 'SNAPPY',
    },
  });
  const [files] = await storage.bucket('bucket').getFiles();
  expect(files.map((f) => f.name)).toEqual(['out/000000000000.parquet', 'two/part-000000000000.parquet']);
  await job({
    load: {
      destinationTable: table('u'),
      sourceFormat: 'PARQUET',
      sourceUris: files.map((f) => `gs://bucket/${f.name}`),
    },
  });
  expect(JSON.stringify(await rows('SELECT DISTINCT * FROM d.u'))).toBe(
    JSON.stringify(await rows('SELECT * FROM d.t')),
  );
  const wrong = {
    destinationTable: table('w'),
    sourceFormat: 'PARQUET',
    sourceUris: ['gs://bucket/out/*.parquet'],
    schema: { fields: ['id', 'n', 'ts', 's', 'd', 'b'].map((name) => ({ name, type: 'STRING' })) },
  };
  expect((await failure(job({ load: wrong }))).message).toMatch(
    /column 'id' has type BIGINT which does not match/,
  );
});

test('a script is one transaction: a failed ASSERT leaves nothing behind', async () => {
  await rows('CREATE TABLE d.t (id INT64); CREATE TABLE d.ledger (run STRING);');
  const publish = (run: string) =>
    rows(
      `BEGIN TRANSACTION; TRUNCATE TABLE d.t; INSERT INTO d.t SELECT 1 UNION ALL SELECT 2; ASSERT NOT EXISTS (SELECT 1 FROM d.ledger WHERE run = '${run}') AS 'run ${run} is published'; INSERT INTO d.ledger VALUES ('${run}'); COMMIT;`,
    );
  await publish('a');
  await rows('INSERT INTO d.t VALUES (3)');
  expect((await failure(publish('a'))).message).toMatch(/Assertion failed: run a is published at \[1:/);
  expect(await rows('SELECT COUNT(*) AS n FROM d.t')).toEqual([{ n: 3 }]);
});

test('columns in quotes may have the names of keywords, also first in a list', async () => {
  await rows('CREATE TABLE d.t (`SELECT` INT64, `WITH` INT64)');
  await rows('INSERT INTO d.t (`SELECT`, `WITH`) SELECT 1, 2');
  await rows('INSERT INTO d.t (SELECT 3, 4)');
  expect(await rows('SELECT `SELECT`, `WITH` FROM d.t ORDER BY 1')).toEqual([
    { SELECT: 1, WITH: 2 },
    { SELECT: 3, WITH: 4 },
  ]);
});

test('MERGE updates and inserts, and refuses two source rows for one target row', async () => {
  await rows("CREATE TABLE d.t AS SELECT 1 AS id, 'old' AS name");
  const merge = (source: string) =>
    `MERGE d.t T USING (${source}) S ON T.id = S.id WHEN MATCHED THEN UPDATE SET name = S.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (S.id, S.name)`;
  await rows(merge("SELECT 1 AS id, 'new' AS name UNION ALL SELECT 2, 'two'"));
  expect(await rows('SELECT id, name FROM d.t ORDER BY id')).toEqual([
    { id: 1, name: 'new' },
    { id: 2, name: 'two' },
  ]);
  expect((await failure(rows(merge("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 1, 'b'")))).message).toMatch(
    /at most one source row/,
  );
});

test('a job id is used once and for all, also after a restart, and failures are kept', async () => {
  await job({ query: { query: 'SELECT 1 AS a', useLegacySql: false } }, 'once');
  expect(
    (
      await failure(
        bigQuery.createJob({
          jobId: 'once',
          configuration: { query: { query: 'SELECT 2', useLegacySql: false } },
        }),
      )
    ).code,
  ).toBe(409);
  await failure(job({ query: { query: 'SELECT nope', useLegacySql: false } }, 'wrong'));
  await server.close();
  await start();
  expect((await failure(bigQuery.createQueryJob({ jobId: 'once', query: 'SELECT 1' }))).code).toBe(409);
  const [wrong] = await bigQuery.job('wrong', { location: 'europe-west1' }).getMetadata();
  expect(wrong.status).toMatchObject({
    state: 'DONE',
    errorResult: { reason: 'invalidQuery', message: 'Unrecognized name: nope at [1:8]' },
  });
  expect((await failure(bigQuery.job('wrong', { location: 'US' }).getMetadata())).code).toBe(404);
});

test('results come in pages, tables too, and a dry run costs nothing', async () => {
  await rows('CREATE TABLE d.t AS SELECT x FROM UNNEST(GENERATE_ARRAY(1, 50000)) AS x');
  expect(await rows('SELECT x FROM d.t ORDER BY x')).toHaveLength(50_000);
  const [page, next] = await bigQuery
    .dataset('d')
    .table('t')
    .getRows({ maxResults: 10, autoPaginate: false });
  expect([page.length, next?.pageToken]).toEqual([10, '10']);
  const [dry] = await bigQuery.createQueryJob({ query: 'SELECT x FROM d.t', dryRun: true });
  expect(dry.metadata.statistics).toMatchObject({
    totalBytesProcessed: '400000',
    query: { schema: { fields: [{ name: 'x', type: 'INTEGER' }] } },
  });
  expect(
    (await failure(bigQuery.query({ query: 'SELECT x FROM d.t', maximumBytesBilled: '10' }))).message,
  ).toMatch(/bytes billed/);
});

test('a query writes to a destination table, a copy job copies it', async () => {
  await bigQuery.query({
    query: 'SELECT 1 AS a',
    destination: bigQuery.dataset('d').table('t'),
    writeDisposition: 'WRITE_TRUNCATE',
  });
  await bigQuery
    .dataset('d')
    .table('t')
    .copy(bigQuery.dataset('d').table('u'), { writeDisposition: 'WRITE_TRUNCATE' });
  expect(await rows('SELECT a FROM d.u')).toEqual([{ a: 1 }]);
});

test('streamed rows are checked, and inserted once per insertId', async () => {
  await rows('CREATE TABLE d.t (id INT64 NOT NULL, moment TIMESTAMP, data JSON)');
  const insert = (values: object[]) => bigQuery.dataset('d').table('t').insert(values, { raw: true });
  const row = { insertId: 'one', json: { id: 1, moment: '2024-01-01T00:00:00.5Z', data: '{"a":1}' } };
  await insert([row]);
  await insert([row]);
  const failed = await failure(
    insert([{ json: { id: 'x' } }, { json: { id: 2, nope: 1 } }, { json: { id: 3 } }]),
  );
  expect(JSON.stringify(failed.errors)).toMatch(/Bad int64 value: x.*no such field: nope/);
  expect(await rows("SELECT id, UNIX_MILLIS(moment) AS ms, JSON_VALUE(data, '$.a') AS a FROM d.t")).toEqual([
    { id: 1, ms: 1704067200500, a: '1' },
  ]);
  const place = {
    projectId: 'demo-tradewind',
    location: 'europe-west1',
    endpoints: { bigquery: server.url },
  };
  const refused = await openWarehouse(place).insert({ dataset: 'd', table: 't' }, [
    { id: 'bad', row: { id: 'x' } },
    { id: 'good', row: { id: 4 } },
  ]);
  expect(refused).toEqual([{ id: 'bad', message: expect.stringContaining('Bad int64 value: x') }]);
  expect(await rows('SELECT id FROM d.t ORDER BY id')).toEqual([{ id: 1 }, { id: 4 }]);
});

test('what is not offered names itself', async () => {
  expect(await failure(bigQuery.dataset('d').getRoutines())).toMatchObject({
    code: 501,
    message: expect.stringContaining('GET /bigquery/v2/projects/demo-tradewind/datasets/d/routines'),
  });
  expect((await failure(rows('SELECT SOUNDEX("a")'))).message).toMatch(
    /not supported by the local BigQuery: the function SOUNDEX at \[1:8\]/,
  );
  expect((await failure(rows('DECLARE x INT64'))).message).toMatch(
    /not supported by the local BigQuery: the statement DECLARE/,
  );
});

test('a table that was read as of a moment stays what it was then; other moments of the past are refused', async () => {
  await rows('CREATE TABLE d.t AS SELECT 1 AS a');
  const at = (moment: number) =>
    rows(`SELECT a FROM d.t AS t FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(${moment}) ORDER BY a`);
  const [first, between, second] = [5, 7, 10].map((minute) => Date.UTC(2026, 0, 1, 0, minute)) as [number, number, number]; // three are mapped
  now = new Date(first);
  expect(await at(first)).toEqual([{ a: 1 }]);
  now = new Date(second);
  await rows('INSERT INTO d.t (a) VALUES (2)');
  await rows('INSERT INTO d.t (a) VALUES (3)');
  expect(await at(between)).toEqual([{ a: 1 }]);
  expect(await at(second + 1)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  await job({ copy: { sourceTable: table(`t@${between}`), destinationTable: table('was') } });
  expect(await rows('SELECT a FROM d.was')).toEqual([{ a: 1 }]);
  expect((await failure(at(Date.UTC(2025, 0, 1)))).message).toContain('Cannot read before');
  now = new Date(second + 60_000);
  await rows('CREATE TABLE d.late AS SELECT 1 AS a');
  now = new Date(second + 120_000);
  await rows('DELETE FROM d.late WHERE TRUE');
  const unread = `SELECT a FROM d.late FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(${second + 90_000})`;
  expect((await failure(rows(unread))).code).toBe(501);
  // A data set is seen where it is, and nowhere else.
  expect((await failure(bigQuery.query({ query: 'SELECT a FROM d.t', location: 'US' }))).message).toContain(
    'was not found in location US',
  );
}); // prettier-ignore
