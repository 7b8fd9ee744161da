import { ConnectionTest, connectionTestCycle } from '#core/connection-test';
import { isFinal } from '#core/life-cycle';
import { read } from '#store/document';
import { listWatched, type Watched } from '#store/exclusive';
import type { Store } from '#store/store';
import { failTest } from './run.ts';

/** A test is done in 45 s or has died; twice that and a margin. */
const STALE_SECONDS = 120;

/**
 * Fails the tests whose process died, and those never taken up. One that cannot be looked after keeps no other waiting;
 * its error is thrown when all have been.
 */
export async function failStaleTests(store: Store): Promise<void> {
  const errors: unknown[] = [];
  for (const watched of await listWatched(store, 'connection-test')) {
    try {
      await failIfStale(store, watched);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

async function failIfStale(store: Store, { path, tenant, model, id }: Watched): Promise<void> {
  const found = await read(store, path, ConnectionTest);
  if (found === null || isFinal(connectionTestCycle, found.value.status)) return;
  if (store.clock() - Date.parse(found.value.createdAt) < STALE_SECONDS * 1000) return;
  await failTest(
    store,
    { tenant, model, test: id },
    {
      code: 'test-lost',
      message: `The test was ${found.value.status} for over ${STALE_SECONDS} seconds: its process has ended.`,
      remedy: 'Test again.',
    },
  );
}
