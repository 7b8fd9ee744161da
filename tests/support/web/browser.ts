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

/**
 * Whether a console error is one of the two that Firestore's client causes when the emulator has dropped the session of a
 * listen channel, as it does when the machine is busy: the emulator's 400, and then the client's own question whether there
 * is a network at all, an image at Google that the policy does not let through. The client opens another session and goes
 * on; what a page shows after it is looked at by the tests themselves.
 */
function isLostListenSession(text: string): boolean {
  return (
    (text.includes('status of 400') && text.includes('/google.firestore.v1.Firestore/Listen/channel?')) ||
    text.startsWith("Loading the image 'https://www.google.com/images/cleardot.gif?")
  );
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
    const text = `${message.text()} (${message.location().url})`;
    if (message.type() === 'error' && !isLostListenSession(text)) said.push(text);
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
