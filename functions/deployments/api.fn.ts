import {
  changeDeployment,
  getDeployment,
  getDeploymentHealth,
  getDeploymentLogs,
  getTraffic,
  listDeployments,
  rollBack as rollBackContract,
  splitTraffic as splitTrafficContract,
  startDeployment,
  stopDeployment,
} from '#core/api/deployments';
import { Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { readServiceLog } from '#store/service-log';
import { rescale, stop } from './change-live.ts';
import { describeHealth } from './health.ts';
import { rollBack } from './roll-back.ts';
import { readTraffic, splitTraffic } from './split.ts';
import { start } from './start.ts';

export const deploy = httpDeploy();

export const handler = serve('deployments-api', ({ store }) => [
  route(startDeployment, ({ params, body, caller }) => start(store, params, caller.actor, body)),
  route(listDeployments, ({ params, query: { status, version, ...page } }) =>
    readPage(store, paths.deployments(params.tenant, params.model), Deployment, page, { status, version }),
  ),
  route(getTraffic, ({ params }) => readTraffic(store, params)),
  route(splitTrafficContract, ({ params, body, caller }) =>
    splitTraffic(store, params, caller.actor, body.split, body.goOn),
  ),
  route(
    getDeployment,
    async ({ params: { tenant, model, deployment } }) =>
      (await mustRead(store, paths.deployment(tenant, model, deployment), Deployment, 'deployment')).value,
  ),
  route(changeDeployment, ({ params, body, caller }) => rescale(store, params, caller.actor, body)),
  route(rollBackContract, ({ params, body, caller }) => rollBack(store, params, caller.actor, body.to)),
  route(stopDeployment, ({ params, body, caller }) => stop(store, params, caller.actor, body.confirm)),
  route(getDeploymentLogs, async ({ params: { tenant, model, deployment }, query }) => {
    const path = paths.deployment(tenant, model, deployment);
    const { speaksAs } = (await mustRead(store, path, Deployment, 'deployment')).value;
    return readServiceLog(store, paths.deployment(tenant, model, speaksAs ?? deployment), query);
  }),
  route(getDeploymentHealth, ({ params }) => describeHealth(store, params)),
]);
