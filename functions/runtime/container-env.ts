import type { Config } from './config.ts';

/**
 * What of the installation's configuration a container started by a function is told. Never the installation's key: a
 * trainer or recommender opens no sealed secret.
 */
export function containerEnv(config: Config): Record<string, string> {
  const values = {
    GOOGLE_CLOUD_PROJECT: config.projectId,
    TRADEWIND_LOCATION: config.location,
    TRADEWIND_BUCKET: config.bucket,
    TRADEWIND_IMAGES: config.images,
    TRADEWIND_WEB_ORIGINS: config.webOrigins.join(','),
    BIGQUERY_ENDPOINT: config.endpoints.bigquery,
    RUN_ENDPOINT: config.endpoints.run,
    AIPLATFORM_ENDPOINT: config.endpoints.aiplatform,
    CLOUDSQL_ENDPOINT: config.endpoints.cloudSql,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
