import { BigQuery } from '@google-cloud/bigquery';
import { PassThroughClient } from 'google-auth-library';
import { useLocalCloud } from './local-cloud.ts';

/** The rows of a statement, as the official client gives them. */
export async function warehouseRows(sql: string): Promise<Record<string, unknown>[]> {
  const { env, projectId, location } = useLocalCloud();
  const client = new BigQuery({
    projectId,
    apiEndpoint: env['BIGQUERY_ENDPOINT'] ?? '',
    authClient: new PassThroughClient(),
  });
  const [rows] = await client.query({ query: sql, location });
  // The client types rows as any[]; they are plain objects.
  return rows as Record<string, unknown>[];
}
