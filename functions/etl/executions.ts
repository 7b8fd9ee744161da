import type { ContainerPlatform } from '#cloud/run';
import { ConflictError } from '#cloud/firestore';
import { EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { mustRead, update } from '#store/document';
import type { Store } from '#store/store';
import { planTasks } from './plan.ts';
import { type RunKey, runPath } from './run-key.ts';
import { enabledTables } from './tables.ts';

const JOB = 'etl-runner';

/**
 * Starts the container that does the run, if that has been started `attempts` times and no more. Called twice, or by two
 * at once, one starts it; and should two containers ever run, only one holds the lease.
 */
export async function startExecution(
  store: Store,
  containers: Pick<ContainerPlatform, 'startJob'>,
  key: RunKey,
  attempts: number,
): Promise<void> {
  const path = runPath(key);
  const run = await mustRead(store, path, EtlRun, 'run');
  if (isFinal(etlCycle, run.value.status) || run.value.attempts !== attempts) return;
  try {
    // Counting the attempt is what two starters compete for.
    await store.db.commit([{ kind: 'update', path, data: { attempts: attempts + 1 }, version: run.version }]);
  } catch (error) {
    if (error instanceof ConflictError) return;
    throw error;
  }
  let executor: string;
  try {
    const tables = await enabledTables(store, key);
    executor = await containers.startJob(JOB, {
      env: { TRADEWIND_TENANT: key.tenant, TRADEWIND_MODEL: key.model, TRADEWIND_RUN: key.run },
      tasks: planTasks(tables.map((table) => table.estimatedRows)),
    });
  } catch (error) {
    // Nothing was started: the message's next try may. Dying here instead leaves it to the watch.
    await update(store, path, EtlRun, 'run', () => ({ attempts }));
    throw error;
  }
  await update(store, path, EtlRun, 'run', () => ({ executor }));
}
