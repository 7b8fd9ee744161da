import { paths } from '#core/paths';
import { SourceTable } from '#core/source';
import { readConfig } from '#runtime/config';
import { makeLog } from '#runtime/log';
import { readAll } from '#store/document';
import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openTestRunner, type TestRunner } from '#tests/runner';
import { discover } from '../../../functions/sources/discover.ts';

let shop: TestPostgres;
let account: Account;
let runner: TestRunner;
beforeAll(async () => {
  shop = await startTestPostgres();
  await shop.sql('CREATE TABLE orders (id bigint PRIMARY KEY)');
  await shop.sql('CREATE TABLE customers (id bigint PRIMARY KEY)');
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  runner = openTestRunner(account.params);
});
afterEach(() => runner.close());

test('what a person chooses while the tables are being discovered again is kept', async () => {
  const settings = {
    kind: 'postgres' as const,
    host: '127.0.0.1',
    port: shop.port,
    database: 'shop',
    user: 'owner',
    sslMode: 'disable' as const,
  };
  const { source, tables } = await account.addSource('Shop', settings, { password: 'owner secret' });
  const orders = tables.find(({ name }) => name === 'public.orders');
  if (orders === undefined) throw new Error('no table');
  await shop.sql('ALTER TABLE orders ADD COLUMN total numeric(10, 2)');
  await shop.sql('CREATE TABLE fresh (id bigint)');

  let chosen = 0;
  const meanwhile = runner.watched(async () => {
    if (chosen++ > 0) return;
    await account.choose(orders, { mode: 'append', cursor: 'id', rejectLimit: 0.2 });
  });
  const log = makeLog('test', Date.now, () => undefined);
  const key = { ...account.params, source: source.id };
  const answered = await discover(meanwhile, readConfig(process.env), log, key);
  expect(chosen).toBe(2);

  const stored = await readAll(
    runner.store,
    paths.sourceTables(key.tenant, key.model, source.id),
    SourceTable,
  );
  const byName = (all: readonly SourceTable[]) => Object.fromEntries(all.map((table) => [table.name, table]));
  expect(byName(stored)).toEqual(byName(answered));
  expect(Object.keys(byName(stored)).sort()).toEqual(['public.customers', 'public.fresh', 'public.orders']);
  expect(byName(stored)['public.orders']).toMatchObject({ mode: 'append', cursor: 'id', rejectLimit: 0.2 });
  expect(byName(stored)['public.orders']?.columns.map(({ name }) => name)).toEqual(['id', 'total']);
});
