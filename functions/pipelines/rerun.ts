import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { TerminalError } from '#core/errors';
import type { Overlap, RunTrigger } from '#core/events';
import { paths } from '#core/paths';
import { outputsOf, PipelineRun, type StageName } from '#core/pipeline-run';
import type { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import type { Config } from '#runtime/config';
import { mustRead } from '#store/document';
import { mustBeActive } from '#store/model-access';
import { makeId, now, type Store } from '#store/store';
import { linesOf } from './extraction.ts';
import { createRun } from './overlap.ts';
import { requireSameInputs, reuseBefore, stageToRepeat } from './rerun-plan.ts';
import { newRun, readInputs, requireQuota } from './start.ts';
import { isSnapshotThere, snapshotOf } from './vocabulary.ts';

export interface RerunRequest {
  readonly tenant: Tenant;
  readonly model: string;
  readonly run: string;
  readonly from?: StageName | undefined;
  readonly overlap: Overlap;
  readonly actor: string;
  readonly trigger: RunTrigger;
  /** Whether who asks may deploy. */
  readonly mayDeploy: boolean;
}

/**
 * Starts a new run that repeats a finished one from a stage, with its configuration and data set as they are now; the
 * outputs of the stages before are used where they lie, and labelled so.
 * @throws TerminalError what stageToRepeat and requireSameInputs say; `outputs-gone` where they are no more; `not-found`,
 *   `model-archived`, `run-active`
 */
export async function rerun(store: Store, config: Config, request: RerunRequest): Promise<PipelineRun> {
  const { tenant, model } = request;
  await mustBeActive(store, tenant.id, model);
  const path = paths.pipelineRun(tenant.id, model, request.run);
  const former = (await mustRead(store, path, PipelineRun, 'pipeline run')).value;
  const from = stageToRepeat(former, request.from);
  const { settings, definition } = await readInputs(store, tenant.id, model, former);
  requireSameInputs(former, from, { settings, definition });
  await requireOutputs(store, config, tenant, model, former, from);
  const at = now(store);
  const run = newRun({
    id: makeId(store, 'r'),
    config: former.config,
    dataset: former.dataset,
    settings,
    definition,
    requestedBy: request.actor,
    mayDeploy: request.mayDeploy,
    trigger: request.trigger,
    createdAt: at,
    ...reuseBefore(former, from, at),
  });
  return createRun(store, {
    tenant: tenant.id,
    model,
    run,
    overlap: request.overlap,
    admit: () => requireQuota(store, tenant),
    audit: { tenant: tenant.id, actor: request.actor, action: 'pipeline.rerun' },
  });
}

/** @throws TerminalError `outputs-gone` where what the stage reads is not there any more */
async function requireOutputs(
  store: Store,
  config: Config,
  tenant: Tenant,
  model: string,
  run: PipelineRun,
  from: StageName,
): Promise<void> {
  const gone = (what: string, remedy: string) =>
    new TerminalError('outputs-gone', `What ${from} needs of the run ${run.id} is gone: ${what}.`, {
      remedy,
    });
  const files = openFiles(tenant.cloud.projectId);
  if (from === 'vocabulary') {
    const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
    const table = linesOf(tenant, { tenant: tenant.id, model, run: outputsOf(run, 'extraction').run });
    if ((await warehouse.describe(table)) === null)
      throw gone(`the table ${table.dataset}.${table.table}`, 'Repeat it from extraction.');
  }
  if (from === 'training') {
    const snapshot = snapshotOf(tenant, { tenant: tenant.id, model }, outputsOf(run, 'vocabulary'));
    if (!(await isSnapshotThere(files, snapshot)))
      throw gone(`the snapshot ${snapshot}`, 'Repeat it from vocabulary.');
  }
  if (from === 'deployment') {
    const version = await mustRead(
      store,
      paths.version(tenant.id, model, run.version ?? ''),
      Version,
      'version',
    );
    if ((await files.stat(version.value.artifact)) === null)
      throw gone(`the artifact ${version.value.artifact}`, 'Repeat it from training.');
  }
}
