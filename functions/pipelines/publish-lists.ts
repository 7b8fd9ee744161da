/*
 * Everybody's recommendations in the warehouse: when a version goes live, its files (batch-lists.ts) replace the tables
 * `recommendations_<slot>` of the model's features dataset.
 *
 * Messages come late and twice, loads take as long as they like, and the one that ends last is what stays. So whoever has
 * loaded a deployment's lists looks afterwards at what answers by now, and where that is another one loads its lists once
 * more: the last to look leaves the lists of what answers.
 */
import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Files, openFiles } from '#cloud/storage';
import { Deployment } from '#core/deployment';
import { type Failure, TransientError } from '#core/errors';
import { datasetNames, Model } from '#core/model';
import { paths } from '#core/paths';
import { SLOTS } from '#core/slot';
import { Tenant, type TenantCloud } from '#core/tenant';
import { Version } from '#core/version';
import type { Platform } from '#runtime/platform';
import type { DeploymentIds } from '#store/deployment';
import { mustRead, read, revise, type Revision } from '#store/document';
import { BATCH_FIELDS, batchFileBeside } from './batch-lists.ts';
import { runPhases, type WarehouseJob } from './warehouse-jobs.ts';

/** How long one message waits for the loads; after that it comes again. */
const PATIENCE_SECONDS = 60;
/** How often a load is tried that failed of what may pass. */
const TRIES = 3;

/** What is needed of the records. */
const Owner = Tenant.pick({ cloud: true });
const Answering = Model.pick({ liveDeployment: true });
const Trained = Version.pick({ artifact: true });

/** What loads need of the warehouse and of its files. */
export interface ListsPlace {
  readonly files: Pick<Files, 'stat'>;
  readonly warehouse: Warehouse;
}

/**
 * Sees to it that the tables hold the lists of what answers, after `ids` has been loaded where it is live. A load that
 * fails for good is recorded on its deployment; one that still runs is waited for again when the message comes back.
 * May be called again at any time.
 * @throws TransientError `warehouse-unavailable` where loads still run
 */
export async function publishLists(
  here: Platform,
  ids: DeploymentIds,
  open: (cloud: TenantCloud) => ListsPlace = (cloud) => placeOf(cloud, here),
): Promise<void> {
  const first = await deploymentOf(here, ids);
  if (first === null) return;
  const owner = await mustRead(here.store, paths.tenant(ids.tenant), Owner, 'tenant');
  const { cloud } = owner.value;
  const place = open(cloud);
  const { features } = datasetNames(cloud, ids.tenant, ids.model);
  const load = async (deployment: Deployment, suffix: string) =>
    loadLists(here, { ...ids, deployment: deployment.id }, place, {
      name: `tw-${deployment.id}-recommendations${suffix}`,
      dataset: features,
      files: await filesOf(here, ids, place, deployment.version),
    });
  let last = first;
  if (first.status === 'live') await load(first, '');
  else if (!(await wereBegun(place, first.id))) return;
  for (;;) {
    const live = await liveDeployment(here, ids);
    if (live === null || live.id === last.id) return;
    // Also where its own message has loaded it: ours may have ended after that.
    await load(live, `-after-${first.id}`);
    last = live;
  }
}

function placeOf(cloud: TenantCloud, { config }: Platform): ListsPlace {
  return {
    files: openFiles(cloud.projectId),
    warehouse: openWarehouse({ ...cloud, endpoints: config.endpoints }),
  };
}

async function deploymentOf({ store }: Platform, ids: DeploymentIds): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return (await read(store, path, Deployment))?.value ?? null;
}

async function liveDeployment(here: Platform, ids: DeploymentIds): Promise<Deployment | null> {
  const model = await read(here.store, paths.model(ids.tenant, ids.model), Answering);
  const deployment = model?.value.liveDeployment ?? null;
  return deployment === null ? null : deploymentOf(here, { ...ids, deployment });
}

interface ListFile {
  readonly slot: (typeof SLOTS)[number];
  readonly uri: string;
}

/** The version's files that are there: versions trained before there were any have none. */
async function filesOf(
  { store }: Platform,
  { tenant, model }: DeploymentIds,
  { files }: ListsPlace,
  version: string,
): Promise<ListFile[]> {
  const found = await mustRead(store, paths.version(tenant, model, version), Trained, 'version');
  const all = SLOTS.map((slot) => ({ slot, uri: batchFileBeside(found.value.artifact, slot) }));
  const there = await Promise.all(all.map(({ uri }) => files.stat(uri)));
  return all.filter((_, n) => (there[n] ?? null) !== null);
}

/** Whether an earlier delivery has started the deployment's own loads; waits until none of them runs any more. */
async function wereBegun({ warehouse }: ListsPlace, deployment: string): Promise<boolean> {
  const name = `tw-${deployment}-recommendations`;
  const ids = SLOTS.flatMap((slot) =>
    Array.from({ length: TRIES }, (_, n) => n + 1).map((attempt) => jobId(name, slot, attempt)),
  );
  const outcomes = await Promise.all(
    ids.map(async (id) => {
      const outcome = await warehouse.jobOutcome(id);
      return outcome.state === 'running' ? warehouse.waitFor(id, PATIENCE_SECONDS) : outcome;
    }),
  );
  if (outcomes.some(({ state }) => state === 'running')) throw stillLoading(name);
  return outcomes.some(({ state }) => state !== 'unknown');
}

const stillLoading = (name: string) =>
  new TransientError('warehouse-unavailable', `BigQuery is still loading ${name}.`);

const jobId = (name: string, slot: string, attempt: number) =>
  `${name}-${slot}${attempt === 1 ? '' : `-${attempt}`}`;

/** Loads the files and waits until they are, or cannot be, and records which. The same name is the same jobs. */
async function loadLists(
  here: Platform,
  ids: DeploymentIds,
  { warehouse }: ListsPlace,
  { name, dataset, files }: { name: string; dataset: string; files: readonly ListFile[] },
): Promise<void> {
  if (files.length === 0) return;
  const { store, log } = here;
  const patience = {
    deadline: store.clock() + PATIENCE_SECONDS * 1000,
    clock: store.clock,
    signal: new AbortController().signal,
  };
  for (let attempt = 1; ; attempt++) {
    const jobs = files.map(({ slot, uri }): WarehouseJob => {
      const id = jobId(name, slot, attempt);
      const table = { dataset, table: `recommendations_${slot}` };
      return { id, start: () => warehouse.startLoad(id, table, [uri], BATCH_FIELDS) };
    });
    const outcome = await runPhases(warehouse, [jobs], patience);
    if (outcome === null) {
      log.info('lists of all customers are loaded', { deployment: ids.deployment, jobs: name });
      await record(here, ids, null);
      return;
    }
    if (!('failure' in outcome)) throw stillLoading(name);
    if (outcome.state === 'died' && attempt < TRIES) continue;
    log.error('lists of all customers are not loaded', {
      deployment: ids.deployment,
      error: outcome.failure.message,
    });
    await record(here, ids, outcome.failure);
    return;
  }
}

/** Keeps on the deployment why its lists are not in the warehouse; nothing is written where that is known. */
async function record({ store }: Platform, ids: DeploymentIds, failure: Failure | null): Promise<void> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  await revise(store, path, Deployment, (deployment): Revision<Deployment> | null =>
    deployment.listsFailure === null && failure === null
      ? null
      : { value: { ...deployment, listsFailure: failure } },
  );
}
