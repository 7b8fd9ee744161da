import { openWarehouse } from '#cloud/bigquery';
import { Dataset, DatasetDefinition } from '#core/dataset';
import type { Overlap, RunTrigger } from '#core/events';
import { checkQuota } from '#core/limits';
import { paths } from '#core/paths';
import { PipelineConfig, PipelineConfigDefinition } from '#core/pipeline-config';
import { pendingStage, PipelineRun } from '#core/pipeline-run';
import type { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { mustBeActive } from '#store/model-access';
import { readLinesSql } from '#store/raw-tables';
import { mustReadLive } from '#store/resource';
import { runsOfTheDay } from '#store/runs-of-the-day';
import { makeId, now, type Store } from '#store/store';
import { createRun } from './overlap.ts';

export interface StartRequest {
  readonly tenant: Tenant;
  readonly model: string;
  readonly config: string;
  readonly dataset: string;
  readonly actor: string;
  readonly trigger: RunTrigger;
  readonly overlap: Overlap;
  /** Whether who asks may deploy. */
  readonly mayDeploy: boolean;
  /** The run's id where the request is repeatable by itself; otherwise one is made. */
  readonly id?: string;
}

/**
 * Starts a run, or does what `overlap` says while one is active. What can be known at once is checked now: the model takes
 * runs, the configuration and data set exist, the tables are loaded and have the columns. More by preflight.
 * @throws TerminalError `not-found`, `model-archived`, `table-not-loaded`, `unknown-column`, `column-unsuitable`,
 *   `dataset-invalid`, `run-active`, `quota-exceeded`
 */
export async function startRun(store: Store, config: Config, request: StartRequest): Promise<PipelineRun> {
  const { tenant, model } = request;
  await mustBeActive(store, tenant.id, model);
  const { settings, definition } = await readInputs(store, tenant.id, model, request);
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const asOf = now(store);
  await readLinesSql(warehouse, tenant, model, definition, { asOf, historyDays: 0 });
  const run = newRun({
    id: request.id ?? makeId(store, 'r'),
    config: request.config,
    dataset: request.dataset,
    settings,
    definition,
    requestedBy: request.actor,
    mayDeploy: request.mayDeploy,
    trigger: request.trigger,
    asOf,
    createdAt: asOf,
  });
  return createRun(store, {
    tenant: tenant.id,
    model,
    run,
    overlap: request.overlap,
    admit: () => requireQuota(store, tenant),
    audit: { tenant: tenant.id, actor: request.actor, action: 'pipeline.start' },
  });
}

/** @throws TerminalError `quota-exceeded` where the tenant has had all its runs of a day */
export async function requireQuota(store: Store, tenant: Tenant): Promise<void> {
  checkQuota(tenant, 'runsPerDay', await runsOfTheDay(store, tenant.id));
}

/** What a run is made from, as it is now. @throws TerminalError `not-found`, also of what is deleted */
export async function readInputs(
  store: Pick<Store, 'db'>,
  tenant: string,
  model: string,
  wanted: { readonly config: string; readonly dataset: string },
): Promise<{ readonly settings: PipelineConfigDefinition; readonly definition: DatasetDefinition }> {
  // One after the other: where both are missing it is always the configuration that is named.
  const config = await mustReadLive(store, {
    path: paths.pipelineConfig(tenant, model, wanted.config),
    schema: PipelineConfig,
    what: 'pipeline configuration',
  });
  const dataset = await mustReadLive(store, {
    path: paths.dataset(tenant, model, wanted.dataset),
    schema: Dataset,
    what: 'data set',
  });
  // The record's own fields (id, dates) are no part of what it says.
  return {
    settings: PipelineConfigDefinition.strip().parse(config.value),
    definition: DatasetDefinition.strip().parse(dataset.value),
  };
}

/** A run as it begins: nothing done. */
export function newRun(
  facts: Pick<
    PipelineRun,
    'id' | 'config' | 'dataset' | 'settings' | 'definition' | 'requestedBy' | 'trigger' | 'asOf' | 'createdAt'
  > &
    Partial<PipelineRun>,
): PipelineRun {
  return {
    status: 'queued',
    mayDeploy: true,
    rerunOf: null,
    waiting: false,
    begunAt: facts.createdAt,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
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
    usage: null,
    finishedAt: null,
    ...facts,
  };
}
