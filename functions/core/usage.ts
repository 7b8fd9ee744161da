import { z } from 'zod';

/**
 * What a run used: counted where it happened, priced by the list in core/prices.ts. `estimatedCost` is in US dollars and
 * an estimate; the cloud provider's bill decides.
 */
export const Amounts = z.object({
  /** Bytes that BigQuery read. */
  bytesScanned: z.number().min(0).default(0),
  /** Bytes written to the warehouse or to storage. */
  bytesWritten: z.number().min(0).default(0),
  rows: z.number().min(0).default(0),
  /** Seconds that containers ran for it, over all tasks. */
  containerSeconds: z.number().min(0).default(0),
  /** Seconds that training machines ran for it. */
  trainingSeconds: z.number().min(0).default(0),
  estimatedCost: z.number().min(0).default(0),
});
export type Amounts = z.infer<typeof Amounts>;

/** `tenants/{t}/usage/{month}/runs/{r}`: what one run used, in the month in which it ended. */
export const RunUsage = z.object({
  run: z.string(),
  model: z.string(),
  kind: z.enum(['etl', 'pipeline']),
  endedAt: z.string(),
  amounts: Amounts,
});
export type RunUsage = z.infer<typeof RunUsage>;

/** Nothing used. */
export const NOTHING_USED: Amounts = Amounts.parse({});

/** The sum of two. */
export function addAmounts(one: Amounts, other: Amounts): Amounts {
  return {
    bytesScanned: one.bytesScanned + other.bytesScanned,
    bytesWritten: one.bytesWritten + other.bytesWritten,
    rows: one.rows + other.rows,
    containerSeconds: one.containerSeconds + other.containerSeconds,
    trainingSeconds: one.trainingSeconds + other.trainingSeconds,
    estimatedCost: one.estimatedCost + other.estimatedCost,
  };
}

/** The month a moment belongs to: `2026-11`, in UTC. */
export function monthOf(moment: string): string {
  return moment.slice(0, 7);
}
