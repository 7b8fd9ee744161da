import { Deployment, isOnItsWay, newDeployment, type Wish } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import type { DeploymentSettings } from '#core/pipeline-config';
import type { Version } from '#core/version';
import { revise } from './document.ts';
import { createExclusively } from './exclusive.ts';
import { mustBeActive } from './model-access.ts';
import { now, type Store } from './store.ts';

export interface DeploymentRequest {
  readonly tenant: string;
  readonly model: string;
  readonly id: string;
  readonly version: Version;
  /** The pipeline run whose last stage it is, or null. */
  readonly run: string | null;
  readonly settings: DeploymentSettings;
  readonly requestedBy: string;
}

/**
 * Writes a deployment unless one of the model is under way, and announces it. Of any number of callers at once one
 * creates; the others get the id of the one under way.
 * @throws TerminalError `gate-refused`, `version-archived`, `version-unapproved`, `model-archived`, `not-found`
 */
export async function requestDeployment(
  store: Store,
  request: DeploymentRequest,
): Promise<{ readonly created: boolean; readonly id: string }> {
  const { tenant, model, id, version } = request;
  if (!version.gate.passed)
    throw new TerminalError(
      'gate-refused',
      `Version ${version.number} did not pass the quality gate: ${version.gate.reasons[0] ?? 'no reason kept'}`,
      { remedy: 'Deploy another version, or train again.' },
    );
  if (version.status === 'archived')
    throw new TerminalError('version-archived', `Version ${version.number} is archived.`, {
      remedy: 'Deploy another version.',
    });
  const { requireApproval } = await mustBeActive(store, tenant, model);
  if (requireApproval && version.status !== 'approved')
    throw new TerminalError(
      'version-unapproved',
      `Version ${version.number} awaits approval, without which this model deploys none.`,
      { remedy: 'Approve the version and deploy it, or turn the model’s option "require approval" off.' },
    );
  const path = paths.deployment(tenant, model, id);
  const data = newDeployment({
    id,
    version: version.id,
    run: request.run,
    settings: request.settings,
    requestedBy: request.requestedBy,
    createdAt: now(store),
  });
  return createExclusively(store, {
    lock: paths.lock(tenant, model, 'deployment'),
    path,
    data,
    watched: { kind: 'deployment', path, tenant, model, id },
    announcements: [announce('deployment-requested', { tenant, model, deployment: id })],
    audit: { tenant, actor: request.requestedBy, action: 'deployment.start', target: path },
  });
}

/** A deployment's address. */
export interface DeploymentIds {
  readonly tenant: string;
  readonly model: string;
  readonly deployment: string;
}

/**
 * Says that a deployment on its way is to end: the next look takes its revision out of the service and its share goes back
 * to what is live. What is wanted already stays so. Harmless where it is over or live.
 * @param kind `roll-back` where it may have answered and is to be remembered as taken back
 * @param failure why, where the product itself wants it
 * @returns the deployment, or null where it is not on its way any more.
 * @throws TerminalError `not-found`
 */
export async function requestStop(
  store: Store,
  ids: DeploymentIds,
  actor: string,
  kind: Exclude<Wish['kind'], 'promote'> = 'stop',
  failure: Wish['failure'] = null,
): Promise<Deployment | null> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  let ending: Deployment | null = null;
  await revise(store, path, Deployment, (deployment) => {
    ending = isOnItsWay(deployment.status) ? deployment : null;
    if (ending === null || (deployment.wish !== null && deployment.wish.kind !== 'promote')) return null;
    ending = { ...deployment, wish: { kind, at: now(store), by: actor, failure } };
    return {
      value: ending,
      announcements: [announce('deployment-requested', { ...ids })],
      audit: { tenant: ids.tenant, actor, action: `deployment.${kind}`, target: path },
    };
  });
  return ending;
}
