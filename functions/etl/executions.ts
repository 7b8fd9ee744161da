import type { ContainerPlatform } from '#cloud/run';
import { ConflictError } from '#cloud/firestore';
import { toEnvironment } from '#core/container-env';
import { EtlRun, etlCycle } from '#core/etl-run';
import type { InstallationKeys } from '#core/installation-keys';
import { isFinal } from '#core/life-cycle';
import { mustRead, update } from '#store/document';
import { formatTenantKeys, tenantKeysOf } from '#store/tenant-keys';
import { now, type Store } from '#store/store';
import { currentTrace } from '#store/trace';
import { planTasks } from './plan.ts';
import { type RunKey, runPath } from './run-key.ts';
import { tablesToLoad } from './tables.ts';

const JOB = 'etl-runner';

/** What starts containers, and the keys that open the tenant's own: the container is given only the latter. */
export interface Starter {
  readonly containers: Pick<ContainerPlatform, 'startJob' | 'cancelExecution'>;
  readonly installationKeys: InstallationKeys;
}

/**
 * Starts the container that does the run, if that has been started `attempts` times and no more. Called twice, or by two
 * at once, one starts it; and should two containers ever run, only one holds the lease. A run that waits for another, or
 * is to end, is left alone; one whose end was asked for meanwhile has its container stopped.
 */
export async function startExecution(
  store: Store,
  { containers, installationKeys }: Starter,
  key: RunKey,
  attempts: number,
): Promise<void> {
  const path = runPath(key);
  const run = await mustRead(store, path, EtlRun, 'run');
  const { status, waitsFor, cancelRequestedAt, only, requestId } = run.value;
  if (isFinal(etlCycle, status) || run.value.attempts !== attempts) return;
  if (waitsFor !== null || cancelRequestedAt !== null) return;
  try {
    // Counting the attempt is what two starters compete for.
    const data = { attempts: attempts + 1, askedAt: now(store) };
    await store.db.commit([{ kind: 'update', path, data, version: run.version }]);
  } catch (error) {
    if (error instanceof ConflictError) return;
    throw error;
  }
  let executor: string;
  try {
    const tables = await tablesToLoad(store, key, only);
    const tenantKeys = await tenantKeysOf(store, installationKeys, key.tenant);
    executor = await containers.startJob(JOB, {
      env: toEnvironment({
        ...requestOf(requestId),
        TRADEWIND_TENANT: key.tenant,
        TRADEWIND_MODEL: key.model,
        TRADEWIND_RUN: key.run,
        TRADEWIND_TENANT_KEYS: formatTenantKeys(tenantKeys),
      }),
      tasks: planTasks(tables.map((table) => table.estimatedRows)),
    });
  } catch (error) {
    // Nothing was started: the message's next try may. Dying here instead leaves it to the watch. Where somebody else has
    // counted since, because this process stood still, their count stays.
    await update(store, path, EtlRun, 'run', (current) =>
      current.attempts === attempts + 1 ? { attempts, askedAt: run.value.askedAt } : {},
    );
    throw error;
  }
  const started = await update(store, path, EtlRun, 'run', (current) => ({
    executor,
    executions: current.executions + 1,
    // Where two were started after all, whoever ends the run must find both.
    formerExecutors:
      current.executor === null ? current.formerExecutors : [...current.formerExecutors, current.executor],
  }));
  if (started.cancelRequestedAt !== null || isFinal(etlCycle, started.status))
    await containers.cancelExecution(executor);
}

/** The request that the container's lines are told under; a watch that starts it again knows only the run's own. */
function requestOf(requestId: string | null): { TRADEWIND_REQUEST_ID?: string } {
  const known = requestId ?? currentTrace()?.requestId;
  return known === undefined ? {} : { TRADEWIND_REQUEST_ID: known };
}
