/*
 * A deployment on its way, whoever calls: its message or the watchdog. Each call goes on from what Cloud Run says.
 *
 *   creating    the revision is put beside the live one at 0 %, or as a service that nobody may call yet
 *   verifying   served lists are compared with offline lists at the revision's own address
 *   live        traffic goes to it; the former deployment is superseded
 *
 * Whatever fails on the way, the revision is taken out again and the former one goes on serving. Only then is the failure
 * recorded, which lets the next deployment of the model begin.
 */
import { randomUUID } from 'node:crypto';
import { openContainerPlatform, type ServiceState } from '#cloud/run';
import { openFiles } from '#cloud/storage';
import { toEnvironment } from '#core/container-env';
import { Deployment, deploymentCycle } from '#core/deployment';
import { BusyError, type Failure, TerminalError, toError, toFailure } from '#core/errors';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { offlineListsBeside, OfflineLists } from '#core/training-result';
import { containerEnv } from '#runtime/container-env';
import { serviceAccountEmail } from '#runtime/deploy';
import type { Platform } from '#runtime/platform';
import { mustRead, transition } from '#store/document';
import { commitFenced, type Lease, LeaseLostError, withLease } from '#store/lease';
import { endTrouble, noteTrouble } from '#store/trouble';
import { type DeploymentIds, goLive, recordFailure } from './end.ts';
import { RECOMMENDER_SIZE } from './recommender-size.ts';
import { isUnderWay, type OpenPlatform, type Scene, setScene, takeOut } from './scene.ts';
import { smokeTest } from './smoke-test.ts';
import { verifyKey } from './verify-key.ts';

/** The tag under which a revision answers before it has traffic. */
const TAG = 'candidate';
/** How long one call waits for a revision to start. */
const PATIENCE_SECONDS = 45;
/** How long a revision may take to start at all. */
const START_LIMIT_SECONDS = 600;
const POLL_MS = 300;

/**
 * Drives the deployment until it is live, failed, or has to wait. One driver at a time, by lease. Trouble that may pass is
 * thrown, to be tried again; trouble that has lasted fails the deployment.
 * @param open makes the container platform of the tenant's place
 * @throws BusyError `deployment-busy` where another holds the lease
 */
export async function driveDeployment(
  here: Platform,
  ids: DeploymentIds,
  open: OpenPlatform = openContainerPlatform,
): Promise<void> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  if (!(await isUnderWay(here, ids))) return;
  await underLease(here, ids, async (lease) => {
    try {
      await proceed(await setScene(here, ids, lease, open));
      await endTrouble(here.store, path);
    } catch (thrown) {
      if (thrown instanceof LeaseLostError) throw thrown;
      if (!(thrown instanceof TerminalError) && !(await noteTrouble(here.store, path))) throw thrown;
      await giveUp(here, ids, lease, toFailure(thrown), open);
    }
  });
}

/** Gives the deployment up, unless it is over or somebody else is at it, who then decides. */
export async function abandon(
  here: Platform,
  ids: DeploymentIds,
  failure: Failure,
  open: OpenPlatform = openContainerPlatform,
): Promise<void> {
  try {
    await underLease(here, ids, (lease) => giveUp(here, ids, lease, failure, open));
  } catch (thrown) {
    if (!(thrown instanceof BusyError)) throw thrown;
    here.log.info('left to who is at it', { deployment: ids.deployment, reason: failure.message });
  }
}

async function underLease(
  here: Platform,
  ids: DeploymentIds,
  work: (lease: Lease) => Promise<void>,
): Promise<void> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const holder = `deployments-${randomUUID()}`;
  const never = new AbortController().signal;
  const driven = await withLease(here.store, paths.lease(path), holder, never, async (lease) => {
    await work(lease);
    return true;
  });
  if (driven === null)
    throw new BusyError('deployment-busy', `${ids.deployment} is being looked after elsewhere.`);
}

/** Takes the revision out of the service, then records the failure: the model's lock is held until nothing is left of it. */
async function giveUp(
  here: Platform,
  ids: DeploymentIds,
  lease: Lease,
  failure: Failure,
  open: OpenPlatform,
): Promise<void> {
  const { store, log } = here;
  if (!(await isUnderWay(here, ids))) return;
  await commitFenced(store, lease, []);
  try {
    await takeOut(await setScene(here, ids, lease, open));
  } catch (thrown) {
    const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
    const mayPass = !(thrown instanceof TerminalError);
    if (mayPass && !(await noteTrouble(store, path))) throw thrown;
    // The next deployment of the model takes all traffic, wherever it is now.
    log.error('revision not taken out', { deployment: ids.deployment, error: toError(thrown).message });
  }
  const failed = await recordFailure(store, ids, failure);
  if (failed !== null)
    log.error('deployment failed', { deployment: ids.deployment, reason: failure.message });
}

async function proceed(scene: Scene): Promise<void> {
  const { ids, store, platform, service, revision } = scene;
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  // Again, now that nobody else is at it: who was may have ended it.
  if (!(await isUnderWay(scene, ids))) return;
  const deployment = (await mustRead(store, path, Deployment, 'deployment')).value;
  await putRevision(scene, deployment);
  const state = await awaitRevision(scene, deployment.createdAt);
  if (state === null) return;
  await transition(store, path, Deployment, deploymentCycle, 'verify', {
    patch: ({ attempts }) => ({ service, revision, attempts: attempts + 1 }),
  });
  const compared = await verify(scene, state, deployment.settings.smokeCustomers);
  // A driver that was paused past its lease must not open what somebody else has given up.
  await commitFenced(store, scene.lease, []);
  await platform.open(service, revision, TAG);
  const open = await platform.service(service);
  const live = await goLive(store, ids, { url: (open ?? state).url, compared });
  if (live !== null) scene.log.info('deployment live', { deployment: ids.deployment, compared });
  else await closeIfOver(scene);
}

/** The deployment ended while it was being opened: unless it ended well, what was live before gets its traffic back. */
async function closeIfOver(scene: Scene): Promise<void> {
  const { ids, store } = scene;
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const { status } = (await mustRead(store, path, Deployment, 'deployment')).value;
  if (status === 'live' || status === 'superseded') return;
  scene.log.warn('opened too late, closed again', { deployment: ids.deployment, status });
  await takeOut(scene);
}

async function putRevision(scene: Scene, { settings }: Deployment): Promise<void> {
  const { ids, tenant, version, config } = scene;
  await scene.platform.putRevision(
    scene.service,
    {
      name: scene.revision,
      image: `${config.images}/deployments-recommender`,
      env: {
        ...containerEnv(config),
        ...toEnvironment({
          TRADEWIND_TENANT: ids.tenant,
          TRADEWIND_MODEL: ids.model,
          TRADEWIND_VERSION: version.id,
          TRADEWIND_DEPLOYMENT: ids.deployment,
          TRADEWIND_ARTIFACT: version.artifact,
          TRADEWIND_ARTIFACT_SHA256: version.sha256,
          TRADEWIND_DATA_PROJECT: tenant.cloud.projectId,
          TRADEWIND_DATA_LOCATION: tenant.cloud.location,
          TRADEWIND_LOGS_DATASET: datasetNames(tenant.cloud, ids.tenant, ids.model).logs,
          TRADEWIND_VERIFY_KEY: Buffer.from(
            verifyKey(config.installationKey, ids.tenant, ids.deployment),
          ).toString('base64'),
        }),
      },
      ...RECOMMENDER_SIZE,
      minInstances: settings.minInstances,
      maxInstances: settings.maxInstances,
      serviceAccount: serviceAccountEmail(config.projectId, 'recommender'),
    },
    TAG,
  );
}

/** The service once the revision is ready; null where it still starts. @throws TerminalError with the container's reason. */
async function awaitRevision(scene: Scene, createdAt: string): Promise<ServiceState | null> {
  const { platform, service, revision, store } = scene;
  const deadline = store.clock() + PATIENCE_SECONDS * 1000;
  for (;;) {
    const state = await platform.service(service);
    if (state !== null && state.newest === revision) {
      if (state.failure !== null)
        throw new TerminalError('revision-failed', `The new revision did not start: ${state.failure}`, {
          remedy: 'See the service’s log; what was live before stays live.',
        });
      if (state.ready && state.tagUrls[TAG] !== undefined) return state;
    }
    const now = store.clock();
    if (now - Date.parse(createdAt) > START_LIMIT_SECONDS * 1000)
      throw new TerminalError(
        'revision-not-ready',
        `The new revision was not ready within ${START_LIMIT_SECONDS} seconds.`,
        { remedy: 'Deploy again; if it happens again, see the service’s log.' },
      );
    if (now + POLL_MS > deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function verify(scene: Scene, state: ServiceState, customers: number): Promise<number> {
  const { ids, version, config, store, tenant } = scene;
  const files = openFiles(tenant.cloud.projectId);
  const text = new TextDecoder().decode(await files.readAll(offlineListsBeside(version.artifact)));
  return smokeTest(
    {
      url: state.tagUrls[TAG] ?? state.url,
      deployment: ids.deployment,
      version: version.id,
      key: verifyKey(config.installationKey, ids.tenant, ids.deployment),
    },
    OfflineLists.parse(JSON.parse(text)),
    customers,
    store.clock,
  );
}
