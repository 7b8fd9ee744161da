import type { ContainerPlatform, openContainerPlatform } from '#cloud/run';
import { Deployment } from '#core/deployment';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import type { Lease } from '#store/lease';
import type { DeploymentIds } from './end.ts';

/** Makes the container platform of a place: Cloud Run's. */
export type OpenPlatform = typeof openContainerPlatform;

/** What the work on a deployment stands on, while its lease is held. */
export interface Scene extends Platform {
  readonly ids: DeploymentIds;
  readonly lease: Lease;
  readonly tenant: Tenant;
  readonly version: Version;
  readonly platform: ContainerPlatform;
  readonly service: string;
  readonly revision: string;
}

/** Reads the scene. @throws TerminalError `not-found` where the tenant, deployment or version is gone. */
export async function setScene(
  here: Platform,
  ids: DeploymentIds,
  lease: Lease,
  open: OpenPlatform,
): Promise<Scene> {
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
  return {
    ...here,
    ids,
    lease,
    tenant: tenant.value,
    version: version.value,
    platform: open({ ...tenant.value.cloud, endpoints: config.endpoints }),
    service: serviceOf(ids),
    revision: revisionOf(ids, ids.deployment),
  };
}

/** Whether the deployment is still on its way. */
export async function isUnderWay({ store }: Pick<Platform, 'store'>, ids: DeploymentIds): Promise<boolean> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const { status } = (await mustRead(store, path, Deployment, 'deployment')).value;
  return status === 'creating' || status === 'verifying';
}

/** Takes the deployment's revision out of the service; what is live by the model's own record gets all traffic. */
export async function takeOut({ store, platform, ids, service, revision }: Scene): Promise<void> {
  const model = await mustRead(store, paths.model(ids.tenant, ids.model), Model, 'model');
  const { liveDeployment } = model.value;
  await platform.discard(service, revision, liveDeployment === null ? null : revisionOf(ids, liveDeployment));
}

function serviceOf({ model }: DeploymentIds): string {
  return `tw-${model}`;
}

/** The revision of any of the model's deployments: its name follows from the deployment's id. */
function revisionOf(ids: DeploymentIds, deployment: string): string {
  return `${serviceOf(ids)}-${deployment}`;
}
