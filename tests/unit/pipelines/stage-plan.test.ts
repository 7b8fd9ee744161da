import { type PipelineRun, type StageName, STAGES } from '#core/pipeline-run';
import { aRun } from '#tests/pipeline-runs';
import {
  addSpent,
  beginStage,
  cancelRun,
  completeStage,
  currentStage,
  endIfAsked,
  failStage,
  MAX_STAGE_ATTEMPTS,
  noteExecutor,
  overtime,
  rejectRun,
  retryStage,
} from '../../../functions/pipelines/stage-plan.ts';

const AT = '2026-06-01T00:00:00.000Z';
const failure = { code: 'x', message: 'It broke.', remedy: null };
const queued = aRun();
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

test('a run that repeats another from its last stage, which its settings leave out, has succeeded at once', () => {
  const reused = { ...queued.stages.extraction, status: 'reused' as const };
  const stages = { ...queued.stages, extraction: reused, vocabulary: reused, training: reused };
  const run = must(completeStage({ ...queued, stages }, 'deployment', 'skip', {}, AT));
  expect(statuses(run)).toEqual(['succeeded', 'reused', 'reused', 'reused', 'skipped']);
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

test('a run whose end is asked for begins nothing, tries nothing again, and is cancelled whatever it was at', () => {
  const asked = { cancelRequestedAt: AT, cancelRequestedBy: 'u' };
  for (const stage of STAGES) {
    const run = { ...at(stage), ...asked };
    expect(failStage(run, stage, failure, AT)).toBeNull();
    expect(retryStage(run, stage, 1, failure, AT)).toBeNull();
    const cancelled = must(cancelRun(run, AT));
    const index = STAGES.indexOf(stage);
    expect(statuses(cancelled)).toEqual([
      'cancelled',
      ...STAGES.map((_, n) => (n < index ? 'succeeded' : 'cancelled')),
    ]);
    expect(currentStage(cancelled)).toBeNull();
    expect(cancelRun(cancelled, AT)).toBeNull();
  }
  expect(beginStage({ ...queued, ...asked }, 'extraction', AT)).toBeNull();
  // What is done before the wish is seen to stays done; after the last stage there is nothing left to cancel.
  const trained = must(completeStage({ ...at('training'), ...asked }, 'training', 'succeed', {}, AT));
  expect(beginStage(trained, 'deployment', AT)).toBeNull();
  expect(must(completeStage({ ...at('deployment'), ...asked }, 'deployment', 'succeed', {}, AT)).status).toBe(
    'succeeded',
  );
});

test('a run whose end is asked for while its stage is finishing ends with that stage; one at work is left to be stopped', () => {
  const asked = { cancelRequestedAt: AT, cancelRequestedBy: 'u' };
  const extracted = must(completeStage({ ...at('extraction'), ...asked }, 'extraction', 'succeed', {}, AT));
  expect(statuses(endIfAsked(extracted, AT))).toEqual([
    'cancelled',
    'succeeded',
    'cancelled',
    'cancelled',
    'cancelled',
  ]);
  const atWork = { ...at('training'), ...asked };
  expect(endIfAsked(atWork, AT)).toBe(atWork);
  expect(endIfAsked(at('training'), AT).status).toBe('running');
  const over = must(completeStage({ ...at('deployment'), ...asked }, 'deployment', 'succeed', {}, AT));
  expect(endIfAsked(over, AT)).toBe(over);
});

test('a run that waits is at no stage; what an attempt used is added while it is at work', () => {
  expect(currentStage({ ...queued, waiting: true })).toBeNull();
  expect(beginStage({ ...queued, waiting: true }, 'extraction', AT)).toBeNull();
  const spent = { bytesScanned: 10, trainingSeconds: 2 };
  const once = addSpent(at('training'), 'training', 1, spent);
  expect(once.stages.training.spent).toEqual(spent);
  const again = must(retryStage(once, 'training', 1, failure, AT));
  // The former attempt's usage comes twice: it is over.
  expect(addSpent(again, 'training', 1, spent)).toBe(again);
  expect(addSpent(again, 'training', 2, spent).stages.training.spent).toEqual({
    bytesScanned: 20,
    trainingSeconds: 4,
  });
});

test('a run has as many minutes as its cap says, from when it began', () => {
  const run = {
    ...queued,
    begunAt: AT,
    settings: { ...queued.settings, caps: { ...queued.settings.caps, minutes: 5 } },
  };
  const begun = Date.parse(AT);
  expect(overtime(run, begun + 5 * 60_000 - 1)).toBeNull();
  expect(overtime(run, begun + 5 * 60_000)).toMatchObject({
    code: 'cap-reached',
    message: 'The run was not over after 5 minutes, its cap.',
  });
});
