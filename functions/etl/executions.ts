import type { ContainerPlatform } from '#cloud/run';
import { ConflictError } from '#cloud/firestore';
import { toEnvironment } from '#core/container-env';
import { TransientError } from '#core/errors';
import { EtlRun, etlCycle, executionsOf } from '#core/etl-run';
import type { InstallationKeys } from '#core/installation-keys';
import { isFinal } from '#core/life-cycle';
import { mustRead, update } from '#store/document';
import { formatTenantKeys, tenantKeysOf } from '#store/tenant-keys';
import { now, type Store } from '#store/store';
import { currentTrace } from '#store/trace';
import { planTasks } from './plan.ts';
import { type RunKey, runPath } from './run-key.ts';
import { sourcesToLoad, taskShare } from './tables.ts';

const JOB = 'etl-runner';

/** A message is delivered, and a container asked for, well within this. */
export const START_SECONDS = 60;

/** What starts containers, and the keys that open the tenant's own: the container is given only the latter. */
export interface Starter {
  readonly containers: Pick<ContainerPlatform, 'startJob' | 'executionsWith' | 'cancelExecution'>;
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
  const data = { attempts: attempts + 1, askedAt: now(store) };
  try {
    // Counting the attempt is what two starters compete for.
    await store.db.commit([{ kind: 'update', path, data, version: run.version }]);
  } catch (error) {
    if (error instanceof ConflictError) return;
    throw error;
  }
  let made: readonly string[];
  try {
    const sources = await sourcesToLoad(store, key, only);
    const tenantKeys = await tenantKeysOf(store, installationKeys, key.tenant);
    const start = () =>
      containers.startJob(JOB, {
        env: toEnvironment({
          ...requestOf(requestId),
          TRADEWIND_TENANT: key.tenant,
          TRADEWIND_MODEL: key.model,
          TRADEWIND_RUN: key.run,
          TRADEWIND_TENANT_KEYS: formatTenantKeys(tenantKeys),
        }),
        tasks: planTasks(sources.map(taskShare)),
      });
    // Who asked before and died, or was not answered, may have had one made: that one is taken up.
    const untold = run.value.executions < attempts ? await findUntold(store, containers, key) : [];
    // By then somebody else may have counted the next attempt. Who stood still for so long leaves it to them, or to the watch.
    if (untold.length === 0 && store.clock() - Date.parse(data.askedAt) > (START_SECONDS / 2) * 1000) return;
    made = untold.length > 0 ? untold : [await start()];
  } catch (error) {
    // A container may have been made, and the answer lost. Who cannot find that out leaves the attempt counted: what was
    // perhaps begun is neither asked for again at once nor cancelled as if it were nothing; the watch comes to it.
    made = error instanceof TransientError ? await findUntold(store, containers, key) : [];
    if (made.length === 0) {
      // Nothing was started: the message's next try may. Where somebody else has counted since, because this process
      // stood still, their count stays.
      await update(store, path, EtlRun, 'run', (current) =>
        current.attempts === attempts + 1 ? { attempts, askedAt: run.value.askedAt } : {},
      );
      throw error;
    }
  }
  const started = await update(store, path, EtlRun, 'run', (current) => {
    const untold = made.filter((one) => !executionsOf(current).includes(one));
    // Where two were started after all, whoever ends the run must find both.
    const all = [...executionsOf(current), ...untold];
    return {
      executor: all.at(-1) ?? null,
      executions: current.executions + untold.length,
      formerExecutors: all.slice(0, -1),
    };
  });
  if (started.cancelRequestedAt !== null || isFinal(etlCycle, started.status))
    for (const one of made) await containers.cancelExecution(one);
}

/** Containers that were made for the run and that it does not know of. */
async function findUntold(
  store: Store,
  containers: Starter['containers'],
  key: RunKey,
): Promise<readonly string[]> {
  const all = await containers.executionsWith(JOB, { TRADEWIND_RUN: key.run });
  const known = executionsOf((await mustRead(store, runPath(key), EtlRun, 'run')).value);
  return all.filter((one) => !known.includes(one));
}

/** The request that the container's lines are told under; a watch that starts it again knows only the run's own. */
function requestOf(requestId: string | null): { TRADEWIND_REQUEST_ID?: string } {
  const known = requestId ?? currentTrace()?.requestId;
  return known === undefined ? {} : { TRADEWIND_REQUEST_ID: known };
}
