import { generateKeyPairSync } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { buildWeb } from '#scripts/start/web';
import { paths } from '#core/paths';
import type { Proof } from '#core/proof';
import { SourceTable } from '#core/source';
import { withProposal } from '#core/table-drift';
import { keyFile } from '#tests/bigquery';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';
import { accessibilityFaults, overflow } from '#tests/web/accessibility';
import { openBrowser, openPage } from '#tests/web/browser';
import { panel, sectionLink, signUp } from '#tests/web/pages';
import { openRecords, recordsOf } from '#tests/web/records';

/* How a table is loaded, chosen on the page: each choice is what the next load reads. */

const cloud = useLocalCloud();
const records = openRecords(cloud.projectId);
const store = openTestStore();
let browser: Browser;

beforeAll(async () => {
  await buildWeb();
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await records.close();
  await store.db.close();
});

test('a database in Cloud SQL is added by the name of its instance, with a key of its own', async () => {
  const { page, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByLabel('Reached by').selectOption('Cloud SQL instance');
  await page.getByText(`tradewind-tenant=${tenant}`).waitFor();
  expect(await page.getByLabel('Encryption (TLS)').count()).toBe(0);
  for (const [label, text] of [
    ['Instance', 'acme-shop:europe-west1:orders'],
    ['Database', 'shop'],
    ['User', 'reader'],
    ['Password', 'a good password'],
  ] as const)
    await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByLabel('By its').selectOption('private IP address');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = Buffer.from(keyFile('reader@acme-shop.iam.gserviceaccount.com', pem));
  await page
    .getByLabel('Service account key (JSON file)')
    .setInputFiles({ name: 'key.json', mimeType: 'application/json', buffer: key });
  await page.getByText('Signs in as reader@acme-shop.iam.gserviceaccount.com.').waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await pictured(page, 'add-cloud-sql');
  expect(await overflow(page)).toBe(0);
  await page.getByRole('button', { name: 'Save and test' }).click();
  await page.getByText('Cloud SQL acme-shop:europe-west1:orders · private address').waitFor();
  const [source] = await store.db.list(paths.sources(tenant, model), {});
  expect(source?.data).toMatchObject({
    settings: { kind: 'postgres', host: 'acme-shop:europe-west1:orders', cloudSql: { address: 'private' } },
    credentialsSetAt: expect.any(String),
  });
  // A key that is not shown any more is not sent either.
  await page.getByRole('button', { name: 'Add a source' }).click();
  const by = page.getByLabel('Reached by');
  await by.selectOption('Cloud SQL instance');
  await page
    .getByLabel('Service account key (JSON file)')
    .setInputFiles({ name: 'key.json', mimeType: 'application/json', buffer: key });
  await page.getByText('Signs in as reader@acme-shop.iam.gserviceaccount.com.').waitFor();
  await by.selectOption('host and port');
  await by.selectOption('Cloud SQL instance');
  for (const [label, text] of [
    ['Instance', 'acme-shop:europe-west1:web'],
    ['Database', 'shop'],
    ['User', 'reader'],
  ] as const)
    await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Save and test' }).click();
  await page.getByText('Cloud SQL acme-shop:europe-west1:web · public address').waitFor();
  const all = await store.db.list(paths.sources(tenant, model), {});
  expect(all.find(({ data }) => data['id'] !== source?.data['id'])?.data).toMatchObject({
    credentialsSetAt: null,
  });
  expect(complaints()).toEqual([]);
});

/** For people who want to look: the page as it stands, in the sizes and colours that it has, in the folder PICTURES. */
async function pictured(page: Page, name: string): Promise<void> {
  const folder = process.env['PICTURES'];
  if (folder === undefined) return;
  const size = page.viewportSize();
  for (const width of [1280, 390])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  await page.emulateMedia({ colorScheme: 'light' });
  if (size !== null) await page.setViewportSize(size);
}

test('how much of a server a load may take is chosen with the source, changed, and seen in the run; firewalls are told of', async () => {
  const { page, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByText('203.0.113.7').waitFor();
  await page.getByText('How much of the server a load may take').click();
  for (const [label, text] of [
    ['Host', '127.0.0.1'],
    ['Port', '1'],
    ['Database', 'shop'],
    ['User', 'reader'],
    ['Connections at once', '3'],
    ['Longest lag of a replica, in seconds', ''],
  ] as const)
    await page.getByLabel(label, { exact: true }).fill(text);
  expect(await accessibilityFaults(page)).toEqual([]);
  await pictured(page, 'add-source');
  await page.getByRole('button', { name: 'Save and test' }).click();
  const saved = (wanted: object) =>
    eventually(`the limits ${JSON.stringify(wanted)}`, async () => {
      const [found] = await store.db.list(paths.sources(tenant, model), {});
      return expect.objectContaining(wanted).asymmetricMatch(found?.data['settings']);
    });
  await saved({ statementMinutes: 60, maxConnections: 3, maxLagSeconds: null });
  await page.getByRole('region', { name: 'Add a source' }).waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Change the limits' }).click();
  await page.getByLabel('Longest statement, in minutes').fill('90');
  await pictured(page, 'change-limits');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await saved({ statementMinutes: 90, maxConnections: 3, maxLagSeconds: null });

  const of = recordsOf(tenant, model);
  const use = {
    name: 'Orders',
    held: 2,
    peak: 2,
    most: 3,
    waitedSeconds: 40,
    lagSeconds: 400,
  };
  await records.put(of.paths.etl, { ...of.etl('extracting', 10), sources: { sabcdefgh: use } });
  await sectionLink(page, 'Load').click();
  await page
    .getByText(
      'Orders: 2 of at most 3 connections · waited 40 seconds for the replica, which was 400 seconds behind',
    )
    .waitFor();
  await pictured(page, 'load-limits');
  expect(await overflow(page)).toEqual(0);
  expect(complaints()).toEqual([]);
});

test('a table is merged by a key and a cursor, deleted rows are marked, columns are left out', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  const of = recordsOf(tenant, model);
  const path = of.paths.table('torderlines');
  const columns = 'order_no INT64, customer_no INT64, sku STRING, ordered_at TIMESTAMP, note JSON';
  await records.put(of.paths.source, of.source);
  await records.put(path, of.table('order_lines', columns));
  const source = panel(page, 'ERP');
  const chosen = (wanted: Partial<SourceTable>) =>
    eventually(`the choice ${JSON.stringify(wanted)}`, async () => {
      const table = SourceTable.parse((await store.db.get(path))?.data);
      return expect.objectContaining(wanted).asymmetricMatch(table) ? table : null;
    });

  // Without a primary key nothing is merged before there is a key.
  await source.getByLabel('How public.order_lines is loaded').selectOption('replaces rows by key');
  const key = source.getByRole('group', { name: 'Columns that tell rows apart' });
  expect(await key.getByRole('checkbox').count()).toBe(4);
  await chosen({ mode: 'replace' });
  await key.getByLabel('order_no').check();
  await key.getByLabel('sku').check();
  await source.getByRole('button', { name: 'Use this key' }).click();
  await chosen({ mode: 'merge', mergeKey: ['order_no', 'sku'] });
  await source.getByText('Key: order_no, sku').waitFor();

  await source.getByLabel('Rows that the source has no more').selectOption('are left out of data sets');
  await chosen({ deletes: 'mark' });
  await source.getByLabel('New and changed rows are told by').selectOption('ordered_at');
  await chosen({ cursor: 'ordered_at', deletes: 'mark' });
  await source.getByLabel('All keys are read to find them').selectOption('once a week');
  await chosen({ sweepHours: 168 });

  // Which rows: by conditions, from a date on, as a sample.
  await source.getByText('All rows', { exact: true }).click();
  await source.getByRole('button', { name: 'Add a condition' }).click();
  await source.getByLabel('Column of condition 1').selectOption('sku');
  await source.getByLabel('Comparison of condition 1').selectOption('is one of');
  await source.getByLabel('Values, with commas between').fill('A-1, B-2');
  await source.getByRole('button', { name: 'Add a condition' }).click();
  await source.getByLabel('Column of condition 2').selectOption('ordered_at');
  await source.getByLabel('Comparison of condition 2').selectOption('is within the last');
  await source.getByLabel('Value', { exact: true }).fill('24');
  await pictured(page, 'rows');
  expect([...(await accessibilityFaults(page)), await overflow(page)]).toEqual([0]);
  await source.getByRole('button', { name: 'Load these rows' }).click();
  const conditions = [
    { column: 'sku', operator: 'in' as const, values: ['A-1', 'B-2'] },
    { column: 'ordered_at', operator: 'within-last' as const, last: { count: 24, unit: 'months' as const } },
  ];
  await chosen({ filter: { match: 'all', conditions } });
  await source.getByRole('textbox', { name: 'Read from this ordered_at on' }).fill('2024-01-31');
  await source.getByRole('button', { name: 'Use: Read from this ordered_at on' }).click();
  await chosen({ startFrom: '2024-01-31' });
  await source.getByRole('spinbutton', { name: 'At most so many rows' }).fill('500');
  await source.getByRole('button', { name: 'Use: At most so many rows' }).click();
  await chosen({ rowLimit: 500 });
  await source.getByText(/^Rows: sku is one of A-1, B-2 and ordered_at/).waitFor();
  await source.getByRole('button', { name: 'Load all rows' }).click();
  await chosen({ filter: null });

  // Personal data; and the table alone once more.
  await source.getByText('No column hashed').click();
  const hashes = source.getByRole('group', { name: /keyed hashes/ });
  expect(await hashes.getByRole('checkbox').count()).toBe(4);
  await hashes.getByLabel('sku').check();
  await hashes.getByLabel('customer_no').check();
  await source.getByLabel('Texts are hashed').selectOption('without spaces around them and in small letters');
  await source.getByRole('button', { name: 'Hash these columns' }).click();
  const hashed = [
    { column: 'sku', form: 'folded' as const },
    { column: 'customer_no', form: 'exact' as const },
  ];
  await chosen({ hashed });
  await source.getByText('Load again', { exact: true }).click();
  await pictured(page, 'again');
  expect([...(await accessibilityFaults(page)), await overflow(page)]).toEqual([0]);
  await source.getByRole('button', { name: 'Load anew: public.order_lines' }).click();
  await source.getByText('The load has begun.').waitFor();
  const before = SourceTable.parse((await store.db.get(path))?.data);
  const asLoaded = before.columns.map((one) => ({ ...one, source: one.name }));
  const at = '2026-11-01T08:00:00.000Z';
  const asItIs = { columns: asLoaded, key: before.key, excluded: [], absent: [], run: 'retl1', at };
  await records.put(path, { ...before, hashed: [], rowLimit: null, loaded: asItIs });

  // Rows that were rejected before are not read again by that alone, and the page says so.
  await source.getByText('Misfits cost their row').click();
  await source
    .getByRole('group', { name: /is left empty and counted/ })
    .getByLabel('sku')
    .check();
  await source.getByRole('button', { name: 'Leave these empty' }).click();
  await chosen({ misfits: [{ column: 'sku', as: 'null' }] });
  await source.getByText('Rows that were rejected before for "sku" are not read again').waitFor();
  await pictured(page, 'misfits');
  expect([...(await accessibilityFaults(page)), await overflow(page)]).toEqual([0]);

  await source.getByText('All columns').click();
  await source.getByRole('group', { name: 'Columns that are loaded' }).getByLabel('customer_no').uncheck();
  await source.getByRole('button', { name: 'Load these columns' }).click();
  await chosen({ excluded: ['customer_no'] });
  await source.getByText('4 of 5 columns').waitFor();

  await source.getByLabel('How public.order_lines is loaded').selectOption('replaces all rows');
  await chosen({ mode: 'replace' });

  // It has changed since it was loaded: what that is, and what is to become of it.
  const table = SourceTable.parse((await store.db.get(path))?.data);
  const kept = table.columns.map(({ name, type }) => ({
    name,
    type: name === 'sku' ? ('INT64' as const) : type,
    source: name,
    sourceType: 'text',
    nullable: false,
  }));
  const loaded = { columns: kept, key: null, excluded: [], absent: [], run: 'retl1', at };
  await records.put(path, withProposal({ ...table, loaded }, new Map(), { at, by: 'retl1' }));
  const drift = source.getByRole('region', { name: 'Changes of public.order_lines' });
  await drift.getByText('"sku" was INT64, text in the source and is STRING').waitFor();
  await drift.getByText('Nothing depends on what has changed.').waitFor();
  expect([...(await accessibilityFaults(page)), await overflow(page)]).toEqual([0]);
  await drift.getByRole('button', { name: 'Keep it as it is loaded' }).click();
  await drift.getByText('kept as it is').waitFor();
  await drift.getByRole('button', { name: 'Begin it anew with these columns' }).click();
  await drift.getByText('The next load begins a new version').waitFor();
  await chosen({ next: 'erp__public_order_lines__v2', versions: 2 });
  await source.getByLabel('When its columns change').selectOption('ask about everything');
  await chosen({ drift: 'block' });
  expect(complaints()).toEqual([]);
  await context.close();
});

test('tables that a load found at another place wait until it is said what is there', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  const of = recordsOf(tenant, model);
  await records.put(of.paths.source, of.source);
  const moved = { from: 'old.example:5432/erp', to: 'db.example:5432/erp', run: 'r1', askedAt: '2026-11-01T08:00:00.000Z', decision: null };
  const ids = ['torderlines', 'tcustomers'];
  for (const id of ids)
    await records.put(of.paths.table(id), { ...of.table(id.slice(1), 'id INT64'), id, mode: 'append', moved });
  const source = panel(page, 'ERP');
  const decisions = async () =>
    Promise.all(
      ids.map(async (id) => SourceTable.parse((await store.db.get(of.paths.table(id)))?.data).moved?.decision),
    );
  const decided = (wanted: readonly unknown[]) =>
    eventually(`the decisions ${wanted.join()}`, async () => isDeepStrictEqual(await decisions(), wanted));

  const one = source.getByRole('group', { name: 'New place of public.customers' });
  await one.getByText('old.example:5432/erp').waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await one.getByRole('button', { name: 'Other data: begin anew' }).click();
  await decided([null, 'other']);
  await one.getByText('The next load begins anew, as was decided.').waitFor();
  await one.getByRole('button', { name: 'The same data: go on' }).click();
  await decided([null, 'same']);
  await records.put(of.paths.table('tcustomers'), { ...of.table('customers', 'id INT64'), id: 'tcustomers', mode: 'append', moved });
  await source.getByRole('group', { name: 'New place of 2 tables' }).getByRole('button', { name: 'The same data: go on' }).click();
  await decided(['same', 'same']);
  expect(complaints()).toEqual([]);
  await context.close();
}); // prettier-ignore

test('the tables of a load show what they were proved by, or what differs; they are published together where that is chosen', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  const of = recordsOf(tenant, model);
  const nulls = (column: string, obtained: string) =>
    ({ what: 'nulls', column, expected: '0', obtained }) as const;
  const proof = (differ: number): Proof => ({
    stage: differ > 0 ? 'staged' : 'published',
    rows: 541_909,
    columns: 12,
    checksum: '0003f1c29a77e0d1',
    differ,
    measured: 24,
    measures: [nulls('sku', differ > 0 ? '1' : '0'), nulls('ordered_at', '0')],
  });
  await records.put(of.paths.source, of.source);
  await records.put(of.paths.etl, { ...of.etl('succeeded', 541_909), together: true });
  await records.put(of.paths.etlTable, { ...of.etlTable('succeeded', 541_909), proof: proof(0) });
  await sectionLink(page, 'Load').click();
  await page.getByText('proved: 541,909 rows, 12 columns, checksum 0x0003f1c29a77e0d1').waitFor();
  await page.getByText('all tables together', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'History of public.order_lines' }).click();
  await page.getByRole('row', { name: /nulls of sku/ }).waitFor();
  await page.getByText('and 22 more, alike on both sides').waitFor();
  await pictured(page, 'proved');
  expect([...(await accessibilityFaults(page)), await overflow(page)]).toEqual([0]);

  const failure = { code: 'load-mismatch', message: 'It did not arrive as it was read.', remedy: null };
  const failed = { ...of.etlTable('failed', 541_909), failure, proof: proof(1) };
  await records.put(of.paths.etlTable, failed);
  await page.getByText('Of 24 figures 1 differs').waitFor();
  await pictured(page, 'differs');
  expect([...(await accessibilityFaults(page)), await overflow(page)]).toEqual([0]);

  await page.getByLabel('Publish all tables together').check();
  await eventually('the choice', async () => {
    const found = await store.db.get(paths.model(tenant, model));
    return found?.data['publishTogether'] === true;
  });
  expect(complaints()).toEqual([]);
  await context.close();
}, 60_000);
