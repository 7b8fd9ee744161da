import type { Browser } from 'playwright-core';
import { createInvitation, listMembers } from '#core/api/members';
import { createTenant } from '#core/api/tenants';
import { buildWeb } from '#scripts/start/web';
import { signUpPerson } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openBrowser, openPage } from '#tests/web/browser';

const { urls, env, projectId } = useLocalCloud();
let browser: Browser;
beforeAll(async () => {
  await buildWeb();
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
});

/** The link in the mail that the sign-in service's emulator would have sent. */
async function confirmationLink(email: string): Promise<string> {
  return eventually('the confirmation mail', async () => {
    const response = await fetch(
      `http://${env['FIREBASE_AUTH_EMULATOR_HOST']}/emulator/v1/projects/${projectId}/oobCodes`,
    );
    // The emulator's own list of the codes it has made.
    const { oobCodes } = (await response.json()) as { oobCodes: { email: string; oobLink: string }[] };
    return oobCodes.find((one) => one.email === email)?.oobLink ?? null;
  });
}

test('an invitation’s link: signed up on the way, the address confirmed, joined', async () => {
  const owner = await signUpPerson();
  const tenant = (await owner.call(createTenant, { body: { name: 'Nordwerk' } })).id;
  const email = `${crypto.randomUUID()}@example.com`;
  const { link } = await owner.call(createInvitation, {
    params: { tenant },
    body: { email, role: 'editor' },
  });

  const { page, context, complaints } = await openPage(browser, urls.web);
  await page.goto(link);
  await page.getByRole('button', { name: 'Create an account' }).click();
  // The token is neither in the address nor in what the sign-in page was told.
  expect(page.url()).not.toContain('twi_');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill('a few good words');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Join a company' }).waitFor();
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByText('Your e-mail address is not confirmed yet.').waitFor();
  expect(complaints().filter((one) => !one.includes('status of 403'))).toEqual([]);
  await page.getByRole('button', { name: 'Send the confirmation mail' }).click();
  await page.getByText('on its way').waitFor();
  await fetch(await confirmationLink(email));

  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('link', { name: 'Nordwerk' }).waitFor();
  expect(new URL(page.url()).pathname).toBe(`/t/${tenant}`);
  const { items } = await owner.call(listMembers, { params: { tenant }, query: { role: 'editor' } });
  expect(items).toMatchObject([{ email }]);
  await context.close();
});
