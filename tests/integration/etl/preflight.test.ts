import { dryRunEtl, listEtlRuns, preflightEtl, startEtl } from '#core/api/etl';
import { setCredentials, updateSourceTable } from '#core/api/sources';
import type { SourceTable } from '#core/source';
import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';

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

function addShop(name = 'Shop') {
  const settings = shop.settings;
  return account.addSource(name, settings, { password: 'owner secret' });
}

async function look(body: object = {}) {
  const { ok, checks } = await account.call(preflightEtl, { params: account.params, body });
  const found = checks.map((one) => `${one.check} ${one.where ?? '-'} ${one.ok ? 'ok' : 'NO'}`).sort();
  const bad = checks.filter((one) => !one.ok);
  for (const one of bad) expect(one.remedy).not.toBeNull();
  return { ok, found, bad: bad.map(({ message }) => message) };
}

test('what a load would meet is said beforehand, table by table; nothing is begun', async () => {
  expect(await look()).toMatchObject({ ok: false, bad: [expect.stringContaining('No table is enabled')] });

  await shop.sql('CREATE TABLE customers AS SELECT 1 AS id');
  await shop.sql('CREATE TABLE orders (id bigint PRIMARY KEY, total int)');
  await shop.sql('CREATE TABLE lines AS SELECT 1 AS id');
  const { source, tables } = await addShop();
  const orders = tables.find(({ name }) => name === 'public.orders');
  if (orders === undefined) throw new Error('no table');
  await account.choose(orders, { mode: 'append', cursor: 'id' });
  expect(await look()).toEqual({
    ok: true,
    bad: [],
    found: [
      'columns public.customers ok',
      'columns public.lines ok',
      'columns public.orders ok',
      'connections Shop ok',
      'cursor public.orders ok',
      'destinations - ok',
      'model-active - ok',
      'quota - ok',
      'source-reachable Shop ok',
      'table-readable public.customers ok',
      'table-readable public.lines ok',
      'table-readable public.orders ok',
      'tables-enabled - ok',
    ],
  });

  expect(await account.load()).toMatchObject({ status: 'succeeded' });
  const { estimates } = await account.call(preflightEtl, { params: account.params, body: {} });
  const known = estimates.find(({ name }) => name === 'public.customers');
  expect(known).toMatchObject({ basis: 'former-loads', rows: 1, seconds: expect.any(Number) });
  expect(known?.cost).not.toBeNull();
  await shop.sql('ALTER TABLE customers ALTER COLUMN id TYPE text');
  await shop.sql('DROP TABLE lines');
  await shop.sql('ALTER TABLE orders DROP COLUMN id');
  const worse = await look();
  expect(worse.found.filter((line) => line.endsWith('NO'))).toEqual([
    'columns public.customers NO',
    'cursor public.orders NO',
    'table-readable public.lines NO',
  ]);
  expect(worse.bad.join('\n')).toMatch(/"public.customers" has changed since .*: "id" was INT64/);
  expect(worse.bad.join('\n')).toContain('no column "id" any more');
  // What it said is what happens.
  const run = await account.load();
  expect(run.perTable.map(({ name, status }) => [name, status])).toEqual([
    ['public.customers', 'failed'],
    ['public.lines', 'failed'],
    ['public.orders', 'failed'],
  ]);
  expect((await look({ tables: [orders.id] })).found).not.toContain('table-readable public.customers ok');

  await account.call(setCredentials, {
    params: { ...account.params, source: source.id },
    body: { password: 'guessed' },
  });
  const shut = await look();
  expect(shut.bad).toEqual([expect.stringContaining('owner')]);
  expect(shut.found).toContain('source-reachable Shop NO');
  const { items } = await account.call(listEtlRuns, { params: account.params, query: {} });
  expect(items).toHaveLength(2);
}, 120_000);

test('a run that goes over its cap of rows stops, names the cap, and keeps what it has published', async () => {
  await shop.sql('CREATE TABLE a_few AS SELECT n AS id FROM generate_series(1, 100) n');
  await shop.sql('CREATE TABLE many AS SELECT n AS id FROM generate_series(1, 50000) n');
  const { tables } = await addShop();
  const cap = async (caps: object) => {
    const { id } = await account.call(startEtl, { params: account.params, body: { caps } });
    return account.finished(id);
  };
  const few = tables.find(({ name }) => name === 'public.a_few');
  const stopped = await cap({ maxRows: 1000 });
  expect(stopped).toMatchObject({
    failure: { code: 'cap-reached' },
    caps: { maxRows: 1000, maxMinutes: 360 },
  });
  expect(stopped.failure?.message).toMatch(/cap of 1,000 rows \(maxRows\): [\d,]+ were read/);
  expect(['partial', 'failed']).toContain(stopped.status);
  expect(stopped.perTable.find(({ name }) => name === 'public.many')).toMatchObject({ status: 'failed' });

  const heavy = await cap({ maxBytes: 1000 });
  expect(heavy.failure?.message).toMatch(/cap of 1,000 bytes \(maxBytes\): [\d,]+ were written/);
  expect(few).toBeDefined();
  expect(await cap({ maxRows: 50_100, maxBytes: 100_000_000 })).toMatchObject({
    status: 'succeeded',
    counts: { rows: 50_100 },
  });
}, 120_000);

test('a dry run shows what comes of the first rows, by the real decoder, and leaves nothing behind', async () => {
  await shop.sql(`CREATE TABLE parts (id int, sku text, price numeric(12,3), added timestamptz, mail text)`);
  await shop.sql(
    `INSERT INTO parts SELECT n, 'P-' || n, n + 0.125, '2026-01-02 03:04:05+00', 'a' || n || '@example.com' FROM generate_series(1, 50) n`,
  );
  await shop.sql(
    'CREATE TABLE odd AS SELECT * FROM (VALUES (1, 1::numeric), (2, $$NaN$$::numeric)) v(id, amount)',
  );
  const { tables } = await addShop();
  const parts = tables.find(({ name }) => name === 'public.parts');
  if (parts === undefined) throw new Error('no table');
  await account.choose(parts, { excluded: ['mail'] });
  const { tables: found } = await account.call(dryRunEtl, { params: account.params, body: { rows: 3 } });
  const [odd, first] = found;
  expect(first).toMatchObject({ name: 'public.parts', rows: 3, rejected: {}, failure: null });
  expect(first?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'id INT64',
    'sku STRING',
    'price NUMERIC',
    'added TIMESTAMP',
  ]);
  expect(first?.preview).toHaveLength(3);
  expect(first?.preview[0]).toEqual(['1', 'P-1', '1.125', '2026-01-02T03:04:05.000Z']);
  expect(odd).toMatchObject({ name: 'public.odd', rows: 1, preview: [['1', '1']] });
  expect(odd?.rejects).toMatchObject([{ column: 'amount', value: 'NaN' }]);
  // With a hashed column, no value of what is left out is shown, of whatever column.
  const table = tables.find(({ name }) => name === 'public.odd');
  if (table === undefined) throw new Error('no table');
  const choose = async (
    body: Partial<Pick<SourceTable, 'hashed' | 'misfits' | 'mode' | 'cursor' | 'startFrom'>>,
  ) => {
    const params = { ...account.params, source: table.source, table: table.id };
    await account.call(updateSourceTable, { params, body });
    return (await account.call(dryRunEtl, { params: account.params, body: { tables: [table.id] } }))
      .tables[0];
  };
  const hidden = await choose({ hashed: [{ column: 'id', form: 'exact' }] });
  expect(hidden).toMatchObject({
    rows: 1,
    preview: [[null, '1']],
    rejects: [{ column: 'amount', value: null }],
  });
  expect(JSON.stringify(hidden?.rejects)).not.toContain('NaN');
  // What costs no row in a load costs none here, and rows below the beginning are not read.
  const lenient = await choose({ hashed: [], misfits: [{ column: 'amount', as: 'text' }] });
  expect(lenient).toMatchObject({ rows: 2, rejects: [] });
  expect(lenient?.preview.map(([, amount]) => amount)).toEqual(['1', 'NaN']);
  const later = await choose({ mode: 'append', cursor: 'id', startFrom: 2 });
  expect(later).toMatchObject({ rows: 1, preview: [['2', 'NaN']] });
  expect((await account.call(listEtlRuns, { params: account.params, query: {} })).items).toEqual([]);
  // A source that is not to be reached says so for each of its tables.
  await shop.sql('DROP TABLE parts');
  const gone = await account.call(dryRunEtl, { params: account.params, body: { tables: [parts.id] } });
  expect(gone.tables).toMatchObject([{ rows: 0, failure: { code: 'table-not-found' } }]);
});
