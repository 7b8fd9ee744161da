import { PipelineConfigDefinition } from '#core/pipeline-config';
import { RunCaps } from '#core/run-caps';
import { aRun } from '#tests/pipeline-runs';
import { estimateRun, estimateTraining, overCaps } from '../../../functions/pipelines/estimate.ts';
import { timeoutFor } from '../../../functions/pipelines/training.ts';
import { amountsOf } from '../../../functions/pipelines/write-run.ts';

const TIB = 2 ** 40;

test('a run costs what its lines read five times and one whole training cost', () => {
  const estimate = estimateRun(TIB, { seconds: 3600 });
  expect(estimate).toEqual({
    extractionBytes: TIB,
    bytesScanned: 5 * TIB,
    trainingSeconds: 7200,
    cost: 5 * 6.25 + 2 * 0.5,
  });
  // A second attempt comes on top of what was used.
  expect(estimateTraining({ bytesScanned: TIB, trainingSeconds: 1800 }, { seconds: 1800 }).cost).toBe(
    6.25 + 2 * 0.5,
  );
});

test('caps refuse what is above them, and nothing else', () => {
  const estimate = estimateRun(1000, { seconds: 3600 });
  expect(overCaps(estimate, RunCaps.parse({}))).toBeNull();
  expect(overCaps(estimate, RunCaps.parse({ maxBytes: 1000, maxCost: 1.01 }))).toBeNull();
  expect(overCaps(estimate, RunCaps.parse({ maxBytes: 999 }))).toMatchObject({ code: 'cap-reached' });
  expect(overCaps(estimate, RunCaps.parse({ maxCost: 0.99 }))?.message).toMatch(
    /may cost 1\.00 US dollars \(7200 s of training at most/,
  );
});

test('a training’s job may run as long as its settings say, and no longer than the run', () => {
  const settings = PipelineConfigDefinition.parse({
    name: 'x',
    training: { seconds: 600 },
    caps: { minutes: 60 },
  });
  const begunAt = '2026-11-01T00:00:00.000Z';
  const run = aRun({ settings, begunAt });
  const at = (seconds: number) => timeoutFor(run, Date.parse(begunAt) + seconds * 1000);
  expect(at(0)).toBe(3600);
  expect(at(600)).toBe(3000);
  expect(at(3599)).toBe(60);
  expect(timeoutFor(aRun({ settings: { ...settings, caps: RunCaps.parse({}) } }), Date.now())).toBe(4200);
});

test('what a run used is the sum of its stages, priced; what is reused cost nothing again', () => {
  const run = aRun();
  const using = (spent: object) => ({
    ...run.stages.training,
    spent: { bytesScanned: 0, trainingSeconds: 0, ...spent },
  });
  const stages = {
    ...run.stages,
    extraction: using({ bytesScanned: TIB }),
    vocabulary: using({ bytesScanned: TIB }),
    training: using({ trainingSeconds: 720 }),
  };
  expect(amountsOf({ ...run, stages })).toMatchObject({
    bytesScanned: 2 * TIB,
    trainingSeconds: 720,
    estimatedCost: 12.6,
  });
});
