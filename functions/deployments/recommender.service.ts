import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { health } from '#core/api/recommend';
import { checkVerification, verifyLists } from '#core/api/verify';
import { RecommenderEnv } from '#core/container-env';
import { paths } from '#core/paths';
import type { ServiceDeploy } from '#runtime/deploy';
import type { Platform } from '#runtime/platform';
import type { ServiceSpec } from '#runtime/service';
import { openFeedbackLog } from './feedback-log.ts';
import { openInstanceReport, reportCrashes } from './instance-report.ts';
import { loadVersion } from './load-version.ts';
import { openPredictionLog } from './prediction-log.ts';
import { recommenderRoutes } from './recommender-routes.ts';
import { RECOMMENDER_SIZE } from './recommender-size.ts';
import { warmUp } from './warm-up.ts';

/** The recommender container: one version of one model, held in memory. */
export const deploy: ServiceDeploy = {
  trigger: 'service',
  ...RECOMMENDER_SIZE,
  serviceAccount: 'recommender',
};

export const handler = async (here: Platform, variables: NodeJS.ProcessEnv): Promise<ServiceSpec> => {
  const { config, store } = here;
  const env = RecommenderEnv.parse(variables);
  const { TRADEWIND_TENANT: tenant, TRADEWIND_MODEL: model, TRADEWIND_DEPLOYMENT: deployment } = env;
  const report = openInstanceReport(
    store,
    paths.deployment(tenant, model, deployment),
    variables['K_REVISION'] ?? '',
  );
  const { log } = report;
  reportCrashes(report);
  const tenantCloud = { projectId: env.TRADEWIND_DATA_PROJECT, location: env.TRADEWIND_DATA_LOCATION };
  const load = async () => {
    const loaded = await loadVersion(openFiles(tenantCloud.projectId), env);
    warmUp(loaded);
    return loaded;
  };
  const recommender = await load().catch(async (thrown: unknown) => {
    await report.crashed('the version could not be loaded', thrown);
    throw thrown;
  });
  const warehouse = openWarehouse({ ...tenantCloud, endpoints: config.endpoints });
  const predictions = openPredictionLog(warehouse, env.TRADEWIND_LOGS_DATASET, log);
  const feedback = openFeedbackLog(warehouse, env.TRADEWIND_LOGS_DATASET, log);
  const key = Buffer.from(env.TRADEWIND_VERIFY_KEY, 'base64');
  return {
    tenant,
    model,
    routes: recommenderRoutes(recommender, { env, store, predictions, feedback }),
    verifier: (token, body) => checkVerification(key, deployment, token, body, store.clock()),
    healthPath: health.path,
    health: () => ({
      status: 'ok',
      version: env.TRADEWIND_VERSION,
      customers: recommender.customers.keys.length,
      items: recommender.items.keys.length,
    }),
    log,
    // The verifier's own questions, by which it is also warmed up, are no customers'.
    onAnswer: (path, status, milliseconds) => {
      if (path !== verifyLists.path) report.answered(status, milliseconds);
    },
    close: async () => {
      await Promise.all([predictions.close(), feedback.close(), report.close()]);
    },
  };
};
