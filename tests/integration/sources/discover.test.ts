import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { createSource } from '#core/api/sources';
import { ConnectionTest } from '#core/connection-test';
import { paths } from '#core/paths';
import { SourceTable } from '#core/source';
import { readConfig } from '#runtime/config';
import { makeLog } from '#runtime/log';
import { mustRead, readAll } from '#store/document';
import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openTestRunner, type TestRunner } from '#tests/runner';
import { runTest } from '../../../functions/connection-tests/run.ts';
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
  const settings = shop.settings;
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
  const answered = await discover(meanwhile, readConfig(process.env), log, key, 'tester');
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

test('a server that accepts and says nothing: discovery and connection test end, and name the step', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const settings = {
    kind: 'postgres' as const,
    host: '127.0.0.1',
    port: typeof address === 'object' && address !== null ? address.port : 0,
    database: 'shop',
    user: 'owner',
    sslMode: 'disable' as const,
  };
  const config = readConfig(process.env);
  const source = await account.call(createSource, {
    params: account.params,
    body: { name: 'Mute', settings, credentials: { password: 'x' } },
  });
  const log = makeLog('test', Date.now, () => undefined);
  const key = { ...account.params, source: source.id };
  await expect(discover(runner.store, config, log, key, 'tester', 1)).rejects.toMatchObject({
    code: 'discovery-slow',
    message: '"Mute" did not describe its tables within 1 seconds; it was signing in.',
  });

  const test = `c${randomBytes(6).toString('hex')}`;
  const path = paths.connectionTest(key.tenant, key.model, test);
  const queued: ConnectionTest = {
    id: test,
    source: source.id,
    status: 'queued',
    steps: [],
    failure: null,
    createdAt: new Date().toISOString(),
    finishedAt: null,
  };
  await runner.store.db.commit([{ kind: 'create', path, data: queued }]);
  // Long enough for the steps before to be written down, also on a busy machine.
  await runTest(runner.store, config, { ...account.params, test }, 1);
  const { value } = await mustRead(runner.store, path, ConnectionTest, 'test');
  expect(value).toMatchObject({ status: 'failed', failure: { code: 'test-timeout' } });
  expect(value.failure?.message).toContain('The step "sign-in" was not over');
  expect(value.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'resolve passed',
    'reach passed',
    'tls skipped',
    'sign-in failed',
  ]);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});
