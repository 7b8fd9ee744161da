import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLocalCloud } from '#scripts/local/cloud';
import type { LocalCloud, LocalCloudOptions } from '#scripts/local/cloud';

/** A folder with a few tiny functions, a job and a service; what the local cloud runs in its own tests. */
export const FIXTURE_ROOT = fileURLToPath(new URL('fixtures/cloud', import.meta.url));

/** A folder for one test's state, removed by `forget`. */
export function temporaryFolder(): { path: string; forget: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'tradewind-test-'));
  return { path, forget: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A local cloud of the fixture functions; no ticks, and dead letters as soon as Pub/Sub allows. */
export function startFixtureCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  return startLocalCloud({ root: FIXTURE_ROOT, tickSeconds: 0, maxDeliveries: 5, ...options });
}

/** The JSON lines of a file so far; none where it does not exist yet. */
export function readNotes(file: string): Record<string, unknown>[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>); // the fixtures write objects
}

/** Whether a process is there (a zombie is not). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '');
  } catch {
    return false;
  }
}
