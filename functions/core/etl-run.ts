import { z } from 'zod';
import { RunTrigger } from './events.ts';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { Proof } from './proof.ts';
import { FilterValue } from './row-filter.ts';
import { LoadMode } from './source.ts';
import { Amounts, NOTHING_USED } from './usage.ts';

/*
 *   queued ─▶ planning ─▶ extracting ─▶ publishing ─▶ succeeded | partial
 *     └────────┴────────────┴─────────────┴──────────▶ failed | cancelled
 *
 * A run that waits for another one to end is `queued` and names it in `waitsFor`. A run whose cancellation was asked for
 * keeps its status until nothing of it is at work any more; then it is `cancelled`, or as its tables ended where all had.
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
  /** Values that did not fit and cost no row (null or text came in their place), by reason code; left out where none. */
  misfits: z.record(z.string(), z.number()).optional(),
});
export type EtlCounts = z.infer<typeof EtlCounts>;

/**
 * Tables that one run can publish together: BigQuery changes at most 100 tables in a transaction, and one of them is the
 * ledger (https://cloud.google.com/bigquery/docs/transactions#limitations).
 */
export const MAX_TOGETHER = 99;

/** The longest a run may take, in minutes: a day. */
const MAX_MINUTES = 24 * 60;

/**
 * What a run may cost before it is stopped with the failure `cap-reached`. Rows and bytes (of the files written) are those
 * of all its tables together; null: as many as there are. Tables published before stay published.
 */
export const EtlCaps = z.strictObject({
  maxMinutes: z.int().min(1).max(MAX_MINUTES).default(360),
  maxRows: z.int().min(1).nullable().default(null),
  maxBytes: z.int().min(1).nullable().default(null),
});
export type EtlCaps = z.infer<typeof EtlCaps>;

/**
 * What was loaded before is read once more. `anew`: all of the table, replacing what is there. `from`: the rows whose cursor
 * is at least that, in place of those that are there.
 */
export const LoadAgain = z.union([
  z.strictObject({ anew: z.literal(true) }),
  z.strictObject({ from: FilterValue }),
]);
export type LoadAgain = z.infer<typeof LoadAgain>;

/** What a run has of one of its sources, over all of its tasks. */
export const SourceUse = z.object({
  name: z.string(),
  /** Connections that are held now, the most there were at once, and the most there may be. */
  held: z.int(),
  peak: z.int(),
  most: z.int(),
  /** How long its tasks have waited because the source, a replica, was behind; and by how much it was when they last did. */
  waitedSeconds: z.number(),
  lagSeconds: z.number().nullable(),
});
export type SourceUse = z.infer<typeof SourceUse>;

/** One run over the enabled tables of a model, or some of them: `…/models/{m}/etlRuns/{r}`. */
export const EtlRun = z.object({
  id: Id,
  status: EtlStatus,
  requestedBy: z.string(),
  trigger: RunTrigger.default('person'),
  /** The run whose failed and cancelled tables this one loads again. */
  retryOf: Id.nullable().default(null),
  /** The tables it is to load, by id, as far as they are enabled when it begins; null: all that are. */
  only: z.array(Id).nullable().default(null),
  /** What of those tables it reads once more; null: it goes on where the last run ended. */
  again: LoadAgain.nullable().default(null),
  caps: EtlCaps.default(EtlCaps.parse({})),
  /** All of its tables become visible in one moment, or none does; else each as soon as it is complete. */
  together: z.boolean().default(false),
  /** The run it waits for: it begins when that one has ended. Null: it need not wait, or no longer. */
  waitsFor: Id.nullable().default(null),
  /** Somebody asked for it to end: when, and who. */
  cancelRequestedAt: Moment.nullable().default(null),
  cancelRequestedBy: z.string().nullable().default(null),
  /** The request it goes back to, for the logs. */
  requestId: z.string().nullable().default(null),
  tables: z.int(),
  counts: EtlCounts,
  failure: FailureSchema.nullable(),
  /** Times a container was asked for, or was about to be by a process that then ended. */
  attempts: z.int(),
  /** When one was asked for last. */
  askedAt: Moment.nullable().default(null),
  /** Containers the platform is known to have made for it. */
  executions: z.int().default(0),
  /** Its sources that are servers, by their ids, once they are connected to. */
  sources: z.record(Id, SourceUse).default({}),
  /** What it used, once it is over. */
  usage: Amounts.default(NOTHING_USED),
  /** The Cloud Run execution that does the work, once started. */
  executor: z.string().nullable(),
  /** Those before it: they are over, as a rule. */
  formerExecutors: z.array(z.string()).default([]),
  createdAt: Moment,
  /** When the run that it waited for had ended; null where it waits, or never had to. */
  begunAt: Moment.nullable().default(null),
  startedAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
});
export type EtlRun = z.infer<typeof EtlRun>;

/** Every Cloud Run execution that is known to have been made for a run, the latest last. */
export function executionsOf({
  executor,
  formerExecutors,
}: Pick<EtlRun, 'executor' | 'formerExecutors'>): string[] {
  return executor === null ? formerExecutors : [...formerExecutors, executor];
}

/** The watermark of a table that is merged and read as a whole each time. */
export const WHOLE_READ = '(whole)';

/** The watermark of a table to which every row is added each time. */
export const EVERY_ROW = '(every row)';

/** What a table's load takes its time by. */
export const TABLE_STEPS = ['planning', 'extracting', 'loading', 'proving', 'publishing'] as const;
const TableStep = z.enum(TABLE_STEPS);
export type TableStep = z.infer<typeof TableStep>;

/** What became of a table's files where the warehouse can load files as they are. */
export const LoadedAsIs = z.object({
  /** Files of the source that were loaded as they are, each of their values looked at before. */
  files: z.int(),
  /** Parts of files that were written anew, and the first reason; null where there are none. */
  written: z.int(),
  why: z.string().nullable(),
  /** What BigQuery said of files as they are, where it refused them or took values for others: all were written anew. */
  refused: z.string().nullable(),
});
export type LoadedAsIs = z.infer<typeof LoadedAsIs>;

/** How fast a table was read: what the units of its next load are cut by. */
export const ReadingSpeed = z.object({
  units: z.int(),
  /** That its units took, added up: more than by the clock where several were read at a time. */
  seconds: z.number(),
  /** Their bytes as the source counts them (as the size of units is planned in); null where it does not tell. */
  bytes: z.number().nullable(),
});
export type ReadingSpeed = z.infer<typeof ReadingSpeed>;

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
  /** Upper bound of the cursor that this run published, as text of at most 60 characters; null where the table has none. */
  watermark: z.string().nullable(),
  /** What its rows were compared by; null before that, and where there was nothing to publish. */
  proof: Proof.nullable().default(null),
  /** It was loaded as a sample of at most so many rows, of about `ofRows`; null: all of its rows. */
  rowLimit: z.int().nullable().default(null),
  ofRows: z.number().nullable().default(null),
  /** Rows that the raw table has more than before, less than 0 where it has fewer; null where that was not counted. */
  added: z.int().nullable().default(null),
  /** What people should know of this load beyond its counts: rows that wait, rows that were read again and why. */
  notes: z.array(z.string()).default([]),
  /** Null: not of files that could be loaded as they are, or not yet read. */
  asItIs: LoadedAsIs.nullable().default(null),
  /** Null: nothing was read in units, or not yet. */
  reading: ReadingSpeed.nullable().default(null),
  /** When each step began, as far as it did; none in records of before. */
  marks: z.partialRecord(TableStep, Moment).default({}),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
});
export type EtlTable = z.infer<typeof EtlTable>;

/** Milliseconds of each step that is over, in their order. Pure. */
export function stepTimes({
  marks,
  finishedAt,
}: Pick<EtlTable, 'marks' | 'finishedAt'>): [TableStep, number][] {
  const begun = TABLE_STEPS.flatMap((step) => {
    const at = marks[step];
    return at === undefined ? [] : [[step, Date.parse(at)] as const];
  });
  return begun.flatMap(([step, from], index): [TableStep, number][] => {
    const end = begun[index + 1]?.[1] ?? (finishedAt === null ? null : Date.parse(finishedAt));
    return end === null ? [] : [[step, Math.max(0, end - from)]];
  });
}
