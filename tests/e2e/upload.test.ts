import type { Browser, BrowserContext, Page } from 'playwright-core';
import { buildWeb } from '#scripts/start/web';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openBrowser, openPage } from '#tests/web/browser';
import { orderFile } from '#tests/web/order-file';
import { panel, sectionLink, signUp, stage } from '#tests/web/pages';

/*
 * A company without a database server: an export with the dirt of real life, uploaded from the page straight to the
 * storage's own address, then the same way to recommendations; and back to a former version. Nothing is stubbed.
 */

const cloud = useLocalCloud();
const file = orderFile();
let browser: Browser;

beforeAll(async () => {
  await buildWeb();
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
});

const ended = (page: Page, name: string, seconds: number) =>
  eventually(
    `${name} is over`,
    async () =>
      ['good', 'bad', 'warning'].includes((await stage(page, name).getAttribute('data-tone')) ?? ''),
    seconds,
  );

/** Runs the pipeline to its end; the strip shows the former run's stages until the new one begins. */
async function train(page: Page): Promise<void> {
  await sectionLink(page, 'Pipeline').click();
  await page.getByRole('button', { name: 'Start the run' }).click();
  await page.getByRole('button', { name: 'Running' }).waitFor();
  await page.getByRole('button', { name: 'Start the run' }).waitFor({ timeout: 180_000 });
  // A run that failed says why, here too.
  const failures = await page.locator('.notice.bad').allTextContents();
  expect(failures).toEqual([]);
  await ended(page, 'deployment', 60);
}

/**
 * New versions get all requests at once: a canary's steps last minutes, and its settings are not on the page. Everything
 * else goes to the API as the page sends it.
 */
async function withoutCanary(context: BrowserContext): Promise<void> {
  const canary = { steps: [] };
  const post = (address: RegExp, change: (body: Record<string, unknown>) => object) =>
    context.route(address, async (route) => {
      const request = route.request();
      if (request.method() !== 'POST') return route.continue();
      return route.continue({ postData: JSON.stringify(change(Object(request.postDataJSON()))) });
    });
  await post(/\/pipelines\/configs$/, (body) => ({ ...body, deployment: { canary } }));
  await post(/\/deployments$/, (body) => ({ ...body, settings: { ...Object(body['settings']), canary } }));
}

test('from a dirty file to recommendations, trained again with other cleaning, and back to the first version', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  await withoutCanary(context);
  await signUp(page);

  // The file goes to the storage's origin, not to the page's: what a browser asks before that is answered there.
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByRole('radio', { name: 'In CSV files' }).check();
  await page.getByRole('textbox', { name: 'Name' }).fill('Warenwirtschaft');
  await page
    .getByLabel('Files', { exact: true })
    .setInputFiles({ name: file.name, mimeType: 'text/csv', buffer: file.bytes });
  const sent = page.waitForRequest((request) => request.method() === 'PUT');
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  const put = await sent;
  expect(new URL(put.url()).origin).not.toBe(cloud.urls.web);
  expect(put.headers()['content-type']).toBe('application/octet-stream');
  await panel(page, 'Warenwirtschaft')
    .getByRole('rowheader', { name: file.name })
    .waitFor({ timeout: 60_000 });

  await sectionLink(page, 'Load').click();
  await page.getByRole('button', { name: 'Load now' }).click();
  await ended(page, 'etl', 120);
  expect(await stage(page, 'etl').textContent()).toContain(`${file.lines.toLocaleString('en')} rows`);
  // What did not fit is said with its reason, where the table is.
  expect(await page.getByLabel(`Rejected rows of ${file.name}`, { exact: true }).textContent()).toMatch(
    new RegExp(`too many fields${file.broken} `),
  );
  await page.getByRole('button', { name: `History of ${file.name}` }).click();
  await page.getByLabel(`Runs of ${file.name}`).getByText('succeeded').waitFor();

  await sectionLink(page, 'Data set').click();
  const customer = page.getByLabel('Customer', { exact: true });
  await customer.waitFor();
  expect(await customer.inputValue()).toMatch(/\.Kunden_Nr$/);
  expect(await page.getByLabel('Item’s name (optional)').inputValue()).toMatch(/\.Artikelbezeichnung$/);
  await page.getByRole('button', { name: 'Save the data set' }).click();
  await panel(page, 'Preview').waitFor();

  await train(page);
  expect(await stage(page, 'deployment').getAttribute('data-tone')).toBe('good');
  const out = page.getByLabel('Lines left out');
  expect(await out.textContent()).toContain(`Without a customer${file.withoutCustomer}`);
  expect(await out.textContent()).toContain('Service codes');
  expect(await out.textContent()).not.toContain('Items you left out');

  // Other cleaning, another version.
  await sectionLink(page, 'Try it').click();
  await page.locator('.pick').first().click();
  const offered = panel(page, 'Re-order').locator('li').first();
  await offered.waitFor();
  expect(await offered.textContent()).toContain('Größe "L"');
  const item = (await offered.locator('code').textContent()) ?? '';
  await sectionLink(page, 'Data set').click();
  await page.getByText('leaves out returns, repeats, service codes', { exact: true }).click();
  await page.getByLabel('Items to leave out').fill(`${item}\n`);
  await page.getByRole('button', { name: 'Save the data set' }).click();
  await page.getByText('Saved.').waitFor();
  await train(page);
  expect(await page.getByLabel('Lines left out').textContent()).toContain('Items you left out');

  // Whichever of the two answers now, the other one is put back by its button.
  await sectionLink(page, 'Deployment').click();
  const other = page.getByRole('button', { name: /^Deploy version \d/ });
  const number = /\d/.exec((await other.getAttribute('aria-label')) ?? '')?.[0];
  await other.click();
  await panel(page, 'What answers now')
    .getByText(`Version ${number}`, { exact: true })
    .waitFor({ timeout: 90_000 });
  await eventually(
    'it is live',
    async () => (await stage(page, 'deployment').textContent())?.includes('live') === true,
    60,
  );
  expect(complaints()).toEqual([]);
  await context.close();
}, 480_000);
