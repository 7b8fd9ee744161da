import { type Deployment, LAST_LINES } from '#core/deployment';
import type { LogLine } from '#core/log';
import { paths } from '#core/paths';
import type { DeploymentIds } from '#store/deployment';
import { readServiceLog } from '#store/service-log';
import type { Store } from '#store/store';

/** The last lines that the deployment's revision has said, oldest first. */
export async function lastLines(
  store: Store,
  ids: DeploymentIds,
  { speaksAs }: Pick<Deployment, 'speaksAs'>,
): Promise<LogLine[]> {
  const path = paths.deployment(ids.tenant, ids.model, speaksAs ?? ids.deployment);
  const { items } = await readServiceLog(store, path, { limit: LAST_LINES });
  return items.slice(0, LAST_LINES).toReversed();
}
