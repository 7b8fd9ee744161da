import { randomBytes } from 'node:crypto';
import { openBus } from '#cloud/pubsub';
import { cancelEtl, getEtlRun, listEtlHistory, listEtlRuns, startEtl } from '#core/api/etl';
import { listSources } from '#core/api/sources';
import { paths } from '#core/paths';
import { openDatabase } from '#cloud/firestore';
import { readUsage } from '#store/usage';
import { triggeredRunId } from '#store/triggered-run';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openTestStore } from '#tests/store';
import { startRun } from '../../../functions/etl/start.ts';
import { startTriggered } from '../../../functions/etl/triggered.ts';

let shop: TestPostgres;
let account: Account;

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
});

async function addShop(name = 'Shop') {
  const settings = shop.settings;
  return account.addSource(name, settings, { password: 'owner secret' });
}

/** A table that takes about ten seconds to read. */
async function addSlowShop(): Promise<void> {
  await shop.sql('CREATE TABLE base AS SELECT n AS id FROM generate_series(1, 200) n');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'x' || pg_sleep(0.05)::text AS waited FROM base`);
  const { tables } = await addShop();
  for (const table of tables) await account.choose(table, { enabled: table.name === 'public.slow' });
}

const start = (body: object = {}) => account.call(startEtl, { params: account.params, body });
const of = (run: string) => ({ params: { ...account.params, run } });

test('while a run is active a start joins it, is refused, or waits its turn; one waits at most', async () => {
  await addSlowShop();
  const active = await start();
  expect(active).toMatchObject({ created: true, trigger: 'person', waitsFor: null });
  expect(await start()).toMatchObject({ created: false, id: active.id });
  expect(await refusalOf(start({ overlap: 'refuse' }))).toMatchObject({ status: 409, code: 'run-active' });

  const dropped = await start({ overlap: 'queue' });
  expect(dropped).toMatchObject({ created: true, status: 'queued', waitsFor: active.id });
  expect(await start({ overlap: 'queue' })).toMatchObject({ created: false, id: dropped.id });
  expect(await account.call(cancelEtl, of(dropped.id))).toMatchObject({ status: 'cancelled' });
  const next = await start({ overlap: 'queue' });
  expect(next.id).not.toBe(dropped.id);

  await account.call(cancelEtl, of(active.id));
  expect(await account.finished(next.id, 60)).toMatchObject({ status: 'succeeded', waitsFor: null });
  const runs = await account.call(listEtlRuns, {
    params: account.params,
    query: { trigger: 'person', limit: 2 },
  });
  expect(runs.items.map(({ id }) => id)).toEqual([next.id, dropped.id]);
  const rest = await account.call(listEtlRuns, {
    params: account.params,
    query: { trigger: 'person', after: runs.next ?? '' },
  });
  expect(rest.items.map(({ id }) => id)).toEqual([active.id]);
}, 120_000);

test('only what is named is loaded; what is disabled or unknown is refused by name', async () => {
  for (const name of ['customers', 'orders', 'lines'])
    await shop.sql(`CREATE TABLE ${name} AS SELECT 1 AS id`);
  const { source, tables } = await addShop();
  const twin = await addShop('Twin');
  const id = (name: string) => tables.find((table) => table.name === `public.${name}`)?.id ?? '';
  const disabled = tables.find((table) => table.name === 'public.lines');
  if (disabled === undefined) throw new Error('no table');
  await account.choose(disabled, { enabled: false });

  const run = await start({ tables: [id('orders')] });
  const { perTable } = await account.finished(run.id);
  expect(perTable.map(({ name, source: from }) => [name, from])).toEqual([['public.orders', source.id]]);
  const whole = await start({ sources: [twin.source.id] });
  expect((await account.finished(whole.id)).perTable.map((table) => table.source)).toEqual(
    twin.tables.map(() => twin.source.id),
  );
  expect(await refusalOf(start({ tables: [disabled.id] }))).toMatchObject({ code: 'table-disabled' });
  expect(await refusalOf(start({ tables: ['tnowhere'] }))).toMatchObject({ code: 'unknown-table' });
  expect(await refusalOf(start({ sources: ['snowhere'] }))).toMatchObject({ code: 'unknown-source' });
  // Two sources with tables of the same names are loaded side by side.
  expect(await account.load()).toMatchObject({ status: 'succeeded', tables: 5 });
}, 120_000);

test('a run that loads other tables is not joined but waited for, and what waits for it is no answer to what it does not load', async () => {
  await addSlowShop();
  for (const name of ['orders', 'lines']) await shop.sql(`CREATE TABLE ${name} AS SELECT 1 AS id`);
  const { tables } = await addShop('Fast');
  const id = (name: string) => tables.find((table) => table.name === `public.${name}`)?.id ?? '';
  for (const table of tables)
    await account.choose(table, { enabled: [id('orders'), id('lines')].includes(table.id) });
  const [slow] = (await account.call(listSources, { params: account.params })).items.filter(
    ({ name }) => name === 'Shop',
  );
  const active = await start({ sources: [slow?.id] });
  const orders = await start({ tables: [id('orders')] });
  expect(orders).toMatchObject({ created: true, waitsFor: active.id });
  // It waits already, for the same.
  expect(await start({ tables: [id('orders')] })).toMatchObject({ created: false, id: orders.id });
  expect(await refusalOf(start({ tables: [id('lines')] }))).toMatchObject({
    status: 409,
    code: 'run-active',
  });
  expect(await refusalOf(start({ overlap: 'queue' }))).toMatchObject({ status: 409, code: 'run-active' });
  await account.call(cancelEtl, of(active.id));
  const { perTable } = await account.finished(orders.id, 60);
  expect(perTable.map(({ name }) => name)).toEqual(['public.orders']);
  // However many runs of other sources came after.
  const entries = await account.call(listEtlHistory, {
    params: account.params,
    query: { source: slow?.id ?? '', limit: 1 },
  });
  expect(entries.items.map(({ status }) => status)).toEqual(['cancelled']);
}, 120_000);

test('twenty starts at once, five times over: one run each time', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT 1 AS id');
  await addShop();
  const store = openTestStore(useLocalCloud().projectId);
  const { tenant, model } = account.params;
  try {
    const all = new Set<string>();
    for (let round = 0; round < 5; round++) {
      const wanted = { actor: 'test', trigger: 'person' as const, overlap: 'join' as const };
      const started = await Promise.all(
        Array.from({ length: 20 }, () => startRun(store, { tenant, model }, wanted)),
      );
      expect(new Set(started.map(({ id }) => id)).size).toBe(1);
      expect(started.filter(({ created }) => created)).toHaveLength(1);
      const [run] = started;
      if (run === undefined) throw new Error('nothing started');
      all.add(run.id);
      await account.call(cancelEtl, of(run.id));
    }
    expect(all.size).toBe(5);
    expect(await store.db.list(paths.etlRuns(tenant, model))).toHaveLength(5);
  } finally {
    await store.db.close();
  }
}, 120_000);

test('a start message that comes thrice, and again when its run is over, is one run; what it used is counted once', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 40) n');
  await addShop();
  const bus = openBus(useLocalCloud().projectId);
  const message = {
    ...account.params,
    trigger: 'schedule' as const,
    key: `nightly~${randomBytes(4).toString('hex')}`,
  };
  const run = triggeredRunId('etl', message);
  const store = openTestStore(useLocalCloud().projectId);
  try {
    for (let n = 0; n < 3; n++) await bus.publish('etl-start-requested', message);
    const done = await eventually(
      'the end of the run',
      async () => {
        const found = await account.call(getEtlRun, of(run)).catch(() => null);
        return found?.finishedAt == null ? null : found;
      },
      60,
    );
    expect(done).toMatchObject({
      status: 'succeeded',
      trigger: 'schedule',
      requestedBy: 'system',
      attempts: 1,
    });
    await startTriggered(store, message);
    expect(store.published).toEqual([]);
    const { items } = await account.call(listEtlRuns, {
      params: account.params,
      query: { trigger: 'schedule' },
    });
    expect(items.map(({ id }) => id)).toEqual([run]);

    const db = openDatabase(useLocalCloud().projectId);
    const used = await readUsage({ db }, account.params.tenant, done.finishedAt?.slice(0, 7) ?? '');
    await db.close();
    expect(used.etl).toMatchObject({ runs: 1, amounts: { rows: 40, bytesWritten: done.counts.bytes } });
    expect(used.etl.amounts.containerSeconds).toBe(done.usage.containerSeconds);
  } finally {
    await bus.close();
    await store.db.close();
  }
}, 90_000);
