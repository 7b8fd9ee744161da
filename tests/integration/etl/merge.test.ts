/** Tables whose rows take the place of those with their key. */
import { Client } from 'pg';
import { getSourceTable, updateSource, updateSourceTable } from '#core/api/sources';
import { DatasetDefinition } from '#core/dataset';
import type { SourceTable } from '#core/source';
import { linesSql } from '#core/sql/lines';
import { DELETED_AT } from '#core/warehouse-name';
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
  // And adding rows to what holds them already begins anew.
  await account.choose(table, { mode: 'append' });
  await load();
  expect(await rows()).toHaveLength(2);
  await load();
  expect(await rows()).toHaveLength(4);
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

test('columns that are left out, come back, or are new are right in every row; those that people added stay', async () => {
  await shop.sql(
    `CREATE TABLE items (id int PRIMARY KEY, name text, mail text, changed timestamptz DEFAULT now())`,
  );
  await shop.sql(`INSERT INTO items VALUES (1, 'bolt', 'a'), (2, 'nut', 'b'), (3, 'washer', 'c')`);
  const table = await addShop();
  await account.choose(table, { mode: 'merge', cursor: 'changed' });
  await load();
  const destination = `${account.raw}.shop__public_items`;
  await warehouseRows(`ALTER TABLE ${destination} ADD COLUMN checked_by STRING`);
  await warehouseRows(`UPDATE ${destination} SET checked_by = 'Ann' WHERE true`);
  const found = async (...names: string[]) => (await rows()).map((row) => names.map((name) => row[name]));

  // Nothing is new in the source, and still it is gone from every row.
  await account.choose(table, { excluded: ['mail'] });
  await load();
  expect(await found('id', 'mail', 'checked_by')).toEqual([[1, null, 'Ann'], [2, null, 'Ann'], [3, null, 'Ann']]); // prettier-ignore
  await shop.sql(
    `UPDATE items SET name = 'Bolt', changed = now() WHERE id = 1; DELETE FROM items WHERE id = 3`,
  );
  await account.choose(table, { excluded: [] });
  await shop.sql(`ALTER TABLE items ADD COLUMN stock int DEFAULT 7`);
  const run = await account.load();
  expect(run.perTable).toMatchObject([
    { status: 'succeeded', counts: { rows: 2 }, added: 0, notes: [expect.stringContaining('"mail", "stock" came')] },
  ]); // prettier-ignore
  expect(await found('name', 'mail', 'stock', 'checked_by')).toEqual([
    ['Bolt', 'a', 7, 'Ann'], ['nut', 'b', 7, 'Ann'], ['washer', null, null, 'Ann'],
  ]); // prettier-ignore
  await shop.sql(`INSERT INTO items VALUES (4, 'screw', 'd'); UPDATE items SET changed = now() WHERE id = 2`);
  const next = await account.load();
  expect(next.perTable).toMatchObject([{ counts: { rows: 2 }, added: 1, notes: [] }]);
});

test('a source at another place is read no further until somebody has said what is there', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, name text, changed timestamptz DEFAULT now())`);
  await shop.sql(`INSERT INTO items VALUES (1, 'bolt'), (2, 'nut')`);
  const table = await addShop();
  await account.choose(table, { mode: 'merge', cursor: 'changed' });
  await load();
  await shop.sql('CREATE DATABASE copy');
  const copy = new Client({ connectionString: shop.url.replace(/shop$/, 'copy') });
  await copy.connect();
  await copy.query(`CREATE TABLE items (id int PRIMARY KEY, name text, changed timestamptz DEFAULT now())`);
  const params = { ...account.params, source: table.source };
  const move = (database: string) => {
    const place = { host: '127.0.0.1', port: shop.port, database, user: 'owner' };
    const settings = { kind: 'postgres' as const, ...place, sslMode: 'disable' as const };
    return account.call(updateSource, { params, body: { settings, credentials: { password } } });
  };
  const decide = (moved: 'same' | 'other') =>
    account.call(updateSourceTable, { params: { ...params, table: table.id }, body: { moved } });
  expect(await refusalOf(decide('same'))).toMatchObject({ code: 'not-moved' });

  await move('copy');
  const refused = await account.load();
  expect(refused).toMatchObject({ status: 'failed', failure: { code: 'place-changed' } });
  expect(refused.failure?.message).toMatch(
    /loaded from 127\.0\.0\.1:\d+\/shop and its source is at 127\.0\.0\.1:\d+\/copy now/,
  );
  expect(await rows()).toHaveLength(2);
  const moved = async () =>
    (await account.call(getSourceTable, { params: { ...params, table: table.id } })).moved;
  expect(await moved()).toMatchObject({ from: expect.stringMatching(/shop$/), decision: null });

  await decide('other');
  // Nothing is there yet: what was loaded stays, and so does the decision.
  expect(await load()).toBe(0);
  expect(await rows()).toHaveLength(2);
  expect(await moved()).toMatchObject({ decision: 'other' });
  // The last is older than the watermark: going on would never see it.
  await copy.query(
    `INSERT INTO items VALUES (1, 'bolt', now()), (2, 'nut', now()), (3, 'washer', '2020-01-01')`,
  );
  await copy.end();
  expect(await load()).toBe(3);
  expect(await moved()).toBeNull();

  await move('shop');
  expect(await account.load()).toMatchObject({ failure: { code: 'place-changed' } });
  await decide('same');
  const run = await account.load();
  expect(run.perTable).toMatchObject([
    { counts: { rows: 0 }, notes: [expect.stringContaining('it goes on')] },
  ]);
  expect(await rows()).toHaveLength(3);
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

test('rows that the source has no more are marked, seen by no data set, and there again when they come back', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, customer text, article text, at timestamptz)`);
  await shop.sql(
    `INSERT INTO items SELECT n, 'c' || n % 3, 'a' || n % 5, timestamptz '2026-01-01' + n * interval '1 day' FROM generate_series(1, 10) n`,
  );
  const table = await addShop();
  const params = { ...account.params, source: table.source, table: table.id };
  const choose = (body: object) => account.call(updateSourceTable, { params, body });
  expect(await refusalOf(choose({ deletes: 'mark' }))).toMatchObject({ code: 'deletes-not-possible' });
  await choose({ mode: 'merge', deletes: 'mark' });
  expect(await load()).toBe(10);
  const lines = async () => {
    const columns = (
      [
        ['customer', 'STRING'],
        ['article', 'STRING'],
        ['at', 'TIMESTAMP'],
        [DELETED_AT, 'TIMESTAMP'],
      ] as const
    ).map(([name, type]) => ({ name, type }));
    const of = (column: string) => ({ table: 'items', column });
    const definition = DatasetDefinition.parse({
      name: 'Items',
      tables: [{ alias: 'items', destination: table.destination }],
      joins: [],
      roles: { customer: of('customer'), item: of('article'), time: of('at') },
      cleaning: {},
    });
    const sql = linesSql(definition, new Map([[table.destination, { columns }]]), {
      tableName: (destination) => `${account.raw}.${destination}`,
      asOf: '2099-01-01T00:00:00.000Z',
      historyDays: 0,
    });
    const [row] = await warehouseRows(`SELECT COUNT(*) AS n FROM (${sql})`);
    return row?.['n'];
  };
  expect(await lines()).toBe(10);
  await shop.sql('DELETE FROM items WHERE id > 7');
  expect(await load()).toBe(7);
  const marked = async () =>
    (await rows()).filter((row) => row['_tradewind_deleted_at'] !== null).map(({ id }) => id);
  expect(await marked()).toEqual([8, 9, 10]);
  expect(await lines()).toBe(7);
  await shop.sql(`INSERT INTO items VALUES (9, 'c9', 'a9', now())`);
  await load();
  expect(await marked()).toEqual([8, 10]);
  expect(await lines()).toBe(8);

  // Half of it gone at once is more likely a source that is half there.
  await shop.sql('DELETE FROM items WHERE id > 3');
  expect(await account.load()).toMatchObject({
    status: 'failed',
    failure: { code: 'too-many-deletes', message: expect.stringContaining('5 of its 8 rows') },
  });
  expect(await marked()).toEqual([8, 10]);
  await choose({ deleteLimit: 0.8 });
  await load();
  expect(await marked()).toEqual([4, 5, 6, 7, 8, 9, 10]);
});

test('a raw table that somebody has removed begins anew, whatever the ledger says of it', async () => {
  await shop.sql(`CREATE TABLE items (id int PRIMARY KEY, changed timestamptz DEFAULT now())`);
  await shop.sql(`INSERT INTO items SELECT n FROM generate_series(1, 20) n`);
  await account.choose(await addShop(), { mode: 'merge', cursor: 'changed' });
  expect(await load()).toBe(20);
  await warehouseRows(`DROP TABLE ${account.raw}.shop__public_items`);
  await shop.sql(`UPDATE items SET changed = now() WHERE id = 1`);
  expect(await load()).toBe(20);
  expect(await rows()).toHaveLength(20);
});
