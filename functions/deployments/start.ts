import { Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import type { DeploymentSettings } from '#core/pipeline-config';
import { Version } from '#core/version';
import { requestDeployment } from '#store/deployment';
import { mustRead } from '#store/document';
import { makeId, type Store } from '#store/store';

/** Starts a deployment of a version, or answers with the one of the model that is under way. */
export async function start(
  store: Store,
  { tenant, model }: { readonly tenant: string; readonly model: string },
  actor: string,
  wanted: { readonly version: string; readonly settings: DeploymentSettings },
): Promise<Deployment> {
  const version = await mustRead(store, paths.version(tenant, model, wanted.version), Version, 'version');
  const { id } = await requestDeployment(store, {
    tenant,
    model,
    id: makeId(store, 'd'),
    version: version.value,
    run: null,
    settings: wanted.settings,
    requestedBy: actor,
  });
  return (await mustRead(store, paths.deployment(tenant, model, id), Deployment, 'deployment')).value;
}
