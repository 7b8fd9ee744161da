import type { z } from 'zod';
import type { TrafficRecord } from '#core/api/deployments';
import { planSplit, sharesOf, type TrafficShare } from '#core/canary';
import { Deployment } from '#core/deployment';
import { announce } from '#core/events';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { mustRead, readAll, revise, type Revision, type Stored } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { now, type Store } from '#store/store';

type Address = { readonly tenant: string; readonly model: string };
type Traffic = z.output<typeof TrafficRecord>;

/** How the model's requests are split, by its own record. @throws TerminalError `not-found` */
export async function readTraffic(store: Store, at: Address): Promise<Traffic> {
  const { value } = await mustBeThere(store, at.tenant, at.model);
  const canary = await canaryOf(store, at);
  return {
    live: value.liveDeployment,
    canary: canary?.id ?? null,
    held: canary?.canary?.held ?? false,
    split: value.traffic,
  };
}

/**
 * Writes the split that a person wants; Cloud Run follows it in one call. All for the canary makes it the live one, as soon
 * as Cloud Run has done so.
 * @param goOn whether the canary's own steps go on from here
 * @returns the record as it is now
 * @throws TerminalError `not-answering`, `not-found`
 */
export async function splitTraffic(
  store: Store,
  at: Address,
  actor: string,
  split: readonly TrafficShare[],
  goOn: boolean,
): Promise<Traffic> {
  await mustBeThere(store, at.tenant, at.model);
  const canary = await canaryOf(store, at);
  if (canary === null) {
    const model = await readModel(store, at);
    planSplit(split, model.value.liveDeployment, null);
    return readTraffic(store, at);
  }
  const path = paths.deployment(at.tenant, at.model, canary.id);
  await revise(store, path, Deployment, async (deployment): Promise<Revision<Deployment> | null> => {
    const model = await readModel(store, at);
    const live = model.value.liveDeployment;
    const answering = deployment.status === 'canary' && deployment.wish === null;
    const { percent } = planSplit(split, live, answering ? canary.id : null);
    if (!answering || deployment.canary === null || live === null) return null;
    const shared = {
      announcements: [announce('deployment-requested', { ...at, deployment: canary.id })],
      audit: { tenant: at.tenant, actor, action: 'deployment.split', target: path },
    };
    if (percent === 100) {
      const wish = { kind: 'promote' as const, at: now(store), by: actor, failure: null };
      return { value: { ...deployment, wish }, ...shared };
    }
    return {
      value: {
        ...deployment,
        canary: { ...deployment.canary, percent, held: !goOn, since: now(store) },
      },
      writes: [
        {
          kind: 'update',
          path: model.path,
          data: { ...model.value, traffic: sharesOf(live, canary.id, percent) },
          version: model.version,
        },
      ],
      ...shared,
    };
  });
  return readTraffic(store, at);
}

/** The model's canary: there is one at most, for it holds the model's lock. */
async function canaryOf(store: Store, { tenant, model }: Address): Promise<Deployment | null> {
  const found = await readAll(store, paths.deployments(tenant, model), Deployment, {
    where: [['status', '==', 'canary']],
    limit: 1,
  });
  return found[0] ?? null;
}

function readModel(store: Store, { tenant, model }: Address): Promise<Stored<Model>> {
  return mustRead(store, paths.model(tenant, model), Model, 'model');
}
