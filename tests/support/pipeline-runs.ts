/** Pipeline runs and stages' work as tests make them up. */
import { PipelineConfigDefinition } from '#core/pipeline-config';
import { pendingStage, type PipelineRun } from '#core/pipeline-run';
import { newRun } from '../../functions/pipelines/start.ts';
import type { StageWork } from '../../functions/pipelines/run-context.ts';

/** When the run was asked for: now, for runs have a time cap. */
export const BEGUN = new Date().toISOString();

/** A run that was just asked for. */
export function aRun(patch: Partial<PipelineRun> = {}): PipelineRun {
  return newRun({
    id: 'r1234',
    config: 'c1234',
    dataset: 'd1234',
    settings: PipelineConfigDefinition.parse({ name: 'x' }),
    definition: null,
    requestedBy: 'u',
    trigger: 'person',
    asOf: BEGUN,
    createdAt: BEGUN,
    ...patch,
  });
}

/** A stage that is done. */
export const doneStage = () => ({ ...pendingStage(), status: 'succeeded' as const, attempts: 1 });

/** Work that has used nothing and needs no stopping. */
export function aWork(stage: StageWork['stage'], advance: StageWork['advance']): StageWork {
  return {
    stage,
    advance,
    stop: () => Promise.resolve('stopped'),
    spent: () => Promise.resolve({ bytesScanned: 0, trainingSeconds: 0 }),
  };
}
