import { randomBytes } from 'node:crypto';
import { startEtl, getEtlRun } from '#core/api/etl';
import type { Write } from '#cloud/firestore';
import { openDatabase } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import type { JobContext } from '#runtime/job';
import { makeLog } from '#runtime/log';
import { readConfig } from '#runtime/config';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { type Account, openAccount } from '#tests/account';
import { eventually } from '#tests/eventually';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';
import { containersOf } from '#tests/runner-processes';
import { openWarehouse } from '#cloud/bigquery';
import { datasetNames } from '#core/model';
import { runEtl } from '../../../functions/etl/run-etl.ts';

let shop: TestPostgres;
let account: Account;
const password = 'owner secret';
const settings = () => shop.settings;

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
});

test('the runner killed in mid-work: what was published stays, the rest is read again, nothing is lost or doubled', async () => {
  await shop.sql('CREATE TABLE quick AS SELECT n AS id FROM generate_series(1, 1000) n');
  // Reading it takes about eight seconds, so that there is a middle.
  await shop.sql('CREATE TABLE base AS SELECT n AS id FROM generate_series(1, 400) n');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'x' || pg_sleep(0.02)::text AS waited FROM base`);
  const { tables } = await account.addSource('Shop', settings(), { password });
  for (const table of tables)
    await account.choose(table, { enabled: table.name !== 'public.base', mode: 'append' });

  const { id } = await account.call(startEtl, { params: account.params });
  const statuses = async () => {
    const { perTable } = await account.call(getEtlRun, { params: { ...account.params, run: id } });
    return Object.fromEntries(perTable.map(({ name, status }) => [name, status]));
  };
  await eventually('one table published, the other being read', async () => {
    const now = await statuses();
    return now['public.quick'] === 'succeeded' && now['public.slow'] === 'extracting';
  });
  const killed = containersOf(id);
  expect(killed).not.toHaveLength(0);
  for (const pid of killed) process.kill(pid, 'SIGKILL');

  const run = await account.finished(id, 120);
  expect(run).toMatchObject({ status: 'succeeded', counts: { rows: 1400 } });
  const counted = await warehouseRows(
    `SELECT (SELECT COUNT(*) FROM ${account.raw}.shop__public_quick) AS quick, COUNT(*) AS slow, COUNT(DISTINCT id) AS ids FROM ${account.raw}.shop__public_slow`,
  );
  expect(counted).toEqual([{ quick: 1000, slow: 400, ids: 400 }]);
  const ledger = await warehouseRows(
    `SELECT table_name, COUNT(*) AS n FROM ${account.raw}._ledger GROUP BY table_name ORDER BY table_name`,
  );
  expect(ledger).toEqual([
    { table_name: 'shop__public_quick', n: 1 },
    { table_name: 'shop__public_slow', n: 1 },
  ]);

  await shop.sql('UPDATE base SET id = id + 1000');
  await shop.sql('DROP VIEW slow');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'y' AS waited FROM base`);
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 1400 } });
}, 200_000);

/** A bus that says nothing: the test plays the platform. */
const silent: Bus = { publish: async () => undefined, close: async () => undefined };

/** A process that dies at its `writes`-th write: nothing it does afterwards reaches the database. */
function mortal(store: Store, writes: number): { store: Store; written: () => number } {
  let count = 0;
  const alive = () => {
    if (count > writes) throw new Error('killed');
  };
  const db: Store['db'] = {
    ...store.db,
    get: async (path) => (alive(), store.db.get(path)),
    list: async (collection, listing) => (alive(), store.db.list(collection, listing)),
    async commit(batch: readonly Write[]) {
      count++;
      alive();
      await store.db.commit(batch);
    },
  };
  return { store: { ...store, db }, written: () => count };
}

test('killed at any of its writes and taken up again, a run appends every row exactly once', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 200) n');
  const { tables } = await account.addSource('Shop', settings(), { password });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'append' });

  const config = readConfig(process.env);
  const db = openDatabase(config.projectId);
  let ahead = 0;
  const store: Store = { db, bus: silent, clock: () => Date.now() + ahead, random: (n) => randomBytes(n) };
  const { tenant, model } = account.params;
  const context = (run: string, on: Store): JobContext => ({
    config,
    store: on,
    log: makeLog('test', Date.now, () => undefined),
    env: { TRADEWIND_TENANT: tenant, TRADEWIND_MODEL: model, TRADEWIND_RUN: run },
    signal: new AbortController().signal,
    task: 0,
    tasks: 1,
    attempt: 0,
    holder: `test-${randomBytes(4).toString('hex')}`,
  });
  /** A run as the API writes it, but never given to the platform. */
  const newRun = async (n: number): Promise<string> => {
    // Job ids are unique in a project for ever, and made from the run's.
    const id = `r${n}x${randomBytes(6).toString('hex')}`;
    const path = paths.etlRun(tenant, model, id);
    const at = new Date().toISOString();
    await db.commit([
      {
        kind: 'set',
        path,
        data: EtlRun.parse({
          id,
          status: 'queued',
          requestedBy: 'test',
          tables: 1,
          counts: { rows: 0, bytes: 0, rejected: {} },
          failure: null,
          attempts: 1,
          executor: 'test',
          createdAt: at,
          startedAt: null,
          finishedAt: null,
        }),
      },
    ]);
    return id;
  };
  const runs: number[] = [];
  let expected = 0;
  for (let writes = 0; ; writes++) {
    const id = await newRun(writes);
    const victim = mortal(store, writes);
    const survived = await runEtl(context(id, victim.store)).then(
      () => true,
      () => false,
    );
    expected += 200;
    if (survived) break;
    runs.push(victim.written());
    // The dead one's lease and claims run out; the platform starts another.
    ahead += 31_000;
    await runEtl(context(id, store));
    const { value } = await mustRead(store, paths.etlRun(tenant, model, id), EtlRun, 'run');
    expect(value).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 200 } });
  }
  expect(runs.length).toBeGreaterThan(12);
  const warehouse = openWarehouse({ ...config, projectId: config.projectId });
  const raw = datasetNames({ datasetPrefix: 'tw_' }, tenant, model).raw;
  const rows = await warehouse.query(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM \`${raw}\`.\`${table.destination}\``,
  );
  expect(rows).toEqual([{ n: expected, ids: 200 }]);
  const ledger = await warehouse.query(
    `SELECT COUNT(*) AS n, COUNT(DISTINCT run) AS runs FROM \`${raw}\`.\`_ledger\``,
  );
  expect(ledger).toEqual([{ n: runs.length + 1, runs: runs.length + 1 }]);
  await db.close();
}, 280_000);
