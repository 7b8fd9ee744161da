import { openWarehouse } from '#cloud/bigquery';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { readConfig } from '#runtime/config';
import { makeLog } from '#runtime/log';
import { read } from '#store/document';
import type { Store } from '#store/store';
import { type Account, openAccount } from '#tests/account';
import { leftoversOf, NOTHING_LEFT } from '#tests/etl-leftovers';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openTestRunner, type TestRunner } from '#tests/runner';
import { cancelRun } from '../../../functions/etl/cancel.ts';
import { endFromOutside, type EndWorld } from '../../../functions/etl/end-run.ts';
import { runEtl } from '../../../functions/etl/run-etl.ts';

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
  await shop.sql('CREATE TABLE customers AS SELECT n AS id FROM generate_series(1, 30) n');
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 200) n');
  const settings = shop.settings;
  const { tables } = await account.addSource('Shop', settings, { password: 'owner secret' });
  for (const table of tables) await account.choose(table, { mode: 'append' });
});
afterEach(() => runner.close());

/** A platform whose only container has ended. */
const ended: EndWorld = {
  containers: {
    executionState: async () => ({ state: 'failed', message: '' }),
    cancelExecution: async () => undefined,
  },
  config: readConfig(process.env),
  log: makeLog('test', Date.now, () => undefined),
};
const atOnce = { runner: 0, container: 0 };

/** A process that dies before its `last`-th write: nothing it does afterwards reaches the database. */
function mortal(
  store: Store,
  last: number,
  onDeath: () => Promise<void>,
): { store: Store; died: () => boolean } {
  let count = 0;
  let dead = false;
  const alive = () => {
    if (dead) throw new Error('killed');
  };
  const db: Store['db'] = {
    ...store.db,
    get: async (path) => (alive(), store.db.get(path)),
    list: async (collection, listing) => (alive(), store.db.list(collection, listing)),
    async commit(writes) {
      alive();
      if (++count === last) {
        dead = true;
        await onDeath();
        alive();
      }
      await store.db.commit(writes);
    },
  };
  return { store: { ...store, db }, died: () => dead };
}

test('the runner dies at any of its writes as its run is cancelled; whoever ends it, and dies at it, leaves one truth', async () => {
  const warehouse = openWarehouse({ ...readConfig(process.env) });
  const ends: Record<string, number> = {};
  let published = 0;
  for (let at = 1; ; at += 3) {
    const run = await runner.newRun();
    const key = { ...account.params, run };
    const victim = mortal(
      runner.store,
      at,
      async () => void (await cancelRun(runner.store, key, 'a person')),
    );
    await runEtl(runner.context(run, victim.store)).catch(() => undefined);
    if (!victim.died()) break;
    // The first to end it dies in the middle too, at another write each time; the next one goes on.
    const first = mortal(runner.store, 1 + (at % 9), async () => undefined);
    await endFromOutside(first.store, ended, key, { event: 'cancel' }, atOnce).catch(() => undefined);
    runner.ahead += 31_000;
    await endFromOutside(runner.store, ended, key, { event: 'cancel' }, atOnce);
    await endFromOutside(runner.store, ended, key, { event: 'cancel' }, atOnce);

    const { status, perTable } = await runner.state(run);
    ends[status] = (ends[status] ?? 0) + 1;
    for (const table of perTable) expect(['succeeded', 'cancelled']).toContain(table.status);
    expect(['cancelled', 'succeeded']).toContain(status);
    const ledger = await warehouse
      .query(`SELECT table_name FROM \`${account.raw}\`.\`_ledger\` WHERE run = @run ORDER BY table_name`, {
        run,
      })
      .catch(() => []);
    const landed = perTable.filter((table) => table.status === 'succeeded');
    expect(ledger.map((row) => row['table_name'])).toEqual(
      landed.map(({ destination }) => destination).sort(),
    );
    published += landed.reduce((sum, table) => sum + table.counts.rows, 0);
    // A lease that nobody let go runs out by itself.
    expect({ ...(await leftoversOf(account, run)), leased: false }).toEqual(NOTHING_LEFT);
  }
  // The last one was not killed.
  published += 230;
  const [rows] = await warehouse.query(
    `SELECT (SELECT COUNT(*) FROM \`${account.raw}\`.shop__public_customers) + (SELECT COUNT(*) FROM \`${account.raw}\`.shop__public_orders) AS n`,
  );
  expect(Number(rows?.['n'])).toBe(published);
  expect(ends['cancelled']).toBeGreaterThan(5);
}, 240_000);

test('a run that was started while it was cancelled: its container finds it over and does nothing', async () => {
  const run = await runner.newRun();
  const key = { ...account.params, run };
  const { tenant, model } = account.params;
  await runner.store.db.commit([
    { kind: 'update', path: paths.etlRun(tenant, model, run), data: { attempts: 0, executor: null } },
  ]);
  expect(await cancelRun(runner.store, key, 'a person')).toMatchObject({ status: 'cancelled' });
  await runEtl(runner.context(run));
  const found = await read(runner.store, paths.etlRun(tenant, model, run), EtlRun);
  expect(found?.value).toMatchObject({ status: 'cancelled', counts: { rows: 0 }, startedAt: null });
});
