import type { Browser, Page } from 'playwright-core';
import { buildWeb } from '#scripts/start/web';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { accessibilityFaults, overflow } from '#tests/web/accessibility';
import { openBrowser, openPage, type WatchedPage } from '#tests/web/browser';
import { panel, sectionLink, signUp, stage } from '#tests/web/pages';
import { openRecords, recordsOf } from '#tests/web/records';
import { answerAsRecommender, loseRecommender, STUB_URL } from '#tests/web/stub-recommender';

/*
 * The pages in a real browser, on the real functions, Auth and Firestore. Runs are put into Firestore as the functions
 * would write them, so that each state can be seen; the recommender answers at the wire.
 */

const cloud = useLocalCloud();
let browser: Browser;
const records = openRecords(cloud.projectId);

beforeAll(async () => {
  await buildWeb();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await records.close();
});

test('signing in: sent there and back, a wrong password says so, a foreign address is not followed', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  expect(complaints()).toEqual([]);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto(`/t/${tenant}/m/${model}/load`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(new URL(page.url()).searchParams.get('next')).toBe(`/t/${tenant}/m/${model}/load`);

  await page.getByLabel('E-mail').fill('nobody@example.com');
  await page.getByLabel('Password').fill('not the password');
  await page.keyboard.press('Enter');
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toContain('E-mail and password do not match.');
  expect(await page.getByLabel('E-mail').inputValue()).toBe('nobody@example.com');

  await page.goto('/sign-in?next=//evil.example.com');
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByLabel('E-mail').fill(`${crypto.randomUUID()}@example.com`);
  await page.getByLabel('Password').fill('a few good words');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Name your company' }).waitFor();
  expect(new URL(page.url()).origin).toBe(cloud.urls.web);
  // Another company's model is no page at all for somebody who is no member.
  await page.goto(`/t/${tenant}/m/${model}`);
  await page.getByText('There is no such page.').waitFor();
  await context.close();
});

test('the stage strip moves while the run does, without anybody reloading', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  const of = recordsOf(tenant, model);
  const toneOf = (name: string) => stage(page, name).getAttribute('data-tone');
  const becomes = (name: string, tone: string, text: string) =>
    eventually(`${name} is ${tone}: ${text}`, async () => {
      const said = await stage(page, name).textContent();
      return (await toneOf(name)) === tone && said?.includes(text) === true;
    });
  const loads: string[] = [];
  page.on('framenavigated', (frame) => loads.push(frame.url()));

  expect(await toneOf('source')).toBe('idle');
  await records.put(of.paths.source, of.source);
  await becomes('source', 'good', '1 source');
  await records.put(of.paths.etl, of.etl('extracting', 0));
  await becomes('etl', 'running', 'extracting');
  await records.put(of.paths.etl, of.etl('succeeded', 120_000));
  await becomes('etl', 'good', '120,000 rows');
  await records.put(of.paths.pipeline, of.pipeline('running', ['succeeded', 'running']));
  await becomes('extraction', 'good', '118,200 lines');
  await becomes('vocabulary', 'running', 'running');
  await records.put(of.paths.pipeline, of.pipeline('running', ['succeeded', 'succeeded', 'running']));
  await becomes('training', 'running', 'running');
  // People who do not see the strip hear it.
  await eventually('it is announced', async () =>
    (await page.locator('output[aria-live]').textContent())?.includes('Training: running'),
  );
  await records.put(of.paths.deployment, of.deployment('verifying', STUB_URL));
  await becomes('deployment', 'running', 'verifying');
  await records.put(of.paths.deployment, of.deployment('live', STUB_URL));
  await becomes('deployment', 'good', 'live');

  expect(loads).toEqual([]);
  expect(complaints()).toEqual([]);
  await context.close();
});

test('try it: a customer, what was bought, both slots with names and reasons, similar items and a basket', async () => {
  const { page, context, complaints } = await openPage(browser, cloud.urls.web);
  await answerAsRecommender(context);
  const { tenant, model } = await signUp(page);
  const of = recordsOf(tenant, model);
  await sectionLink(page, 'Try it').click();
  await page.getByText('Nothing answers yet').waitFor();
  await records.put(of.paths.deployment, of.deployment('live', STUB_URL));

  await page.getByRole('button', { name: /Van Dijk Bouw/ }).waitFor();
  await page.getByLabel('Find by key or name').fill('nord');
  await page.getByRole('button', { name: /Van Dijk Bouw/ }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /Nordwerk GmbH/ }).click();
  await panel(page, 'Discover').getByText('Washer M8').waitFor();
  expect(await panel(page, 'Discover').textContent()).toContain('Because you bought Hex bolt M8 (12 times)');
  expect(await panel(page, 'Re-order').textContent()).toContain('Hex bolt M8 × 40');
  expect(await panel(page, 'Bought most').textContent()).toContain('12 orders, 4,800 in all');
  // The address holds the choice.
  expect(new URL(page.url()).searchParams.get('customer')).toBe('1001');

  await page.getByRole('button', { name: 'Similar to Washer M8' }).click();
  await panel(page, 'Similar to Washer M8').getByText('Angle grinder disc').waitFor();
  await page.getByLabel('Item keys').fill('HB-M8-40, WA-M8');
  await page.getByRole('button', { name: 'What goes with it?' }).click();
  await panel(page, 'Basket').getByText('Bought together with').first().waitFor();
  expect(complaints()).toEqual([]);
  await context.close();
});

test('a failed load says why and what to do; a recommender that is gone can be asked again', async () => {
  const { page, context } = await openPage(browser, cloud.urls.web);
  const { tenant, model } = await signUp(page);
  const of = recordsOf(tenant, model);
  await records.put(of.paths.etl, of.etl('failed', 0));
  await sectionLink(page, 'Load').click();
  await page.getByText('db.example.com:5432 does not answer.').waitFor();
  await page.getByText('Check the firewall.').waitFor();

  await loseRecommender(context);
  await records.put(of.paths.deployment, of.deployment('live', STUB_URL));
  await sectionLink(page, 'Try it').click();
  const alert = page.getByRole('alert').first();
  await alert.waitFor();
  expect(await alert.textContent()).toContain('The server cannot be reached.');
  await alert.getByRole('button', { name: 'Try again' }).waitFor();
  await context.close();
});

/** A table whose name is longer than a small screen is wide. */
const LONG_ALIAS = 'customers_of_all_branches_2019';
const LONG = {
  id: 'tlong',
  name: `public.${LONG_ALIAS}_from_the_system_before_the_last`,
  destination: `erp__public_${LONG_ALIAS}`,
};

describe.each([
  ['360 pixels, dark', { width: 360, dark: true }],
  ['1280 pixels, light', { width: 1280, dark: false }],
])('every page at %s', (_, size) => {
  test('is free of accessibility faults, fits its window and keeps to the security policy', async () => {
    const watched = await openPage(browser, cloud.urls.web, size);
    const { page, context } = watched;
    await answerAsRecommender(context);
    await page.goto('/sign-in');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const faults = await faultsOf(watched, 'sign-in');
    const { tenant, model } = await signUp(page);
    faults.push(...(await faultsOf(watched, 'sources, empty')));
    await page.getByRole('button', { name: 'Add a source' }).click();
    faults.push(...(await faultsOf(watched, 'add a source')));
    await page.getByRole('radio', { name: 'In CSV files' }).check();
    faults.push(...(await faultsOf(watched, 'add files')));
    for (const name of ['Overview', 'Load', 'Automation', 'Data set', 'Pipeline', 'Deployment', 'Try it'])
      faults.push(...(await faultsAt(watched, name, `${name}, empty`)));

    const of = recordsOf(tenant, model);
    await records.put(of.paths.source, of.source);
    await records.put(
      of.paths.table('torderlines'),
      of.table('order_lines', 'order_no INT64, customer_no INT64, sku STRING, ordered_at TIMESTAMP'),
    );
    await records.put(of.paths.table('tlong'), {
      ...of.table('customers', 'customer_no INT64, changed_at TIMESTAMP'),
      ...LONG,
      mode: 'merge',
      key: ['customer_no'],
    });
    await records.put(of.paths.etlTable, {
      ...of.etlTable('succeeded', 120_000),
      counts: { rows: 120_000, bytes: 2_400_000, rejected: { 'field-count': 12, 'not-int64': 300 } },
    });
    await records.put(of.paths.etl, of.etl('succeeded', 120_000));
    await records.put(of.paths.dataset, {
      ...of.dataset,
      tables: [...of.dataset.tables, { alias: LONG_ALIAS, destination: LONG.destination }],
      joins: [
        {
          left: { table: 'order_lines', column: 'customer_no' },
          right: { table: LONG_ALIAS, column: 'customer_no' },
        },
      ],
    });
    await records.put(of.paths.version, of.version);
    await records.put(
      of.paths.pipeline,
      of.pipeline('succeeded', ['succeeded', 'succeeded', 'succeeded', 'succeeded']),
    );
    await records.put(of.paths.deployment, of.deployment('live', STUB_URL));
    await stage(page, 'deployment').getByText('live').waitFor();
    for (const name of [
      'Overview',
      'Sources',
      'Load',
      'Automation',
      'Data set',
      'Pipeline',
      'Deployment',
      'Try it',
    ])
      faults.push(...(await faultsAt(watched, name, name)));
    await page.goto('/help/errors/no-tables');
    await page.getByRole('heading', { level: 1 }).waitFor();
    faults.push(...(await faultsOf(watched, 'what a code means')));
    await page.goto(`/t/${tenant}`);
    await page.getByRole('link', { name: /Trade customers/ }).waitFor();
    faults.push(...(await faultsOf(watched, 'models')));
    expect(faults).toEqual([]);
    await context.close();
  });
});

/** What there is to open on a page, so that it is looked at too. */
const OPEN: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  'Data set': async (page) => {
    for (const part of ['Tables', 'Cleaning']) await page.locator('summary', { hasText: part }).click();
  },
  Overview: async (page) => {
    for (const part of ['activity', 'segment'])
      await page.locator('summary', { hasText: `By customers’ ${part}` }).click();
  },
  Load: async (page) => {
    await page.getByRole('button', { name: 'History of public.order_lines' }).click();
    await page.getByLabel('Runs of public.order_lines').waitFor();
  },
  Sources: async (page) => {
    await page.getByRole('button', { name: 'Change the password' }).click();
    for (const part of ['Key: customer_no', 'All columns'])
      await page.locator('summary', { hasText: part }).last().click();
  },
};

async function faultsAt(watched: WatchedPage, link: string, name: string): Promise<string[]> {
  await sectionLink(watched.page, link).click();
  await watched.page.locator('.skeleton').first().waitFor({ state: 'detached' });
  // What is named like its link is full.
  if (name === link) await OPEN[link]?.(watched.page);
  return faultsOf(watched, name);
}

async function faultsOf({ page, complaints }: WatchedPage, name: string): Promise<string[]> {
  const wide = await overflow(page);
  const faults = [
    ...(await accessibilityFaults(page)),
    ...complaints(),
    ...(wide > 0 ? [`${wide} pixels too wide`] : []),
  ];
  return faults.map((fault) => `${name}: ${fault}`);
}

test('the whole way from sign-in to a model by keyboard alone', async () => {
  const { page, context } = await openPage(browser, cloud.urls.web);
  await page.goto('/sign-in');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
  const focus = async (name: string) => {
    for (let presses = 0; presses < 30; presses++) {
      const found = await page.evaluate(() => {
        const element = document.activeElement;
        const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : null;
        return label ?? element?.textContent ?? '';
      });
      if (found === name) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`“${name}” was not reached by Tab`);
  };
  await focus('Create an account');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Create an account' }).waitFor();
  await page.locator('main').focus();
  await focus('E-mail');
  await page.keyboard.type(`${crypto.randomUUID()}@example.com`);
  await focus('Password');
  await page.keyboard.type('a few good words');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Name your company' }).waitFor();
  await focus('Company');
  await page.keyboard.type('Keyboard Ltd');
  await page.keyboard.press('Enter');
  await page.getByText('No model yet').waitFor();
  await focus('New model');
  await page.keyboard.press('Enter');
  await focus('Name');
  await page.keyboard.type('By keys');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'By keys' }).waitFor();
  await context.close();
});
