import { z } from 'zod';
import { ChangeReason, DatasetDefinition, DropReason } from './dataset.ts';
import { RunTrigger } from './events.ts';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { MetricsReport } from './metrics.ts';
import { PipelineConfigDefinition } from './pipeline-config.ts';
import { Amounts } from './usage.ts';

/*
 *   queued ─▶ running ─▶ succeeded | failed | cancelled | rejected   (rejected: the quality gate said no)
 */
export const PipelineStatus = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'rejected']);
export type PipelineStatus = z.infer<typeof PipelineStatus>;
export type PipelineEvent = 'start' | 'succeed' | 'fail' | 'cancel' | 'reject';

const over = { start: null, succeed: null, fail: null, cancel: null, reject: null };
export const pipelineCycle: LifeCycle<PipelineStatus, PipelineEvent> = {
  queued: { ...over, start: 'running', fail: 'failed', cancel: 'cancelled' },
  running: { start: null, succeed: 'succeeded', fail: 'failed', cancel: 'cancelled', reject: 'rejected' },
  succeeded: over,
  failed: over,
  cancelled: over,
  rejected: over,
};

/** The four stages in their order. */
export const STAGES = ['extraction', 'vocabulary', 'training', 'deployment'] as const;
export const StageName = z.enum(STAGES);
export type StageName = z.infer<typeof StageName>;

/*
 *   pending ─▶ running ─▶ succeeded | failed | cancelled | skipped | reused
 *      └─▶ skipped | reused | cancelled
 */
export const StageStatus = z.enum([
  'pending',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
  'reused',
]);
export type StageStatus = z.infer<typeof StageStatus>;
export type StageEvent = 'start' | 'succeed' | 'fail' | 'cancel' | 'skip' | 'reuse';

const done = { start: null, succeed: null, fail: null, cancel: null, skip: null, reuse: null };
export const stageCycle: LifeCycle<StageStatus, StageEvent> = {
  pending: {
    ...done,
    start: 'running',
    fail: 'failed',
    cancel: 'cancelled',
    skip: 'skipped',
    reuse: 'reused',
  },
  running: {
    ...done,
    succeed: 'succeeded',
    fail: 'failed',
    cancel: 'cancelled',
    skip: 'skipped',
    reuse: 'reused',
  },
  succeeded: done,
  failed: done,
  cancelled: done,
  skipped: done,
  reused: done,
};

/** What a stage's attempts have used together. */
export const Spent = z.object({
  bytesScanned: z.number().min(0).default(0),
  trainingSeconds: z.number().min(0).default(0),
});
export type Spent = z.infer<typeof Spent>;

export const Stage = z.object({
  status: StageStatus,
  startedAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
  /** The BigQuery job, Vertex AI custom job or Cloud Run service that does the work. */
  executor: z.string().nullable(),
  attempts: z.int(),
  failure: FailureSchema.nullable(),
  /** The run whose outputs stand in for this stage's own, where it is `reused`; `attempts` is then that run's. */
  reusedFrom: Id.nullable().default(null),
  spent: Spent.prefault({}),
});
export type Stage = z.infer<typeof Stage>;

/** What extraction found: lines read, kept, dropped and changed by reason; the snapshot's content hash. */
export const ExtractionOutput = z.object({
  lines: z.number(),
  kept: z.number(),
  dropped: z.partialRecord(DropReason, z.number()),
  /** Kept lines that cleaning put right. */
  changed: z.partialRecord(ChangeReason, z.number()).default({}),
  contentHash: z.string(),
});
export const VocabularyOutput = z.object({
  customers: z.number(),
  items: z.number(),
  interactions: z.number(),
});

/** `…/models/{m}/pipelineRuns/{r}`. */
export const PipelineRun = z.object({
  id: Id,
  status: PipelineStatus,
  config: Id,
  dataset: Id,
  /** The configuration as it was when the run was asked for. */
  settings: PipelineConfigDefinition,
  /** The data set as it was then; null in records of before it was kept. */
  definition: DatasetDefinition.nullable().default(null),
  /** Whether who started it may deploy: else its version is left to people. */
  mayDeploy: z.boolean().default(true),
  requestedBy: z.string(),
  trigger: RunTrigger.default('person'),
  /** The run whose failed stage this one repeats. */
  rerunOf: Id.nullable().default(null),
  /** Waits, still queued, for the model's active run to end. */
  waiting: z.boolean().default(false),
  /** When it got the model to itself: what its time cap counts from. */
  begunAt: Moment.nullable().default(null),
  cancelRequestedAt: Moment.nullable().default(null),
  cancelRequestedBy: z.string().nullable().default(null),
  /** Lines later than this are not part of the run. */
  asOf: Moment,
  stages: z.object({ extraction: Stage, vocabulary: Stage, training: Stage, deployment: Stage }),
  extraction: ExtractionOutput.nullable(),
  vocabulary: VocabularyOutput.nullable(),
  metrics: MetricsReport.nullable(),
  version: Id.nullable(),
  deployment: Id.nullable(),
  failure: FailureSchema.nullable(),
  /** Once it is over: what it used, all attempts of all stages, and an estimate of the cost. */
  usage: Amounts.nullable().default(null),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
});
export type PipelineRun = z.infer<typeof PipelineRun>;

/** The run whose outputs a stage of `run` stands on: its own, or the one that it is reused from. */
export function outputsOf(
  run: PipelineRun,
  stage: StageName,
): { readonly run: string; readonly attempts: number } {
  const { reusedFrom, attempts } = run.stages[stage];
  return { run: reusedFrom ?? run.id, attempts };
}

/** A stage nobody has touched. */
export function pendingStage(): Stage {
  return Stage.parse({
    status: 'pending',
    startedAt: null,
    finishedAt: null,
    executor: null,
    attempts: 0,
    failure: null,
  });
}
