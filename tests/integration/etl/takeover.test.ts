import { openWarehouse } from '#cloud/bigquery';
import { paths } from '#core/paths';
import type { SourceTable } from '#core/source';
import { readConfig } from '#runtime/config';
import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';
import { openTestRunner, type TestRunner } from '#tests/runner';
import { failRun } from '../../../functions/etl/finish.ts';
import { runEtl } from '../../../functions/etl/run-etl.ts';
import { unitId } from '../../../functions/etl/records.ts';

let shop: TestPostgres;
let account: Account;
let runner: TestRunner;

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  runner = openTestRunner(account.params);
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
});
afterEach(() => runner.close());

async function addShop(): Promise<Record<string, SourceTable>> {
  const settings = shop.settings;
  const { tables } = await account.addSource('Shop', settings, { password: 'owner secret' });
  return Object.fromEntries(tables.map((table) => [table.name, table]));
}

function the(tables: Record<string, SourceTable>, name: string): SourceTable {
  const table = tables[name];
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

const rowsOf = ({ destination }: SourceTable) =>
  warehouseRows(`SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM ${account.raw}.${destination}`);

test('units of a plan whose author died before its epoch was told are never read: no row comes twice', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 200) n');
  const table = the(await addShop(), 'public.orders');
  const { tenant, model } = account.params;
  const run = await runner.newRun();
  // A predecessor saw a longer table: two units, written with the plan; it died before the epoch itself.
  let leftovers = 0;
  const dying = runner.watched(async (writes) => {
    if (writes.some(({ path }) => path.endsWith('/lease/epoch'))) throw new Error('killed');
    const unit = writes.find(({ path }) => path.includes('/units/'));
    if (unit === undefined || !('data' in unit) || leftovers > 0) return;
    leftovers++;
    const path = paths.etlUnit(tenant, model, run, unitId(1, 0, 1));
    const data = { ...unit.data, number: 1, unit: { ...unit.data['unit'], id: 'u00001' } };
    await runner.store.db.commit([{ kind: 'set', path, data }]);
  });
  await expect(runEtl(runner.context(run, dying))).rejects.toThrow('killed');
  expect(leftovers).toBe(1);

  runner.ahead = 31_000;
  await runEtl(runner.context(run));
  expect(await runner.state(run)).toMatchObject({ status: 'succeeded', counts: { rows: 200 } });
  expect(await rowsOf(table)).toEqual([{ n: 200, ids: 200 }]);
});

test('a part of a table is never published: a unit that is missing fails it', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT 1 AS id');
  await addShop();
  const { tenant, model } = account.params;
  const run = await runner.newRun();
  const losing = runner.watched(async (writes) => {
    if (!writes.some((write) => write.kind === 'update' && write.data['extracted'] === true)) return;
    const units = await runner.store.db.list(paths.etlUnits(tenant, model, run));
    await runner.store.db.commit(units.map(({ path }) => ({ kind: 'delete', path })));
  });
  await runEtl(runner.context(run, losing));
  const state = await runner.state(run);
  expect(state).toMatchObject({ status: 'failed', failure: { code: 'units-incomplete' } });
  expect(state.failure?.message).toContain('Of "public.orders" 1 parts were planned; 0 are there');
});

test('a run that was given up while it was reading publishes nothing', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 10) n');
  const table = the(await addShop(), 'public.orders');
  const run = await runner.newRun();
  const key = { ...account.params, run };
  const givenUp = runner.watched(async (writes) => {
    if (writes.some((write) => write.kind === 'update' && write.data['extracted'] === true))
      await failRun(runner.store, key, { code: 'runner-lost', message: 'Given up.', remedy: null });
  });
  await runEtl(runner.context(run, givenUp)).catch(() => undefined);
  const state = await runner.state(run);
  expect(state).toMatchObject({ status: 'failed', perTable: [{ status: 'failed' }] });
  const warehouse = openWarehouse({ ...readConfig(process.env) });
  expect(await warehouse.describe({ dataset: account.raw, table: table.destination })).toBeNull();
  expect(await warehouseRows(`SELECT COUNT(*) AS n FROM ${account.raw}._ledger`)).toEqual([{ n: 0 }]);
});

test.each(['append', 'replace'] as const)(
  'a run that another one has overtaken does not %s what it read: its rows would come twice, or go back in time',
  async (mode) => {
    await shop.sql('CREATE TABLE orders (id bigint PRIMARY KEY)');
    await shop.sql('INSERT INTO orders SELECT n FROM generate_series(1, 10) n');
    const table = the(await addShop(), 'public.orders');
    await account.choose(table, { mode, cursor: mode === 'append' ? 'id' : null });
    const first = await runner.newRun();
    await runEtl(runner.context(first));
    expect(await runner.state(first)).toMatchObject({ status: 'succeeded' });
    await shop.sql('INSERT INTO orders SELECT n FROM generate_series(11, 20) n');

    const slow = await runner.newRun();
    const fast = await runner.newRun();
    const overtaken = runner.watched(async (writes) => {
      if (writes.some((write) => write.kind === 'update' && write.data['extracted'] === true))
        await runEtl(runner.context(fast));
    });
    await runEtl(runner.context(slow, overtaken));
    expect(await runner.state(fast)).toMatchObject({ status: 'succeeded' });
    const state = await runner.state(slow);
    expect(state).toMatchObject({ status: 'failed', failure: { code: 'published-meanwhile' } });
    expect(state.failure?.message).toContain('public.orders');
    expect(state.failure?.remedy).toContain('again');
    expect(await rowsOf(table)).toEqual([{ n: 20, ids: 20 }]);
  },
);

test('connections that break in the middle cost a pause, not the table', async () => {
  await shop.sql('CREATE TABLE base AS SELECT n AS id FROM generate_series(1, 60) n');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'x' || pg_sleep(0.05)::text AS waited FROM base`);
  const tables = await addShop();
  const slow = the(tables, 'public.slow');
  await account.choose(the(tables, 'public.base'), { enabled: false });
  await account.choose(slow, { enabled: true });
  const run = await runner.newRun();
  let broken = false;
  const breaking = runner.watched(async (writes) => {
    if (broken || !writes.some((write) => write.kind === 'update' && write.data['status'] === 'claimed'))
      return;
    broken = true;
    setTimeout(() => {
      void shop.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tradewind'`,
      );
    }, 1000);
  });
  await runEtl(runner.context(run, breaking));
  expect(broken).toBe(true);
  expect(await runner.state(run)).toMatchObject({ status: 'succeeded', counts: { rows: 60 } });
  expect(await rowsOf(slow)).toEqual([{ n: 60, ids: 60 }]);
}, 120_000);

test('a first append that finds nothing to read leaves a good table as it is', async () => {
  await shop.sql('CREATE TABLE orders (id bigint PRIMARY KEY, at timestamptz NOT NULL)');
  await shop.sql(`INSERT INTO orders SELECT n, '2026-01-01' FROM generate_series(1, 10) n`);
  const table = the(await addShop(), 'public.orders');
  const first = await runner.newRun();
  await runEtl(runner.context(first));
  await shop.sql('TRUNCATE orders');
  await account.choose(table, { mode: 'append', cursor: 'id' });
  const second = await runner.newRun();
  await runEtl(runner.context(second));
  expect(await runner.state(second)).toMatchObject({ status: 'succeeded', counts: { rows: 0 } });
  expect(await rowsOf(table)).toEqual([{ n: 10, ids: 10 }]);
  const ledger = await warehouseRows(`SELECT run FROM ${account.raw}._ledger`);
  expect(ledger).toEqual([{ run: first }]);
});

test('a value that is no JSON for the warehouse costs its row, which is kept; past the limit the table fails', async () => {
  await shop.sql('CREATE TABLE docs (id bigint PRIMARY KEY, doc json)');
  await shop.sql(`INSERT INTO docs SELECT n, '{"n": 1}' FROM generate_series(1, 199) n`);
  await shop.sql(`INSERT INTO docs VALUES (200, '{"half": "\\ud800"}')`);
  const table = the(await addShop(), 'public.docs');
  const run = await runner.newRun();
  await runEtl(runner.context(run));
  expect(await runner.state(run)).toMatchObject({
    status: 'succeeded',
    counts: { rows: 199, rejected: { 'unfit-value': 1 } },
    perTable: [{ counts: { rows: 199, rejected: { 'unfit-value': 1 } } }],
  });
  expect(await rowsOf(table)).toEqual([{ n: 199, ids: 199 }]);
  const kept = await warehouseRows(
    `SELECT table_name, column_name, reason, value, message FROM ${account.raw}._rejects`,
  );
  expect(kept).toEqual([
    {
      table_name: table.destination,
      column_name: 'doc',
      reason: 'unfit-value',
      value: '{"half": "\\ud800"}',
      message: 'BigQuery cannot keep this value exactly as JSON.',
    },
  ]);

  await account.choose(table, { rejectLimit: 0 });
  const strict = await runner.newRun();
  await runEtl(runner.context(strict));
  const state = await runner.state(strict);
  expect(state).toMatchObject({ status: 'failed', failure: { code: 'too-many-rejects' } });
  expect(state.failure?.message).toContain('1 of 200 rows of "public.docs" were rejected (unfit-value: 1)');
  expect(await rowsOf(table)).toEqual([{ n: 199, ids: 199 }]);
});

test('the list of a run’s tables, broken off while it was written, is completed by whoever takes over', async () => {
  for (const name of ['a', 'b', 'c']) await shop.sql(`CREATE TABLE ${name} AS SELECT 1 AS id`);
  await addShop();
  const run = await runner.newRun();
  const dying = runner.watched(async (writes) => {
    const tables = writes.filter(({ path }) => /\/tables\/[^/]+$/.test(path) && path.includes(run));
    if (tables.length < 3) return;
    await runner.store.db.commit(tables.slice(0, 1));
    throw new Error('killed');
  });
  await expect(runEtl(runner.context(run, dying))).rejects.toThrow('killed');
  expect((await runner.state(run)).perTable).toHaveLength(1);
  runner.ahead = 31_000;
  await runEtl(runner.context(run));
  const state = await runner.state(run);
  expect(state).toMatchObject({ status: 'succeeded', tables: 3, counts: { rows: 3 } });
  expect(state.perTable.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
});

test('a run whose container is lost after some tables were published ends as partial, with what it published', async () => {
  for (const name of ['a', 'b']) await shop.sql(`CREATE TABLE ${name} AS SELECT 1 AS id`);
  await addShop();
  const run = await runner.newRun();
  let published = false;
  const dying = runner.watched(async (writes) => {
    if (published) throw new Error('killed');
    published = writes.some((write) => write.kind === 'update' && write.data['status'] === 'succeeded');
  });
  await runEtl(runner.context(run, dying)).catch(() => undefined);
  const lost = {
    code: 'runner-lost',
    message: 'The load did not come to an end.',
    remedy: 'Start it again.',
  };
  await failRun(runner.store, { ...account.params, run }, lost);
  const state = await runner.state(run);
  expect(state.perTable.map(({ status }) => status).sort()).toEqual(['failed', 'succeeded']);
  expect(state).toMatchObject({ status: 'partial', counts: { rows: 1 }, failure: { code: 'runner-lost' } });
  expect(state.failure?.message).toContain('1 of 2 tables failed');
}, 60_000);
