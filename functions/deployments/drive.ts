/*
 * A deployment on its way, whoever calls: its message or the watchdog. Each call goes on from what Cloud Run says.
 *
 *   creating    the revision is put beside the live one at 0 %, or as a service that nobody may call yet
 *   verifying   served lists are compared with offline lists at the revision's own address
 *   live        traffic goes to it; the former deployment is superseded
 *
 * Whatever fails on the way, the revision is taken out again and the former one goes on serving.
 */
import { randomUUID } from 'node:crypto';
import { type ContainerPlatform, openContainerPlatform, type ServiceState } from '#cloud/run';
import { openFiles } from '#cloud/storage';
import { toEnvironment } from '#core/container-env';
import { Deployment, deploymentCycle } from '#core/deployment';
import { type Failure, TerminalError, toError, toFailure, TransientError } from '#core/errors';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { offlineListsBeside, OfflineLists } from '#core/training-result';
import { Version } from '#core/version';
import { containerEnv } from '#runtime/container-env';
import { serviceAccountEmail } from '#runtime/deploy';
import type { Platform } from '#runtime/platform';
import { mustRead, transition } from '#store/document';
import { withLease } from '#store/lease';
import { type DeploymentIds, goLive, recordFailure } from './end.ts';
import { smokeTest } from './smoke-test.ts';
import { verifyKey } from './verify-key.ts';

/** The tag under which a revision answers before it has traffic. */
const TAG = 'candidate';
/** How long one call waits for a revision to start. */
const PATIENCE_SECONDS = 45;
/** How long a revision may take to start at all. */
const START_LIMIT_SECONDS = 600;
const POLL_MS = 300;

interface Scene extends Platform {
  readonly ids: DeploymentIds;
  readonly tenant: Tenant;
  readonly version: Version;
  readonly platform: ContainerPlatform;
  readonly service: string;
  readonly revision: string;
}

/** Drives the deployment until it is live, failed, or has to wait. One driver at a time. @throws TransientError `deployment-busy` */
export async function driveDeployment(here: Platform, ids: DeploymentIds): Promise<void> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const { status } = (await mustRead(here.store, path, Deployment, 'deployment')).value;
  if (status !== 'creating' && status !== 'verifying') return;
  const never = new AbortController().signal;
  const holder = `deployments-${randomUUID()}`;
  const driven = await withLease(here.store, paths.lease(path), holder, never, async () => {
    try {
      await proceed(await setScene(here, ids));
    } catch (thrown) {
      if (!(thrown instanceof TerminalError)) throw thrown;
      await abandon(here, ids, toFailure(thrown));
    }
    return true;
  });
  if (driven === null)
    throw new TransientError('deployment-busy', `${ids.deployment} is being looked after elsewhere.`);
}

/** Records the failure and takes the revision out of the service. */
export async function abandon(here: Platform, ids: DeploymentIds, failure: Failure): Promise<void> {
  const failed = await recordFailure(here.store, ids, failure);
  if (failed === null) return;
  here.log.error('deployment failed', { deployment: ids.deployment, reason: failure.message });
  try {
    const { platform, service, revision } = await setScene(here, ids);
    await platform.discard(service, revision);
  } catch (error) {
    // It has no traffic, so nobody is served by it; the next deployment replaces it.
    here.log.warn('revision not taken out', { deployment: ids.deployment, error: toError(error).message });
  }
}

async function setScene(here: Platform, ids: DeploymentIds): Promise<Scene> {
  const { store, config } = here;
  const [tenant, deployment] = await Promise.all([
    mustRead(store, paths.tenant(ids.tenant), Tenant, 'tenant'),
    mustRead(store, paths.deployment(ids.tenant, ids.model, ids.deployment), Deployment, 'deployment'),
  ]);
  const version = await mustRead(
    store,
    paths.version(ids.tenant, ids.model, deployment.value.version),
    Version,
    'version',
  );
  const service = `tw-${ids.model}`;
  return {
    ...here,
    ids,
    tenant: tenant.value,
    version: version.value,
    platform: openContainerPlatform({ ...tenant.value.cloud, endpoints: config.endpoints }),
    service,
    revision: `${service}-${ids.deployment}`,
  };
}

async function proceed(scene: Scene): Promise<void> {
  const { ids, store, platform, service, revision } = scene;
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const deployment = (await mustRead(store, path, Deployment, 'deployment')).value;
  await putRevision(scene, deployment);
  const state = await awaitRevision(scene, deployment.createdAt);
  if (state === null) return;
  await transition(store, path, Deployment, deploymentCycle, 'verify', {
    patch: ({ attempts }) => ({ service, revision, attempts: attempts + 1 }),
  });
  const compared = await verify(scene, state, deployment.settings.smokeCustomers);
  await platform.open(service, revision, TAG);
  const open = await platform.service(service);
  await goLive(store, ids, { url: (open ?? state).url, compared });
  scene.log.info('deployment live', { deployment: ids.deployment, compared });
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
          TRADEWIND_LOGS_DATASET: datasetNames(tenant.cloud, ids.tenant, ids.model).logs,
          TRADEWIND_VERIFY_KEY: Buffer.from(
            verifyKey(config.installationKey, ids.tenant, ids.deployment),
          ).toString('base64'),
        }),
      },
      cpu: 1,
      memory: '1Gi',
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
