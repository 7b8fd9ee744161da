import type { Write } from '#cloud/firestore';
import { sharesOf, type TrafficShare } from '#core/canary';
import { Deployment, deploymentCycle, type DeploymentEvent } from '#core/deployment';
import type { Failure } from '#core/errors';
import { announce } from '#core/events';
import { follow } from '#core/life-cycle';
import type { LogLine } from '#core/log';
import { Model, statusWith } from '#core/model';
import { paths } from '#core/paths';
import { type RevisionHealth } from '#core/service-health';
import type { DeploymentIds } from '#store/deployment';
import { mustRead, read, revise, type Revision, type Stored } from '#store/document';
import { now, type Store } from '#store/store';

/*
 * The records of a deployment's moves. Each is one batch with what belongs to it: the model's own record, the former
 * deployment, the lock that lets the next one begin, the watchdog's entry. Each may be said again: it then does nothing.
 */

/** What is known of a revision before it answers customers. */
type Found = Pick<Deployment, 'url' | 'compared' | 'warmed'>;

/**
 * The deployment answers `percent` of the requests beside what is live, from now on or anew.
 * @param before what its revision has counted so far
 */
export async function takeShare(
  store: Store,
  ids: DeploymentIds,
  percent: number,
  before: RevisionHealth,
  found: Partial<Found> = {},
): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return revise(store, path, Deployment, async (deployment) => {
    const status =
      deployment.status === 'canary' ? 'canary' : follow(deploymentCycle, deployment.status, 'share');
    if (status === null || deployment.wish !== null || deployment.canary?.held === true) return null;
    const model = await readModel(store, ids);
    const { liveDeployment: live } = model.value;
    if (live === null) return null;
    return {
      value: { ...deployment, ...found, status, canary: { percent, since: now(store), held: false, before } },
      writes: [writeModel(model, { traffic: sharesOf(live, ids.deployment, percent) })],
      audit: audit(ids, 'deployment.share'),
    };
  });
}

/** The share that the record says has only now been given: the step begins now. */
export function beginStep(
  store: Store,
  ids: DeploymentIds,
  before: RevisionHealth,
): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return revise(store, path, Deployment, (deployment) =>
    deployment.status !== 'canary' || deployment.canary === null
      ? null
      : { value: { ...deployment, canary: { ...deployment.canary, since: now(store), before } } },
  );
}

/**
 * The deployment is live: with it the former one is superseded (rolled back, where this one restores an earlier one) and
 * the model answers by the new one, in one batch. Nothing where it is wanted to end.
 */
export function goLive(
  store: Store,
  ids: DeploymentIds,
  found: Partial<Found> & Pick<Deployment, 'url'>,
): Promise<Deployment | null> {
  return end(store, ids, 'open', async (deployment, at) => {
    if (deployment.wish !== null && deployment.wish.kind !== 'promote') return null;
    const model = await readModel(store, ids);
    const formerId = model.value.liveDeployment;
    const former =
      formerId === null || formerId === ids.deployment
        ? null
        : await read(store, paths.deployment(ids.tenant, ids.model, formerId), Deployment);
    const displaced =
      former === null
        ? null
        : follow(
            deploymentCycle,
            former.value.status,
            deployment.restores === null ? 'supersede' : 'roll-back',
          );
    return {
      patch: {
        ...found,
        failure: null,
        canary: null,
        wish: null,
        former: deployment.restores === null ? (former?.value.id ?? null) : deployment.former,
        liveAt: at,
      },
      writes: [
        writeModel(model, {
          status: statusWith(model.value.status, ids.deployment),
          liveDeployment: ids.deployment,
          traffic: [{ deployment: ids.deployment, percent: 100 }],
        }),
        ...(former === null || displaced === null
          ? []
          : [
              {
                kind: 'update' as const,
                path: former.path,
                data: { ...former.value, status: displaced, finishedAt: at },
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
  lines: readonly LogLine[] = [],
): Promise<Deployment | null> {
  return giveBack(store, ids, 'fail', failure, lines);
}

/** The deployment on its way was stopped, or rolled back, as it was wished: its share is what is live's again. */
export function giveBack(
  store: Store,
  ids: DeploymentIds,
  event: 'fail' | 'stop' | 'roll-back',
  failure: Failure | null,
  lines: readonly LogLine[] = [],
): Promise<Deployment | null> {
  return end(store, ids, event, async (_, at) => {
    const model = await readModel(store, ids);
    const { liveDeployment: live, traffic } = model.value;
    const patch = { failure, lastLines: [...lines], canary: null, wish: null, finishedAt: at };
    if (!traffic.some(({ deployment }) => deployment === ids.deployment)) return { patch, writes: [] };
    const shares: TrafficShare[] = live === null ? [] : [{ deployment: live, percent: 100 }];
    return { patch, writes: [writeModel(model, { traffic: shares })] };
  });
}

/** The live deployment was stopped: nothing answers for the model any more. */
export function recordStopped(store: Store, ids: DeploymentIds): Promise<Deployment | null> {
  return end(store, ids, 'stop', async (_, at) => {
    const model = await readModel(store, ids);
    const writes =
      model.value.liveDeployment === ids.deployment
        ? [
            writeModel(model, {
              status: statusWith(model.value.status, null),
              liveDeployment: null,
              traffic: [],
            }),
          ]
        : [];
    return { patch: { wish: null, rescaling: null, finishedAt: at }, writes };
  });
}

/** A live deployment's other settings are in force, by another revision, or came to nothing. */
export function endRescaling(
  store: Store,
  ids: DeploymentIds,
  outcome:
    | { readonly revision: string; readonly revisions: number; readonly warmed: number }
    | { readonly failure: Failure },
): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return revise(store, path, Deployment, (deployment): Revision<Deployment> | null => {
    const { rescaling } = deployment;
    if (deployment.status !== 'live' || rescaling === null || rescaling.failure !== null) return null;
    const value =
      'failure' in outcome
        ? // The next try takes a revision of another name.
          {
            ...deployment,
            revisions: deployment.revisions + 1,
            rescaling: { ...rescaling, failure: outcome.failure },
          }
        : {
            ...deployment,
            ...outcome,
            settings: rescaling.settings,
            speaksAs: ids.deployment,
            rescaling: null,
          };
    // What was wished meanwhile is yet to be done: whoever looks after it must find it.
    const writes = deployment.wish === null ? releases(ids) : [];
    return { value, writes, audit: audit(ids, 'deployment.rescale') };
  });
}

/** What was wished of a live deployment could not be done; other settings that were wanted besides are not tried either. */
export function forgetWish(store: Store, ids: DeploymentIds, failure: Failure): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return revise(store, path, Deployment, (deployment): Revision<Deployment> | null => {
    if (deployment.status !== 'live' || deployment.wish === null) return null;
    const rescaling =
      deployment.rescaling === null
        ? null
        : { ...deployment.rescaling, failure: deployment.rescaling.failure ?? failure };
    return { value: { ...deployment, wish: null, failure, rescaling }, writes: releases(ids) };
  });
}

interface Ending {
  readonly patch: Partial<Deployment>;
  readonly writes: readonly Write[];
}

function end(
  store: Store,
  ids: DeploymentIds,
  event: DeploymentEvent,
  plan: (deployment: Deployment, at: string) => Promise<Ending | null>,
): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return revise(store, path, Deployment, async (deployment) => {
    const status = follow(deploymentCycle, deployment.status, event);
    if (status === null) return null;
    const ending = await plan(deployment, now(store));
    if (ending === null) return null;
    return {
      value: { ...deployment, ...ending.patch, status },
      writes: [...ending.writes, ...releases(ids)],
      announcements: [announce('deployment-finished', { ...ids })],
      audit: audit(ids, `deployment.${status}`),
    };
  });
}

/** The next deployment of the model may begin, and the watchdog need not look any more. */
function releases({ tenant, model, deployment }: DeploymentIds): Write[] {
  return [
    { kind: 'delete', path: paths.watched(paths.deployment(tenant, model, deployment)) },
    { kind: 'delete', path: paths.lock(tenant, model, 'deployment') },
  ];
}

function readModel(store: Store, ids: DeploymentIds): Promise<Stored<Model>> {
  return mustRead(store, paths.model(ids.tenant, ids.model), Model, 'model');
}

function writeModel(model: Stored<Model>, change: Partial<Model>): Write {
  return {
    kind: 'update',
    path: model.path,
    data: { ...model.value, ...change },
    version: model.version,
  };
}

/** What the product itself does by its own rules, or at the wish of a person, which has an entry of its own. */
function audit(ids: DeploymentIds, action: string) {
  const target = paths.deployment(ids.tenant, ids.model, ids.deployment);
  return { tenant: ids.tenant, actor: 'system', action, target };
}
