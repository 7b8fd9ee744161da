import { setTimeout as sleep } from 'node:timers/promises';
import { nextShare } from '#core/canary';
import type { Deployment } from '#core/deployment';
import { type Failure, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import { healthSince, judgeHealth, type RevisionHealth } from '#core/service-health';
import { requestStop } from '#store/deployment';
import { readHealth } from '#store/service-health';
import { candidateOf, PATIENCE_SECONDS } from './bring-up.ts';
import { beginStep, takeShare } from './end.ts';
import { readDeployment, readModel, revisionName, type Scene, TAG } from './scene.ts';
import { askHealth } from './smoke-test.ts';
import { openAll } from './take-over.ts';

/** How often one call looks at a canary whose step ends within its patience. */
const LOOK_MS = 1000;
/** How often a revision may leave the question unanswered whether it is well. */
const ASKED = 3;

/**
 * A deployment with a share. Cloud Run is given the split that the model's record says, where it has another; then its
 * revision is judged by what it did in this step, and the next step taken when this one is over. What does badly is rolled
 * back: the wish is written down first, so that nothing forgets it.
 */
export async function watchCanary(scene: Scene): Promise<'moved' | 'waits'> {
  const { ids, store, log } = scene;
  const deadline = store.clock() + PATIENCE_SECONDS * 1000;
  for (;;) {
    const deployment = await readDeployment(scene, ids);
    const { status, wish, canary, settings, url } = deployment;
    if (status !== 'canary' || wish !== null || canary === null) return 'moved';
    if (await follows(scene, deployment)) {
      await beginStep(store, ids, await healthOf(scene, deployment));
      continue;
    }
    const failure = await judge(scene, deployment);
    if (failure !== null && settings.canary.automaticRollback) {
      log.warn('canary does badly', { deployment: ids.deployment, reason: failure.message });
      await requestStop(store, ids, 'system', 'roll-back', failure);
      return 'moved';
    }
    const left = Date.parse(canary.since) + settings.canary.bakeSeconds * 1000 - store.clock();
    if (!canary.held && left <= 0) {
      const percent = nextShare(settings.canary.steps, canary.percent);
      if (percent === 100) await openAll(scene, { url });
      else await takeShare(store, ids, percent, await healthOf(scene, deployment));
      return 'moved';
    }
    if (canary.held || store.clock() + left > deadline) return 'waits';
    await sleep(Math.min(left, LOOK_MS));
  }
}

/** Gives Cloud Run the split of the model's record, in one call. @returns whether it had another. */
async function follows(scene: Scene, deployment: Deployment): Promise<boolean> {
  const { ids, platform, service } = scene;
  const { traffic } = await readModel(scene);
  const shares = await Promise.all(
    traffic
      .filter(({ percent }) => percent > 0)
      .map(async ({ deployment: id, percent }) => {
        const one =
          id === ids.deployment ? deployment : await readDeployment(scene, { ...ids, deployment: id });
        return {
          revision: one.revision ?? revisionName({ ...ids, deployment: id }, one.revisions),
          percent,
        };
      }),
  );
  const state = await platform.service(service);
  const has = state?.traffic ?? {};
  const same =
    Object.keys(has).length === shares.length &&
    shares.every(({ revision, percent }) => has[revision] === percent);
  if (same) return false;
  const tagged = { tag: TAG, revision: deployment.revision ?? '' };
  await platform.direct(service, shares, tagged, scene.guard);
  return true;
}

function healthOf({ store, ids }: Scene, { speaksAs, revision }: Deployment): Promise<RevisionHealth> {
  const path = paths.deployment(ids.tenant, ids.model, speaksAs ?? ids.deployment);
  return readHealth(store, path, revision ?? '');
}

/** Why the revision must not go on, or null. */
async function judge(scene: Scene, deployment: Deployment): Promise<Failure | null> {
  const { canary, settings, revision } = deployment;
  if (canary === null || revision === null) return null;
  const state = await scene.platform.revision(scene.service, revision);
  if (state === null || state.failure !== null)
    return {
      code: 'revision-failed',
      message: `The revision is not ready any more: ${state?.failure ?? 'it is gone from the service'}`,
      remedy: 'See the last lines of its log.',
    };
  const health = healthSince(canary.before, await healthOf(scene, deployment));
  return judgeHealth(health, settings.canary, settings.maxInstances) ?? (await silence(scene, deployment));
}

/** That the revision does not say it is well, however often it is asked; null where it does. */
async function silence(scene: Scene, deployment: Deployment): Promise<Failure | null> {
  const address = (await scene.platform.service(scene.service))?.tagUrls[TAG];
  if (address === undefined) return null;
  for (let asked = 1; ; asked++) {
    try {
      await askHealth(candidateOf(scene, deployment, address));
      return null;
    } catch (thrown) {
      if (asked === ASKED) return toFailure(thrown);
    }
    await sleep(LOOK_MS);
  }
}
