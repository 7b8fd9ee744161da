import { getDeployment, listDeployments } from '#core/api/deployments';
import { getModel } from '#core/api/models';
import { cancelPipeline, getPipelineLogs } from '#core/api/pipelines';
import { openWarehouse } from '#cloud/bigquery';
import { paths } from '#core/paths';
import type { PipelineRun, StageName } from '#core/pipeline-run';
import { readUsage } from '#store/usage';
import { refusalOf } from '#tests/account';
import { controlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openPipelineAccount, type PipelineAccount, processesWith } from '#tests/pipeline-account';
import { openTestStore } from '#tests/store';

const store = openTestStore();
const endpoints = {
  bigquery: process.env['BIGQUERY_ENDPOINT'],
  aiplatform: process.env['AIPLATFORM_ENDPOINT'],
};
const place = { projectId: process.env['GOOGLE_CLOUD_PROJECT'] ?? '', location: 'europe-west1', endpoints };
const seconds: string[] = [];
afterAll(async () => {
  process.stderr.write(`cancelled within: ${seconds.join(', ')}\n`);
  await store.db.close();
});

/** Seconds within which a run has to be over once somebody has asked for that. */
const LIMIT = 15;

/** Waits until the run is where `isThere` says. */
const reach = (account: PipelineAccount, run: string, isThere: (seen: PipelineRun) => unknown) =>
  eventually(
    'the stage',
    async () => {
      const seen = await account.look(run);
      if (seen.finishedAt !== null) throw new Error(`the run ended before it was cancelled: ${seen.status}`);
      return (await isThere(seen)) ? seen : null;
    },
    60,
  );

/** Cancels the run, twice, and waits for its end, which has to be a cancelled one. */
async function cancel(account: PipelineAccount, run: string, what: string): Promise<PipelineRun> {
  const began = performance.now();
  const params = { ...account.params, run };
  const asked = await account.call(cancelPipeline, { params });
  expect(asked).toMatchObject({ cancelRequestedBy: account.uid, cancelRequestedAt: expect.any(String) });
  await account.call(cancelPipeline, { params });
  const over = await account.ended(run, LIMIT);
  seconds.push(`${what} ${((performance.now() - began) / 1000).toFixed(1)} s`);
  expect(over).toMatchObject({ status: 'cancelled', failure: null, usage: expect.any(Object) });
  return over;
}

/** Nothing of the run is at work or in anybody's way. */
async function expectNothingLeft({ params, raw }: PipelineAccount, run: PipelineRun, stages: StageName[]) {
  const path = paths.pipelineRun(params.tenant, params.model, run.id);
  expect(await store.db.get(paths.lock(params.tenant, params.model, 'pipeline'))).toBeNull();
  expect(await store.db.get(paths.lock(params.tenant, params.model, 'deployment'))).toBeNull();
  expect(await store.db.get(paths.watched(path))).toBeNull();
  expect(processesWith('TRADEWIND_RUN', run.id)).toEqual([]);
  const warehouse = openWarehouse(place);
  for (const step of ['extract', 'count', 'customers', 'items', 'interactions', 'export-items'])
    expect((await warehouse.jobOutcome(`tw-${run.id}-${step}-1`)).state).not.toBe('running');
  const features = raw.replace(/_raw$/, '_features');
  const tables = { extraction: 'lines', vocabulary: 'interactions', training: null, deployment: null };
  for (const stage of stages)
    if (tables[stage] !== null)
      expect(
        await warehouse.describe({ dataset: features, table: `run_${run.id}_${tables[stage]}` }),
      ).toBeNull();
}

const statuses = (run: PipelineRun) => Object.values(run.stages).map(({ status }) => status);

test('at the beginning, in extraction and in vocabulary: BigQuery’s jobs are ended, the next run goes through', async () => {
  const account = await openPipelineAccount(800_000);
  const first = await account.start();
  const early = await cancel(account, first.id, 'queued');
  expect(statuses(early).slice(1)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  await expectNothingLeft(account, early, ['extraction']);

  for (const stage of ['extraction', 'vocabulary'] as const) {
    const { run, where } = await cancelWithin(account, stage);
    const { status } = run.stages[stage];
    // On a fast machine the vocabulary's half a second may be over whenever the request comes.
    expect(stage === 'extraction' ? ['cancelled'] : ['cancelled', 'succeeded']).toContain(status);
    expect(run.stages.training.status).toBe('cancelled');
    // What was finished stays, and expires by itself.
    await expectNothingLeft(where, run, status === 'cancelled' ? [stage] : []);
  }
}, 300_000);

/** A run cancelled while `stage` was at work. Where the stage was done before the request came, another model's is. */
async function cancelWithin(account: PipelineAccount, stage: StageName) {
  for (let attempt = 1; ; attempt++) {
    // Another model: what this one has finished might be reused.
    const where = attempt === 1 ? account : await openPipelineAccount(800_000);
    const { id } = await where.start();
    await reach(where, id, ({ stages }) => stages[stage].status !== 'pending');
    const run = await cancel(where, id, stage);
    if (run.stages[stage].status !== 'succeeded' || attempt === 3) return { run, where };
    // What was finished first counts; what follows it was not begun, or was stopped.
    expect(run.stages.training.status).toBe('cancelled');
  }
}

test('in training: the trainer is told to stop, its job is cancelled, and what it took is counted once', async () => {
  const account = await openPipelineAccount();
  const { call, params } = account;
  const long = { training: { preset: 'thorough', trials: 500, seconds: 3600 } };
  const { id } = await account.start(long);
  await reach(account, id, () => processesWith('TRADEWIND_RUN', id).length > 0);
  const run = await cancel(account, id, 'training');
  expect(statuses(run)).toEqual(['succeeded', 'succeeded', 'cancelled', 'cancelled']);
  const clients = controlClients(useLocalCloud().env);
  const [job] = await clients.customJobs.getCustomJob({ name: run.stages.training.executor ?? '' });
  await clients.close();
  expect(job.state).toBe('JOB_STATE_CANCELLED');
  await expectNothingLeft(account, run, []);
  expect(run.usage).toMatchObject({ bytesScanned: expect.any(Number), trainingSeconds: expect.any(Number) });
  expect(run.usage?.bytesScanned).toBeGreaterThan(0);
  expect(run.usage?.trainingSeconds).toBeGreaterThan(0);
  const month = await readUsage(store, params.tenant, run.finishedAt?.slice(0, 7) ?? '');
  expect(month.pipeline).toEqual({ runs: 1, amounts: run.usage });
  const { lines } = await call(getPipelineLogs, { params: { ...params, run: id } });
  expect(lines.map(({ message }) => message)).toContain('run cancelled');

  const next = await account.ended((await account.start()).id);
  expect(next).toMatchObject({ status: 'succeeded', failure: null });
  // The same lines as before: what was made of them is not made again.
  expect(next.stages.vocabulary).toMatchObject({ status: 'reused', reusedFrom: id });
  const refusal = await refusalOf(call(cancelPipeline, { params: { ...params, run: next.id } }));
  expect(refusal).toMatchObject({ status: 409, code: 'run-over' });
}, 180_000);

test('in deployment: the revision is taken out, nothing is live, and the next run deploys', async () => {
  const account = await openPipelineAccount();
  const { call, params } = account;
  const { id } = await account.start();
  await reach(account, id, ({ stages }) => stages.deployment.executor !== null);
  const run = await cancel(account, id, 'deployment');
  expect(statuses(run)).toEqual(['succeeded', 'succeeded', 'succeeded', 'cancelled']);
  expect(run.version).not.toBeNull();
  const [deployment] = (await call(listDeployments, { params })).items;
  expect(deployment).toMatchObject({ status: 'stopped', run: id });
  expect((await call(getModel, { params })).liveDeployment).toBeNull();
  await expectNothingLeft(account, run, []);
  await eventually(
    'the end of the revision’s instances',
    () => processesWith('TRADEWIND_DEPLOYMENT', deployment?.id ?? '').length === 0,
  );

  const next = await account.ended((await account.start()).id);
  expect(next).toMatchObject({ status: 'succeeded', failure: null });
  const live = () => call(getDeployment, { params: { ...params, deployment: next.deployment ?? '' } });
  expect((await live()).status).toBe('live');

  // A version that answers a share of the requests gives it back.
  const slow = { deployment: { canary: { steps: [10], bakeSeconds: 3600 } } };
  const third = await account.start(slow);
  const newest = async () => (await call(listDeployments, { params })).items[0];
  await reach(account, third.id, async () => {
    const seen = await newest();
    return seen?.run === third.id && seen.status === 'canary';
  });
  const withdrawn = await cancel(account, third.id, 'canary');
  expect(statuses(withdrawn)).toEqual(['succeeded', 'reused', 'succeeded', 'cancelled']);
  expect(await newest()).toMatchObject({ run: third.id, status: 'stopped' });
  expect((await live()).status).toBe('live');
  expect((await call(getModel, { params })).liveDeployment).toBe(next.deployment);
  await expectNothingLeft(account, withdrawn, []);
}, 180_000);
