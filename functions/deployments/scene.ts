import type { ContainerPlatform, Guard, openContainerPlatform } from '#cloud/run';
import { Deployment, needsWork } from '#core/deployment';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import type { Platform } from '#runtime/platform';
import type { DeploymentIds } from '#store/deployment';
import { mustRead } from '#store/document';

/** Makes the container platform of a place: Cloud Run's. */
export type OpenPlatform = typeof openContainerPlatform;

/** The tag under which a revision answers before it has traffic, and while it has a share. */
export const TAG = 'candidate';

/** What the work on a deployment stands on, while the lease on the model's service is held. Its store is fenced by it. */
export interface Scene extends Platform {
  readonly ids: DeploymentIds;
  /** That the lease is still ours: asked right before each change of the service. */
  readonly guard: Guard;
  readonly tenant: Tenant;
  readonly version: Version;
  readonly platform: ContainerPlatform;
  readonly service: string;
}

/** Reads the scene. @throws TerminalError `not-found` where the tenant, deployment or version is gone. */
export async function setScene(
  here: Platform,
  ids: DeploymentIds,
  guard: Guard,
  open: OpenPlatform,
): Promise<Scene> {
  const { store, config } = here;
  const [tenant, deployment] = await Promise.all([
    mustRead(store, paths.tenant(ids.tenant), Tenant, 'tenant'),
    readDeployment(here, ids),
  ]);
  const version = await mustRead(
    store,
    paths.version(ids.tenant, ids.model, deployment.version),
    Version,
    'version',
  );
  return {
    ...here,
    ids,
    guard,
    tenant: tenant.value,
    version: version.value,
    platform: open({ ...tenant.value.cloud, endpoints: config.endpoints }),
    service: serviceOf(ids),
  };
}

/** The deployment as it is now. */
export async function readDeployment(
  { store }: Pick<Platform, 'store'>,
  ids: DeploymentIds,
): Promise<Deployment> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return (await mustRead(store, path, Deployment, 'deployment')).value;
}

/** Whether there is something to be done about the deployment. */
export async function isWaiting(here: Pick<Platform, 'store'>, ids: DeploymentIds): Promise<boolean> {
  return needsWork(await readDeployment(here, ids));
}

/** The model's record of what answers. */
export async function readModel({ store, ids }: Pick<Scene, 'store' | 'ids'>): Promise<Model> {
  return (await mustRead(store, paths.model(ids.tenant, ids.model), Model, 'model')).value;
}

/** The revision of the deployment that is live by the model's own record; null where none is, or this one itself is. */
export async function otherLiveRevision(scene: Scene): Promise<string | null> {
  const { liveDeployment } = await readModel(scene);
  if (liveDeployment === null || liveDeployment === scene.ids.deployment) return null;
  const live = await readDeployment(scene, { ...scene.ids, deployment: liveDeployment });
  return live.revision ?? revisionName({ ...scene.ids, deployment: liveDeployment }, live.revisions);
}

/** Takes the deployment's revision out of the service; what is live by the model's own record gets all traffic. */
export async function takeOut(scene: Scene): Promise<void> {
  const { revision, revisions } = await readDeployment(scene, scene.ids);
  const former = await otherLiveRevision(scene);
  const name = revision ?? revisionName(scene.ids, revisions);
  await scene.platform.discard(scene.service, name, former, scene.guard);
}

/** The Cloud Run service of a model. */
export function serviceOf({ model }: Pick<DeploymentIds, 'model'>): string {
  return `tw-${model}`;
}

/** The name of a deployment's `count`th revision. */
export function revisionName(ids: DeploymentIds, count: number): string {
  const first = `${serviceOf(ids)}-${ids.deployment}`;
  return count === 1 ? first : `${first}-${count}`;
}
