import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Files, openFiles } from '#cloud/storage';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import type { JobContext } from '#runtime/job';
import { type Log, makeLog, writeToStdout } from '#runtime/log';
import { mustRead } from '#store/document';
import { openRunLog } from '#store/run-log';
import type { Store } from '#store/store';
import type { RunKey } from './run-key.ts';

/** Everything a task of one run works with. */
export interface Scope {
  readonly store: Store;
  readonly config: Config;
  readonly key: RunKey;
  /** Path of the run's document. */
  readonly path: string;
  readonly tenant: Tenant;
  readonly files: Files;
  readonly warehouse: Warehouse;
  /** The dataset of raw tables. */
  readonly dataset: string;
  /** `gs://<bucket>/<tenant>/<model>/stage/<run>/`. */
  readonly stage: string;
  /** Goes to the container's output and to the run's log. */
  readonly log: Log;
  readonly task: number;
  readonly tasks: number;
  readonly holder: string;
  readonly signal: AbortSignal;
}

/** The scope of a container's task; `close` writes what is left of the log. */
export async function openScope(
  context: JobContext,
  key: RunKey,
): Promise<{ readonly scope: Scope; readonly close: () => Promise<void> }> {
  const { store, config } = context;
  const tenant = (await mustRead(store, paths.tenant(key.tenant), Tenant, 'tenant')).value;
  const path = paths.etlRun(key.tenant, key.model, key.run);
  const runLog = openRunLog(store, path, `task-${context.task}-${context.attempt}`);
  const log = makeLog(`etl-runner/${context.task}`, store.clock, (line) => {
    writeToStdout(line);
    runLog.write(line);
  });
  const scope: Scope = {
    store,
    config,
    key,
    path,
    tenant,
    files: openFiles(tenant.cloud.projectId),
    warehouse: openWarehouse({ ...tenant.cloud, endpoints: config.endpoints }),
    dataset: datasetNames(tenant.cloud, key.tenant, key.model).raw,
    stage: `gs://${tenant.cloud.bucket}/${key.tenant}/${key.model}/stage/${key.run}/`,
    log,
    task: context.task,
    tasks: context.tasks,
    holder: context.holder,
    signal: context.signal,
  };
  return { scope, close: () => runLog.close() };
}
