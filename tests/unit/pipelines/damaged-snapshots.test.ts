import { aRun, doneStage } from '#tests/pipeline-runs';
import { damagedSnapshots } from '../../../functions/pipelines/vocabulary.ts';

const stages = aRun().stages;
const failed = (code: string) => ({
  ...doneStage(),
  status: 'failed' as const,
  failure: { code, message: 'm', remedy: null },
});

test('a snapshot that a trainer found damaged is no output to reuse, whichever run read it', () => {
  const made = aRun({ id: 'rmade', stages: { ...stages, vocabulary: doneStage(), training: doneStage() } });
  const read = aRun({
    id: 'rread',
    stages: {
      ...stages,
      vocabulary: { ...doneStage(), status: 'reused', reusedFrom: 'rmade' },
      training: failed('snapshot-incomplete'),
    },
  });
  const other = aRun({
    id: 'rother',
    stages: { ...stages, vocabulary: doneStage(), training: failed('trainer-died') },
  });
  expect([...damagedSnapshots([made, read, other])]).toEqual(['rmade']);
  expect([...damagedSnapshots([made, other])]).toEqual([]);
});
