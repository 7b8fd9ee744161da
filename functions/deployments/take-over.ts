import { openFiles } from '#cloud/storage';
import { nextShare } from '#core/canary';
import { Deployment, deploymentCycle } from '#core/deployment';
import { paths } from '#core/paths';
import { noHealth } from '#core/service-health';
import { offlineListsBeside, OfflineLists } from '#core/training-result';
import { revise, transition } from '#store/document';
import { bringUp, candidateOf } from './bring-up.ts';
import { goLive, takeShare } from './end.ts';
import { otherLiveRevision, readDeployment, revisionName, type Scene, TAG, takeOut } from './scene.ts';
import { askHealth, smokeTest, warmUp, warmUpAgain } from './smoke-test.ts';

/** From nothing to its first share: all of it, where nothing is live or the deployment restores an earlier one. */
export async function takeOver(scene: Scene, deployment: Deployment): Promise<'moved' | 'waits'> {
  const { ids, store } = scene;
  const planned = await plan(scene, deployment);
  if (planned === null) return 'moved';
  const { revision, speaksAs, settings, createdAt } = planned;
  const address = await bringUp(scene, { name: revision, speaksAs, settings, since: createdAt });
  if (address === null) return (await isWished(scene)) ? 'moved' : 'waits';
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  await transition(store, path, Deployment, deploymentCycle, 'verify', {
    patch: ({ attempts }) => ({ attempts: attempts + 1 }),
  });
  const checked = await check(scene, planned, address);
  const url = (await scene.platform.service(scene.service))?.url ?? null;
  const { steps } = settings.canary;
  const shared =
    steps.length > 0 && deployment.restores === null && (await otherLiveRevision(scene)) !== null
      ? await takeShare(store, ids, nextShare(steps, 0), noHealth(), { ...checked, url })
      : null;
  if (shared === null) await openAll(scene, { ...checked, url });
  return 'moved';
}

/**
 * All requests go to the deployment's revision, then the record says so. Where the deployment has come to its end meanwhile,
 * what was live before gets its traffic back.
 */
export async function openAll(
  scene: Scene,
  found: Partial<Pick<Deployment, 'compared' | 'warmed'>> & Pick<Deployment, 'url'>,
): Promise<void> {
  const { ids, platform, service, store, log, guard } = scene;
  const { revision, wish } = await readDeployment(scene, ids);
  if (revision === null || (wish !== null && wish.kind !== 'promote')) return;
  // First what may be refused: a service that nobody may call does no harm, traffic that nobody can reach does.
  await guard();
  await platform.publish(service);
  // A driver that was paused past its lease must not open what somebody else has given up.
  await platform.direct(service, [{ revision, percent: 100 }], { tag: TAG, revision }, guard);
  const live = await goLive(store, ids, found);
  if (live !== null) {
    log.info('deployment live', { deployment: ids.deployment, compared: live.compared });
    return;
  }
  const { status } = await readDeployment(scene, ids);
  if (
    status === 'live' ||
    status === 'superseded' ||
    status === 'creating' ||
    status === 'verifying' ||
    status === 'canary'
  )
    return;
  log.warn('opened too late, closed again', { deployment: ids.deployment, status });
  await takeOut(scene);
}

type Planned = Deployment & { readonly revision: string; readonly speaksAs: string };

/**
 * Which revision it is to be, written down before it is put: its own, or that of the deployment it restores, where that one
 * still is in the service. Null where somebody has changed the deployment meanwhile.
 */
async function plan(scene: Scene, deployment: Deployment): Promise<Planned | null> {
  const { ids, store, platform, service } = scene;
  const { revision, speaksAs } = deployment;
  if (revision !== null && speaksAs !== null) return { ...deployment, revision, speaksAs };
  let chosen = { service, revision: revisionName(ids, deployment.revisions), speaksAs: ids.deployment };
  if (deployment.restores !== null) {
    const earlier = await readDeployment(scene, { ...ids, deployment: deployment.restores });
    const kept = earlier.revision === null ? null : await platform.revision(service, earlier.revision);
    if (earlier.revision !== null && kept !== null && kept.failure === null)
      chosen = { service, revision: earlier.revision, speaksAs: earlier.speaksAs ?? earlier.id };
  }
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const written = await revise(store, path, Deployment, (current) =>
    current.revision === null ? { value: { ...current, ...chosen } } : null,
  );
  return written === null ? null : { ...written, ...chosen };
}

/**
 * Before it answers customers: a new one's lists are compared with those computed in training; one that was live before is
 * asked whether it is well. Both are warmed up.
 */
async function check(
  scene: Scene,
  deployment: Planned,
  url: string,
): Promise<Pick<Deployment, 'compared' | 'warmed'>> {
  const candidate = candidateOf(scene, deployment, url);
  const { smokeCustomers, warmUp: questions } = deployment.settings;
  const { clock } = scene.store;
  if (deployment.restores !== null) {
    await askHealth(candidate);
    return { compared: 0, warmed: await warmUpAgain(candidate, await offlineLists(scene), questions, clock) };
  }
  const offline = await offlineLists(scene);
  const compared = await smokeTest(candidate, offline, smokeCustomers, clock);
  return { compared, warmed: await warmUp(candidate, offline, questions, clock) };
}

/** The lists that the trainer computed from the version's artifact. */
export async function offlineLists({ version, tenant }: Scene): Promise<OfflineLists> {
  const files = openFiles(tenant.cloud.projectId);
  const text = new TextDecoder().decode(await files.readAll(offlineListsBeside(version.artifact)));
  return OfflineLists.parse(JSON.parse(text));
}

async function isWished(scene: Scene): Promise<boolean> {
  return (await readDeployment(scene, scene.ids)).wish !== null;
}
