import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { loadDemo } from '#scripts/demo/load';
import { type RunningPostgres, startPostgres } from '#scripts/demo/postgres';
import { DEMO } from '#scripts/demo/wholesaler';
import { buildWeb } from '#scripts/start/web';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openBrowser, openPage } from '#tests/web/browser';
import { panel, sectionLink, signUp, stage } from '#tests/web/pages';

/*
 * The main job as a person does it in the browser, with nothing stubbed: a real PostgreSQL, every function, the runner,
 * the trainer and the recommender.
 */

const cloud = useLocalCloud();
let browser: Browser;
let server: RunningPostgres;
let reader: URL;
const dir = mkdtempSync(join(tmpdir(), 'tradewind-e2e-'));

beforeAll(async () => {
  server = await startPostgres({ dir: join(dir, 'pg'), database: 'erp', user: 'owner', password: 'owner' });
  const demo = await loadDemo(server.url, { ...DEMO, accounts: 90, days: 400 });
  reader = new URL(demo.readerUrl);
  await buildWeb();
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Collects what a stage says from now on, in order, without asking the page again and again. */
async function watchStrip(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = [];
    const note = () => {
      for (const item of document.querySelectorAll('[data-stage]')) {
        const said = `${item.getAttribute('data-stage')} ${item.getAttribute('data-tone')}`;
        if (!seen.includes(said)) seen.push(said);
      }
    };
    note();
    new MutationObserver(note).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
    Object.assign(window, { seenStages: seen });
  });
  // It was put there just above.
  return async () => page.evaluate(() => [...(Reflect.get(window, 'seenStages') as string[])]);
}

test('from a database to recommendations with product names, by the pages alone', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  await signUp(page);
  const seen = await watchStrip(page);

  // A wrong password first: the step that fails says so.
  await page.getByRole('button', { name: 'Add a source' }).click();
  const wrong = new URL(reader);
  wrong.password = 'not-the-password-9471';
  await page.getByLabel('Connection string').fill(wrong.href);
  expect(await page.getByRole('textbox', { name: 'Host', exact: true }).inputValue()).toBe(reader.hostname);
  await page.getByRole('button', { name: 'Save and test' }).click();
  await page.locator('summary', { hasText: 'Connection test' }).waitFor();
  await panel(page, 'Orders database').getByText('failed', { exact: false }).first().waitFor();
  // Whatever was typed as a password is nowhere on the page afterwards.
  expect(await page.content()).not.toContain('9471');

  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByLabel('Connection string').fill(reader.href);
  await page.getByRole('textbox', { name: 'Name' }).fill('ERP');
  await page.getByRole('button', { name: 'Save and test' }).click();
  // The test passes, and its tables are read of themselves.
  await panel(page, 'ERP')
    .getByRole('rowheader', { name: /erp\.order_lines/ })
    .waitFor({ timeout: 60_000 });

  await sectionLink(page, 'Load').click();
  await page.getByRole('button', { name: 'Check first' }).click();
  await page.getByText(/Nothing is in the way: \d+ checks passed\./).waitFor();
  await page.getByRole('rowheader', { name: /erp\.order_lines/ }).waitFor();
  await page.getByRole('button', { name: 'Load now' }).click();
  const tone = (name: string) => stage(page, name).getAttribute('data-tone');
  await eventually(
    'the load is over',
    async () => ['good', 'bad', 'warning'].includes((await tone('etl')) ?? ''),
    120,
  );
  expect(await stage(page, 'etl').textContent()).toMatch(/[\d,]+ rows/);

  await sectionLink(page, 'Data set').click();
  const customer = page.getByLabel('Customer', { exact: true });
  await customer.waitFor();
  expect(await customer.inputValue()).toBe('orders.customer_no');
  expect(await page.getByLabel('Item’s name (optional)').inputValue()).toBe('products.name');
  await page.getByRole('button', { name: 'Save the data set' }).click();
  await panel(page, 'Preview').waitFor();

  await sectionLink(page, 'Pipeline').click();
  await page.getByRole('button', { name: 'Start the run' }).click();
  await eventually(
    'the pipeline is over',
    async () => ['good', 'bad', 'warning'].includes((await tone('deployment')) ?? ''),
    180,
  );
  expect(await tone('deployment')).toBe('good');
  await panel(page, 'Discover: metrics').getByText('popularity').waitFor();

  await sectionLink(page, 'Try it').click();
  await page.locator('.pick').first().click();
  const discover = panel(page, 'Discover');
  await discover.locator('li').first().waitFor();
  const first = await discover.locator('li').first().textContent();
  const code = await discover.locator('li code').first().textContent();
  expect(first?.startsWith(code ?? '')).toBe(false); // a name comes before the key
  expect(first).toContain('score');

  // The strip showed the stages at work while they were.
  expect(await seen()).toEqual(
    expect.arrayContaining([
      'etl running',
      'etl good',
      'extraction good',
      'training running',
      'deployment good',
    ]),
  );
  expect(complaints()).toEqual([]);
  await context.close();
}, 420_000);
