import { z } from 'zod';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/*
 * How long a run's work has been failing for reasons that may pass. Each look at the run that fails so is noted, and one
 * that does not fail ends the trouble. What lasts is given up, for a run that can never go on must not look alive.
 */

/** Trouble is given up once so many looks in a row have failed … */
export const TROUBLE_LOOKS = 5;
/** … and the first of them lies so far back, so that messages that come quickly one after the other do not decide it. */
export const TROUBLE_SECONDS = 600;

const Trouble = z.object({ looks: z.int(), since: z.number() });

/** Notes that a look at `run` failed. @returns whether it has failed too often and for too long to be tried again. */
export async function noteTrouble(store: Pick<Store, 'db' | 'clock'>, run: string): Promise<boolean> {
  const path = paths.trouble(run);
  const found = await store.db.get(path);
  const former = found === null ? { looks: 0, since: store.clock() } : Trouble.parse(found.data);
  const trouble = { ...former, looks: former.looks + 1 };
  await store.db.commit([{ kind: 'set', path, data: trouble }]);
  return trouble.looks >= TROUBLE_LOOKS && store.clock() - trouble.since >= TROUBLE_SECONDS * 1000;
}

/** A look at `run` did not fail: what was noted is forgotten. */
export async function endTrouble(store: Pick<Store, 'db'>, run: string): Promise<void> {
  const path = paths.trouble(run);
  if ((await store.db.get(path)) !== null) await store.db.commit([{ kind: 'delete', path }]);
}
