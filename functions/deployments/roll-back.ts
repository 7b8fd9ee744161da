import { Deployment, isOnItsWay, newDeployment } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { type DeploymentIds, requestStop } from '#store/deployment';
import { mustRead } from '#store/document';
import { createExclusively } from '#store/exclusive';
import { mustBeThere } from '#store/model-access';
import { makeId, now, type Store } from '#store/store';

/**
 * Takes a deployment back in one call. One on its way ends, and its share goes back to what is live. A live one is followed
 * by a new deployment that restores the earlier one: the same version and settings, its revision opened again where the
 * service still has it. Said twice, it begins once.
 * @param to the earlier deployment to go back to; the one that was live before unless given
 * @returns the deployment on which the roll-back is seen
 * @throws TerminalError `deployment-over`, `nothing-to-restore`, `deployment-under-way`, `not-found`
 */
export async function rollBack(
  store: Store,
  ids: DeploymentIds,
  actor: string,
  to: string | undefined,
): Promise<Deployment> {
  const deployment = await readOne(store, ids);
  if (isOnItsWay(deployment.status)) {
    const ending = await requestStop(store, ids, actor, 'roll-back');
    return ending ?? rollBack(store, ids, actor, to);
  }
  if (deployment.status !== 'live')
    throw new TerminalError('deployment-over', `The deployment ${ids.deployment} is ${deployment.status}.`, {
      remedy: 'Roll back the one that is live, naming the deployment to go back to.',
    });
  // A deleted model is restored first; an archived one goes on answering, and may be brought back to what answered well.
  await mustBeThere(store, ids.tenant, ids.model);
  return restore(store, ids, actor, await earlierOne(store, ids, deployment, to));
}

/** Begins a deployment that brings `earlier` back. */
async function restore(
  store: Store,
  { tenant, model, deployment: live }: DeploymentIds,
  actor: string,
  earlier: Deployment,
): Promise<Deployment> {
  const id = makeId(store, 'd');
  const path = paths.deployment(tenant, model, id);
  const data = newDeployment({
    id,
    version: earlier.version,
    run: null,
    settings: earlier.settings,
    requestedBy: actor,
    createdAt: now(store),
    restores: earlier.id,
    former: earlier.former,
  });
  const asked = await createExclusively(store, {
    lock: paths.lock(tenant, model, 'deployment'),
    path,
    data,
    watched: { kind: 'deployment', path, tenant, model, id },
    announcements: [announce('deployment-requested', { tenant, model, deployment: id })],
    audit: {
      tenant,
      actor,
      action: 'deployment.roll-back',
      target: paths.deployment(tenant, model, live),
      after: { to: earlier.id, by: id },
    },
  });
  const begun = await readOne(store, { tenant, model, deployment: asked.id });
  if (begun.restores === earlier.id) return begun;
  throw new TerminalError(
    'deployment-under-way',
    `The deployment ${begun.id} is under way (${begun.status}), so ${live} cannot be rolled back now.`,
    { remedy: `Roll back or stop ${begun.id} first; what is live answers meanwhile.` },
  );
}

async function earlierOne(
  store: Store,
  ids: DeploymentIds,
  live: Deployment,
  to: string | undefined,
): Promise<Deployment> {
  const wanted = to ?? live.former;
  if (wanted === null)
    throw new TerminalError('nothing-to-restore', `Nothing was live before ${ids.deployment}.`, {
      remedy: 'Name the deployment to go back to, or deploy another version.',
    });
  const earlier = await readOne(store, { ...ids, deployment: wanted });
  if (earlier.liveAt === null || earlier.id === live.id)
    throw new TerminalError(
      'nothing-to-restore',
      earlier.id === live.id
        ? `${earlier.id} is live already.`
        : `The deployment ${earlier.id} has never been live (it is ${earlier.status}).`,
      { remedy: 'Name one that was live, or deploy its version.' },
    );
  return earlier;
}

async function readOne(store: Store, ids: DeploymentIds): Promise<Deployment> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return (await mustRead(store, path, Deployment, 'deployment')).value;
}
