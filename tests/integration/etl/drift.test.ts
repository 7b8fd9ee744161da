/** Tables that change in their source between loads. */
import { createDataset, getDataset } from '#core/api/datasets';
import { decideTableDrift, discoverTables, getSourceTable, getTableDrift } from '#core/api/sources';
import type { SourceTable } from '#core/source';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

let shop: TestPostgres;
let account: Account;
beforeAll(async () => {
  shop = await startTestPostgres();
  account = await openAccount();
});
afterAll(() => shop.stop());

const at = ({ source, id }: SourceTable) => ({ ...account.params, source, table: id });
const stored = (table: SourceTable) => account.call(getSourceTable, { params: at(table) });
const ask = (sql: string) => warehouseRows(sql.replaceAll('raw.', `${account.raw}.`));
/** Loads; how each table ended, and what was said of those that failed. */
async function load() {
  const { perTable } = await account.load();
  return {
    ended: perTable.map(({ name, failure, counts }) => `${name} ${failure?.code ?? counts.rows}`),
    said: perTable.map(({ failure }) => failure?.message ?? '').join('\n'),
  };
}
async function decide(table: SourceTable, decision: 'accept' | 'keep') {
  const proposal = (await stored(table)).proposal?.id ?? '';
  return account.call(decideTableDrift, { params: at(table), body: { proposal, decision } });
}
const dataset = (name: string, { destination }: SourceTable, item: string) => {
  const of = (column: string) => ({ table: 'items', column });
  const roles = { customer: of('customer'), item: of(item), time: of('at') };
  const tables = [{ alias: 'items', destination }];
  const body = { name, tables, joins: [], roles, cleaning: {} };
  return account.call(createDataset, { params: account.params, body });
};

test('what loses nothing is taken over; anything else waits for a decision, and then begins anew or is changed in place', async () => {
  for (const table of ['anew', 'asked', 'renamed'])
    await shop.sql(
      `CREATE TABLE ${table} AS SELECT n AS id, n % 3 AS customer, n % 5 AS article, now() AS at FROM generate_series(1, 9) n`,
    );
  await shop.sql(`CREATE TABLE wide AS SELECT 1 AS id, 5 AS qty, date '2026-01-31' AS day`);
  const place = { host: '127.0.0.1', port: shop.port, database: 'shop', user: 'owner' } as const;
  const settings = { kind: 'postgres', ...place, sslMode: 'disable' } as const;
  const { source, tables } = await account.addSource('Shop', settings, { password: 'owner secret' });
  const [anew, asked, renamed, wide] = tables;
  if (anew === undefined || asked === undefined || renamed === undefined || wide === undefined)
    throw new Error('no tables');
  for (const table of [anew, wide]) await account.choose(table, { mode: 'append', cursor: 'id' });
  await account.choose(asked, { drift: 'block' });
  await load();
  const works = await dataset('By article', anew, 'article');
  const breaks = await dataset('By id', anew, 'id');
  await dataset('Renamed', renamed, 'article');

  await shop.sql(`ALTER TABLE wide ALTER COLUMN qty TYPE numeric(12,3), ALTER COLUMN day TYPE timestamp`);
  await shop.sql(`ALTER TABLE wide ADD COLUMN note text`);
  await shop.sql(`INSERT INTO wide VALUES (2, 0.125, '2026-02-01 10:30', 'new')`);
  await shop.sql(
    `ALTER TABLE anew ALTER COLUMN article TYPE text USING 'A' || article, ALTER COLUMN id TYPE jsonb USING to_jsonb(id), ADD COLUMN nr int`,
  );
  await shop.sql(`UPDATE anew SET nr = id::text::int`);
  await shop.sql(`ALTER TABLE asked ADD COLUMN note text DEFAULT 'x'`);
  await shop.sql(`ALTER TABLE renamed RENAME COLUMN customer TO client`);
  // Looking again shows it, and applies nothing.
  const look = { params: { ...account.params, source: source.id } };
  const found = (await account.call(discoverTables, look)).items;
  expect(found.map(({ name, proposal }) => [name, proposal?.decision, proposal?.newVersion])).toEqual([
    ['public.anew', 'open', true],
    ['public.asked', 'open', false],
    ['public.renamed', 'open', false],
    ['public.wide', undefined, undefined],
  ]);
  const { changes, proposal, affected } = await account.call(getTableDrift, { params: at(anew) });
  expect(changes.map(({ kind, column }) => `${kind} ${column}`)).toEqual([
    'retyped article',
    'retyped id',
    'added nr',
  ]);
  expect(affected).toMatchObject([
    { kind: 'cursor', columns: ['id'] },
    { kind: 'dataset', name: 'By article', columns: ['article (item)'], works: true },
    { kind: 'dataset', name: 'By id', columns: ['id (item)'], works: false },
  ]);
  const other = await account.call(getTableDrift, { params: at(renamed) });
  expect(other.changes).toMatchObject([
    { kind: 'added', column: 'client', renamedFrom: 'customer' },
    { kind: 'removed', column: 'customer' },
  ]);
  expect(other.affected).toMatchObject([{ name: 'Renamed', columns: ['customer (customer)'], works: false }]);

  const waiting = await load();
  expect(waiting.ended).toEqual([
    'public.anew schema-changed',
    'public.asked schema-changed',
    'public.renamed schema-changed',
    'public.wide 1',
  ]);
  expect(waiting.said).toContain('"article" was INT64, integer in the source and is STRING');
  expect(waiting.said).toContain('"note" (STRING, text in the source) is new');
  expect(waiting.said).toContain('"customer" (INT64, integer in the source) is gone');
  expect((await stored(anew)).proposal).toEqual(proposal);

  const nobodys = { proposal: 'x', decision: 'accept' as const };
  expect(await refusalOf(account.call(decideTableDrift, { params: at(anew), body: nobodys }))).toMatchObject({
    code: 'not-proposed',
  });
  await decide(anew, 'keep');
  const next = `${anew.destination}__v2`;
  expect(await decide(anew, 'accept')).toMatchObject({ next, destination: anew.destination });
  await account.choose(anew, { cursor: 'nr' });
  expect(await decide(asked, 'accept')).toMatchObject({ next: null });
  await shop.sql(`ALTER TABLE renamed RENAME COLUMN client TO customer`);
  await shop.sql(`ALTER TABLE wide ALTER COLUMN qty TYPE int, ALTER COLUMN day TYPE date, DROP COLUMN note`);
  await shop.sql(`INSERT INTO wide VALUES (3, 7, '2026-03-01')`);
  expect((await load()).ended).toEqual([
    'public.anew 9',
    'public.asked 9',
    'public.renamed 9',
    'public.wide 1',
  ]);

  // Rows of before have kept their values in wider types, narrower ones have gone into them.
  expect(
    await ask(
      `SELECT CAST(SUM(qty) AS STRING) AS qty, STRING_AGG(CAST(day AS STRING), ' ' ORDER BY id) AS days, COUNT(note) AS notes FROM raw.${wide.destination}`,
    ),
  ).toEqual([
    { qty: '12.125', days: '2026-01-31 00:00:00 2026-02-01 10:30:00 2026-03-01 00:00:00', notes: 1 },
  ]);
  expect((await stored(wide)).loaded?.columns).toMatchObject([
    { name: 'id', type: 'INT64', source: 'id' },
    { name: 'qty', type: 'NUMERIC', source: 'qty', sourceType: 'integer' },
    { name: 'day', type: 'DATETIME', source: 'day' },
    { name: 'note', type: 'STRING', source: null },
  ]);
  expect(await ask(`SELECT COUNT(note) AS n FROM raw.${asked.destination}`)).toEqual([{ n: 9 }]);
  for (const table of [wide, asked, renamed, anew]) expect((await stored(table)).proposal).toBeNull();

  // The new version is the table's own, the one before is there for the data set that does not work with it.
  const former = [{ destination: anew.destination, expiresAt: null }];
  expect(await stored(anew)).toMatchObject({ destination: next, next: null, former });
  const over = async ({ id }: { readonly id: string }) =>
    (await account.call(getDataset, { params: { ...account.params, dataset: id } })).tables[0]?.destination;
  expect(await over(works)).toBe(next);
  expect(await over(breaks)).toBe(anew.destination);
  expect(await ask(`SELECT COUNT(*) AS n, MIN(article) AS a, MIN(nr) AS nr FROM raw.${next}`)).toEqual([
    { n: 9, a: 'A0', nr: 1 },
  ]);
  expect(await ask(`SELECT COUNT(*) AS n FROM raw.${anew.destination}`)).toEqual([{ n: 9 }]);

  // It goes on from there; and what is kept as it is stays so.
  await shop.sql(`INSERT INTO anew VALUES ('10', 1, 'A1', now(), 10)`);
  await shop.sql(`ALTER TABLE asked DROP COLUMN note`);
  await account.call(discoverTables, look);
  await decide(asked, 'keep');
  const kept = await load();
  expect(kept.ended.slice(0, 2)).toEqual(['public.anew 1', 'public.asked schema-kept']);
  // With another policy there is nothing left to decide.
  expect(await account.choose(asked, { drift: 'propagate' })).toMatchObject({ proposal: null });
}, 180_000);
