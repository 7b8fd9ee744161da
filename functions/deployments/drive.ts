/*
 * A deployment being looked after, whoever calls: its message or the watchdog. Each call goes on from what the records and
 * Cloud Run say, as far as it comes (the files named do the work):
 *
 *   creating, verifying   the revision is put beside the live one at 0 %, compared and warmed up       (take-over.ts)
 *   canary                it has a share, step by step more, while its health is judged               (canary.ts)
 *   live                  all traffic; other settings take another revision of the version            (rescale.ts)
 *   wished otherwise      it is stopped, rolled back, or promoted                                     (wishes.ts)
 *
 * One driver at a time for a model's service, by a lease. Whatever fails on the way, the revision is taken out again and
 * the former one goes on serving. Only then is the failure recorded, which lets the next deployment of the model begin.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Guard, openContainerPlatform } from '#cloud/run';
import { type Deployment, isOnItsWay, needsWork } from '#core/deployment';
import { BusyError, type Failure, TerminalError, toError, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import type { Platform } from '#runtime/platform';
import type { DeploymentIds } from '#store/deployment';
import { commitFenced, fencedStore, LeaseLostError, withLease } from '#store/lease';
import { endTrouble, noteTrouble } from '#store/trouble';
import { watchCanary } from './canary.ts';
import { endRescaling, forgetWish, recordFailure } from './end.ts';
import { lastLines } from './last-lines.ts';
import { rescale, takeOutRescaled } from './rescale.ts';
import { isWaiting, type OpenPlatform, readDeployment, type Scene, setScene, takeOut } from './scene.ts';
import { takeOver } from './take-over.ts';
import { obey } from './wishes.ts';

/** How often, and after which pause, a message asks again for a service that somebody is at. */
const TRIES = 20;
const PAUSE_MS = 250;

/**
 * Drives the deployment until nothing is left to do, or it has to wait. Trouble that may pass is thrown, to be tried again;
 * trouble that has lasted fails what was being done.
 * @param open makes the container platform of the tenant's place
 * @throws BusyError `deployment-busy` where another holds the lease
 */
export async function driveDeployment(
  here: Platform,
  ids: DeploymentIds,
  open: OpenPlatform = openContainerPlatform,
): Promise<void> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  if (!(await isWaiting(here, ids))) return;
  await underLease(here, ids, async (held, guard) => {
    try {
      await proceed(await setScene(held, ids, guard, open));
      await endTrouble(held.store, path);
    } catch (thrown) {
      if (thrown instanceof LeaseLostError) throw thrown;
      if (!(thrown instanceof TerminalError) && !(await noteTrouble(held.store, path))) throw thrown;
      await giveUp(held, ids, guard, toFailure(thrown), open);
    }
  });
}

/**
 * Likewise, waiting a moment for whoever is at the service: a wish may come just when the one before has been seen to.
 * @throws BusyError where the other goes on for longer; it, or the watchdog, then does what is to be done
 */
export async function driveWhenFree(here: Platform, ids: DeploymentIds): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await driveDeployment(here, ids);
      return;
    } catch (thrown) {
      if (!(thrown instanceof BusyError) || tries === TRIES) throw thrown;
    }
    await sleep(PAUSE_MS);
  }
}

/** Gives up what is being done, unless that is over or somebody else is at it, who then decides. */
export async function abandon(
  here: Platform,
  ids: DeploymentIds,
  failure: Failure,
  open: OpenPlatform = openContainerPlatform,
): Promise<void> {
  try {
    await underLease(here, ids, (held, guard) => giveUp(held, ids, guard, failure, open));
  } catch (thrown) {
    if (!(thrown instanceof BusyError)) throw thrown;
    here.log.info('left to who is at it', { deployment: ids.deployment, reason: failure.message });
  }
}

/**
 * Does `work` while nobody else is at the model's service. What it writes is fenced: one who stood still for longer than
 * the lease, while another went on, writes nothing more.
 */
async function underLease(
  here: Platform,
  ids: DeploymentIds,
  work: (held: Platform, guard: Guard) => Promise<void>,
): Promise<void> {
  const holder = `deployments-${randomUUID()}`;
  const never = new AbortController().signal;
  const path = paths.lease(paths.lock(ids.tenant, ids.model, 'deployment'));
  const driven = await withLease(here.store, path, holder, never, async (lease) => {
    const { store } = here;
    await work({ ...here, store: fencedStore(store, lease) }, () => commitFenced(store, lease, []));
    return true;
  });
  if (driven === null)
    throw new BusyError('deployment-busy', `The service of ${ids.model} is being looked after elsewhere.`);
}

async function proceed(scene: Scene): Promise<void> {
  for (;;) {
    // Again each time, now that nobody else is at it: what is wanted may have changed.
    const deployment = await readDeployment(scene, scene.ids);
    if (!needsWork(deployment)) return;
    if ((await advance(scene, deployment)) === 'waits') return;
  }
}

function advance(scene: Scene, deployment: Deployment): Promise<'moved' | 'waits'> {
  if (deployment.wish !== null) return obey(scene, deployment, deployment.wish);
  if (deployment.status === 'canary') return watchCanary(scene);
  return deployment.status === 'live' ? rescale(scene, deployment) : takeOver(scene, deployment);
}

/** Takes the revision out of the service, then records the failure: the model's lock is held until nothing is left of it. */
async function giveUp(
  here: Platform,
  ids: DeploymentIds,
  guard: Guard,
  failure: Failure,
  open: OpenPlatform,
): Promise<void> {
  const { store, log } = here;
  const deployment = await readDeployment(here, ids);
  if (!needsWork(deployment)) return;
  const onItsWay = isOnItsWay(deployment.status);
  try {
    const scene = await setScene(here, ids, guard, open);
    if (onItsWay) await takeOut(scene);
    else if (deployment.wish === null) await takeOutRescaled(scene, deployment);
  } catch (thrown) {
    const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
    const mayPass = !(thrown instanceof TerminalError);
    // What has a share is not let go of with it: the record would say that it has none.
    const shares = deployment.status === 'canary';
    if (mayPass && (shares || !(await noteTrouble(store, path)))) throw thrown;
    // The next deployment of the model takes all traffic, wherever it is now.
    log.error('revision not taken out', { deployment: ids.deployment, error: toError(thrown).message });
  }
  log.error('deployment failed', { deployment: ids.deployment, reason: failure.message });
  if (onItsWay) await recordFailure(store, ids, failure, await lastLines(store, ids, deployment));
  else if (deployment.wish === null) await endRescaling(store, ids, { failure });
  else await forgetWish(store, ids, failure);
}
