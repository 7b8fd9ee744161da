import { getDeployment, listDeployments, startDeployment } from '#core/api/deployments';
import { Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { start } from './start.ts';

export const deploy = httpDeploy();

export const handler = serve('deployments-api', ({ store }) => [
  route(startDeployment, ({ params, body, caller }) => start(store, params, caller.uid, body)),
  route(listDeployments, ({ params, query }) =>
    readPage(store, paths.deployments(params.tenant, params.model), Deployment, query),
  ),
  route(
    getDeployment,
    async ({ params: { tenant, model, deployment } }) =>
      (await mustRead(store, paths.deployment(tenant, model, deployment), Deployment, 'deployment')).value,
  ),
]);
