/** What is over and may have changed how a subject stands. Each may be told of twice, and late. */
import { Deployment } from '#core/deployment';
import { EtlRun } from '#core/etl-run';
import type { Payload } from '#core/events';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { PipelineConfig } from '#core/pipeline-config';
import { PipelineRun } from '#core/pipeline-run';
import { Firing, Schedule } from '#core/schedule';
import type { Observation } from '#core/alert';
import { read } from '#store/document';
import type { Store } from '#store/store';
import { takeNote } from './notice.ts';
import { observeDeployment, observeEtl, observeFiring, observePipeline } from './observe.ts';

/** A load is over. */
export async function noticeEtl(
  store: Store,
  { tenant, model, run }: Payload<'etl-finished'>,
): Promise<void> {
  const ended = await read(store, paths.etlRun(tenant, model, run), EtlRun);
  const owner = await ownerOf(store, tenant, model);
  await note(store, tenant, model, ended === null || owner === null ? null : observeEtl(owner, ended.value));
}

/** A pipeline run is over. */
export async function noticePipeline(
  store: Store,
  { tenant, model, run }: Payload<'pipeline-finished'>,
): Promise<void> {
  const ended = await read(store, paths.pipelineRun(tenant, model, run), PipelineRun);
  if (ended === null || (await ownerOf(store, tenant, model)) === null) return;
  const { config } = ended.value;
  const found = await read(store, paths.pipelineConfig(tenant, model, config), PipelineConfig);
  await note(store, tenant, model, observePipeline(found?.value.name ?? config, ended.value));
}

/** A deployment is live, failed, or is no longer. */
export async function noticeDeployment(
  store: Store,
  { tenant, model, deployment }: Payload<'deployment-finished'>,
): Promise<void> {
  const ended = await read(store, paths.deployment(tenant, model, deployment), Deployment);
  const owner = await ownerOf(store, tenant, model);
  const seen = ended === null || owner === null ? null : observeDeployment(owner, ended.value);
  await note(store, tenant, model, seen);
}

/** An occasion of a schedule is over. */
export async function noticeFiring(
  store: Store,
  { tenant, model, schedule, firing }: Payload<'schedule-concluded'>,
): Promise<void> {
  const [found, occasion] = await Promise.all([
    read(store, paths.schedule(tenant, model, schedule), Schedule),
    read(store, paths.firing(tenant, model, schedule, firing), Firing),
  ]);
  if (found === null || occasion === null || (await ownerOf(store, tenant, model)) === null) return;
  await note(store, tenant, model, observeFiring(found.value, occasion.value));
}

/** The model, unless it is going: nobody is told of what is deleted. */
async function ownerOf(store: Store, tenant: string, model: string): Promise<Model | null> {
  const found = await read(store, paths.model(tenant, model), Model);
  return found === null || found.value.deletedAt !== null ? null : found.value;
}

async function note(store: Store, tenant: string, model: string, seen: Observation | null): Promise<void> {
  if (seen !== null) await takeNote(store, { tenant, model }, seen);
}
