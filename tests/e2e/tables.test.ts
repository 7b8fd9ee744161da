import { isDeepStrictEqual } from 'node:util';
import type { Browser } from 'playwright-core';
import { buildWeb } from '#scripts/start/web';
import { SourceTable } from '#core/source';
import { withProposal } from '#core/table-drift';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';
import { accessibilityFaults, overflow } from '#tests/web/accessibility';
import { openBrowser, openPage } from '#tests/web/browser';
import { panel, signUp } from '#tests/web/pages';
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
  await chosen({ cursor: 'ordered_at', deletes: 'keep' });

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
  const at = '2026-11-01T08:00:00.000Z';
  const loaded = { columns: kept, key: null, excluded: [], run: 'retl1', at };
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
