import type { ContainerPlatform } from '#cloud/run';
import { ConflictError } from '#cloud/firestore';
import { toEnvironment } from '#core/container-env';
import { EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { mustRead, update } from '#store/document';
import { tenantKeyOf } from '#store/seal';
import type { Store } from '#store/store';
import { planTasks } from './plan.ts';
import { type RunKey, runPath } from './run-key.ts';
import { enabledTables } from './tables.ts';

const JOB = 'etl-runner';

/** What starts containers, and the key that opens the tenant's own: the container is given only the latter. */
export interface Starter {
  readonly containers: Pick<ContainerPlatform, 'startJob'>;
  readonly installationKey: Uint8Array;
}

/**
 * Starts the container that does the run, if that has been started `attempts` times and no more. Called twice, or by two
 * at once, one starts it; and should two containers ever run, only one holds the lease.
 */
export async function startExecution(
  store: Store,
  { containers, installationKey }: Starter,
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
    const tenantKey = await tenantKeyOf(store, installationKey, key.tenant);
    executor = await containers.startJob(JOB, {
      env: toEnvironment({
        TRADEWIND_TENANT: key.tenant,
        TRADEWIND_MODEL: key.model,
        TRADEWIND_RUN: key.run,
        TRADEWIND_TENANT_KEY: Buffer.from(tenantKey).toString('base64'),
      }),
      tasks: planTasks(tables.map((table) => table.estimatedRows)),
    });
  } catch (error) {
    // Nothing was started: the message's next try may. Dying here instead leaves it to the watch.
    await update(store, path, EtlRun, 'run', () => ({ attempts }));
    throw error;
  }
  await update(store, path, EtlRun, 'run', () => ({ executor }));
}
