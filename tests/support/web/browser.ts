import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Opens a headless Chromium: `CHROMIUM_PATH`, else where systems put it. @throws Error with the command that installs one. */
export async function openBrowser(): Promise<Browser> {
  const candidates = [process.env['CHROMIUM_PATH'] ?? '', ...USUAL];
  const executablePath = candidates.find((path) => path !== '' && existsSync(path));
  if (executablePath === undefined)
    throw new Error(
      `No Chromium at ${candidates.filter(Boolean).join(', ')}. Install it (apt-get install chromium) or set CHROMIUM_PATH.`,
    );
  return chromium.launch({
    executablePath,
    // No sandbox: tests also run as root in containers. The rest keeps it from calling home.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page that remembers what went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors, uncaught errors and violations of the security policy since the last call. */
  readonly complaints: () => string[];
}

/** A fresh page of `width` × 900 pixels on the site at `baseURL`. */
export async function openPage(
  browser: Browser,
  baseURL: string,
  { width = 1280, dark = false }: { readonly width?: number; readonly dark?: boolean } = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    baseURL,
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    // axe is injected by the tests; the policy itself is tested on what the server sends.
    bypassCSP: false,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  let said: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') said.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => said.push(error.message));
  return {
    page,
    context,
    complaints: () => {
      const all = said;
      said = [];
      return all;
    },
  };
}
