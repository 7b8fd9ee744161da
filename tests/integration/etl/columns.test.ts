/** Tables of which not every column is loaded. */
import { updateSourceTable } from '#core/api/sources';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { fitsPostgres, HOSTILE_NAMES } from '#tests/hostile-names';
import { differences, quotePostgres, tableSql } from '#tests/hostile-tables';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestPostgres;
let account: Account;
beforeAll(async () => {
  shop = await startTestPostgres();
  account = await openAccount();
});
afterAll(() => shop.stop());

test('a column that is left out is never read; what was loaded of it goes with the next replacement', async () => {
  await shop.sql(`CREATE TABLE people (id int PRIMARY KEY, mail text, "ID" text, city text)`);
  await shop.sql(
    `INSERT INTO people VALUES (1, 'a@example.com', 'x', 'Oslo'), (2, 'b@example.com', 'y', 'Rome')`,
  );
  const place = { host: '127.0.0.1', port: shop.port, database: 'shop', user: 'owner' } as const;
  const settings = { kind: 'postgres', ...place, sslMode: 'disable' } as const;
  const { tables } = await account.addSource('Shop', settings, { password: 'owner secret' });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  const rows = () => warehouseRows(`SELECT * FROM ${account.raw}.shop__public_people ORDER BY city`);
  const load = async () =>
    expect(await account.load()).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 2 } });
  await load();
  expect(await rows()).toMatchObject([
    { id: 1, mail: 'a@example.com', ID_o4495s: 'x' },
    { id: 2, mail: 'b@example.com', ID_o4495s: 'y' },
  ]);

  const choose = (body: object) => {
    const params = { ...account.params, source: table.source, table: table.id };
    return account.call(updateSourceTable, { params, body });
  };
  expect(await refusalOf(choose({ excluded: ['e-mail'] }))).toMatchObject({ code: 'unknown-column' });
  expect(await refusalOf(choose({ excluded: ['id', 'mail', 'ID', 'city'] }))).toMatchObject({
    code: 'no-columns',
  });
  expect(await refusalOf(choose({ mode: 'merge', excluded: ['id'] }))).toMatchObject({
    detail: expect.stringContaining('"id" among those that are loaded'),
  });
  // Of another type now, which the raw table would not take: nobody asks for it.
  await choose({ excluded: ['mail', 'id'] });
  await shop.sql(`ALTER TABLE people ALTER COLUMN mail TYPE int USING length(mail)`);
  await load();
  const after = await rows();
  // The other column keeps the name it had beside "id".
  expect(after.map((row) => [row['ID_o4495s'], row['mail'], row['id']])).toEqual([
    ['x', null, null],
    ['y', null, null],
  ]);
});

test('a value that the warehouse cannot hold costs its row, or is null and counted, or its column is text', async () => {
  await shop.sql(`DROP TABLE people; CREATE TABLE parts (id int PRIMARY KEY, made date, price numeric(12,2));
    INSERT INTO parts VALUES (1, '2024-02-29', 1.50), (2, 'infinity', 2), (3, '4713-01-01 BC', 'NaN')`);
  const place = { host: '127.0.0.1', port: shop.port, database: 'shop', user: 'owner' } as const;
  const own = await openAccount();
  const settings = { kind: 'postgres', ...place, sslMode: 'disable' } as const;
  const { tables } = await own.addSource('Shop', settings, { password: 'owner secret' });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  const params = { ...own.params, source: table.source, table: table.id };
  const choose = (body: object) => own.call(updateSourceTable, { params, body });
  expect(await refusalOf(choose({ misfits: [{ column: 'cost', as: 'null' }] }))).toMatchObject({
    code: 'unknown-column',
  });
  expect(
    await refusalOf(choose({ mode: 'append', cursor: 'id', misfits: [{ column: 'id', as: 'null' }] })),
  ).toMatchObject({ code: 'misfits-not-possible' });
  await choose({
    misfits: [
      { column: 'made', as: 'text' },
      { column: 'price', as: 'null' },
    ],
  });
  expect(await own.load()).toMatchObject({
    status: 'succeeded',
    counts: {
      rows: 3,
      rejected: {},
      misfits: { 'infinite-date': 1, 'date-out-of-range': 1, 'numeric-not-finite': 1 },
    },
  });
  const rows = await warehouseRows(
    `SELECT id, made, CAST(price AS STRING) AS price FROM ${own.raw}.${table.destination} ORDER BY id`,
  );
  expect(rows).toEqual([
    { id: 1, made: '2024-02-29', price: '1.5' },
    { id: 2, made: 'infinity', price: '2' },
    { id: 3, made: '-004712-01-01', price: null },
  ]);
});

test('columns, tables and schemas of hostile names arrive whole, each value under its own', async () => {
  await shop.sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  const names = HOSTILE_NAMES.filter(fitsPostgres);
  const made = new Map<string, readonly string[]>();
  const add = async (schema: string, table: string, columns: readonly string[]) => {
    for (const sql of tableSql(`${quotePostgres(schema)}.${quotePostgres(table)}`, columns, quotePostgres))
      await shop.sql(sql);
    made.set(JSON.stringify(columns), columns);
  };
  await add('public', 'wide', names);
  for (const name of [`"; DROP TABLE t; --`, 'cafe\u0301', '__proto__']) {
    await shop.sql(`CREATE SCHEMA ${quotePostgres(name)}`);
    await add(name, name, ['id', name]);
  }
  const own = await openAccount();
  const { tables } = await own.addSource('Hostile', shop.settings, { password: 'owner secret' });
  expect(await own.load()).toMatchObject({ status: 'succeeded', failure: null, tables: 4 });
  const wrong: string[] = [];
  for (const table of tables) {
    const columns = made.get(JSON.stringify(table.columns.map(({ name }) => name))) ?? [];
    const rows = await warehouseRows(`SELECT * FROM ${own.raw}.${table.destination}`);
    wrong.push(...differences(table, columns, rows));
  }
  expect(wrong).toEqual([]);
  expect(tables).toHaveLength(4);
});
