import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { LoadMode } from './source.ts';

/*
 *   queued ─▶ planning ─▶ extracting ─▶ publishing ─▶ succeeded | partial
 *     └────────┴────────────┴─────────────┴──────────▶ failed | cancelled
 */
export const EtlStatus = z.enum([
  'queued',
  'planning',
  'extracting',
  'publishing',
  'succeeded',
  'partial',
  'failed',
  'cancelled',
]);
export type EtlStatus = z.infer<typeof EtlStatus>;
export type EtlEvent = 'plan' | 'extract' | 'publish' | 'succeed' | 'part' | 'fail' | 'cancel';

const over = {
  plan: null,
  extract: null,
  publish: null,
  succeed: null,
  part: null,
  fail: null,
  cancel: null,
};

export const etlCycle: LifeCycle<EtlStatus, EtlEvent> = {
  queued: { ...over, plan: 'planning', fail: 'failed', cancel: 'cancelled' },
  planning: { ...over, extract: 'extracting', fail: 'failed', cancel: 'cancelled' },
  extracting: { ...over, publish: 'publishing', fail: 'failed', cancel: 'cancelled' },
  publishing: { ...over, succeed: 'succeeded', part: 'partial', fail: 'failed', cancel: 'cancelled' },
  succeeded: over,
  partial: over,
  failed: over,
  cancelled: over,
};

/** Counts of a run or a table. `bytes`: of the Parquet files written. */
export const EtlCounts = z.object({
  rows: z.number(),
  bytes: z.number(),
  /** Rows that did not fit, by reason code. They are kept in the rejects table. */
  rejected: z.record(z.string(), z.number()),
});
export type EtlCounts = z.infer<typeof EtlCounts>;

/** One run over all enabled tables of a model: `…/models/{m}/etlRuns/{r}`. */
export const EtlRun = z.object({
  id: Id,
  status: EtlStatus,
  requestedBy: z.string(),
  tables: z.int(),
  counts: EtlCounts,
  failure: FailureSchema.nullable(),
  /** Times a handler or container took the run up. */
  attempts: z.int(),
  /** The Cloud Run execution that does the work, once started. */
  executor: z.string().nullable(),
  createdAt: Moment,
  startedAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
});
export type EtlRun = z.infer<typeof EtlRun>;

/** A table within a run: `…/etlRuns/{r}/tables/{id}`, id = the source table's. Also its history. */
export const EtlTable = z.object({
  id: Id,
  run: Id,
  source: Id,
  name: z.string(),
  destination: z.string(),
  mode: LoadMode,
  status: EtlStatus,
  counts: EtlCounts,
  failure: FailureSchema.nullable(),
  /** Upper bound of the cursor that this run published, as text; null where the table has no cursor. */
  watermark: z.string().nullable(),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
});
export type EtlTable = z.infer<typeof EtlTable>;
