import {
  cloneDataset,
  compareDatasets,
  deleteDataset,
  listDatasetDependents,
  listDatasets,
  restoreDataset,
  updateDataset,
} from '#core/api/datasets';
import {
  clonePipelineConfig,
  comparePipelineConfigs,
  createPipelineConfig,
  deletePipelineConfig,
  getPipelineConfig,
  listPipelineConfigDependents,
  listPipelineConfigs,
  listPresets,
  restorePipelineConfig,
  startPipeline,
  updatePipelineConfig,
} from '#core/api/pipelines';
import { createSchedule, deleteSchedule } from '#core/api/schedules';
import { trainingPresets } from '#core/training-config';
import { refusalOf } from '#tests/account';
import { type PipelineAccount, DEFINITION, openPipelineAccount } from '#tests/pipeline-account';

let account: PipelineAccount;
beforeAll(async () => {
  account = await openPipelineAccount(200);
});

const nightly = (config: string, dataset: string) => ({
  name: 'Nightly',
  what: { kind: 'pipeline' as const, config, dataset },
  when: { kind: 'daily' as const, at: '03:00', timeZone: 'Europe/Berlin' },
});

test('a data set is changed in parts, cloned, compared, and stays while a schedule uses it', async () => {
  const { call, params, dataset } = account;
  const of = { params: { ...params, dataset: dataset.id } };
  const copy = await call(cloneDataset, { ...of, body: { name: 'Without returns' } });
  expect(copy).toMatchObject({ ...DEFINITION, name: 'Without returns' });
  const compare = async () =>
    (await call(compareDatasets, { params, query: { left: dataset.id, right: copy.id } })).differences;
  expect(await compare()).toEqual([]);

  const changed = await call(updateDataset, {
    params: { ...params, dataset: copy.id },
    body: {
      cleaning: { ...DEFINITION.cleaning, dropReturns: false },
      roles: { ...DEFINITION.roles, itemName: undefined },
    },
  });
  expect(changed.tables).toEqual(DEFINITION.tables);
  expect(await compare()).toEqual([
    { path: 'cleaning.dropReturns', left: true, right: false },
    { path: 'roles.itemName', left: 'lines.item_name', right: null },
  ]);
  // Checked as a whole, against the tables as they are.
  const wrong = { ...DEFINITION.roles, customer: { table: 'lines', column: 'buyer' } };
  expect(await refusalOf(call(updateDataset, { ...of, body: { roles: wrong } }))).toMatchObject({
    code: 'unknown-column',
  });
  expect(
    await refusalOf(
      call(updateDataset, { ...of, body: { name: 'X', expectedUpdatedAt: '2020-01-01T00:00:00.000Z' } }),
    ),
  ).toMatchObject({ status: 409, code: 'conflict' });

  const config = await call(createPipelineConfig, { params, body: { name: 'For the night' } });
  const schedule = await call(createSchedule, { params, body: nightly(config.id, dataset.id) });
  const { items } = await call(listDatasetDependents, of);
  expect(items).toMatchObject([{ kind: 'schedule', name: 'Nightly', blocks: true }]);
  expect(
    (await call(listPipelineConfigDependents, { params: { ...params, config: config.id } })).items,
  ).toEqual(items);
  expect(await refusalOf(call(deleteDataset, of))).toMatchObject({
    code: 'in-use',
    detail: expect.stringContaining('Nightly'),
  });
  expect(
    await refusalOf(call(deletePipelineConfig, { params: { ...params, config: config.id } })),
  ).toMatchObject({
    code: 'in-use',
  });
  await call(deleteSchedule, { params: { ...params, schedule: schedule.id } });

  await call(deleteDataset, of);
  const names = async (query: object) =>
    (await call(listDatasets, { params, query })).items.map(({ name }) => name);
  expect(await names({ sort: 'name', order: 'asc' })).toEqual(['Without returns']);
  expect(await names({ deleted: 'only' })).toEqual(['Orders']);
  expect(
    await refusalOf(call(startPipeline, { params, body: { config: config.id, dataset: dataset.id } })),
  ).toMatchObject({ status: 404 });
  expect(await call(restoreDataset, of)).toMatchObject({ name: 'Orders', deletedAt: null });
});

test('a configuration has every value decided, is changed part by part, cloned and compared', async () => {
  const { call, params } = account;
  const { items: presets } = await call(listPresets, { params });
  expect(presets.map(({ preset }) => preset)).toEqual(['quick', 'balanced', 'thorough']);
  const made = await call(createPipelineConfig, {
    params,
    body: { name: 'Mine', training: { preset: 'quick', trials: 3 } },
  });
  const quick = presets[0];
  expect(made).toMatchObject({
    extraction: quick?.extraction,
    deployment: quick?.deployment,
    training: { ...quick?.training, trials: 3 },
  });
  const of = { params: { ...params, config: made.id } };

  const copy = await call(clonePipelineConfig, { ...of, body: { name: 'Mine, thorough' } });
  const thorough = await call(updatePipelineConfig, {
    params: { ...params, config: copy.id },
    body: { training: { preset: 'thorough' }, extraction: { historyDays: 365 } },
  });
  expect(thorough.training).toEqual(trainingPresets.thorough);
  expect(thorough.deployment).toEqual(made.deployment);
  const { differences } = await call(comparePipelineConfigs, {
    params,
    query: { left: made.id, right: copy.id },
  });
  expect(differences).toEqual([
    { path: 'extraction.historyDays', left: 0, right: 365 },
    {
      path: 'training.algorithms',
      left: trainingPresets.quick.algorithms,
      right: trainingPresets.thorough.algorithms,
    },
    { path: 'training.preset', left: 'quick', right: 'thorough' },
    { path: 'training.seconds', left: 20, right: 3600 },
    { path: 'training.trials', left: 3, right: 120 },
  ]);
  for (const body of [{ trials: 4 }, { training: { epochs: 4 } }, { id: 'c1234' }, { deletedAt: null }])
    expect(await refusalOf(call(updatePipelineConfig, { ...of, body: body as object }))).toMatchObject({
      status: 422,
    });

  const deleted = await call(deletePipelineConfig, of);
  expect((await call(getPipelineConfig, of)).deletedAt).toBe(deleted.deletedAt);
  expect((await call(listPipelineConfigs, { params, query: { search: 'Mine' } })).items).toHaveLength(1);
  expect(
    await refusalOf(call(startPipeline, { params, body: { config: made.id, dataset: account.dataset.id } })),
  ).toMatchObject({ status: 404, detail: expect.stringContaining('was deleted') });
  expect(await call(restorePipelineConfig, of)).toMatchObject({ name: 'Mine', deletedAt: null });
});
