import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBus } from '#cloud/pubsub';
import { getEtlLogs, getEtlRun, listEtlHistory, listEtlRuns, startEtl } from '#core/api/etl';
import { createSource, discoverTables, listSources, setCredentials } from '#core/api/sources';
import { getConnectionTest, listConnectionTests, startConnectionTest } from '#core/api/connection-tests';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestPostgres;
let account: Account;
const password = 'owner secret';
const settings = (change: object = {}) => ({
  kind: 'postgres' as const,
  host: '127.0.0.1',
  port: shop.port,
  database: 'shop',
  user: 'owner',
  sslMode: 'disable' as const,
  ...change,
});

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 50) n');
});

test('without an enabled table there is nothing to start, and the answer says what to do', async () => {
  const refusal = await refusalOf(account.call(startEtl, { params: account.params }));
  expect(refusal).toMatchObject({ status: 400, code: 'nothing-to-load' });
  expect(refusal.remedy).toContain('enable');
});

test('two triggers at once are one run; its messages again and late change nothing', async () => {
  await account.addSource('Shop', settings(), { password });
  const start = () => account.call(startEtl, { params: account.params });
  const started = await Promise.all([start(), start(), start()]);
  const run = started[0].id;
  expect(new Set(started.map(({ id }) => id)).size).toBe(1);

  const bus = openBus(useLocalCloud().projectId);
  const message = { ...account.params, run };
  await bus.publish('etl-requested', message);
  await bus.publish('etl-requested', message);
  const done = await account.finished(run);
  expect(done).toMatchObject({ status: 'succeeded', attempts: 1, counts: { rows: 50 } });
  await bus.publish('etl-requested', message);
  await bus.publish('etl-finished', message);
  await bus.close();

  const next = await account.load();
  expect(next.id).not.toBe(run);
  expect(await account.call(getEtlRun, { params: { ...account.params, run } })).toEqual(done);
  const { items } = await account.call(listEtlRuns, { params: account.params, query: {} });
  expect(items.map(({ id }) => id)).toEqual([next.id, run]);
  const rows = await warehouseRows(`SELECT COUNT(*) AS n FROM ${account.raw}.shop__public_orders`);
  expect(rows).toEqual([{ n: 50 }]);
});

test('a table that is gone fails by name, the others are published: partial', async () => {
  await shop.sql('CREATE TABLE customers AS SELECT 1 AS id');
  const { source } = await account.addSource('Shop', settings(), { password });
  await shop.sql('DROP TABLE orders');
  const run = await account.load();
  expect(run).toMatchObject({ status: 'partial', counts: { rows: 1 } });
  expect(run.failure?.message).toContain('1 of 2 tables failed');
  expect(run.failure?.message).toContain('orders');
  expect(run.failure?.remedy).not.toBeNull();
  expect(run.perTable.map(({ name, status }) => [name, status])).toEqual([
    ['public.customers', 'succeeded'],
    ['public.orders', 'failed'],
  ]);
  const history = await account.call(listEtlHistory, {
    params: account.params,
    query: { source: source.id },
  });
  expect(history.items).toHaveLength(2);
});

test('a server that is not there, a wrong password, an unknown database: each named, with a remedy', async () => {
  const discover = async (change: object, secret = password) => {
    const source = await account.call(createSource, {
      params: account.params,
      body: { name: 'Bad', settings: settings(change), credentials: { password: secret } },
    });
    return refusalOf(account.call(discoverTables, { params: { ...account.params, source: source.id } }));
  };
  const refusals = [
    await discover({ port: 1 }),
    await discover({}, 'guessed'),
    await discover({ database: 'nowhere' }),
    await discover({ host: '169.254.169.254' }),
    await discover({ host: '10.0.0.1' }),
  ];
  for (const refusal of refusals) expect(refusal.remedy).not.toBeNull();
  expect(refusals.map(({ detail }) => detail)).toEqual([
    expect.stringContaining('127.0.0.1'),
    expect.stringContaining('owner'),
    expect.stringContaining('nowhere'),
    expect.stringContaining('169.254.169.254'),
    expect.stringContaining('10.0.0.1'),
  ]);
  expect(new Set(refusals.map(({ code }) => code)).size).toBeGreaterThanOrEqual(4);
});

test('the password appears in no answer and no log; replaced, it is used at once', async () => {
  const secret = 'n3ver-to-be-seen';
  const { source } = await account.addSource('Shop', settings(), { password });
  const changed = await account.call(setCredentials, {
    params: { ...account.params, source: source.id },
    body: { password: secret },
  });
  const run = await account.load();
  expect(run).toMatchObject({ status: 'failed', perTable: [{ status: 'failed' }] });
  expect(run.failure?.message).toContain('owner');
  const logs = await eventually('the run’s log', async () => {
    const found = await account.call(getEtlLogs, { params: { ...account.params, run: run.id } });
    return found.lines.some(({ severity }) => severity === 'ERROR') ? found : null;
  });
  const sources = await account.call(listSources, { params: account.params, query: {} });
  const said = JSON.stringify([changed, run, logs, sources]);
  const { stateDir } = useLocalCloud();
  const files = readdirSync(join(stateDir, 'logs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  for (const text of [said, ...files]) expect(text.includes(secret)).toBe(false);
});

test('a connection test goes step by step, and says at which step it failed and what to do', async () => {
  const { source } = await account.addSource('Shop', settings(), { password });
  const test = async () => {
    const { id } = await account.call(startConnectionTest, {
      params: account.params,
      body: { source: source.id },
    });
    return eventually('the end of the test', async () => {
      const found = await account.call(getConnectionTest, { params: { ...account.params, test: id } });
      return found.finishedAt === null ? null : found;
    });
  };
  const good = await test();
  expect(good).toMatchObject({ status: 'passed', failure: null });
  expect(good.steps.map(({ name }) => name)).toEqual([
    'resolve',
    'reach',
    'tls',
    'sign-in',
    'permissions',
    'read',
  ]);

  await account.call(setCredentials, {
    params: { ...account.params, source: source.id },
    body: { password: 'wrong' },
  });
  const bad = await test();
  expect(bad.status).toBe('failed');
  expect(bad.steps.find(({ status }) => status === 'failed')).toMatchObject({ name: 'sign-in' });
  expect(bad.failure?.remedy).not.toBeNull();
  const list = (query: object) => account.call(listConnectionTests, { params: account.params, query });
  expect((await list({ source: source.id })).items).toEqual([bad, good]);
  expect((await list({ status: 'passed', limit: 1 })).items).toEqual([good]);
  expect((await list({ source: 'sanother' })).items).toEqual([]);
});
