import { pendingStage, type PipelineRun, type StageName, STAGES } from '#core/pipeline-run';
import { PipelineConfigDefinition } from '#core/pipeline-config';
import {
  beginStage,
  completeStage,
  currentStage,
  failStage,
  MAX_STAGE_ATTEMPTS,
  noteExecutor,
  rejectRun,
  retryStage,
} from '../../../functions/pipelines/stage-plan.ts';

const AT = '2026-06-01T00:00:00.000Z';
const failure = { code: 'x', message: 'It broke.', remedy: null };
const queued: PipelineRun = {
  id: 'r1234',
  status: 'queued',
  config: 'c1234',
  dataset: 'd1234',
  settings: PipelineConfigDefinition.parse({ name: 'x' }),
  requestedBy: 'u',
  asOf: AT,
  stages: {
    extraction: pendingStage(),
    vocabulary: pendingStage(),
    training: pendingStage(),
    deployment: pendingStage(),
  },
  extraction: null,
  vocabulary: null,
  metrics: null,
  version: null,
  deployment: null,
  failure: null,
  createdAt: AT,
  finishedAt: null,
};
const must = (run: PipelineRun | null): PipelineRun => {
  if (run === null) throw new Error('the plan refused');
  return run;
};
/** The run with `stage` at work and all before it done. */
const at = (stage: StageName): PipelineRun => {
  let run = queued;
  for (const name of STAGES) {
    run = must(beginStage(run, name, AT));
    if (name === stage) return run;
    run = must(completeStage(run, name, 'succeed', {}, AT));
  }
  return run;
};
const statuses = (run: PipelineRun) => [run.status, ...STAGES.map((name) => run.stages[name].status)];

test('stage by stage to the end', () => {
  const run = must(completeStage(at('deployment'), 'deployment', 'succeed', { deployment: 'd9999' }, AT));
  expect(statuses(run)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded']);
  expect(run).toMatchObject({ deployment: 'd9999', finishedAt: AT });
  expect(currentStage(run)).toBeNull();
});

test('a stage begins once, and only when its turn has come', () => {
  expect(statuses(at('extraction'))).toEqual(['running', 'running', 'pending', 'pending', 'pending']);
  expect(beginStage(at('extraction'), 'extraction', AT)).toBeNull();
  for (const early of ['vocabulary', 'training', 'deployment'] as const)
    expect(beginStage(at('extraction'), early, AT)).toBeNull();
  expect(beginStage(at('training'), 'extraction', AT)).toBeNull();
});

test('what is done is done: no event moves a finished stage or run', () => {
  const over = must(failStage(at('training'), 'training', failure, AT));
  for (const stage of STAGES) {
    expect(beginStage(over, stage, AT)).toBeNull();
    expect(completeStage(over, stage, 'succeed', {}, AT)).toBeNull();
    expect(failStage(over, stage, failure, AT)).toBeNull();
    expect(retryStage(over, stage, 1, failure, AT)).toBeNull();
    expect(rejectRun(over, {}, failure, AT)).toBeNull();
  }
  expect(completeStage(at('training'), 'extraction', 'succeed', {}, AT)).toBeNull();
});

test('a failed stage fails the run and leaves the rest out', () => {
  const run = must(failStage(at('vocabulary'), 'vocabulary', failure, AT));
  expect(statuses(run)).toEqual(['failed', 'succeeded', 'failed', 'skipped', 'skipped']);
  expect(run).toMatchObject({ failure, stages: { vocabulary: { failure } }, finishedAt: AT });
});

test('a rejected version: trained, not deployed', () => {
  const run = must(rejectRun(at('training'), { version: 'v1234' }, failure, AT));
  expect(statuses(run)).toEqual(['rejected', 'succeeded', 'succeeded', 'succeeded', 'skipped']);
  expect(run).toMatchObject({ failure, version: 'v1234' });
});

test('work that died is tried again with an attempt of its own, until the attempts are used up', () => {
  let run = must(noteExecutor(at('training'), 'training', 1, 'job-1'));
  expect(noteExecutor(run, 'training', 1, 'job-1')).toBeNull();
  for (let attempt = 1; attempt < MAX_STAGE_ATTEMPTS; attempt++) {
    run = must(retryStage(run, 'training', attempt, failure, AT));
    expect(run.stages.training).toMatchObject({
      status: 'running',
      attempts: attempt + 1,
      executor: null,
      failure,
    });
    // The death of the former attempt is reported twice; the executor of the former one comes late.
    expect(retryStage(run, 'training', attempt, failure, AT)).toBeNull();
    expect(noteExecutor(run, 'training', attempt, 'job-late')).toBeNull();
  }
  expect(must(retryStage(run, 'training', MAX_STAGE_ATTEMPTS, failure, AT)).status).toBe('failed');
  const recovered = must(completeStage(run, 'training', 'succeed', {}, AT));
  expect(recovered.stages.training.failure).toBeNull();
});
