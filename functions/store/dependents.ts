import type { z } from 'zod';
import { Dataset } from '#core/dataset';
import { Deployment, deploymentCycle } from '#core/deployment';
import { EtlRun, EtlTable } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import type { Model } from '#core/model';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import type { Dependent } from '#core/resource';
import { Schedule } from '#core/schedule';
import { rawTablesOf, SourceTable } from '#core/source';
import { Alias, type Version } from '#core/version';
import { read, readAll } from './document.ts';
import type { ModelKey } from './source-access.ts';
import type { Store } from './store.ts';

/*
 * What uses what, asked before something is deleted and shown to people who think of it. What begins a run looks at the
 * nouns it uses once more (mustReadLive), so that a deletion that comes in between harms nothing: documents stay for as
 * long as they can be restored.
 */

type Reader = Pick<Store, 'db'>;

/** Data sets over a source's tables, and the active ETL run that reads it. */
export async function dependentsOfSource(store: Reader, key: ModelKey, source: string): Promise<Dependent[]> {
  const { tenant, model } = key;
  const [tables, datasets, run] = await Promise.all([
    readAll(store, paths.sourceTables(tenant, model, source), SourceTable),
    liveDatasets(store, key),
    activeRun(store, key, 'etl', paths.etlRun, EtlRun),
  ]);
  const own = new Set(tables.flatMap(rawTablesOf));
  const users = datasets.filter((dataset) => dataset.tables.some(({ destination }) => own.has(destination)));
  const loading =
    run === null
      ? []
      : await readAll(store, paths.etlTables(tenant, model, run.id), EtlTable, {
          where: [['source', '==', source]],
          limit: 1,
        });
  return [
    ...users.map((dataset): Dependent => ({
      kind: 'dataset',
      id: dataset.id,
      name: dataset.name,
      blocks: true,
      remedy: 'Delete the data set, or take the source’s tables out of it.',
    })),
    ...(run !== null && loading.length > 0 ? [etlRun(run)] : []),
  ];
}

/** Schedules of a data set, and the active pipeline run over it. */
export async function dependentsOfDataset(
  store: Reader,
  key: ModelKey,
  dataset: string,
): Promise<Dependent[]> {
  return ofPipelines(store, key, (one) => one.dataset === dataset);
}

/** Schedules of a configuration, and the active pipeline run with it. */
export async function dependentsOfConfig(store: Reader, key: ModelKey, config: string): Promise<Dependent[]> {
  return ofPipelines(store, key, (one) => one.config === config);
}

/** Deployments of a version that are on their way or answer, and aliases that name it. */
export async function dependentsOfVersion(
  store: Reader,
  { tenant, model }: ModelKey,
  version: Pick<Version, 'id'>,
): Promise<Dependent[]> {
  const [deployments, aliases] = await Promise.all([
    readAll(store, paths.deployments(tenant, model), Deployment, {
      where: [['version', '==', version.id]],
    }),
    readAll(store, paths.aliases(tenant, model), Alias),
  ]);
  return [
    ...deployments.filter(isGoingOn).map(deployment),
    ...aliases
      .filter((one) => one.version === version.id)
      .map(({ alias }): Dependent => ({
        kind: 'alias',
        id: alias,
        name: alias,
        blocks: true,
        remedy: `Give the alias "${alias}" to another version, or take it away.`,
      })),
  ];
}

/** What must end before a model can go: runs and deployments. Schedules are named too; they end with it. */
export async function dependentsOfModel(
  store: Reader,
  tenant: string,
  { id: model }: Pick<Model, 'id'>,
): Promise<Dependent[]> {
  const key = { tenant, model };
  const [etl, pipeline, deployments, schedules] = await Promise.all([
    activeRun(store, key, 'etl', paths.etlRun, EtlRun),
    activeRun(store, key, 'pipeline', paths.pipelineRun, PipelineRun),
    readAll(store, paths.deployments(tenant, model), Deployment, {
      where: [['status', 'in', GOING_ON]],
    }),
    liveSchedules(store, key),
  ]);
  return [
    ...deployments.map(deployment),
    ...(etl === null ? [] : [etlRun(etl)]),
    ...(pipeline === null ? [] : [pipelineRun(pipeline)]),
    ...schedules.map((one) => schedule(one, false)),
  ];
}

/** Statuses of a deployment that is on its way or answers. */
const GOING_ON = Deployment.shape.status.options.filter((status) => !isFinal(deploymentCycle, status));

function isGoingOn({ status }: Pick<Deployment, 'status'>): boolean {
  return !isFinal(deploymentCycle, status);
}

async function ofPipelines(
  store: Reader,
  key: ModelKey,
  uses: (one: { readonly config: string; readonly dataset: string }) => boolean,
): Promise<Dependent[]> {
  const [schedules, run] = await Promise.all([
    liveSchedules(store, key),
    activeRun(store, key, 'pipeline', paths.pipelineRun, PipelineRun),
  ]);
  return [
    ...schedules
      .filter(({ what }) => what.kind === 'pipeline' && uses(what))
      .map((one) => schedule(one, true)),
    ...(run !== null && uses(run) ? [pipelineRun(run)] : []),
  ];
}

async function liveDatasets(store: Reader, { tenant, model }: ModelKey): Promise<Dataset[]> {
  const all = await readAll(store, paths.datasets(tenant, model), Dataset);
  return all.filter((one) => one.deletedAt === null);
}

async function liveSchedules(store: Reader, { tenant, model }: ModelKey): Promise<Schedule[]> {
  const all = await readAll(store, paths.schedules(tenant, model), Schedule);
  return all.filter((one) => one.deletedAt === null);
}

/** The model's run of a kind that is not over: the one its lock names. */
async function activeRun<T extends { readonly finishedAt: string | null }>(
  store: Reader,
  { tenant, model }: ModelKey,
  kind: 'etl' | 'pipeline',
  place: (tenant: string, model: string, run: string) => string,
  schema: z.ZodType<T>,
): Promise<T | null> {
  const lock = await store.db.get(paths.lock(tenant, model, kind));
  if (lock === null) return null;
  const run = await read(store, place(tenant, model, String(lock.data['run'])), schema);
  return run === null || run.value.finishedAt !== null ? null : run.value;
}

function deployment({ id, status }: Deployment): Dependent {
  return {
    kind: 'deployment',
    id,
    name: status,
    blocks: true,
    remedy: 'Stop the deployment, or deploy another version in its place.',
  };
}

function etlRun({ id, status }: EtlRun): Dependent {
  return {
    kind: 'etl-run',
    id,
    name: status,
    blocks: true,
    remedy: 'Wait for the load to end, or cancel it.',
  };
}

function pipelineRun({ id, status }: PipelineRun): Dependent {
  return {
    kind: 'pipeline-run',
    id,
    name: status,
    blocks: true,
    remedy: 'Wait for the run to end, or cancel it.',
  };
}

function schedule({ id, name }: Schedule, blocks: boolean): Dependent {
  return {
    kind: 'schedule',
    id,
    name,
    blocks,
    remedy: 'Delete the schedule, or let it use something else.',
  };
}
