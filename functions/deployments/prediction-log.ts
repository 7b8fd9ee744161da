import type { Field, Row, Warehouse } from '#cloud/bigquery';
import type { Log } from '#runtime/log';
import { openRowLog, type Grace } from './row-log.ts';

/** One answer as monitoring and billing will see it. */
export interface Prediction {
  readonly recommendationId: string;
  /** ISO moment. */
  readonly at: string;
  readonly version: string;
  readonly deployment: string;
  readonly kind: 'recommend' | 'similar' | 'next-order' | 'rerank' | 'buyers';
  readonly slot: string;
  /** The customer's own key; null for a basket, similar items or buyers. */
  readonly customer: string | null;
  /** Keys of the basket, of what was to be ordered, or of the item that was asked about. */
  readonly context: readonly string[];
  /** Keys as listed, best first: items, or customers where buyers were asked for. */
  readonly items: readonly string[];
  readonly known: boolean;
  readonly latencyMs: number;
}

/** Gathers predictions and writes them to the warehouse in batches; an answer never waits for its log. */
export interface PredictionLog {
  add(prediction: Prediction): void;
  /** Writes what is left, trying again until the grace is over; what is lost then is said in the log. */
  close(): Promise<void>;
}

export const PREDICTIONS_TABLE = 'predictions';

const FIELDS: readonly Field[] = [
  { name: 'recommendation_id', type: 'STRING', description: 'Named in the answer' },
  { name: 'at', type: 'TIMESTAMP' },
  { name: 'version', type: 'STRING' },
  { name: 'deployment', type: 'STRING' },
  { name: 'kind', type: 'STRING', description: 'recommend, similar, next-order, rerank or buyers' },
  { name: 'slot', type: 'STRING' },
  { name: 'customer', type: 'STRING', description: 'Null for a basket or similar items' },
  { name: 'context', type: 'STRING', description: 'JSON array: the basket, or the item' },
  {
    name: 'items',
    type: 'STRING',
    description: 'JSON array of keys, best first: items; customers where kind is buyers',
  },
  { name: 'known', type: 'BOOL' },
  { name: 'latency_ms', type: 'FLOAT64' },
];

/** A log into `dataset`. `grace`: how long `close` tries, and how often. */
export function openPredictionLog(
  warehouse: Warehouse,
  dataset: string,
  log: Log,
  grace?: Grace,
): PredictionLog {
  const table = { dataset, table: PREDICTIONS_TABLE };
  const rows = openRowLog(warehouse, table, FIELDS, 'predictions', log, grace);
  return {
    add: (prediction) => rows.add(prediction.recommendationId, toRow(prediction)),
    close: () => rows.close(),
  };
}

function toRow(one: Prediction): Row {
  return {
    recommendation_id: one.recommendationId,
    at: one.at,
    version: one.version,
    deployment: one.deployment,
    kind: one.kind,
    slot: one.slot,
    customer: one.customer,
    context: JSON.stringify(one.context),
    items: JSON.stringify(one.items),
    known: one.known,
    latency_ms: one.latencyMs,
  };
}
