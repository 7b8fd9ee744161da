import { getVersion, listVersions } from '#core/api/versions';
import { paths } from '#core/paths';
import { Version } from '#core/version';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';

export const deploy = httpDeploy();

export const handler = serve('versions-api', ({ store }) => [
  route(listVersions, ({ params, query }) =>
    readPage(store, paths.versions(params.tenant, params.model), Version, query),
  ),
  route(
    getVersion,
    async ({ params: { tenant, model, version } }) =>
      (await mustRead(store, paths.version(tenant, model, version), Version, 'version')).value,
  ),
]);
