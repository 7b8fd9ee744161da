import { setTimeout as sleep } from 'node:timers/promises';
import type { Field, Row, TableRef, Warehouse } from '#cloud/bigquery';
import type { RefusedRow } from '#cloud/refused-rows';
import { toError } from '#core/errors';
import type { Log } from '#runtime/log';

/** Gathers rows and writes them to a table of the warehouse in batches; who adds one never waits. */
export interface RowLog {
  /** `id` makes a row that is said twice within about a minute count once. */
  add(id: string, row: Row): void;
  /** Writes what is left, trying again until the grace is over; what is lost then is said in the log. */
  close(): Promise<void>;
  /** What does not fit the table and was set aside, so that the others are written: how many, and the newest KEPT of them. */
  refused(): { readonly count: number; readonly newest: readonly RefusedRow[] };
}

/** How long a row waits at most for the write that it goes with; and how many rows are enough to write at once. */
const FLUSH_MILLISECONDS = 1000;
const ENOUGH = 100;
/** A write's most rows: what adds rows faster than writes of `ENOUGH` come back makes the next write larger. */
const BATCH = 500;
/** A request of BigQuery's takes 10 MB; rows of long baskets would be more. */
const BATCH_CHARACTERS = 2_000_000;
/** Past this the oldest are let go: a warehouse that is away must not fill the memory. */
const LIMIT = 20_000;
/** Of refused rows, how many are remembered, and of a batch's how many the log names. */
const KEPT = 100;
const NAMED = 3;

/** Of the 10 s that Cloud Run leaves a container to end in, what the last writes may take. */
export interface Grace {
  readonly milliseconds: number;
  readonly pauseMilliseconds: number;
}
const GRACE: Grace = { milliseconds: 6000, pauseMilliseconds: 500 };

interface Waiting {
  readonly id: string;
  readonly row: Row;
}

/**
 * A log into `table`, made at the first write and partitioned by its column `at`. `what` names the rows in messages; `grace`:
 * how long `close` tries, and how often.
 */
export function openRowLog(
  warehouse: Warehouse,
  table: TableRef,
  fields: readonly Field[],
  what: string,
  log: Log,
  grace: Grace = GRACE,
): RowLog {
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;
  let ready = false;
  let refusedCount = 0;
  let refused: readonly RefusedRow[] = [];
  let enough = ENOUGH;

  const setAside = (rows: readonly RefusedRow[]): void => {
    if (rows.length === 0) return;
    refusedCount += rows.length;
    refused = [...refused, ...rows].slice(-KEPT);
    const named = rows.slice(0, NAMED).map(({ id, message }) => `${id}: ${message}`);
    log.error(`${what} refused by the table`, {
      refused: rows.length,
      inAll: refusedCount,
      rows: named.join('; '),
    });
  };
  const writeBatch = async (): Promise<boolean> => {
    const batch = firstBatch(waiting);
    if (batch.length === 0) return false;
    try {
      if (!ready) {
        // The dataset is there since the model is: to make one is no right of this container.
        await warehouse.ensureTable(table, fields, { partitionBy: 'at' });
        ready = true;
      }
      setAside(await warehouse.insert(table, batch));
      waiting = waiting.slice(batch.length);
      return true;
    } catch (error) {
      log.warn(`${what} not written yet`, { waiting: waiting.length, error: toError(error).message });
      return false;
    }
  };
  // What comes in the meantime waits for company: to write until nothing is left would write row by row under load.
  const flush = (): Promise<void> => {
    writing ??= (async () => {
      while ((await writeBatch()) && waiting.length >= enough);
    })().finally(() => (writing = null));
    return writing;
  };
  const timer = setInterval(() => void flush(), FLUSH_MILLISECONDS);
  timer.unref();

  return {
    refused: () => ({ count: refusedCount, newest: refused }),
    add(id, row) {
      waiting.push({ id, row });
      if (waiting.length === enough) void flush();
      // Not while a batch is being written: its rows are the first of these.
      if (waiting.length > LIMIT && writing === null) {
        log.error(`${what} lost`, { lost: waiting.length - LIMIT });
        waiting = waiting.slice(-LIMIT);
      }
    },
    async close() {
      clearInterval(timer);
      enough = 1;
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
      if (waiting.length > 0) log.error(`${what} lost`, { lost: waiting.length });
    },
  };
}

/** As many of the first rows as one request takes; one at least. */
function firstBatch(waiting: readonly Waiting[]): readonly Waiting[] {
  let characters = 0;
  let length = 0;
  while (length < Math.min(BATCH, waiting.length)) {
    for (const value of Object.values(waiting[length]?.row ?? {}))
      characters += typeof value === 'string' ? value.length : 24;
    if (length > 0 && characters > BATCH_CHARACTERS) break;
    length++;
  }
  return waiting.slice(0, length);
}
