import { cancelEtl, getEtlLogs, getEtlRun, listEtlRuns, retryEtl, startEtl } from '#core/api/etl';
import { openDatabase } from '#cloud/firestore';
import { paths } from '#core/paths';
import type { SourceTable } from '#core/source';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { leftoversOf, NOTHING_LEFT } from '#tests/etl-leftovers';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';
import { containersOf } from '#tests/runner-processes';

let shop: TestPostgres;
let account: Account;
/** Seconds each cancellation took, from the call to the end of the run. */
const took: Record<string, number> = {};

beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(async () => {
  await shop.stop();
  process.stdout.write(`seconds from a cancel to the end of its run: ${JSON.stringify(took)}\n`);
});
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP SCHEMA public CASCADE');
  await shop.sql('CREATE SCHEMA public');
});

const of = (run: string) => ({ params: { ...account.params, run } });
const rowsOf = async (table: string) =>
  (await warehouseRows(`SELECT COUNT(*) AS n FROM ${account.raw}.shop__public_${table}`))[0]?.['n'];

async function addShop() {
  const settings = shop.settings;
  return (await account.addSource('Shop', settings, { password: 'owner secret' })).tables;
}

async function estimate({ source, id }: SourceTable, estimatedRows: number): Promise<void> {
  const db = openDatabase(useLocalCloud().projectId);
  const { tenant, model } = account.params;
  const path = paths.sourceTable(tenant, model, source, id);
  await db.commit([{ kind: 'update', path, data: { estimatedRows } }]);
  await db.close();
}

const start = async () => (await account.call(startEtl, { params: account.params })).id;

/** Cancels the run, waits for its end, and sees that nothing of it is left. */
async function cancel(run: string, stage: string) {
  const since = performance.now();
  await account.call(cancelEtl, of(run));
  const ended = await account.finished(run, 20);
  took[stage] = Math.round((performance.now() - since) / 100) / 10;
  await eventually('its containers to be gone', () => containersOf(run).length === 0, 15);
  expect(
    await eventually('nothing left of it', async () => {
      const left = await leftoversOf(account, run);
      return left.leased ? null : left;
    }),
  ).toEqual(NOTHING_LEFT);
  return ended;
}

test('cancelled before its container has begun: over, and the next run is free to begin', async () => {
  await shop.sql('CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 50) n');
  await addShop();
  const run = await start();
  expect(await cancel(run, 'queued')).toMatchObject({ status: 'cancelled', cancelRequestedBy: account.uid });
  // Once more changes nothing, and what is over otherwise is not cancelled.
  expect(await account.call(cancelEtl, of(run))).toMatchObject({ id: run, status: 'cancelled' });
  const next = await account.load();
  expect(next).toMatchObject({ status: 'succeeded', counts: { rows: 50 } });
  expect(await refusalOf(account.call(cancelEtl, of(next.id)))).toMatchObject({
    status: 409,
    code: 'run-over',
  });
}, 90_000);

test('cancelled while it plans: the source keeps it waiting, the cancellation does not', async () => {
  await shop.sql('CREATE TABLE orders (id bigint PRIMARY KEY)');
  await shop.sql('INSERT INTO orders SELECT n FROM generate_series(1, 50) n');
  const [table] = await addShop();
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'append', cursor: 'id' });
  const holder = await shop.client();
  try {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    const run = await start();
    await eventually('the table to be planned', async () =>
      (await account.call(getEtlRun, of(run))).perTable.some(({ status }) => status === 'planning'),
    );
    const ended = await cancel(run, 'planning');
    expect(ended).toMatchObject({ status: 'cancelled', perTable: [{ status: 'cancelled', failure: null }] });
  } finally {
    await holder.query('ROLLBACK');
    await holder.end();
  }
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 50 } });
}, 90_000);

test('cancelled while it reads: what was published stays; a retry loads the rest, and only that', async () => {
  await shop.sql('CREATE TABLE quick AS SELECT n AS id FROM generate_series(1, 100) n');
  await shop.sql('CREATE TABLE base AS SELECT n AS id FROM generate_series(1, 600) n');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'x' || pg_sleep(0.05)::text AS waited FROM base`);
  for (const table of await addShop()) {
    await account.choose(table, { enabled: table.name !== 'public.base' });
    // What the last discovery estimated decides how many tasks a run gets: three here, all of which must stop.
    if (table.name === 'public.quick') await estimate(table, 11_000_000);
  }
  const run = await start();
  await eventually('one table published, the other being read', async () => {
    const { perTable } = await account.call(getEtlRun, of(run));
    const now = Object.fromEntries(perTable.map(({ name, status }) => [name, status]));
    return now['public.quick'] === 'succeeded' && now['public.slow'] === 'extracting';
  });
  expect(containersOf(run)).toHaveLength(3);
  const ended = await cancel(run, 'extracting');
  expect(ended).toMatchObject({ status: 'cancelled', failure: null, counts: { rows: 100 } });
  expect(ended.perTable.map(({ name, status }) => [name, status])).toEqual([
    ['public.quick', 'succeeded'],
    ['public.slow', 'cancelled'],
  ]);
  expect(await rowsOf('quick')).toBe(100);
  expect(ended.usage.rows).toBe(100);
  expect(ended.usage.containerSeconds).toBeGreaterThan(0);

  await shop.sql('DROP VIEW slow');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'y' AS waited FROM base`);
  const retry = await account.call(retryEtl, of(run));
  expect(retry).toMatchObject({ retryOf: run, tables: 1, created: true });
  const second = await account.finished(retry.id);
  expect(second).toMatchObject({ status: 'succeeded', counts: { rows: 600 } });
  expect(second.perTable.map(({ name }) => name)).toEqual(['public.slow']);
  expect(await refusalOf(account.call(retryEtl, of(retry.id)))).toMatchObject({
    status: 409,
    code: 'nothing-to-retry',
  });
  const { items } = await account.call(listEtlRuns, {
    params: account.params,
    query: { status: 'cancelled' },
  });
  expect(items.map(({ id }) => id)).toEqual([run]);

  const first = await account.call(getEtlLogs, { ...of(run), query: { limit: 1 } });
  expect(first.more).toBe(true);
  const rest = await account.call(getEtlLogs, { ...of(run), query: { after: first.next ?? '' } });
  // Pages are in order within themselves: tasks write side by side. Together they are the whole log, nothing twice.
  for (const { lines } of [first, rest])
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted());
  const told = ({ lines }: { lines: readonly { at: string; message: string }[] }) =>
    lines.map(({ at, message }) => `${at} ${message}`);
  const whole = await account.call(getEtlLogs, { ...of(run), query: {} });
  expect(whole.lines.map(({ message }) => message)).toContain('run ended before it was done');
  expect([...told(first), ...told(rest)].toSorted()).toEqual(told(whole).toSorted());
}, 120_000);

test('cancelled while it publishes: the table is there whole, or not at all, and the run says which', async () => {
  await shop.sql(
    `CREATE TABLE orders AS SELECT n AS id, md5(n::text) AS a, md5((n + 1)::text) AS b FROM generate_series(1, 400000) n`,
  );
  const [table] = await addShop();
  if (table === undefined) throw new Error('no table');
  const run = await start();
  await eventually('the table to be published', async () =>
    (await account.call(getEtlRun, of(run))).perTable.some(({ status }) => status === 'publishing'),
  );
  const ended = await cancel(run, 'publishing');
  const published = await warehouseRows(
    `SELECT COUNT(*) AS n FROM ${account.raw}._ledger WHERE run = '${run}' AND table_name = '${table.destination}'`,
  );
  const whole = published[0]?.['n'] === 1;
  expect(ended).toMatchObject({ perTable: [{ status: whole ? 'succeeded' : 'cancelled' }] });
  expect(ended.status).toBe(whole ? 'succeeded' : 'cancelled');
  if (whole) expect(await rowsOf('orders')).toBe(400_000);
  const next = await account.load(90);
  expect(next).toMatchObject({ status: 'succeeded', counts: { rows: 400_000 } });
  expect(await rowsOf('orders')).toBe(400_000);
}, 180_000);

test('cancelled while its container hangs: the platform kills it, and the run is over all the same', async () => {
  await shop.sql('CREATE TABLE base AS SELECT n AS id FROM generate_series(1, 600) n');
  await shop.sql(`CREATE VIEW slow AS SELECT id, 'x' || pg_sleep(0.05)::text AS waited FROM base`);
  for (const table of await addShop()) await account.choose(table, { enabled: table.name === 'public.slow' });
  const run = await start();
  await eventually('the table to be read', async () =>
    (await account.call(getEtlRun, of(run))).perTable.some(({ status }) => status === 'extracting'),
  );
  // It holds the lease, answers nothing, and takes no signal but the last.
  for (const pid of containersOf(run)) process.kill(pid, 'SIGSTOP');
  expect(await cancel(run, 'hanging')).toMatchObject({
    status: 'cancelled',
    perTable: [{ status: 'cancelled' }],
  });
}, 90_000);
