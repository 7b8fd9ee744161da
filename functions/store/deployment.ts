import { type Deployment } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import type { DeploymentSettings } from '#core/pipeline-config';
import type { Version } from '#core/version';
import { createExclusively } from './exclusive.ts';
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
 * @throws TerminalError `gate-refused`, `version-archived`
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
  const path = paths.deployment(tenant, model, id);
  const data: Deployment = {
    id,
    version: version.id,
    run: request.run,
    status: 'creating',
    settings: request.settings,
    requestedBy: request.requestedBy,
    attempts: 0,
    service: null,
    revision: null,
    url: null,
    compared: 0,
    failure: null,
    createdAt: now(store),
    liveAt: null,
    finishedAt: null,
  };
  return createExclusively(store, {
    lock: paths.lock(tenant, model, 'deployment'),
    path,
    data,
    watched: { kind: 'deployment', path, tenant, model, id },
    announcements: [announce('deployment-requested', { tenant, model, deployment: id })],
    audit: { tenant, actor: request.requestedBy, action: 'deployment.start', target: path },
  });
}
