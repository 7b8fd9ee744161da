import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestPostgres;
let account: Account;
const password = 'owner secret';
const settings = () => ({
  kind: 'postgres' as const,
  host: '127.0.0.1',
  port: shop.port,
  database: 'shop',
  user: 'owner',
  sslMode: 'disable' as const,
});

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
  await shop.sql(`CREATE TABLE orders (id int PRIMARY KEY, customer text, placed timestamptz, total numeric(12,2))`);
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
