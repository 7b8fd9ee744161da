/** Tables whose rows take the place of those with their key. */
import { updateSourceTable } from '#core/api/sources';
import type { SourceTable } from '#core/source';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestPostgres;
let account: Account;
const password = 'owner secret';

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
});

async function addShop(): Promise<SourceTable> {
  const place = { host: '127.0.0.1', port: shop.port, database: 'shop', user: 'owner' } as const;
  const settings = { kind: 'postgres', ...place, sslMode: 'disable' } as const;
  const { tables } = await account.addSource('Shop', settings, { password });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  return table;
}
const rows = () => warehouseRows(`SELECT * FROM ${account.raw}.shop__public_items ORDER BY id`);
/** Loads, and answers how many rows came. */
async function load(): Promise<number> {
  const run = await account.load();
  expect(run).toMatchObject({ status: 'succeeded', failure: null });
  return run.counts.rows;
}

test('by the primary key: changed rows are replaced, new ones added, those that are gone stay', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, name text, doc jsonb)`);
  await shop.sql(`INSERT INTO items VALUES (1, 'bolt', '{"m": 4}'), (2, 'nut', null), (3, 'washer', '[]')`);
  await account.choose(await addShop(), { mode: 'merge' });
  expect(await load()).toBe(3);
  await shop.sql(`UPDATE items SET name = 'Bolt', doc = '{"m": 5}' WHERE id = 1`);
  await shop.sql(`DELETE FROM items WHERE id = 2; INSERT INTO items VALUES (4, 'screw', null)`);
  expect(await load()).toBe(3);
  const names = (await rows()).map(({ id, name }) => [id, name]);
  expect(names).toEqual([[1, 'Bolt'], [2, 'nut'], [3, 'washer'], [4, 'screw']]); // prettier-ignore
});

test('by a cursor only rows that changed are read, each load after the first', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, qty int, changed timestamptz DEFAULT now())`);
  await shop.sql(`INSERT INTO items SELECT n, n FROM generate_series(1, 500) n`);
  await account.choose(await addShop(), { mode: 'merge', cursor: 'changed' });
  expect(await load()).toBe(500);
  await shop.sql(`UPDATE items SET qty = -qty, changed = now() WHERE id <= 20`);
  await shop.sql(`INSERT INTO items SELECT n, n FROM generate_series(501, 503) n`);
  expect(await load()).toBe(23);
  expect(await load()).toBe(0);
  const [sums] = await warehouseRows(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, SUM(qty) AS s FROM ${account.raw}.shop__public_items`,
  );
  expect(sums).toEqual({ n: 503, ids: 503, s: 126_756 - 2 * 210 });
});

test('rows that were appended twice are one again once the table is merged', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, name text)`);
  await shop.sql(`INSERT INTO items VALUES (1, 'bolt'), (2, 'nut')`);
  const table = await addShop();
  await account.choose(table, { mode: 'append' });
  await load();
  await load();
  expect(await rows()).toHaveLength(4);
  await account.choose(table, { mode: 'merge' });
  await load();
  expect(await rows()).toHaveLength(2);
});

test('a column that the source has no more is null in the rows that come, and only there', async () => {
  await shop.sql(
    `CREATE TABLE items (id int PRIMARY KEY, name text, old text, changed timestamptz DEFAULT now())`,
  );
  await shop.sql(`INSERT INTO items VALUES (1, 'bolt', 'a'), (2, 'nut', 'b')`);
  await account.choose(await addShop(), { mode: 'merge', cursor: 'changed' });
  await load();
  await shop.sql(
    `ALTER TABLE items DROP COLUMN old; UPDATE items SET name = 'Nut', changed = now() WHERE id = 2`,
  );
  await load();
  expect((await rows()).map(({ id, name, old }) => [id, name, old])).toEqual([
    [1, 'bolt', 'a'],
    [2, 'Nut', null],
  ]);
});

test('without a primary key the columns are chosen; what does not tell rows apart fails, and nothing is published', async () => {
  await shop.sql(`CREATE TABLE items (id int, line int, qty int, weight float8)`);
  await shop.sql(`INSERT INTO items VALUES (1, 1, 5, 1), (1, 2, 6, 1), (2, 1, 7, 1)`);
  const table = await addShop();
  const choose = (body: { mode?: 'merge'; mergeKey?: string[] | null }) => {
    const params = { ...account.params, source: table.source, table: table.id };
    return refusalOf(account.call(updateSourceTable, { params, body }));
  };
  expect(await choose({ mode: 'merge' })).toMatchObject({
    code: 'key-missing',
    remedy: expect.stringContaining('"id", "line", "qty"'),
  });
  expect(await choose({ mode: 'merge', mergeKey: ['number'] })).toMatchObject({ code: 'unknown-column' });
  expect(await choose({ mergeKey: ['weight'] })).toMatchObject({ code: 'key-not-possible' });

  await account.choose(table, { mode: 'merge', mergeKey: ['id'] });
  expect(await account.load()).toMatchObject({
    status: 'failed',
    failure: { code: 'key-not-unique', message: expect.stringContaining('2 rows with the key id = 1') },
  });
  await account.choose(table, { mergeKey: ['id', 'line'] });
  expect(await load()).toBe(3);
  await shop.sql(`INSERT INTO items VALUES (3, null, 1, 1)`);
  expect(await account.load()).toMatchObject({
    failure: { code: 'key-null', message: expect.stringContaining('id = 3, line = null') },
  });
  expect(await rows()).toHaveLength(3);
});

test('a key whose column is gone fails by name before anything is read', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, code text UNIQUE NOT NULL)`);
  await shop.sql(`INSERT INTO items VALUES (1, 'a')`);
  const table = await addShop();
  await account.choose(table, { mode: 'merge', mergeKey: ['code'] });
  await load();
  await shop.sql(`ALTER TABLE items DROP COLUMN code`);
  expect(await account.load()).toMatchObject({
    failure: { code: 'unknown-column', message: expect.stringContaining('"code"') },
  });
  expect(await rows()).toHaveLength(1);
});
