import { z } from 'zod';
import { TrafficShare } from './canary.ts';
import { Id, Name } from './ids.ts';
import { follow, type LifeCycle } from './life-cycle.ts';
import { deletable, editable } from './resource.ts';
import type { TenantCloud } from './tenant.ts';

/*
 *   draft ◀──▶ active            active: a deployment answers (go-live, stop)
 *     │          │
 *     └────┬─────┘ archive       archived: nothing new begins and schedules do not fire; what answers goes on until
 *          ▼                     it is stopped
 *       archived ─▶ draft        unarchive; at once active again where a deployment still answers
 */
export const ModelStatus = z.enum(['draft', 'active', 'archived']);
export type ModelStatus = z.infer<typeof ModelStatus>;
export type ModelEvent = 'go-live' | 'stop' | 'archive' | 'unarchive';

export const modelCycle: LifeCycle<ModelStatus, ModelEvent> = {
  draft: { 'go-live': 'active', stop: null, archive: 'archived', unarchive: null },
  active: { 'go-live': null, stop: 'draft', archive: 'archived', unarchive: null },
  archived: { 'go-live': null, stop: null, archive: null, unarchive: 'draft' },
};

/** A recommendation system of a tenant: `tenants/{t}/models/{m}`. */
export const Model = z.object({
  id: Id,
  name: Name,
  description: z.string().max(500),
  status: ModelStatus,
  /** Only versions that a person has approved may be deployed. */
  requireApproval: z.boolean().default(false),
  /** The tables of a load are published together unless its start says otherwise: all in one moment, or none. */
  publishTogether: z.boolean().default(false),
  ...editable,
  ...deletable,
  /** The deployment that answers now, if any; while a canary does too, the main one. */
  liveDeployment: Id.nullable(),
  /** How its requests are split: 100 percent together, or nothing where nothing answers. Cloud Run follows this record. */
  traffic: z.array(TrafficShare).default([]),
});
export type Model = z.infer<typeof Model>;

/** The status of a model once `deployment` answers for it, or nothing does (null): an archived model stays archived. */
export function statusWith(status: ModelStatus, deployment: string | null): ModelStatus {
  return follow(modelCycle, status, deployment === null ? 'stop' : 'go-live') ?? status;
}

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
