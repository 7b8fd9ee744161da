import { z } from 'zod';
import { Id, Moment, Name } from './ids.ts';
import type { TenantCloud } from './tenant.ts';

/** A recommendation system of a tenant: `tenants/{t}/models/{m}`. */
export const Model = z.object({
  id: Id,
  name: Name,
  description: z.string().max(500),
  status: z.enum(['draft', 'active', 'archived']),
  createdAt: Moment,
  /** The deployment that answers now, if any. */
  liveDeployment: Id.nullable(),
});
export type Model = z.infer<typeof Model>;

/** Names of a model's three BigQuery datasets: raw tables, features (snapshots), prediction logs. */
export function datasetNames(
  cloud: Pick<TenantCloud, 'datasetPrefix'>,
  tenant: string,
  model: string,
): { raw: string; features: string; logs: string } {
  const base = `${cloud.datasetPrefix}${tenant}_${model}`;
  return { raw: `${base}_raw`, features: `${base}_features`, logs: `${base}_logs` };
}

/** Where a run keeps its artifacts: `gs://<bucket>/<prefix>…`. Ends in a slash. */
export function runPrefix(tenant: string, model: string, run: string): string {
  return `${tenant}/${model}/runs/${run}/`;
}
