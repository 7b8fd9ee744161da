import { Cleaning, type DatasetDefinition } from '#core/dataset';
import { PipelineConfigDefinition } from '#core/pipeline-config';
import { type PipelineRun, type StageStatus, STAGES } from '#core/pipeline-run';
import { aRun } from '#tests/pipeline-runs';
import { compareRuns } from '../../../functions/pipelines/compare-runs.ts';
import { requireSameInputs, reuseBefore, stageToRepeat } from '../../../functions/pipelines/rerun-plan.ts';

const AT = '2026-11-02T00:00:00.000Z';
const definition: DatasetDefinition = {
  name: 'Orders',
  tables: [{ alias: 'lines', destination: 'orders' }],
  joins: [],
  roles: {
    customer: { table: 'lines', column: 'customer' },
    item: { table: 'lines', column: 'item' },
    time: { table: 'lines', column: 'placed' },
  },
  cleaning: Cleaning.parse({}),
};
const settings = (of: object = {}) => PipelineConfigDefinition.parse({ name: 'x', ...of });

function ended(status: PipelineRun['status'], ...stages: StageStatus[]): PipelineRun {
  const run = aRun({ status, definition, settings: settings(), version: 'v1234' });
  const [extraction, vocabulary, training, deployment] = STAGES.map((name, at) => ({
    ...run.stages[name],
    status: stages[at] ?? 'pending',
    attempts: at + 1,
  }));
  return {
    ...run,
    stages: {
      extraction: extraction ?? run.stages.extraction,
      vocabulary: vocabulary ?? run.stages.vocabulary,
      training: training ?? run.stages.training,
      deployment: deployment ?? run.stages.deployment,
    },
  };
}

test.each([
  [ended('failed', 'succeeded', 'failed', 'skipped', 'skipped'), undefined, 'vocabulary'],
  [ended('failed', 'reused', 'reused', 'failed', 'skipped'), undefined, 'training'],
  [ended('cancelled', 'cancelled', 'cancelled', 'cancelled', 'cancelled'), undefined, 'extraction'],
  [ended('failed', 'succeeded', 'succeeded', 'succeeded', 'failed'), undefined, 'deployment'],
  [ended('rejected', 'succeeded', 'succeeded', 'succeeded', 'skipped'), undefined, 'training'],
  [ended('succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded'), 'vocabulary', 'vocabulary'],
  [ended('succeeded', 'succeeded', 'succeeded', 'succeeded', 'skipped'), 'deployment', 'deployment'],
] as const)('run %# is repeated from where it is to be', (run, asked, from) => {
  expect(stageToRepeat(run, asked)).toBe(from);
});

test.each([
  [ended('running', 'succeeded', 'running'), undefined, 'run-active'],
  [ended('succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded'), undefined, 'nothing-failed'],
  [ended('failed', 'succeeded', 'failed', 'skipped', 'skipped'), 'training', 'stage-not-done'],
  [ended('rejected', 'succeeded', 'succeeded', 'succeeded', 'skipped'), 'deployment', 'gate-refused'],
] as const)('run %# is not repeated', (run, asked, code) => {
  expect(() => stageToRepeat(run, asked)).toThrow(expect.objectContaining({ code }));
});

test('outputs stay those of the run that made them, however often they are reused', () => {
  const first = ended('failed', 'succeeded', 'succeeded', 'failed', 'skipped');
  const second: PipelineRun = {
    ...ended('failed', 'reused', 'reused', 'failed', 'skipped'),
    ...reuseBefore({ ...first, id: 'rfirst' }, 'training', AT),
    id: 'rsecond',
  };
  const third = reuseBefore(second, 'training', AT);
  expect(third).toMatchObject({ rerunOf: 'rsecond', asOf: first.asOf });
  expect(third.stages.extraction).toMatchObject({ status: 'reused', reusedFrom: 'rfirst', attempts: 1 });
  expect(third.stages.vocabulary).toMatchObject({ status: 'reused', reusedFrom: 'rfirst', attempts: 2 });
  expect(third.stages.training).toMatchObject({ status: 'pending', reusedFrom: null, attempts: 0 });
  expect(reuseBefore(first, 'extraction', AT)).toMatchObject({ asOf: AT, extraction: null, version: null });
});

test('what reused stages were made from must be as it was; what later stages go by may change', () => {
  const run = ended('failed', 'succeeded', 'succeeded', 'failed', 'skipped');
  const changed = settings({ training: { trials: 3 }, extraction: { historyDays: 30 } });
  const cleaned = { ...definition, cleaning: Cleaning.parse({ dropReturns: false }) };
  const refusal = (from: 'extraction' | 'training' | 'deployment', now: Partial<typeof current>) => {
    try {
      requireSameInputs(run, from, { ...current, ...now });
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : error;
    }
  };
  const current = { settings: settings(), definition };
  expect(refusal('deployment', {})).toBeNull();
  expect(refusal('extraction', { settings: changed, definition: cleaned })).toBeNull();
  expect(refusal('training', { settings: settings({ training: { trials: 3 } }) })).toBeNull();
  expect(refusal('training', { settings: changed, definition: cleaned })).toMatch(
    /: data set: cleaning\.dropReturns, configuration: extraction\.historyDays\.$/,
  );
  expect(refusal('deployment', { settings: settings({ training: { trials: 3 } }) })).toMatch(
    /configuration: training\.trials/,
  );
  // A new name changes nothing.
  expect(refusal('training', { definition: { ...definition, name: 'Other' } })).toBeNull();
});

test('runs side by side: only what differs of the settings, every figure, null where a run has none', () => {
  const one = ended('failed', 'failed', 'skipped', 'skipped', 'skipped');
  const other = { ...one, id: 'r9999', settings: settings({ training: { trials: 3 } }), definition: null };
  const { settings: differing, dataset, metrics, runs } = compareRuns([one, other]);
  expect(differing).toEqual([{ path: 'training.trials', values: [40, 3] }]);
  expect(dataset).toContainEqual({ path: 'roles.item.column', values: ['item', null] });
  expect(metrics).toContainEqual({ path: 'discover.ndcg10', values: [null, null] });
  expect(runs.map(({ id }) => id)).toEqual(['r1234', 'r9999']);
});
