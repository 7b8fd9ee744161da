import type { Failure } from '#core/errors';
import { toError } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { Firing, firingCycle } from '#core/schedule';
import type { Log } from '#runtime/log';
import { read, transition } from '#store/document';
import { listWatched, type Watched } from '#store/exclusive';
import { now, type Store } from '#store/store';
import { readStartRefusal } from '#store/triggered-run';
import { fireRetry } from './fire.ts';

/** A start message is tried for ten minutes; a run that is not there well after that does not come. */
export const START_MINUTES = 20;

/** Sees which firings' runs have started, and which never will. */
export async function settleFirings(store: Store, log: Log): Promise<void> {
  for (const watched of await listWatched(store, 'firing')) {
    try {
      await settle(store, watched);
    } catch (error) {
      log.warn('a firing could not be looked after', { path: watched.path, error: toError(error).message });
    }
  }
}

async function settle(store: Store, { tenant, model, path }: Watched): Promise<void> {
  const found = await read(store, path, Firing);
  const run = found?.value.run ?? null;
  if (found?.value.status === 'waiting') {
    await fireRetry(store, { tenant, model, schedule: found.value.schedule }, found.value.id);
    return;
  }
  if (found === null || run === null) {
    await store.db.commit([{ kind: 'delete', path: paths.watched(path) }]);
    return;
  }
  const runPath = (run.kind === 'etl' ? paths.etlRun : paths.pipelineRun)(tenant, model, run.id);
  if ((await store.db.get(runPath)) !== null) {
    const schedule = paths.schedule(tenant, model, found.value.schedule);
    await transition(store, path, Firing, firingCycle, 'start', {
      writes: () => [{ kind: 'update', path: schedule, data: { lastRun: run } }],
    });
    return;
  }
  const refusal = await readStartRefusal(store, tenant, model, run.id);
  const reason = refusal ?? (isLost(found.value, store.clock()) ? NEVER_CAME : null);
  if (reason === null) return;
  await transition(store, path, Firing, firingCycle, 'skip', {
    patch: () => ({ run: null, reason: { ...reason }, concludedAt: now(store) }),
    announcements: ({ id, schedule }) => [
      announce('schedule-concluded', { tenant, model, schedule, firing: id }),
    ],
  });
}

/** Of a try that waited, counted from when it was asked for. */
function isLost({ createdAt, dueAt }: Firing, clock: number): boolean {
  return clock - Date.parse(dueAt ?? createdAt) > START_MINUTES * 60_000;
}

const NEVER_CAME: Failure = {
  code: 'not-started',
  message: 'The run was asked for and did not start; another one may have been active at that moment.',
  remedy: 'Run it now, and look at what the answer says.',
};
