import type { z } from 'zod';
import type { getDeploymentHealth } from '#core/api/deployments';
import { Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import { latencyWithin, noHealth } from '#core/service-health';
import type { DeploymentIds } from '#store/deployment';
import { mustRead } from '#store/document';
import { readHealth } from '#store/service-health';
import type { Store } from '#store/store';

/** What the deployment's revision has answered so far. @throws TerminalError `not-found` */
export async function describeHealth(
  store: Store,
  ids: DeploymentIds,
): Promise<z.input<typeof getDeploymentHealth.answer>> {
  const path = paths.deployment(ids.tenant, ids.model, ids.deployment);
  const { revision, speaksAs } = (await mustRead(store, path, Deployment, 'deployment')).value;
  const speaker = paths.deployment(ids.tenant, ids.model, speaksAs ?? ids.deployment);
  const health = revision === null ? noHealth() : await readHealth(store, speaker, revision);
  const within = (share: number) => {
    const found = latencyWithin(health, share);
    return found !== null && Number.isFinite(found) ? found : null;
  };
  return {
    revision,
    requests: health.requests,
    errors: health.errors,
    p50Ms: within(0.5),
    p95Ms: within(0.95),
    instancesStarted: health.started,
    instancesEnded: health.ended,
  };
}
