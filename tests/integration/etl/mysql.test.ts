import { z } from 'zod';
import { openDatabase } from '#cloud/firestore';
import { openFiles } from '#cloud/storage';
import { getEtlLogs } from '#core/api/etl';
import { createUpload } from '#core/api/sources';
import { paths } from '#core/paths';
import type { SourceTable } from '#core/source';
import { type Account, openAccount } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestMariadb;
let account: Account;
const password = 'owner secret';
const settings = () => ({
  kind: 'mysql' as const,
  host: '127.0.0.1',
  port: shop.port,
  database: 'shop',
  user: 'owner',
  sslMode: 'disable' as const,
});

beforeAll(async () => {
  shop = await startTestMariadb();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP DATABASE shop; CREATE DATABASE shop; USE shop');
});

/** As if the last discovery had found so many rows: that decides how many tasks a run gets. */
async function pretend(tables: readonly SourceTable[], estimatedRows: number): Promise<void> {
  const { tenant, model } = account.params;
  const db = openDatabase(useLocalCloud().projectId);
  for (const { id, source } of tables)
    await db.commit([
      { kind: 'update', path: paths.sourceTable(tenant, model, source, id), data: { estimatedRows } },
    ]);
  await db.close();
}

/** Rows that each task of a run has read. */
async function rowsByTask(run: string): Promise<number[]> {
  const { tenant, model } = account.params;
  const db = openDatabase(useLocalCloud().projectId);
  const tasks = await db.list(`${paths.etlRun(tenant, model, run)}/progress`);
  await db.close();
  const Progress = z.object({ tables: z.record(z.string(), z.object({ rows: z.number() })) });
  return tasks
    .map(({ data }) => Object.values(Progress.parse(data).tables).reduce((sum, { rows }) => sum + rows, 0))
    .toSorted((a, b) => a - b);
}

test('every type arrives in the warehouse', async () => {
  await shop.sql(`CREATE TABLE every (id int PRIMARY KEY, big bigint unsigned, ok tinyint(1), real4 float, money decimal(20,4),
      word varchar(50), bytes varbinary(10), day date, local datetime(6), instant timestamp(6) NULL, span time, doc json, kind enum('a','b'));
    SET time_zone = '+02:00';
    INSERT INTO every VALUES (1, 18446744073709551615, 1, 0.1, 1234567890123456.7891, 'Ünï "q"', x'00ff10', '2024-02-29',
      '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59.123456', '-100:00:00', '{"a": [1, null, "x"]}', 'b'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
  const { tables } = await account.addSource('Shop', settings(), { password });
  expect(tables.map(({ name, enabled, destination }) => ({ name, enabled, destination }))).toEqual([
    { name: 'every', enabled: true, destination: 'shop__every' },
  ]);
  expect(await account.load()).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 2, rejected: {} } });
  const text = (name: string) => `CAST(${name} AS STRING) AS ${name}`;
  const [row] = await warehouseRows(
    `SELECT ${['big', 'ok', 'real4', 'money', 'day', 'local', 'instant'].map(text).join(', ')}, word, TO_HEX(bytes) AS bytes, span, TO_JSON_STRING(doc) AS doc, kind
     FROM ${account.raw}.shop__every WHERE id = 1`,
  );
  expect(row).toEqual({
    big: '18446744073709551615', ok: '1', real4: '0.1', money: '1234567890123456.7891', day: '2024-02-29',
    local: '2024-02-29 23:59:59.123456', instant: '2024-02-29 21:59:59.123456+00', word: 'Ünï "q"', bytes: '00ff10',
    span: '-100:00:00', doc: '{"a":[1,null,"x"]}', kind: 'b',
  });
}); // prettier-ignore

test('all tables are read at one moment, by the one task that holds it, while others write', async () => {
  await shop.sql(`CREATE TABLE here (id int PRIMARY KEY); CREATE TABLE there (id int PRIMARY KEY);
    CREATE TABLE more (id int PRIMARY KEY); INSERT INTO here SELECT seq FROM seq_1_to_20000; INSERT INTO more SELECT seq FROM seq_1_to_500`);
  const { tables } = await account.addSource('Shop', settings(), { password });
  await pretend(tables, 4_000_000);
  const writer = await shop.client();
  const over = new AbortController();
  const moving = (async () => {
    for (let id = 1; id <= 20_000 && !over.signal.aborted; id++)
      await writer.query(
        `START TRANSACTION; DELETE FROM here WHERE id = ${id}; INSERT INTO there VALUES (${id}); COMMIT`,
      );
  })();
  const run = await account.load(90);
  over.abort();
  await moving;
  await writer.end();
  expect(run).toMatchObject({ status: 'succeeded', counts: { rows: 20_500, rejected: {} } });
  expect(await rowsByTask(run.id).then((rows) => rows.filter((count) => count > 0))).toEqual([20_500]);
  const rows = await warehouseRows(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM (SELECT id FROM ${account.raw}.shop__here UNION ALL SELECT id FROM ${account.raw}.shop__there)`,
  );
  expect(rows).toEqual([{ n: 20_000, ids: 20_000 }]);
});

test('a connection that is killed in the middle begins anew, each row is read once, and other sources go on', async () => {
  await shop.sql(`CREATE TABLE done (id int PRIMARY KEY); INSERT INTO done SELECT seq FROM seq_1_to_100;
    CREATE VIEW slow AS SELECT id, SLEEP(0.02) AS nap FROM done`);
  const { tables } = await account.addSource('Shop', settings(), { password });
  for (const table of tables) await account.choose(table, { enabled: true });
  const { uri } = await account.call(createUpload, { params: account.params, body: { fileName: 'prices.csv', bytes: 10 } });
  await openFiles(useLocalCloud().projectId).save(uri, 'id,price\n1,2\n', 'text/csv');
  await account.addSource('Files', { kind: 'csv', uris: [uri], encoding: 'utf-8' });
  const loading = account.load(90);
  const reader = await eventually('the slow reading', async () => {
    const all = await shop.sql('SHOW FULL PROCESSLIST');
    return all.find(({ Info }) => String(Info).includes('FROM `slow`') && !String(Info).includes('LIMIT')) ?? null;
  });
  await shop.sql(`KILL CONNECTION ${String(reader['Id'])}`);
  const run = await loading;
  expect(run).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 201 } });
  const { lines } = await account.call(getEtlLogs, { params: { ...account.params, run: run.id }, query: { limit: 500 } });
  const planned = lines.filter(({ message }) => message === 'table planned').map(({ fields }) => fields?.['table']);
  expect(planned.filter((name) => name === 'slow').length).toBe(2);
  expect(planned.filter((name) => name === 'prices.csv').length).toBe(1);
  const rows = await warehouseRows(`SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM ${account.raw}.shop__slow`);
  expect(rows).toEqual([{ n: 100, ids: 100 }]);
}); // prettier-ignore

test('append by a cursor takes what is new, each row once, and what is there while somebody writes', async () => {
  await shop.sql(`CREATE TABLE orders (id bigint unsigned PRIMARY KEY AUTO_INCREMENT, qty int);
    INSERT INTO orders (qty) SELECT seq FROM seq_1_to_100`);
  const { tables } = await account.addSource('Shop', settings(), { password });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'append', cursor: 'id' });
  // Nobody can tell which numbers the writer has taken: what is there is loaded, and read again once that is known.
  const writer = await shop.client();
  await writer.query('START TRANSACTION; INSERT INTO orders (qty) VALUES (101)');
  const held = await account.load();
  expect(held).toMatchObject({ status: 'succeeded', counts: { rows: 100 } });
  expect(held.perTable).toMatchObject([
    { watermark: null, added: 100, notes: [expect.stringContaining('is writing'), expect.stringContaining('reads them again')] },
  ]); // prettier-ignore
  await writer.query('COMMIT');
  await writer.end();
  const settled = await account.load();
  expect(settled.perTable).toMatchObject([
    { watermark: expect.any(String), counts: { rows: 101 }, added: 1, notes: [] },
  ]);
  const load = async () => (await account.load()).counts.rows;
  expect(await load()).toBe(0);
  await shop.sql('INSERT INTO orders (qty) SELECT seq FROM seq_102_to_130');
  expect(await load()).toBe(29);
  const rows = await warehouseRows(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, SUM(qty) AS s FROM ${account.raw}.shop__orders`,
  );
  expect(rows).toEqual([{ n: 130, ids: 130, s: 8515 }]);
});
