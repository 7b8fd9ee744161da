import type { Write } from '#cloud/firestore';
import { Deployment, isOnItsWay } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { DeploymentSettings, type ServingChange } from '#core/pipeline-config';
import { type DeploymentIds, requestStop } from '#store/deployment';
import { mustRead, revise, type Revision } from '#store/document';
import { mustBeActive } from '#store/model-access';
import { now, type Store } from '#store/store';
import { InputError } from '#runtime/problem';

/*
 * What a person asks of a live deployment. Like a deployment on its way it then holds the model's lock and stands on the
 * watchdog's list, until it is seen to.
 */

/**
 * Ends a deployment: one on its way is taken out, the live one stops answering. Said twice, it ends once.
 * @param confirm that the model is to answer no more
 * @throws TerminalError `confirmation-needed`, `deployment-over`, `deployment-under-way`, `not-found`
 */
export async function stop(
  store: Store,
  ids: DeploymentIds,
  actor: string,
  confirm: boolean,
): Promise<Deployment> {
  const ending = await requestStop(store, ids, actor);
  if (ending !== null) return ending;
  return changeLive(store, ids, 'stop', actor, (deployment) => {
    if (!confirm)
      throw new TerminalError(
        'confirmation-needed',
        `${ids.deployment} is what answers: without it the model’s service stops answering.`,
        { remedy: 'Send {"confirm": true} if that is meant; to have another version answer, deploy it.' },
      );
    return { ...deployment, wish: { kind: 'stop', at: now(store), by: actor, failure: null } };
  });
}

/**
 * Asks for other settings of the live deployment.
 * @throws TerminalError `deployment-over`, `deployment-under-way`, `model-archived`, `not-found`; InputError for settings
 *   that do not go together
 */
export async function rescale(
  store: Store,
  ids: DeploymentIds,
  actor: string,
  change: ServingChange,
): Promise<Deployment> {
  await mustBeActive(store, ids.tenant, ids.model);
  return changeLive(store, ids, 'change', actor, (deployment) => {
    if (deployment.rescaling !== null && deployment.rescaling.failure === null)
      throw underWay(ids.deployment, 'takes other settings');
    const parsed = DeploymentSettings.safeParse({ ...deployment.settings, ...change });
    if (!parsed.success)
      throw new InputError(
        'body',
        parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
      );
    return {
      ...deployment,
      rescaling: { settings: parsed.data, at: now(store), by: actor, failure: null },
    };
  });
}

/** Writes what is wanted of the live deployment, with the lock and the watchdog's entry, and announces it. */
async function changeLive(
  store: Store,
  ids: DeploymentIds,
  verb: string,
  actor: string,
  change: (deployment: Deployment) => Deployment,
): Promise<Deployment> {
  const { tenant, model, deployment: id } = ids;
  const path = paths.deployment(tenant, model, id);
  const lock = paths.lock(tenant, model, 'deployment');
  const watched = { kind: 'deployment', path, tenant, model, id };
  const changed = await revise(
    store,
    path,
    Deployment,
    async (deployment): Promise<Revision<Deployment> | null> => {
      if (isOnItsWay(deployment.status)) throw underWay(id, `is ${deployment.status}`);
      if (deployment.status !== 'live')
        throw new TerminalError('deployment-over', `The deployment ${id} is ${deployment.status}.`, {
          remedy: 'Ask it of the deployment that is live.',
        });
      const holder = await store.db.get(lock);
      if (holder !== null && holder.data['run'] !== id)
        throw underWay(String(holder.data['run']), 'is under way');
      const claim: Write[] =
        holder !== null
          ? []
          : [
              { kind: 'create', path: lock, data: { run: id } },
              { kind: 'set', path: paths.watched(path), data: watched },
            ];
      // A wish that is there stands; that it is asked for again may be because nobody has seen to it.
      if (deployment.wish !== null)
        return {
          value: deployment,
          writes: claim,
          announcements: [announce('deployment-requested', { ...ids })],
        };
      return {
        value: change(deployment),
        writes: claim,
        announcements: [announce('deployment-requested', { ...ids })],
        audit: { tenant, actor, action: `deployment.${verb}`, target: path },
      };
    },
  );
  return changed ?? (await mustRead(store, path, Deployment, 'deployment')).value;
}

function underWay(deployment: string, how: string): TerminalError {
  return new TerminalError('deployment-under-way', `The deployment ${deployment} ${how}.`, {
    remedy: 'Wait until it is done, or stop it first.',
  });
}
