import type { Locator, Page } from 'playwright-core';

/** Signs up somebody new with a company and a model, all by the pages; ends on the model's sources. */
export async function signUp(page: Page): Promise<{ tenant: string; model: string }> {
  await page.goto('/');
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByLabel('E-mail').fill(`${crypto.randomUUID()}@example.com`);
  await page.getByLabel('Password').fill('a few good words');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('textbox', { name: 'Company' }).fill('Nordwerk');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'New model' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Trade customers');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('No source yet').waitFor();
  const [, , tenant = '', , model = ''] = new URL(page.url()).pathname.split('/');
  return { tenant, model };
}

/** A stage of the strip, by its name in lower case. */
export const stage = (page: Page, name: string): Locator => page.locator(`[data-stage="${name}"]`);

/** The link to a section of the model's page. */
export const sectionLink = (page: Page, name: string): Locator =>
  page.getByRole('navigation').getByRole('link', { name, exact: true });

/** A titled part of the page. */
export const panel = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });
