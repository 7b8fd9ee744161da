import { ConnectionTest, connectionTestCycle } from '#core/connection-test';
import { isFinal } from '#core/life-cycle';
import { read } from '#store/document';
import { listWatched } from '#store/exclusive';
import type { Store } from '#store/store';
import { failTest } from './run.ts';

/** A test is done in 45 s or has died; twice that and a margin. */
const STALE_SECONDS = 120;

/** Fails the tests whose process died, and those never taken up. */
export async function failStaleTests(store: Store): Promise<void> {
  for (const { path, tenant, model, id } of await listWatched(store, 'connection-test')) {
    const found = await read(store, path, ConnectionTest);
    if (found === null || isFinal(connectionTestCycle, found.value.status)) continue;
    if (store.clock() - Date.parse(found.value.createdAt) < STALE_SECONDS * 1000) continue;
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
}
