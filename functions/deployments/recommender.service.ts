import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { health } from '#core/api/recommend';
import { checkVerification } from '#core/api/verify';
import { RecommenderEnv } from '#core/container-env';
import type { ServiceDeploy } from '#runtime/deploy';
import type { Platform } from '#runtime/platform';
import type { ServiceSpec } from '#runtime/service';
import { loadVersion } from './load-version.ts';
import { openPredictionLog } from './prediction-log.ts';
import { recommenderRoutes } from './recommender-routes.ts';
import { RECOMMENDER_SIZE } from './recommender-size.ts';

/** The recommender container: one version of one model, held in memory. */
export const deploy: ServiceDeploy = {
  trigger: 'service',
  ...RECOMMENDER_SIZE,
  serviceAccount: 'recommender',
};

export const handler = async (here: Platform, variables: NodeJS.ProcessEnv): Promise<ServiceSpec> => {
  const { config, store, log } = here;
  const env = RecommenderEnv.parse(variables);
  const tenantCloud = { projectId: env.TRADEWIND_DATA_PROJECT, location: env.TRADEWIND_DATA_LOCATION };
  const recommender = await loadVersion(openFiles(tenantCloud.projectId), env);
  const warehouse = openWarehouse({ ...tenantCloud, endpoints: config.endpoints });
  const predictions = openPredictionLog(warehouse, env.TRADEWIND_LOGS_DATASET, log);
  const key = Buffer.from(env.TRADEWIND_VERIFY_KEY, 'base64');
  return {
    tenant: env.TRADEWIND_TENANT,
    routes: recommenderRoutes(recommender, { env, store, predictions }),
    verifier: (token, body) => checkVerification(key, env.TRADEWIND_DEPLOYMENT, token, body, store.clock()),
    healthPath: health.path,
    health: () => ({
      status: 'ok',
      version: env.TRADEWIND_VERSION,
      customers: recommender.customers.keys.length,
      items: recommender.items.keys.length,
    }),
    close: () => predictions.close(),
  };
};
