import type { Write } from '#cloud/firestore';
import { Deployment, deploymentCycle, type DeploymentEvent } from '#core/deployment';
import type { Failure } from '#core/errors';
import { announce } from '#core/events';
import { follow } from '#core/life-cycle';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { mustRead, read, revise } from '#store/document';
import { now, type Store } from '#store/store';

/** A deployment's address. */
export interface DeploymentIds {
  readonly tenant: string;
  readonly model: string;
  readonly deployment: string;
}

/** The deployment is live: with it the former one is superseded and the model answers by the new one, in one batch. */
export function goLive(
  store: Store,
  ids: DeploymentIds,
  found: Pick<Deployment, 'url' | 'compared'>,
): Promise<Deployment | null> {
  return end(store, ids, 'open', async (at) => {
    const model = await mustRead(store, paths.model(ids.tenant, ids.model), Model, 'model');
    const formerId = model.value.liveDeployment;
    const former =
      formerId === null || formerId === ids.deployment
        ? null
        : await read(store, paths.deployment(ids.tenant, ids.model, formerId), Deployment);
    const superseded = former === null ? null : follow(deploymentCycle, former.value.status, 'supersede');
    return {
      patch: { ...found, failure: null, liveAt: at },
      writes: [
        {
          kind: 'update',
          path: model.path,
          data: { ...model.value, status: 'active', liveDeployment: ids.deployment },
          version: model.version,
        },
        ...(former === null || superseded === null
          ? []
          : [
              {
                kind: 'update' as const,
                path: former.path,
                data: { ...former.value, status: superseded, finishedAt: at },
                version: former.version,
              },
            ]),
      ],
    };
  });
}

/** The deployment came to nothing; what was live before stays live. Harmless where it is over. */
export function recordFailure(
  store: Store,
  ids: DeploymentIds,
  failure: Failure,
): Promise<Deployment | null> {
  return end(store, ids, 'fail', (at) => Promise.resolve({ patch: { failure, finishedAt: at }, writes: [] }));
}

interface Ending {
  readonly patch: Partial<Deployment>;
  readonly writes: readonly Write[];
}

function end(
  store: Store,
  ids: DeploymentIds,
  event: DeploymentEvent,
  plan: (at: string) => Promise<Ending>,
): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return revise(store, path, Deployment, async (deployment) => {
    const status = follow(deploymentCycle, deployment.status, event);
    if (status === null) return null;
    const { patch, writes } = await plan(now(store));
    return {
      value: { ...deployment, ...patch, status },
      writes: [
        ...writes,
        { kind: 'delete', path: paths.watched(path) },
        { kind: 'delete', path: paths.lock(ids.tenant, ids.model, 'deployment') },
      ],
      announcements: [announce('deployment-finished', { ...ids })],
    };
  });
}
