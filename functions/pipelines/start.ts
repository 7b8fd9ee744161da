import { openWarehouse } from '#cloud/bigquery';
import { Dataset } from '#core/dataset';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { PipelineConfig } from '#core/pipeline-config';
import { pendingStage, PipelineRun } from '#core/pipeline-run';
import type { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { mustRead } from '#store/document';
import { createExclusively } from '#store/exclusive';
import { readLinesSql } from '#store/raw-tables';
import { makeId, now, type Store } from '#store/store';

export interface StartRequest {
  readonly tenant: Tenant;
  readonly model: string;
  readonly config: string;
  readonly dataset: string;
  readonly actor: string;
}

/**
 * Starts a run, or answers with the one that is active. What can be known beforehand is checked now: the configuration
 * and data set exist, the tables are loaded and have the columns.
 * @throws TerminalError `not-found`, `table-not-loaded`, `unknown-column`, `column-unsuitable`, `dataset-invalid`
 */
export async function startRun(store: Store, config: Config, request: StartRequest): Promise<PipelineRun> {
  const { tenant, model } = request;
  const [settings, dataset] = await Promise.all([
    mustRead(
      store,
      paths.pipelineConfig(tenant.id, model, request.config),
      PipelineConfig,
      'pipeline configuration',
    ),
    mustRead(store, paths.dataset(tenant.id, model, request.dataset), Dataset, 'data set'),
  ]);
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const asOf = now(store);
  await readLinesSql(warehouse, tenant, model, dataset.value, { asOf, historyDays: 0 });
  const id = makeId(store, 'r');
  const { name, extraction, training, deployment } = settings.value;
  const run: PipelineRun = {
    id,
    status: 'queued',
    config: request.config,
    dataset: request.dataset,
    settings: { name, extraction, training, deployment },
    requestedBy: request.actor,
    asOf,
    stages: {
      extraction: pendingStage(),
      vocabulary: pendingStage(),
      training: pendingStage(),
      deployment: pendingStage(),
    },
    extraction: null,
    vocabulary: null,
    metrics: null,
    version: null,
    deployment: null,
    failure: null,
    createdAt: asOf,
    finishedAt: null,
  };
  const path = paths.pipelineRun(tenant.id, model, id);
  const { id: active } = await createExclusively(store, {
    lock: paths.lock(tenant.id, model, 'pipeline'),
    path,
    data: run,
    watched: { kind: 'pipeline', path, tenant: tenant.id, model, id },
    announcements: [announce('extraction-requested', { tenant: tenant.id, model, run: id })],
    audit: { tenant: tenant.id, actor: request.actor, action: 'pipeline.start', target: path },
  });
  return (await mustRead(store, paths.pipelineRun(tenant.id, model, active), PipelineRun, 'pipeline run'))
    .value;
}
