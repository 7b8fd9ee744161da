import type { Scheduler } from '#cloud/scheduler';
import { toError } from '#core/errors';
import { toMoment } from '#core/ids';
import type { Log } from '#runtime/log';
import { purgeDeleted } from '#store/resource';
import type { Store } from '#store/store';
import { fireByClock } from './fire.ts';
import { followMarked, reconcile } from './follow.ts';
import { keyOfPath } from './key.ts';
import { settleFirings } from './settle.ts';

/** What Cloud Scheduler has not woken by then, the watch wakes. */
export const GRACE_MINUTES = 3;

/** A look over every schedule and every job this often: it reads them all. */
const RECONCILE_MINUTES = 10;

/** Schedules woken in one tick; the others by the next. */
const MOST = 200;
const AT_ONCE = 20;

/**
 * One tick: Cloud Scheduler hears of changes whose process died, schedules that it did not wake are woken, firings learn
 * what became of their runs. Each part is done whatever becomes of the others.
 */
export async function watchSchedules(store: Store, scheduler: Scheduler, log: Log): Promise<void> {
  await attempt(log, 'follow', () => followMarked(store, scheduler, log));
  await attempt(log, 'overdue', () => fireOverdue(store, log));
  await attempt(log, 'settle', () => settleFirings(store, log));
  if (Math.floor(store.clock() / 60_000) % RECONCILE_MINUTES !== 0) return;
  await attempt(log, 'reconcile', () => reconcile(store, scheduler, log));
  await attempt(log, 'purge', () => purgeSchedules(store));
}

/** Fires the schedules whose time came and which nobody woke: no occasion is lost with a message. */
export async function fireOverdue(store: Store, log: Log): Promise<void> {
  const at = store.clock() - GRACE_MINUTES * 60_000;
  const overdue = await store.db.listGroup('schedules', {
    where: [
      ['nextDue', '<=', toMoment(at)],
      ['nextDue', '>', ''],
    ],
    orderBy: ['nextDue', 'asc'],
    limit: MOST,
  });
  for (let from = 0; from < overdue.length; from += AT_ONCE)
    await Promise.all(
      overdue.slice(from, from + AT_ONCE).map(async ({ path }) => {
        const key = keyOfPath(path);
        if (key === null) return;
        log.warn('a schedule was not woken in time', { path });
        await attempt(log, path, () => fireByClock(store, key, at));
      }),
    );
}

/** Removes what was deleted longer ago than it can be restored, its history with it. */
async function purgeSchedules(store: Store): Promise<void> {
  await purgeDeleted(store, 'schedules', async ({ path }) => {
    await store.db.deleteTree(path);
    return true;
  });
}

async function attempt(log: Log, part: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error('a part of the schedules’ watch failed', { part, error: toError(error).message });
  }
}
