import { type Account, openAccount } from '#tests/account';
import { warehouseRows } from '#tests/raw-tables';
import { startTestSqlServer, type TestSqlServer } from '#tests/sqlserver';

let shop: TestSqlServer;
let account: Account;

beforeEach(async () => {
  shop = await startTestSqlServer();
  account = await openAccount();
});
afterEach(() => shop.stop());

const version = (value: number): Buffer => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');
const item = (id: number, price: string, changed: number) => [
  id,
  `item ${id}`,
  price,
  '2024-02-29 23:59:59.123456',
  '2024-02-29 12:00:00.1234567',
  version(changed),
];

test('a merge by rowversion reads what changed, in many units of one session', async () => {
  const items = shop.database.add(
    {
      schema: 'dbo',
      name: 'items',
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'name', type: 'nvarchar', length: 50 },
        { name: 'price', type: 'decimal', precision: 19, scale: 4 },
        { name: 'made', type: 'datetime2', scale: 6 },
        { name: 'fine', type: 'datetime2', scale: 7 },
        { name: 'changed', type: 'timestamp', length: 8, nullable: false },
      ],
      key: ['id'],
      // Four units, as the catalogue says.
      bytes: 2000 * 1024 * 1024,
    },
    Array.from({ length: 500 }, (_, index) => item(index + 1, '123456789012345.6789', index + 1)),
  );
  shop.database.activeRowversion = 501n;
  const { settings, credentials } = shop.access({ sslMode: 'disable' });
  if (credentials === null) throw new Error('no password');
  const { tables } = await account.addSource('Shop', settings, credentials);
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  expect(table).toMatchObject({ name: 'dbo.items', key: ['id'], destination: 'shop__dbo_items' });
  await account.choose(table, { mode: 'merge', cursor: 'changed' });

  const first = await account.load();
  expect(first).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 500, rejected: {} } });
  shop.database.change(
    items,
    (row) => (Number(row[0]) <= 20 ? item(Number(row[0]), '-0.0001', 600 + Number(row[0])) : row),
    [item(501, '1.0000', 701)],
  );
  shop.database.activeRowversion = 702n;
  const second = await account.load();
  expect(second).toMatchObject({ status: 'succeeded', counts: { rows: 21 } });

  const text = (name: string) => `CAST(${name} AS STRING) AS ${name}`;
  const rows = await warehouseRows(
    `SELECT id, name, ${['price', 'made', 'changed'].map(text).join(', ')}, fine FROM ${account.raw}.shop__dbo_items WHERE id IN (20, 21, 501) ORDER BY id`,
  );
  const same = { made: '2024-02-29 23:59:59.123456', fine: '2024-02-29 12:00:00.1234567' };
  expect(rows).toEqual([
    { id: 20, name: 'item 20', price: '-0.0001', changed: '620', ...same },
    { id: 21, name: 'item 21', price: '123456789012345.6789', changed: '21', ...same },
    { id: 501, name: 'item 501', price: '1', changed: '701', ...same },
  ]);
  // What one moment was, one session has read: the rest only looked at the catalogue.
  const readers = shop.all.filter(({ asked }) =>
    asked.some(({ sql }) => sql.includes('FROM [dbo].[items] WHERE [id]')),
  );
  expect(readers).toHaveLength(1);
});
