import { z } from 'zod';
import { openDatabase } from '#cloud/firestore';
import { paths } from '#core/paths';
import { useLocalCloud } from '#tests/local-cloud';
import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestPostgres;
let account: Account;
const password = 'owner secret';
const settings = () => shop.settings;

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
});

test('a table arrives row by row, and again without doubling', async () => {
  await shop.sql(
    `CREATE TABLE orders (id int PRIMARY KEY, customer text, placed timestamptz, total numeric(12,2))`,
  );
  await shop.sql(
    `INSERT INTO orders SELECT n, 'c' || n % 7, timestamptz '2026-01-01' + n * interval '1 hour', n * 1.25 FROM generate_series(1, 5000) n`,
  );
  const { tables } = await account.addSource('Shop', settings(), { password });
  expect(tables.map(({ name, enabled, destination }) => ({ name, enabled, destination }))).toEqual([
    { name: 'public.orders', enabled: true, destination: 'shop__public_orders' },
  ]);

  const first = await account.load();
  expect(first).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 5000, rejected: {} } });
  const rows = () =>
    warehouseRows(
      `SELECT COUNT(*) AS n, CAST(SUM(total) AS STRING) AS total, COUNT(DISTINCT id) AS ids, CAST(MAX(placed) AS STRING) AS last FROM ${account.raw}.shop__public_orders`,
    );
  const expected = [{ n: 5000, total: '15628125', ids: 5000, last: '2026-07-28 08:00:00+00' }];
  expect(await rows()).toEqual(expected);

  await shop.sql('DELETE FROM orders WHERE id > 4000');
  const second = await account.load();
  expect(second).toMatchObject({ status: 'succeeded', counts: { rows: 4000 } });
  expect((await rows())[0]).toMatchObject({ n: 4000, ids: 4000 });
});

test('every type keeps its value', async () => {
  await shop.sql(`CREATE TABLE every (
    id int, big bigint, ok bool, real8 float8, money numeric(20,4), wide numeric(30,14), free numeric, vast numeric(60,30), word text, bytes bytea,
    day date, local timestamp, instant timestamptz, clock time, doc jsonb, tag uuid, list int[])`);
  await shop.sql(`INSERT INTO every VALUES
    (1, 9223372036854775807, true, 1.5e300, 1234567890123456.7891, 1234567890123456.01234567890123, 12345678901234567.00000000000000000001, -0.5,
     'Ünï "q" \\ \`b\`', '\\x00ff10', '2024-02-29', '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59.123456+02',
     '23:59:59.999999', '{"a": [1, null, "x"]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,2}'),
    (2, -9223372036854775808, false, -2.5, -0.0001, -1, -999999999999999999, 0, '', '', '0001-01-01', '1970-01-01 00:00:00', '1969-12-31 23:59:59.999999+00',
     '00:00:00', 'null', null, '{}'),
    (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`);
  await account.addSource('Shop', settings(), { password });
  const run = await account.load();
  expect(run).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 3, rejected: {} } });
  const text = (name: string) => `CAST(${name} AS STRING) AS ${name}`;
  const rows = await warehouseRows(
    `SELECT id, ${['big', 'ok', 'real8', 'money', 'wide', 'free', 'vast', 'day', 'local', 'instant', 'clock'].map(text).join(', ')}, word, TO_HEX(bytes) AS bytes, TO_JSON_STRING(doc) AS doc, tag
     FROM ${account.raw}.shop__public_every ORDER BY id`,
  );
  expect(rows).toEqual([
    {
      id: 1,
      big: '9223372036854775807',
      ok: 'true',
      real8: '1.5e+300',
      money: '1234567890123456.7891',
      wide: '1234567890123456.01234567890123',
      free: '12345678901234567.00000000000000000001',
      vast: '-0.5',
      day: '2024-02-29',
      local: '2024-02-29 23:59:59.123456',
      instant: '2024-02-29 21:59:59.123456+00',
      clock: '23:59:59.999999',
      word: 'Ünï "q" \\ `b`',
      bytes: '00ff10',
      doc: '{"a":[1,null,"x"]}',
      tag: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    },
    {
      id: 2,
      big: '-9223372036854775808',
      ok: 'false',
      real8: '-2.5',
      money: '-0.0001',
      wide: '-1',
      free: '-999999999999999999',
      vast: '0',
      day: '0001-01-01',
      local: '1970-01-01 00:00:00',
      instant: '1969-12-31 23:59:59.999999+00',
      clock: '00:00:00',
      word: '',
      bytes: '',
      doc: 'null',
      tag: null,
    },
    {
      id: 3,
      big: null,
      ok: null,
      real8: null,
      money: null,
      wide: null,
      free: null,
      vast: null,
      day: null,
      local: null,
      instant: null,
      clock: null,
      word: null,
      bytes: null,
      doc: 'null',
      tag: null,
    },
  ]);
});

test('append by a cursor takes what is new, and each row once', async () => {
  await shop.sql('CREATE TABLE lines (id bigint PRIMARY KEY, qty int)');
  await shop.sql('INSERT INTO lines SELECT n, n FROM generate_series(1, 100) n');
  const { tables } = await account.addSource('Shop', settings(), { password });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'append', cursor: 'id' });
  const load = async () => (await account.load()).counts.rows;
  expect(await load()).toBe(100);
  expect(await load()).toBe(0);
  await shop.sql('INSERT INTO lines SELECT n, n FROM generate_series(101, 130) n');
  expect(await load()).toBe(30);
  const rows = await warehouseRows(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, SUM(qty) AS s FROM ${account.raw}.shop__public_lines`,
  );
  expect(rows).toEqual([{ n: 130, ids: 130, s: 8515 }]);
});

test('names made to hurt arrive as data, in tables and columns of their own', async () => {
  const name = `o'r"d\`e\\rs; DROP TABLE x --`;
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await shop.sql(
    `CREATE TABLE ${quote(name)} (${quote('a`); DROP TABLE x; --')} int, ${quote('A')} text, "a" text, "select" text)`,
  );
  await shop.sql(`INSERT INTO ${quote(name)} VALUES (1, 'upper', 'lower', 'word')`);
  await shop.sql('CREATE TABLE "Schöne Tabelle" AS SELECT 2 AS "größe"');
  const { tables } = await account.addSource('Läden & Co', settings(), { password });
  const run = await account.load();
  expect(run).toMatchObject({ status: 'succeeded', counts: { rows: 2 } });
  const [hostile] = tables.filter((table) => table.name.includes('DROP'));
  const [row] = await warehouseRows(`SELECT * FROM ${account.raw}.${hostile?.destination}`);
  expect(row).toEqual({ a_DROP_TABLE_x: 1, A_ie980c: 'upper', a: 'lower', select: 'word' });
});

test('a new column is added, a dropped one stays and is null', async () => {
  await shop.sql('CREATE TABLE items AS SELECT 1 AS id, 2 AS old');
  await account.addSource('Shop', settings(), { password });
  await account.load();
  await shop.sql('ALTER TABLE items DROP COLUMN old');
  await shop.sql(`ALTER TABLE items ADD COLUMN fresh text DEFAULT 'new'`);
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 1 } });
  expect(await warehouseRows(`SELECT * FROM ${account.raw}.shop__public_items`)).toEqual([
    { id: 1, old: null, fresh: 'new' },
  ]);
});

test('several tasks share the units of a table, and together read it once', async () => {
  await shop.sql(`CREATE TABLE big AS SELECT n AS id, md5(n::text) AS word FROM generate_series(1, 20000) n`);
  const { tables } = await account.addSource('Shop', settings(), { password });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  // What the last discovery estimated decides how many tasks a run gets.
  const db = openDatabase(useLocalCloud().projectId);
  const { tenant, model } = account.params;
  const path = paths.sourceTable(tenant, model, table.source, table.id);
  await db.commit([{ kind: 'update', path, data: { estimatedRows: 11_000_000 } }]);
  const run = await account.load(90);
  expect(run).toMatchObject({ status: 'succeeded', counts: { rows: 20_000 } });
  const tasks = await db.list(`${paths.etlRun(tenant, model, run.id)}/progress`);
  await db.close();
  const rowsRead = tasks.map(
    (one) => z.looseObject({ rows: z.number() }).parse(one.data['tables'][table.id]).rows,
  );
  expect(rowsRead.reduce((sum, one) => sum + one, 0)).toBe(20_000);
  const rows = await warehouseRows(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM ${account.raw}.shop__public_big`,
  );
  expect(rows).toEqual([{ n: 20_000, ids: 20_000 }]);
});
