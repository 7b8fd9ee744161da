import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { paths } from '#core/paths';
import { PipelineRun, type StageName } from '#core/pipeline-run';
import { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import type { Lease } from '#store/lease';
import type { RunIds, StageContext } from './run-context.ts';

/** How long one call may wait for work that is nearly done. */
const PATIENCE_SECONDS = 45;

/**
 * The run and its tenant as they are now, with what work on the stage needs.
 * @throws TerminalError `not-found` where the tenant or the run is gone
 */
export async function openStage(
  here: Platform,
  ids: RunIds,
  stage: StageName,
  lease: Lease,
  signal: AbortSignal,
): Promise<StageContext> {
  const { store, config } = here;
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const [tenant, run] = await Promise.all([
    mustRead(store, paths.tenant(ids.tenant), Tenant, 'tenant'),
    mustRead(store, path, PipelineRun, 'pipeline run'),
  ]);
  return {
    ...here,
    ids,
    tenant: tenant.value,
    run: run.value,
    attempt: run.value.stages[stage].attempts,
    deadline: store.clock() + PATIENCE_SECONDS * 1000,
    warehouse: openWarehouse({ ...tenant.value.cloud, endpoints: config.endpoints }),
    files: openFiles(tenant.value.cloud.projectId),
    signal,
    lease,
  };
}
