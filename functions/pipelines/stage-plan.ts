/*
 * What may happen to a run, stage by stage: pure, so that every order of messages can be tried.
 *
 *   extraction ─▶ vocabulary ─▶ training ─▶ deployment ─▶ succeeded
 *        └─────────────┴────────────┼───────────┴───────▶ failed
 *                                   └───────────────────▶ rejected  (the quality gate said no)
 */
import type { Failure } from '#core/errors';
import { follow, isFinal } from '#core/life-cycle';
import {
  type PipelineEvent,
  type PipelineRun,
  pipelineCycle,
  type Stage,
  stageCycle,
  type StageEvent,
  type StageName,
  STAGES,
} from '#core/pipeline-run';

/** Times a stage's work is started at most: once, and again after it died twice. */
export const MAX_STAGE_ATTEMPTS = 3;

/** The stage that is, or should be, at work: the first that is not done; null where the run is over. */
export function currentStage(run: PipelineRun): StageName | null {
  if (isFinal(pipelineCycle, run.status)) return null;
  return STAGES.find((name) => !isFinal(stageCycle, run.stages[name].status)) ?? null;
}

/** The run with `stage` running, if its turn has come; null where a message came twice, late or too early. */
export function beginStage(run: PipelineRun, stage: StageName, at: string): PipelineRun | null {
  if (currentStage(run) !== stage) return null;
  const begun = moveStage(run, stage, 'start', { startedAt: at, attempts: 1 });
  return begun === null ? null : (moveRun(begun, 'start', {}) ?? begun);
}

/** The run with the executor of the stage's present attempt. */
export function noteExecutor(
  run: PipelineRun,
  stage: StageName,
  attempt: number,
  executor: string,
): PipelineRun | null {
  const now = run.stages[stage];
  if (now.status !== 'running' || now.attempts !== attempt || now.executor === executor) return null;
  return withStage(run, stage, { ...now, executor });
}

/** The run after the stage's work is done, with what it found; after the last stage the run has succeeded. */
export function completeStage(
  run: PipelineRun,
  stage: StageName,
  event: 'succeed' | 'skip' | 'reuse',
  found: Partial<PipelineRun>,
  at: string,
): PipelineRun | null {
  const done = moveStage(run, stage, event, { finishedAt: at });
  if (done === null || isFinal(pipelineCycle, run.status)) return null;
  const next = { ...done, ...found, stages: done.stages };
  return stage === STAGES.at(-1) ? moveRun(next, 'succeed', { finishedAt: at }) : next;
}

/** The run after the quality gate said no: the training is done, nothing is deployed. */
export function rejectRun(
  run: PipelineRun,
  found: Partial<PipelineRun>,
  failure: Failure,
  at: string,
): PipelineRun | null {
  const trained = completeStage(run, 'training', 'succeed', found, at);
  return trained === null ? null : moveRun(skipRest(trained, at), 'reject', { failure, finishedAt: at });
}

/** The run after the stage failed for good. */
export function failStage(
  run: PipelineRun,
  stage: StageName,
  failure: Failure,
  at: string,
): PipelineRun | null {
  const failed = moveStage(run, stage, 'fail', { failure, finishedAt: at });
  return failed === null ? null : moveRun(skipRest(failed, at), 'fail', { failure, finishedAt: at });
}

/** The run with one more attempt of a stage whose work died, or failed where the attempts are used up. */
export function retryStage(
  run: PipelineRun,
  stage: StageName,
  attempt: number,
  failure: Failure,
  at: string,
): PipelineRun | null {
  const now = run.stages[stage];
  if (now.status !== 'running' || now.attempts !== attempt) return null;
  if (attempt >= MAX_STAGE_ATTEMPTS) return failStage(run, stage, failure, at);
  return withStage(run, stage, { ...now, attempts: attempt + 1, executor: null, failure });
}

function skipRest(run: PipelineRun, at: string): PipelineRun {
  return STAGES.reduce((next, name) => moveStage(next, name, 'skip', { finishedAt: at }) ?? next, run);
}

function moveStage(
  run: PipelineRun,
  name: StageName,
  event: StageEvent,
  patch: Partial<Stage>,
): PipelineRun | null {
  const stage = run.stages[name];
  const status = follow(stageCycle, stage.status, event);
  if (status === null) return null;
  const settled = status === 'failed' ? {} : { failure: status === 'running' ? stage.failure : null };
  return withStage(run, name, { ...stage, ...settled, ...patch, status });
}

function withStage(run: PipelineRun, name: StageName, stage: Stage): PipelineRun {
  return { ...run, stages: { ...run.stages, [name]: stage } };
}

function moveRun(run: PipelineRun, event: PipelineEvent, patch: Partial<PipelineRun>): PipelineRun | null {
  const status = follow(pipelineCycle, run.status, event);
  return status === null ? null : { ...run, ...patch, status };
}
