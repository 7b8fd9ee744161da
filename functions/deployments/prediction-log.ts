import { setTimeout as sleep } from 'node:timers/promises';
import type { Field, Warehouse } from '#cloud/bigquery';
import { toError } from '#core/errors';
import type { Log } from '#runtime/log';

/** One answer as monitoring and billing will see it. */
export interface Prediction {
  readonly recommendationId: string;
  /** ISO moment. */
  readonly at: string;
  readonly version: string;
  readonly deployment: string;
  readonly kind: 'recommend' | 'similar';
  readonly slot: string;
  /** The customer's own key; null for a basket or similar items. */
  readonly customer: string | null;
  /** Keys of the basket, or of the item that similar ones were asked for. */
  readonly context: readonly string[];
  /** Keys as listed, best first. */
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
  { name: 'kind', type: 'STRING', description: 'recommend or similar' },
  { name: 'slot', type: 'STRING' },
  { name: 'customer', type: 'STRING', description: 'Null for a basket or similar items' },
  { name: 'context', type: 'STRING', description: 'JSON array: the basket, or the item' },
  { name: 'items', type: 'STRING', description: 'JSON array of item keys, best first' },
  { name: 'known', type: 'BOOL' },
  { name: 'latency_ms', type: 'FLOAT64' },
];

const FLUSH_MILLISECONDS = 1000;
const BATCH = 500;
/** Past this the oldest are let go: a warehouse that is away must not fill the memory. */
const LIMIT = 20_000;

/** Of the 10 s that Cloud Run leaves a container to end in, what the last writes may take. */
const GRACE = { milliseconds: 6000, pauseMilliseconds: 500 };

/** A log into `dataset`, whose table is made at the first write. `grace`: how long `close` tries, and how often. */
export function openPredictionLog(
  warehouse: Warehouse,
  dataset: string,
  log: Log,
  grace: typeof GRACE = GRACE,
): PredictionLog {
  const table = { dataset, table: PREDICTIONS_TABLE };
  let waiting: Prediction[] = [];
  let writing: Promise<void> | null = null;
  let ready = false;

  const writeBatch = async (): Promise<boolean> => {
    const batch = waiting.slice(0, BATCH);
    if (batch.length === 0) return false;
    try {
      if (!ready) {
        // The dataset is there since the model is: to make one is no right of this container.
        await warehouse.ensureTable(table, FIELDS, { partitionBy: 'at' });
        ready = true;
      }
      await warehouse.insert(table, batch.map(toRow));
      waiting = waiting.slice(batch.length);
      return true;
    } catch (error) {
      log.warn('predictions not written yet', { waiting: waiting.length, error: toError(error).message });
      return false;
    }
  };
  const flush = (): Promise<void> => {
    writing ??= (async () => {
      while (await writeBatch());
    })().finally(() => (writing = null));
    return writing;
  };
  const timer = setInterval(() => void flush(), FLUSH_MILLISECONDS);
  timer.unref();

  return {
    add(prediction) {
      waiting.push(prediction);
      // Not while a batch is being written: its rows are the first of these.
      if (waiting.length > LIMIT && writing === null) {
        log.error('predictions lost', { lost: waiting.length - LIMIT });
        waiting = waiting.slice(-LIMIT);
      }
    },
    async close() {
      clearInterval(timer);
      const over = new AbortController();
      const last = sleep(grace.milliseconds, undefined, { signal: over.signal }).catch(() => undefined);
      const written = async () => {
        await writing;
        for (;;) {
          await flush();
          if (waiting.length === 0 || over.signal.aborted) return;
          await sleep(grace.pauseMilliseconds);
        }
      };
      // A write that hangs must not keep the container from saying what is lost.
      await Promise.race([written(), last]);
      over.abort();
      if (waiting.length > 0) log.error('predictions lost', { lost: waiting.length });
    },
  };
}

function toRow(one: Prediction) {
  return {
    id: one.recommendationId,
    row: {
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
    },
  };
}
