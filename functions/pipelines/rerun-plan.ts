/*
 * Repeating a run from one of its stages: what came before is not done again but stands in, labelled with the run that
 * made it. Pure: what a re-run rests on, and whether it still may.
 */
import { compareDatasets } from '#core/dataset';
import { differences } from '#core/differences';
import { TerminalError } from '#core/errors';
import { isFinal } from '#core/life-cycle';
import {
  outputsOf,
  pendingStage,
  pipelineCycle,
  type PipelineRun,
  type StageName,
  STAGES,
} from '#core/pipeline-run';

/** Whether the stage's outputs are there to be used. */
function isDone(run: PipelineRun, stage: StageName): boolean {
  const { status } = run.stages[stage];
  return status === 'succeeded' || status === 'reused';
}

/**
 * The stage to repeat from: the one asked for, or the first that did not come to its end; of a run that the quality gate
 * refused, training.
 * @throws TerminalError `run-active`, `nothing-failed`, `stage-not-done`, `gate-refused`
 */
export function stageToRepeat(run: PipelineRun, asked: StageName | undefined): StageName {
  if (!isFinal(pipelineCycle, run.status))
    throw new TerminalError('run-active', `The run ${run.id} is not over.`, {
      remedy: 'Wait for its end or cancel it.',
    });
  const unfinished = STAGES.find((stage) => !isDone(run, stage));
  const from =
    asked ?? (run.status === 'rejected' ? 'training' : run.status === 'succeeded' ? null : unfinished);
  if (from === null || from === undefined)
    throw new TerminalError('nothing-failed', `The run ${run.id} has ${run.status}; nothing of it failed.`, {
      remedy: 'Say from which stage it is to be repeated (from), or start a new run.',
    });
  const missing = earlier(from).find((stage) => !isDone(run, stage));
  if (missing !== undefined)
    throw new TerminalError(
      'stage-not-done',
      `The run ${run.id} cannot be repeated from ${from}: its ${missing} is ${run.stages[missing].status}.`,
      { remedy: `Repeat it from ${missing}.` },
    );
  if (from === 'deployment' && run.status === 'rejected')
    throw new TerminalError('gate-refused', `The quality gate refused what the run ${run.id} trained.`, {
      remedy: 'Repeat it from training, with other settings.',
    });
  return from;
}

/** The stages before `from`. */
export function earlier(from: StageName): StageName[] {
  return STAGES.slice(0, STAGES.indexOf(from));
}

/**
 * Refuses where what the reused stages were made by has changed since: the data set and the extraction's settings for
 * extraction and vocabulary, the training's settings for training. What later stages go by is taken as it is now.
 * @throws TerminalError `inputs-changed`, naming what
 */
export function requireSameInputs(
  run: PipelineRun,
  from: StageName,
  current: Pick<PipelineRun, 'settings'> & { readonly definition: NonNullable<PipelineRun['definition']> },
): void {
  const reused = earlier(from);
  const changed: string[] = [];
  if (reused.includes('extraction')) {
    if (run.definition === null) changed.push('the data set (the run has not kept what it was)');
    else
      changed.push(
        ...compareDatasets(run.definition, current.definition).map(({ path }) => `data set: ${path}`),
      );
    changed.push(...named('extraction', run.settings.extraction, current.settings.extraction));
  }
  if (reused.includes('training'))
    changed.push(...named('training', run.settings.training, current.settings.training));
  if (changed.length === 0) return;
  throw new TerminalError(
    'inputs-changed',
    `What the run ${run.id} was made from has changed since: ${changed.slice(0, 10).join(', ')}.`,
    { remedy: 'Repeat it from an earlier stage, or start a new run.' },
  );
}

function named(part: 'extraction' | 'training', before: object, after: object): string[] {
  return differences(before, after).map(({ path }) => `configuration: ${part}.${path}`);
}

/** The parts of a new run that repeats `run` from a stage: earlier stages reused, each from the run that made it. */
export function reuseBefore(
  run: PipelineRun,
  from: StageName,
  at: string,
): Pick<PipelineRun, 'stages' | 'asOf' | 'extraction' | 'vocabulary' | 'metrics' | 'version' | 'rerunOf'> {
  const reused = earlier(from);
  const stage = (name: StageName) => {
    if (!reused.includes(name)) return pendingStage();
    const source = outputsOf(run, name);
    return {
      ...pendingStage(),
      status: 'reused' as const,
      finishedAt: at,
      attempts: source.attempts,
      reusedFrom: source.run,
    };
  };
  const has = (name: StageName) => reused.includes(name);
  return {
    rerunOf: run.id,
    stages: {
      extraction: stage('extraction'),
      vocabulary: stage('vocabulary'),
      training: stage('training'),
      deployment: stage('deployment'),
    },
    // The data are as of the run that extracted them.
    asOf: has('extraction') ? run.asOf : at,
    extraction: has('extraction') ? run.extraction : null,
    vocabulary: has('vocabulary') ? run.vocabulary : null,
    metrics: has('training') ? run.metrics : null,
    version: has('training') ? run.version : null,
  };
}
