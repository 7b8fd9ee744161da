import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalCloud } from '#scripts/local/cloud';
import type { LocalCloud } from '#scripts/local/cloud';

/**
 * One local cloud for a whole jest run, shared by every project that asks for it: started by `setup` before the tests,
 * ended by `teardown` after them. Tests keep apart by each using a tenant of its own.
 */

/** What a test may know of the shared cloud; the clients find it by `process.env`. */
export type SharedCloud = Pick<LocalCloud, 'projectId' | 'location' | 'env' | 'urls' | 'ports'> & {
  /** Where its state and logs are. */
  readonly stateDir: string;
};

const VARIABLE = 'TRADEWIND_TEST_CLOUD';

interface Held {
  users: number;
  readonly cloud: Promise<LocalCloud>;
  readonly stateDir: string;
}
/** Kept on the global object: jest loads this file once for each project it sets up. */
const holder = globalThis as typeof globalThis & { tradewindTestCloud?: Held };

/** Starts the shared cloud, or counts one more user of it. Call it from a jest globalSetup. */
export async function setup(): Promise<void> {
  const held = (holder.tradewindTestCloud ??= begin());
  held.users += 1;
  const { projectId, location, env, urls, ports } = await held.cloud;
  const shared: SharedCloud = { projectId, location, env, urls, ports, stateDir: held.stateDir };
  // The workers that run the tests are started later and inherit it.
  Object.assign(process.env, env, { [VARIABLE]: JSON.stringify(shared) });
}

/** Ends the shared cloud when its last user is done. Call it from a jest globalTeardown. */
export async function teardown(): Promise<void> {
  const held = holder.tradewindTestCloud;
  if (held === undefined) return;
  held.users -= 1;
  if (held.users > 0) return;
  delete holder.tradewindTestCloud;
  await (await held.cloud).stop();
  rmSync(held.stateDir, { recursive: true, force: true, maxRetries: 5 });
}

/** The shared cloud. @throws Error when the test's project does not set it up (see jest.config.mjs). */
export function useLocalCloud(): SharedCloud {
  const shared = process.env[VARIABLE];
  if (shared === undefined)
    throw new Error(
      `${VARIABLE} is not set: this suite needs globalSetup tests/support/local-cloud-setup.ts in jest.config.mjs`,
    );
  return JSON.parse(shared) as SharedCloud; // written by setup
}

function begin(): Held {
  const stateDir = mkdtempSync(join(tmpdir(), 'tradewind-tests-'));
  const cloud = startLocalCloud({
    stateDir,
    // The databases that tests start listen here.
    env: { TRADEWIND_ALLOWED_HOSTS: '127.0.0.1,localhost', TRADEWIND_OUTBOUND_ADDRESSES: '203.0.113.7' },
    onProgress: ({ piece, state, detail }) => {
      if (state !== 'ready') process.stderr.write(`local cloud: ${piece} ${state}: ${detail}\n`);
    },
  });
  return { users: 0, cloud, stateDir };
}
