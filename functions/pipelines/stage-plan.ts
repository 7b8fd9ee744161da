/*
 * What may happen to a run, stage by stage: pure, so that every order of messages can be tried.
 *
 *   extraction ─▶ vocabulary ─▶ training ─▶ deployment ─▶ succeeded
 *        └─────────────┴────────────┼───────────┴───────▶ failed | cancelled
 *                                   └───────────────────▶ rejected  (the quality gate said no)
 *
 * Once a run's end has been asked for (`cancelRequestedAt`) nothing begins and nothing is tried again. Work that was done
 * by then counts: a run whose last stage is done has succeeded, whoever wanted to cancel it.
 */
import type { Failure } from '#core/errors';
import { follow, isFinal } from '#core/life-cycle';
import {
  type PipelineEvent,
  type PipelineRun,
  pipelineCycle,
  type Spent,
  type Stage,
  stageCycle,
  type StageEvent,
  type StageName,
  STAGES,
} from '#core/pipeline-run';

/** Times a stage's work is started at most: once, and again after it died twice. */
export const MAX_STAGE_ATTEMPTS = 3;

/** The stage that is, or should be, at work: the first that is not done; null where the run is over or waits. */
export function currentStage(run: PipelineRun): StageName | null {
  if (isFinal(pipelineCycle, run.status) || run.waiting) return null;
  return STAGES.find((name) => !isFinal(stageCycle, run.stages[name].status)) ?? null;
}

/** The stage that failed while it was at work; null where there is none. */
export function failedStage(run: PipelineRun): StageName | null {
  return STAGES.find((name) => run.stages[name].status === 'failed' && run.stages[name].attempts > 0) ?? null;
}

/** The run with `stage` running, if its turn has come; null where a message came twice, late or too early. */
export function beginStage(run: PipelineRun, stage: StageName, at: string): PipelineRun | null {
  if (currentStage(run) !== stage || run.cancelRequestedAt !== null) return null;
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
  patch: Partial<Stage> = {},
): PipelineRun | null {
  const done = moveStage(run, stage, event, { finishedAt: at, ...patch });
  if (done === null || isFinal(pipelineCycle, run.status)) return null;
  const next = { ...done, ...found, stages: done.stages };
  // A run that repeats another from its last stage, which its settings leave out, has not begun before it is done.
  return stage === STAGES.at(-1)
    ? moveRun(moveRun(next, 'start', {}) ?? next, 'succeed', { finishedAt: at })
    : next;
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
  // What fails because its end was asked for has not failed.
  if (run.cancelRequestedAt !== null) return null;
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
  if (now.status !== 'running' || now.attempts !== attempt || run.cancelRequestedAt !== null) return null;
  if (attempt >= MAX_STAGE_ATTEMPTS) return failStage(run, stage, failure, at);
  return withStage(run, stage, { ...now, attempts: attempt + 1, executor: null, failure });
}

/** The run after its end was asked for and nothing of it is at work any more; null where it was over before. */
export function cancelRun(run: PipelineRun, at: string): PipelineRun | null {
  const stopped = STAGES.reduce(
    (next, name) => moveStage(next, name, 'cancel', { finishedAt: at }) ?? next,
    run,
  );
  return moveRun(stopped, 'cancel', { waiting: false, finishedAt: at });
}

/**
 * The run, ended where its end was asked for while the stage at work was finishing: nothing of it is at work any more, and
 * nobody comes back to it for the stage that has ended.
 */
export function endIfAsked(run: PipelineRun, at: string): PipelineRun {
  const isAtWork = STAGES.some((name) => run.stages[name].status === 'running');
  return run.cancelRequestedAt === null || isAtWork ? run : (cancelRun(run, at) ?? run);
}

/** The run with what an attempt of the stage has used added: once for each attempt, when it ends. */
export function addSpent(run: PipelineRun, stage: StageName, attempt: number, spent: Spent): PipelineRun {
  const now = run.stages[stage];
  if (now.status !== 'running' || now.attempts !== attempt) return run;
  return withStage(run, stage, {
    ...now,
    spent: {
      bytesScanned: now.spent.bytesScanned + spent.bytesScanned,
      trainingSeconds: now.spent.trainingSeconds + spent.trainingSeconds,
    },
  });
}

/** The failure of a run that goes on beyond its time; null as long as it may. `now`: milliseconds since 1970. */
export function overtime(run: PipelineRun, now: number): Failure | null {
  if (now < runDeadline(run)) return null;
  return {
    code: 'cap-reached',
    message: `The run was not over after ${run.settings.caps.minutes} minutes, its cap.`,
    remedy: 'Raise "minutes" among the configuration’s caps, or let training search for less long.',
  };
}

/** When the run's time is up, milliseconds since 1970. */
export function runDeadline(run: PipelineRun): number {
  return Date.parse(run.begunAt ?? run.createdAt) + run.settings.caps.minutes * 60_000;
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
