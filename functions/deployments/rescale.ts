import type { Deployment } from '#core/deployment';
import { bringUp, candidateOf } from './bring-up.ts';
import { endRescaling } from './end.ts';
import { readDeployment, revisionName, type Scene, TAG } from './scene.ts';
import { smokeTest, warmUp } from './smoke-test.ts';
import { offlineLists } from './take-over.ts';

/*
 * Other settings of a live deployment: a new revision of the same version is put beside the one that answers, compared and
 * warmed up like any other, and takes the traffic over in one call. What does not come up leaves the former one answering.
 */

/** As far as it comes. @throws TerminalError with the container's reason */
export async function rescale(scene: Scene, deployment: Deployment): Promise<'moved' | 'waits'> {
  const { ids, store, platform, service, log } = scene;
  const { rescaling } = deployment;
  if (rescaling === null) return 'moved';
  const { settings, at } = rescaling;
  const revisions = deployment.revisions + 1;
  const revision = revisionName(ids, revisions);
  const speaksAs = ids.deployment;
  const address = await bringUp(scene, { name: revision, speaksAs, settings, since: at });
  if (address === null) return (await readDeployment(scene, ids)).wish === null ? 'waits' : 'moved';
  const candidate = candidateOf(scene, { speaksAs }, address);
  const offline = await offlineLists(scene);
  await smokeTest(candidate, offline, settings.smokeCustomers, store.clock);
  const warmed = await warmUp(candidate, offline, settings.warmUp, store.clock);
  await platform.direct(service, [{ revision, percent: 100 }], { tag: TAG, revision }, scene.guard);
  await endRescaling(store, ids, { revision, revisions, warmed });
  log.info('settings in force', { deployment: ids.deployment, revision });
  return 'moved';
}

/** Takes the revision of the other settings out again: the one that answered goes on. */
export async function takeOutRescaled(scene: Scene, deployment: Deployment): Promise<void> {
  const { ids, platform, service, guard } = scene;
  const serving = deployment.revision ?? revisionName(ids, deployment.revisions);
  await platform.discard(service, revisionName(ids, deployment.revisions + 1), serving, guard);
}
