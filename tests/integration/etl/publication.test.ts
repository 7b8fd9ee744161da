/** What is published is what was read, table by table or all tables in one moment. */
import type { Write } from '#cloud/firestore';
import { openWarehouse } from '#cloud/bigquery';
import { startEtl } from '#core/api/etl';
import { updateModel } from '#core/api/models';
import { paths } from '#core/paths';
import { readConfig } from '#runtime/config';
import { type Account, openAccount } from '#tests/account';
import { leftoversOf } from '#tests/etl-leftovers';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openTestRunner, type TestRunner } from '#tests/runner';
import { runEtl } from '../../../functions/etl/run-etl.ts';

let shop: TestPostgres;
let account: Account;
let runner: TestRunner;
const warehouse = openWarehouse(readConfig(process.env));

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  runner = openTestRunner(account.params);
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
  await shop.sql(`CREATE TABLE customers AS SELECT n AS id, 'v1' AS v FROM generate_series(1, 30) n`);
  await shop.sql(`CREATE TABLE orders AS SELECT n AS id, 'v1' AS v FROM generate_series(1, 200) n`);
  const settings = shop.settings;
  await account.addSource('Shop', settings, { password: 'owner secret' });
});
afterEach(() => runner.close());

/** What a reader sees of both tables in one statement. */
async function seen(): Promise<string> {
  const of = (table: string) =>
    `(SELECT CONCAT(CAST(COUNT(*) AS STRING), ' ', COALESCE(STRING_AGG(DISTINCT v), 'nothing')) FROM \`${account.raw}\`.shop__public_${table})`;
  const [row] = await warehouse.query(`SELECT ${of('customers')} AS customers, ${of('orders')} AS orders`);
  return `${String(row?.['customers'])}, ${String(row?.['orders'])}`;
}
const ONE = '30 v1, 200 v1';
const TWO = '30 v2, 200 v2';

/** Runs a run to its end in this process, with `before` called before each commit. */
async function run(
  before: (writes: readonly Write[], id: string) => Promise<void>,
  together = false,
): ReturnType<TestRunner['state']> {
  const id = await runner.newRun({ together });
  const store = runner.watched((writes) => before(writes, id));
  await runEtl(runner.context(id, store)).catch(() => undefined);
  return runner.state(id);
}

/** The data of a write to one of the run's `collection`. */
function dataOf(write: Write, collection: string): Record<string, unknown> | null {
  if (write.kind === 'delete' || !write.path.includes(`/${collection}/`)) return null;
  return write.data;
}

test('a load shows what it was proved by; a file that is lost and a row that changes are never published', async () => {
  const first = await run(async () => undefined);
  expect(first.status).toBe('succeeded');
  const [customers] = first.perTable;
  expect(customers?.proof).toMatchObject({
    stage: 'published',
    rows: 30,
    columns: 2,
    differ: 0,
    measured: 6,
  });
  expect(customers?.proof?.checksum).toMatch(/^[0-9a-f]{16}$/);
  expect(customers?.proof?.measures).toContainEqual({
    what: 'sum',
    column: 'id',
    expected: '465',
    obtained: '465',
  });

  await shop.sql(`UPDATE customers SET v = 'v2'`);
  await shop.sql(`UPDATE orders SET v = 'v2'`);
  const lost = await run(async (writes) => {
    for (const write of writes) {
      const unit = dataOf(write, 'units');
      if (unit?.['status'] === 'done') unit['uri'] = null;
    }
  });
  expect(lost).toMatchObject({ status: 'failed', failure: { code: 'load-mismatch' } });
  expect(lost.perTable[0]?.proof).toMatchObject({ stage: 'staged' });
  expect(lost.perTable[0]?.proof?.measures[0]).toEqual({
    what: 'rows',
    column: null,
    expected: '30',
    obtained: '0',
  });

  // Compared, and changed before it is published: its publication looks once more.
  const changed = await run(async (writes, id) => {
    const proved = writes.find((write) => (dataOf(write, 'tables')?.['proof'] ?? null) !== null);
    if (proved === undefined || dataOf(proved, 'tables')?.['status'] !== undefined) return;
    const table = proved.path.split('/').at(-1) ?? '';
    await warehouse.query(`UPDATE \`${account.raw}\`.\`_stg_${id}_${table}\` SET v = 'v3' WHERE id = 7`);
  });
  expect(changed).toMatchObject({ status: 'failed', failure: { code: 'publish-mismatch' } });
  expect(changed.failure?.message).toContain('public.');
  expect(await seen()).toBe(ONE);
}, 60_000);

test('tables published together: a reader who never stops looking sees all as they were, or all as they are', async () => {
  expect((await account.load()).status).toBe('succeeded');
  await shop.sql(`UPDATE customers SET v = 'v2'`);
  await shop.sql(`UPDATE orders SET v = 'v2'`);
  const all = new Set<string>();
  const reader = new AbortController();
  const reading = (async () => {
    while (!reader.signal.aborted) all.add(await seen());
  })();
  const { model, tenant } = account.params;
  expect(
    await account.call(updateModel, { params: { tenant, model }, body: { publishTogether: true } }),
  ).toMatchObject({ publishTogether: true });
  const started = await account.call(startEtl, { params: account.params });
  expect(started.together).toBe(true);
  expect((await account.finished(started.id)).status).toBe('succeeded');
  all.add(await seen());
  reader.abort();
  await reading;
  expect([...all]).toEqual([ONE, TWO]);

  // One of them cannot be read: the other stays as it is, too.
  await shop.sql('DROP TABLE customers');
  await shop.sql(`UPDATE orders SET v = 'v3'`);
  const failed = await account.load();
  expect(failed).toMatchObject({ status: 'failed', together: true });
  expect(failed.perTable.map(({ name, failure }) => [name, failure?.code])).toEqual([
    ['public.customers', expect.not.stringMatching('together-failed')],
    ['public.orders', 'together-failed'],
  ]);
  expect(await seen()).toBe(TWO);
  expect(await leftoversOf(account, failed.id)).toMatchObject({ staging: [], files: 0, units: 0 });

  // This once each by itself.
  const apart = await account.call(startEtl, { params: account.params, body: { together: false } });
  expect((await account.finished(apart.id)).status).toBe('partial');
  expect(await seen()).toBe('30 v2, 200 v3');
}, 90_000);

test('killed as its tables are told to be published together, a run goes on with what is published', async () => {
  for (const deadAt of [1, 2]) {
    const id = await runner.newRun({ together: true });
    let told = 0;
    let dead = false;
    const victim = runner.watched(async (writes) => {
      const landing = writes.some((write) => dataOf(write, 'tables')?.['status'] === 'succeeded');
      if (landing && ++told === deadAt) dead = true;
      if (dead) throw new Error('killed');
    });
    await expect(runEtl(runner.context(id, victim))).rejects.toThrow('killed');
    expect(dead).toBe(true);
    // The dead one's lease runs out; somebody else goes on.
    runner.ahead += 31_000;
    await runEtl(runner.context(id));
    const { tenant, model } = account.params;
    expect(await runner.state(id)).toMatchObject({ status: 'succeeded', counts: { rows: 230 } });
    const ledger = await warehouse.query(
      `SELECT COUNT(*) AS n, COUNT(DISTINCT published_at) AS moments FROM \`${account.raw}\`._ledger WHERE run = @run`,
      { run: id },
    );
    expect(ledger).toEqual([{ n: 2, moments: 1 }]);
    expect((await runner.store.db.list(paths.etlUnits(tenant, model, id), { limit: 1 })).length).toBe(0);
  }
  expect(await seen()).toBe(ONE);
}, 60_000);
