import { replaceDataset } from '#core/api/datasets';
import { listDeployments } from '#core/api/deployments';
import {
  comparePipelineRuns,
  getPipelineLogs,
  listPipelineRuns,
  rerunPipeline,
  startPipeline,
  updatePipelineConfig,
} from '#core/api/pipelines';
import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { Cleaning } from '#core/dataset';
import { STAGES, type PipelineRun, type StageName } from '#core/pipeline-run';
import { snapshotFolder } from '#core/training-result';
import { refusalOf } from '#tests/account';
import { eventually } from '#tests/eventually';
import { DEFINITION, openPipelineAccount } from '#tests/pipeline-account';

const projectId = process.env['GOOGLE_CLOUD_PROJECT'] ?? '';
const endpoints = { bigquery: process.env['BIGQUERY_ENDPOINT'] };

/** Each stage's status, with the run its outputs are of where they are reused. */
const stagesOf = ({ stages }: PipelineRun) =>
  STAGES.map((name) => {
    const { status, reusedFrom } = stages[name];
    return reusedFrom === null ? status : `${status} from ${reusedFrom}`;
  });

test('a run is repeated from its failed stage on what is there, labelled so, and only as long as that still fits', async () => {
  const account = await openPipelineAccount();
  const { call, params, dataset } = account;
  const again = (run: string, from?: StageName) =>
    call(rerunPipeline, { params: { ...params, run }, body: from === undefined ? {} : { from } });

  // Two holdouts of 200 days do not fit into 300.
  const begun = await account.start({ training: { preset: 'quick', trials: 2, holdout: { days: 200 } } });
  const failed = await account.ended(begun.id);
  expect(failed).toMatchObject({ status: 'failed', failure: { code: 'history-too-short' } });
  expect(stagesOf(failed)).toEqual(['succeeded', 'succeeded', 'failed', 'skipped']);
  expect(await refusalOf(again(failed.id, 'deployment'))).toMatchObject({
    code: 'stage-not-done',
    detail: expect.stringContaining('its training is failed'),
  });

  const quick = { training: { preset: 'quick' as const, trials: 2, seconds: 60 } };
  await call(updatePipelineConfig, { params: { ...params, config: failed.config }, body: quick });
  const repeated = await account.ended((await again(failed.id)).id);
  expect(repeated).toMatchObject({
    status: 'succeeded',
    failure: null,
    rerunOf: failed.id,
    asOf: failed.asOf,
    extraction: failed.extraction,
    vocabulary: failed.vocabulary,
    settings: { training: { holdout: { quantile: 0.1 } } },
  });
  expect(stagesOf(repeated)).toEqual([
    `reused from ${failed.id}`,
    `reused from ${failed.id}`,
    'succeeded',
    'succeeded',
  ]);
  // Linked, not copied: the new run has no table and no snapshot of its own.
  const features = account.raw.replace(/_raw$/, '_features');
  const warehouse = openWarehouse({ projectId, location: 'europe-west1', endpoints });
  expect(await warehouse.describe({ dataset: features, table: `run_${repeated.id}_lines` })).toBeNull();
  const bucket = process.env['TRADEWIND_BUCKET'] ?? '';
  const snapshotOf = (run: string) => snapshotFolder(bucket, params.tenant, params.model, run, 1);
  const files = openFiles(projectId);
  expect(await files.list(snapshotOf(repeated.id))).toEqual([]);
  expect(await refusalOf(again(repeated.id))).toMatchObject({ code: 'nothing-failed' });

  // From deployment: the version that was trained is deployed once more, by another deployment.
  const redeployed = await account.ended((await again(repeated.id, 'deployment')).id);
  expect(redeployed).toMatchObject({
    status: 'succeeded',
    version: repeated.version,
    metrics: repeated.metrics,
  });
  expect(stagesOf(redeployed)).toEqual([
    `reused from ${failed.id}`,
    `reused from ${failed.id}`,
    `reused from ${repeated.id}`,
    'succeeded',
  ]);
  expect(redeployed.usage).toMatchObject({ bytesScanned: 0, trainingSeconds: 0, estimatedCost: 0 });
  const { items } = await call(listDeployments, { params });
  expect(items.map(({ run, version }) => [run, version])).toEqual([
    [redeployed.id, repeated.version],
    [repeated.id, repeated.version],
  ]);

  // A plain new run on the same lines reuses what was made of them, and trains the same model.
  const body = { config: failed.config, dataset: dataset.id };
  const plain = await account.ended((await call(startPipeline, { params, body })).id);
  expect(stagesOf(plain)).toEqual(['succeeded', `reused from ${failed.id}`, 'succeeded', 'succeeded']);
  expect(plain.metrics?.overall).toEqual(repeated.metrics?.overall);
  const logs = { ...params, run: plain.id };
  // What a stage says last is written after the run has ended.
  const { lines, next } = await eventually('the last line of the log', async () => {
    const seen = await call(getPipelineLogs, { params: logs });
    return seen.lines.some(({ message }) => message === 'deployment done') && seen;
  });
  expect(lines.map(({ message }) => message)).toContain(
    `vocabulary: the outputs of run ${failed.id} are reused`,
  );
  // Page by page: the same lines, and nothing after the last.
  const page = await call(getPipelineLogs, { params: logs, query: { limit: 1 } });
  expect(page.more).toBe(true);
  const rest = await call(getPipelineLogs, { params: logs, query: { after: page.next ?? '' } });
  expect([...page.lines, ...rest.lines]).toEqual(lines);
  expect(rest).toMatchObject({ next, more: false });

  const compared = await call(comparePipelineRuns, { params, query: { runs: `${failed.id},${plain.id}` } });
  expect(compared.settings).toEqual([
    { path: 'training.holdout.days', values: [200, null] },
    { path: 'training.holdout.quantile', values: [null, 0.1] },
    { path: 'training.seconds', values: [20, 60] },
  ]);
  expect(compared.dataset).toEqual([]);
  expect(compared.metrics.find(({ path }) => path === 'reorder.ndcg10')?.values).toEqual([
    null,
    plain.metrics?.slots.reorder?.model.ndcg10,
  ]);
  const listed = await call(listPipelineRuns, { params, query: { status: 'failed', config: failed.config } });
  expect(listed.items.map(({ id }) => id)).toEqual([failed.id]);
  const byTrigger = await call(listPipelineRuns, { params, query: { trigger: 'schedule' } });
  expect(byTrigger.items).toEqual([]);

  // What the reused stages were made from must not have changed since; what is gone is said to be gone.
  const cleaning = Cleaning.parse({ dropReturns: false });
  await call(replaceDataset, {
    params: { ...params, dataset: dataset.id },
    body: { ...DEFINITION, cleaning },
  });
  expect(await refusalOf(again(failed.id))).toMatchObject({
    code: 'inputs-changed',
    detail: expect.stringContaining('data set: cleaning.dropReturns'),
  });
  await call(replaceDataset, { params: { ...params, dataset: dataset.id }, body: DEFINITION });
  await files.deleteAll(snapshotOf(failed.id));
  expect(await refusalOf(again(failed.id))).toMatchObject({
    code: 'outputs-gone',
    remedy: 'Repeat it from vocabulary.',
  });
  const fresh = await account.ended((await again(failed.id, 'vocabulary')).id);
  expect(stagesOf(fresh)).toEqual([`reused from ${failed.id}`, 'succeeded', 'succeeded', 'succeeded']);
}, 300_000);
