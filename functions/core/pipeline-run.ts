import { z } from 'zod';
import { DropReason } from './dataset.ts';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { MetricsReport } from './metrics.ts';
import { PipelineConfigDefinition } from './pipeline-config.ts';

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
 *   pending ─▶ running ─▶ succeeded | failed | cancelled
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
  running: { ...done, succeed: 'succeeded', fail: 'failed', cancel: 'cancelled', reuse: 'reused' },
  succeeded: done,
  failed: done,
  cancelled: done,
  skipped: done,
  reused: done,
};

export const Stage = z.object({
  status: StageStatus,
  startedAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
  /** The BigQuery job, Vertex AI custom job or Cloud Run service that does the work. */
  executor: z.string().nullable(),
  attempts: z.int(),
  failure: FailureSchema.nullable(),
});
export type Stage = z.infer<typeof Stage>;

/** What extraction found: lines read, kept and dropped by reason; the snapshot's content hash. */
export const ExtractionOutput = z.object({
  lines: z.number(),
  kept: z.number(),
  dropped: z.partialRecord(DropReason, z.number()),
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
  requestedBy: z.string(),
  /** Lines later than this are not part of the run. */
  asOf: Moment,
  stages: z.object({ extraction: Stage, vocabulary: Stage, training: Stage, deployment: Stage }),
  extraction: ExtractionOutput.nullable(),
  vocabulary: VocabularyOutput.nullable(),
  metrics: MetricsReport.nullable(),
  version: Id.nullable(),
  deployment: Id.nullable(),
  failure: FailureSchema.nullable(),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
});
export type PipelineRun = z.infer<typeof PipelineRun>;

/** A stage nobody has touched. */
export function pendingStage(): Stage {
  return { status: 'pending', startedAt: null, finishedAt: null, executor: null, attempts: 0, failure: null };
}
