import { ConflictError } from '#cloud/firestore';
import { EtlRun, etlCycle } from '#core/etl-run';
import { announce } from '#core/events';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { read } from '#store/document';
import { commitChange, now, type Store } from '#store/store';
import type { RunKey } from './run-key.ts';

/**
 * Starts the run of the model that waits, if one does and none is active. Called at each run's end and by the watch; of
 * several callers one starts it, the others find nothing to do.
 */
export async function startWaiting(
  store: Store,
  { tenant, model }: Pick<RunKey, 'tenant' | 'model'>,
): Promise<void> {
  const lock = paths.lock(tenant, model, 'etl');
  const waiting = await store.db.get(paths.waiting(tenant, model, 'etl'));
  if (waiting === null || (await store.db.get(lock)) !== null) return;
  const id = String(waiting.data['run']);
  const found = await read(store, paths.etlRun(tenant, model, id), EtlRun);
  if (found === null || isFinal(etlCycle, found.value.status)) return;
  try {
    await commitChange(store, {
      writes: [
        { kind: 'create', path: lock, data: { run: id } },
        { kind: 'delete', path: waiting.path, version: waiting.version },
        {
          kind: 'update',
          path: found.path,
          data: { waitsFor: null, begunAt: now(store) },
          version: found.version,
        },
      ],
      announcements: [announce('etl-requested', { tenant, model, run: id })],
    });
  } catch (error) {
    // Another run began first, or somebody else starts this one.
    if (!(error instanceof ConflictError)) throw error;
  }
}
