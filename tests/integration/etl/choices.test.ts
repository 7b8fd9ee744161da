/** What a table's load may choose: rows, a sample, hashes, a beginning, reading once more, looking for deleted rows. */
import { createHmac } from 'node:crypto';
import { dryRunEtl, getEtlLogs, startEtl } from '#core/api/etl';
import { updateSourceTable } from '#core/api/sources';
import type { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import type { RowFilter } from '#core/row-filter';
import type { SourceTable } from '#core/source';
import { readConfig } from '#runtime/config';
import { hashingKey } from '#store/hashing-key';
import { addTenantKey } from '#store/rotate-keys';
import { tenantKeysOf } from '#store/tenant-keys';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';
import { openTestStore } from '#tests/store';

const store = openTestStore();
let shop: TestPostgres;
let account: Account;
let table: SourceTable;

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => Promise.all([shop.stop(), store.db.close()]));

async function open(...sql: string[]): Promise<void> {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  for (const one of sql) await shop.sql(one);
  const place = { host: '127.0.0.1', port: shop.port, database: 'shop', user: 'owner' } as const;
  const settings = { kind: 'postgres', ...place, sslMode: 'disable' } as const;
  const { tables } = await account.addSource('Shop', settings, { password: 'owner secret' });
  table = tables[0]!;
}
const choose = (body: object) =>
  account.call(updateSourceTable, {
    params: { ...account.params, source: table.source, table: table.id },
    body,
  });
const raw = (sql: string) => warehouseRows(sql.replaceAll('$raw', `${account.raw}.${table.destination}`));
const ids = async (where = 'TRUE') =>
  (await raw(`SELECT id FROM $raw WHERE ${where} ORDER BY id`)).map(({ id }) => Number(id));
async function load(again?: EtlRun['again']) {
  const body = again === undefined || again === null ? {} : { tables: [table.id], again };
  const run = await account.call(startEtl, { params: account.params, body });
  const done = await account.finished(run.id);
  expect(done).toMatchObject({ status: 'succeeded', failure: null });
  return done;
}

test('rows, a sample and hashes of personal data: the same hash everywhere, the plain value nowhere', async () => {
  await open(
    `CREATE TABLE people (id int PRIMARY KEY, customer text, email text, country text, born date)`,
    `INSERT INTO people SELECT n, 100000 + n % 3, 'Ann' || n || '@Example.org ', CASE n % 2 WHEN 0 THEN 'DE' ELSE 'de' END, date '1990-01-01' + n FROM generate_series(1, 20) n`,
    `UPDATE people SET email = NULL, born = 'infinity' WHERE id = 4`,
  );
  const german: RowFilter = {
    match: 'all',
    conditions: [{ column: 'country', operator: 'eq', value: 'DE' }],
  };
  const customer = { column: 'customer' };
  await choose({ filter: german, rejectLimit: 1 });
  await load();
  expect(await ids()).toEqual([2, 6, 8, 10, 12, 14, 16, 18, 20]);
  const rejects = () => warehouseRows(`SELECT * FROM ${account.raw}._rejects`);
  expect(await rejects()).toMatchObject([{ column_name: 'born', value: 'infinity' }]);

  // What was loaded in plain is replaced, not merged with.
  await choose({
    hashed: [customer, { column: 'email', form: 'folded' }],
    mode: 'merge',
    mergeKey: ['email'],
  });
  const first = await load();
  expect(first.counts.rejected).toEqual({ 'infinite-date': 1 });
  const keys = await tenantKeysOf(store, readConfig(process.env).installationKeys, account.params.tenant);
  const hash = (text: string, key: Uint8Array) => createHmac('sha256', key).update(text).digest('base64url');
  const key = await hashingKey(store, keys, account.params.tenant);
  const people = await raw(`SELECT id, customer, email FROM $raw ORDER BY id`);
  expect(people[0]).toEqual({ id: 2, customer: hash('100002', key), email: hash('ann2@example.org', key) });

  // Another data key seals it, and it is what it was.
  await addTenantKey(store, readConfig(process.env).installationKeys, account.params.tenant);
  await shop.sql(`UPDATE people SET country = 'DE' WHERE id = 1`);
  await load();
  expect((await raw(`SELECT customer FROM $raw WHERE id = 1`))[0]).toEqual({ customer: hash('100001', key) });

  const said = JSON.stringify([
    await raw('SELECT * FROM $raw'),
    await rejects(),
    await account.call(getEtlLogs, { params: { ...account.params, run: first.id } }),
    await store.db.list(paths.etlTables(account.params.tenant, account.params.model, first.id)),
  ]);
  expect(said).toContain('infinite-date');
  // Nor what was kept of the load before.
  expect(said).not.toMatch(/example|"100000"|1000\d\d|infinity/i);
  expect(await rejects()).toMatchObject([{ value: null }, { value: null }, { value: null }]);

  await choose({ rowLimit: 3 });
  const sample = await load();
  expect(sample.perTable).toMatchObject([
    { rowLimit: 3, counts: { rows: 3 }, notes: [expect.stringContaining('limited to 3')] },
  ]);
  expect(await ids()).toHaveLength(3);
});

test('what cannot be chosen is refused by name', async () => {
  await open(`CREATE TABLE items (id int PRIMARY KEY, name text, weight float8, changed timestamptz)`);
  const where = (condition: object) => ({ filter: { match: 'all', conditions: [condition] } });
  const refused = [
    [where({ column: 'gone', operator: 'null' }), 'unknown-column'],
    [where({ column: 'weight', operator: 'eq', value: 1 }), 'filter-not-possible'],
    [where({ column: 'id', operator: 'eq', value: 'x' }), 'filter-not-possible'],
    [{ hashed: [{ column: 'gone' }] }, 'unknown-column'],
    [{ hashed: [{ column: 'id', form: 'folded' }] }, 'hash-not-possible'],
    [{ hashed: [{ column: 'changed' }], mode: 'append', cursor: 'changed' }, 'hash-not-possible'],
    [{ hashed: [{ column: 'name' }], ...where({ column: 'name', operator: 'eq', value: 'Ann' }) }, 'hash-not-possible'],
    [{ startFrom: '2024-01-01' }, 'start-not-possible'],
    [{ mode: 'append', cursor: 'changed', startFrom: 'soon' }, 'filter-not-possible'],
  ] as const; // prettier-ignore
  for (const [body, code] of refused)
    expect(await refusalOf(choose(body))).toMatchObject({ code, remedy: expect.any(String) });
  const start = (body: object) => refusalOf(account.call(startEtl, { params: account.params, body }));
  expect(await start({ again: { anew: true } })).toMatchObject({ code: 'again-without-tables' });
  expect(await start({ tables: [table.id], again: { from: '2024-01-01' } })).toMatchObject({
    code: 'again-not-possible',
  });

  // A column that was to be left out has another name now: nothing is read or shown until somebody has looked.
  await choose({ excluded: ['name'] });
  await shop.sql('ALTER TABLE items RENAME name TO title');
  const renamed = {
    code: 'schema-changed',
    message: expect.stringContaining('"name", whose values are not'),
  };
  expect((await account.load()).failure).toMatchObject(renamed);
  const { tables } = await account.call(dryRunEtl, { params: account.params, body: { rows: 5 } });
  expect(tables).toMatchObject([{ preview: [], failure: renamed }]);
});

test('appending from a date on, and once more from a later one: no row twice, none missing', async () => {
  await open(
    `CREATE TABLE events (id int PRIMARY KEY, note text, at timestamptz)`,
    `INSERT INTO events SELECT n, 'old', timestamptz '2024-01-01' + n * interval '1 day' FROM generate_series(0, 19) n`,
  );
  await choose({ mode: 'append', cursor: 'at', startFrom: '2024-01-06' });
  await load();
  expect(await ids()).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  // Rows that were changed, and one that is gone, without their cursor telling.
  await shop.sql(
    `UPDATE events SET note = 'new' WHERE id >= 15; DELETE FROM events WHERE id = 19; INSERT INTO events VALUES (20, 'new', now())`,
  );
  const run = await load({ from: '2024-01-17' });
  expect(run.perTable[0]).toMatchObject({
    counts: { rows: 4 },
    added: 0,
    notes: [expect.stringContaining('2024-01-17')],
  });
  expect(await ids()).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20]);
  expect(await ids(`note = 'new'`)).toEqual([16, 17, 18, 20]);
  await shop.sql(`DELETE FROM events WHERE id < 15`);
  await load({ anew: true });
  expect(await ids()).toEqual([15, 16, 17, 18, 20]);
});

test('merging by a cursor, deleted rows are found by their keys, and are there again when they come back', async () => {
  await open(
    `CREATE TABLE items (id int, part text, due date DEFAULT '2026-01-01', note text, changed timestamptz DEFAULT now(), PRIMARY KEY (id, part, due))`,
    `INSERT INTO items (id, part, note) SELECT n, 'p' || n % 2, 'old' FROM generate_series(1, 10) n`,
  );
  await choose({
    mode: 'merge',
    cursor: 'changed',
    deletes: 'mark',
    sweepHours: 0,
    hashed: [{ column: 'part' }],
  });
  await load();
  const gone = () => ids('_tradewind_deleted_at IS NOT NULL');
  await shop.sql(
    `DELETE FROM items WHERE id IN (3, 4); UPDATE items SET note = 'new', changed = now() WHERE id = 5`,
  );
  expect((await load()).counts.rows).toBe(1);
  expect(await gone()).toEqual([3, 4]);
  // A row that is back as it was, which no cursor tells; and nothing that is new.
  await shop.sql(
    `INSERT INTO items VALUES (3, 'p1', '2026-01-01', 'old', '2020-01-01'); DELETE FROM items WHERE id = 7`,
  );
  expect((await load()).counts.rows).toBe(0);
  expect(await gone()).toEqual([4, 7]);

  // A key that cannot be read is a row's that is there: nobody is taken for gone, and the run says so.
  await shop.sql(
    `INSERT INTO items VALUES (12, 'p0', 'infinity', 'old', '2020-01-01'); DELETE FROM items WHERE id = 8`,
  );
  expect((await load()).perTable).toMatchObject([
    {
      counts: { rows: 0 },
      notes: [expect.stringContaining('Deleted rows were not looked for, because the key of one row')],
    },
  ]);
  expect(await gone()).toEqual([4, 7]);

  await shop.sql('DELETE FROM items WHERE id > 2');
  const run = await account.load();
  expect(run).toMatchObject({ status: 'failed', failure: { code: 'too-many-deletes' } });
  expect(await gone()).toEqual([4, 7]);
});
