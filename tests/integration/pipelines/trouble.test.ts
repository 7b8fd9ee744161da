import { createDataset } from '#core/api/datasets';
import { listDeployments, startDeployment } from '#core/api/deployments';
import { getModel } from '#core/api/models';
import { createPipelineConfig, listPipelineRuns, startPipeline } from '#core/api/pipelines';
import { getVersion, listVersions } from '#core/api/versions';
import { openFiles } from '#cloud/storage';
import type { PipelineRun } from '#core/pipeline-run';
import { readStartRefusal, triggeredRunId } from '#store/triggered-run';
import { refusalOf } from '#tests/account';
import { eventually } from '#tests/eventually';
import {
  DEFINITION,
  makeTicker,
  openPipelineAccount,
  type PipelineAccount,
  processesWith,
  publish,
} from '#tests/pipeline-account';
import { openTestStore } from '#tests/store';

/** Milliseconds that a story of several runs may take on a busy machine. */
const LONG = 240_000;

const attempts = (run: PipelineRun) => Object.values(run.stages).map((stage) => stage.attempts);

test(
  'messages that come twice, early and late change nothing',
  async () => {
    const account = await openPipelineAccount();
    const { call, params } = account;
    const begun = await account.start();
    const ids = { ...params, run: begun.id };
    const early = [
      'training-finished',
      'training-requested',
      'vocabulary-requested',
      'extraction-requested',
    ] as const;
    for (const topic of early) for (let copy = 0; copy < 2; copy++) await publish(topic, ids);
    // The second request while the first is active gets the first.
    expect((await account.start()).id).toBe(begun.id);
    const run = await account.ended(begun.id);
    expect(run).toMatchObject({ status: 'succeeded', failure: null });
    expect(attempts(run)).toEqual([1, 1, 1, 1]);

    for (const topic of early) await publish(topic, ids);
    const deployment = run.deployment ?? '';
    await publish('deployment-requested', { ...params, deployment });
    await publish('deployment-finished', { ...params, deployment });
    // A later run goes through the same functions: by its end the old messages have been handled.
    const next = await account.ended((await account.start()).id);
    expect(next.failure).toBeNull();
    expect(await account.look(run.id)).toEqual(run);
    expect((await call(listVersions, { params })).items.map((version) => version.number)).toEqual([2, 1]);
    const { items } = await call(listDeployments, { params });
    expect(items.map(({ id, status }) => [id, status])).toEqual([
      [next.deployment, 'live'],
      [run.deployment, 'superseded'],
    ]);
  },
  LONG,
);

test(
  'a start message makes one run however often it comes, of its trigger; one that makes none leaves word',
  async () => {
    const account = await openPipelineAccount(100);
    const { call, params, dataset } = account;
    const body = { name: 'Nightly', caps: { maxBytes: 1 } };
    const config = (await call(createPipelineConfig, { params, body })).id;
    const message = { ...params, trigger: 'schedule' as const, key: 'night-1', config, dataset: dataset.id };
    for (let copy = 0; copy < 3; copy++) await publish('pipeline-start-requested', message);
    const id = triggeredRunId('pipeline', message);
    const run = await eventually('the run', () => account.ended(id, 1).catch(() => null));
    expect(run).toMatchObject({
      trigger: 'schedule',
      requestedBy: 'system',
      failure: { code: 'cap-reached' },
    });
    await publish('pipeline-start-requested', message);

    const unknown = { ...message, key: 'night-2', config: 'c0000' };
    await publish('pipeline-start-requested', unknown);
    const store = openTestStore();
    const asked = triggeredRunId('pipeline', unknown);
    const word = await eventually('word', () => readStartRefusal(store, params.tenant, params.model, asked));
    await store.db.close();
    expect(word).toMatchObject({ code: 'not-found', message: expect.stringContaining('c0000') });
    expect((await call(listPipelineRuns, { params })).items.map((each) => each.id)).toEqual([id]);
  },
  LONG,
);

test(
  'a trainer that is killed is started once more, and the run goes through',
  async () => {
    const account = await openPipelineAccount();
    const { id } = await account.start();
    const [trainer] = await eventually('the trainer', () => {
      const found = processesWith('TRADEWIND_RUN', id);
      return found.length > 0 ? found : null;
    });
    process.kill(trainer ?? 0, 'SIGKILL');
    const run = await account.ended(id);
    expect(run).toMatchObject({ status: 'succeeded', failure: null });
    expect(attempts(run)).toEqual([1, 1, 2, 1]);
  },
  LONG,
);

test(
  'a trainer that dies every time fails the run with its reason, and the next run works',
  async () => {
    const account = await openPipelineAccount();
    const { id } = await account.start();
    const killed = new Set<number>();
    const tick = makeTicker();
    const run = await eventually(
      'the failure',
      async () => {
        for (const pid of processesWith('TRADEWIND_RUN', id))
          if (!killed.has(pid)) {
            killed.add(pid);
            process.kill(pid, 'SIGKILL');
          }
        await tick();
        const seen = await account.look(id);
        return seen.finishedAt === null ? null : seen;
      },
      120,
    );
    expect(run.status).toBe('failed');
    expect(run.failure?.code).toBe('trainer-died');
    expect(run.failure?.message).toMatch(/attempt 3/);
    expect(run.failure?.message).toMatch(/137/);
    expect(run.stages.deployment.status).toBe('skipped');
    expect((await account.ended((await account.start()).id)).status).toBe('succeeded');
  },
  LONG,
);

test(
  'the quality gate refuses a version that beats nothing, and nothing is deployed',
  async () => {
    // Two products a trade: everybody has bought everything, nothing is left to discover.
    const account = await openPipelineAccount(1200, 2);
    const run = await account.ended((await account.start()).id);
    expect(run).toMatchObject({
      status: 'rejected',
      stages: { training: { status: 'succeeded' }, deployment: { status: 'skipped' } },
      failure: { code: 'gate-rejected', message: expect.stringMatching(/refused version 1: discover/) },
    });
    const { call, params } = account;
    const version = await call(getVersion, { params: { ...params, version: run.version ?? '' } });
    expect(version).toMatchObject({ status: 'candidate', gate: { passed: false } });
    const refusal = await refusalOf(call(startDeployment, { params, body: { version: version.id } }));
    expect(refusal).toMatchObject({ code: 'gate-refused', status: 400 });
    expect((await call(getModel, { params })).liveDeployment).toBeNull();
  },
  LONG,
);

test(
  'a version whose artifact is damaged is not deployed; two who ask at once get one deployment',
  async () => {
    const account = await openPipelineAccount();
    const { call, params } = account;
    const good = await account.ended((await account.start()).id);
    const second = await account.ended((await account.start({ deployment: { automatic: false } })).id);
    expect(second.stages.deployment.status).toBe('skipped');
    expect(second.status).toBe('succeeded');
    const version = await call(getVersion, { params: { ...params, version: second.version ?? '' } });
    await openFiles(process.env['GOOGLE_CLOUD_PROJECT'] ?? '').save(
      version.artifact,
      'damaged',
      'text/plain',
    );

    const ask = () => call(startDeployment, { params, body: { version: version.id } });
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(one.id).toBe(other.id);
    const failed = await eventually(
      'the failure',
      async () => {
        const { items } = await call(listDeployments, { params });
        const found = items.find((deployment) => deployment.id === one.id);
        return found?.status === 'failed' ? found : null;
      },
      120,
    );
    expect(failed.failure?.code).toBe('revision-failed');
    expect(failed.failure?.message).toMatch(/did not start/);
    expect((await call(getModel, { params })).liveDeployment).toBe(good.deployment);
    const live = (await call(listDeployments, { params })).items.find(({ status }) => status === 'live');
    expect(live?.id).toBe(good.deployment);
    const health: unknown = await (await fetch(`${live?.url}/v1/health`)).json();
    expect(health).toMatchObject({ status: 'ok', version: good.version });
  },
  LONG,
);

describe('what cannot be started is refused, naming the value and the remedy', () => {
  let account: PipelineAccount;
  beforeAll(async () => {
    account = await openPipelineAccount(100);
  });

  test('an unknown configuration key', async () => {
    const body = { name: 'x', training: { preset: 'quick', epochs: 3 } };
    // The wrong key is the point.
    const refusal = await refusalOf(
      account.call(createPipelineConfig, { params: account.params, body: body as never }),
    );
    expect(refusal).toMatchObject({ status: 422, code: 'invalid-input' });
    expect(refusal.detail).toMatch(/training.*epochs/);
  });

  test('a configuration and a data set that do not exist', async () => {
    const { call, params, dataset } = account;
    const config = (await call(createPipelineConfig, { params, body: { name: 'x' } })).id;
    const start = (body: { config: string; dataset: string }) =>
      refusalOf(call(startPipeline, { params, body }));
    expect(await start({ config: 'c0000', dataset: dataset.id })).toMatchObject({
      status: 404,
      detail: expect.stringContaining('pipeline configuration "c0000"'),
    });
    expect(await start({ config, dataset: 'd0000' })).toMatchObject({
      status: 404,
      detail: expect.stringContaining('data set "d0000"'),
    });
  });

  test('a table that has not been loaded, a column that is not there', async () => {
    const { call, params } = account;
    const unloaded = await call(createDataset, {
      params,
      body: { ...DEFINITION, tables: [{ alias: 'lines', destination: 'not_there' }] },
    });
    const config = (await call(createPipelineConfig, { params, body: { name: 'x' } })).id;
    expect(
      await refusalOf(call(startPipeline, { params, body: { config, dataset: unloaded.id } })),
    ).toMatchObject({ code: 'table-not-loaded', detail: expect.stringContaining('not_there') });
    const roles = { ...DEFINITION.roles, quantity: { table: 'lines', column: 'quantitty' } };
    expect(await refusalOf(call(createDataset, { params, body: { ...DEFINITION, roles } }))).toMatchObject({
      code: 'unknown-column',
      remedy: expect.stringContaining('"quantity"'),
    });
  });
});

test(
  'too little data fails at the vocabulary, saying what there is too little of',
  async () => {
    const account = await openPipelineAccount(4);
    const run = await account.ended((await account.start()).id);
    expect(run).toMatchObject({
      status: 'failed',
      failure: { code: 'too-little-data', message: expect.stringMatching(/only 4 customers/) },
      stages: { extraction: { status: 'succeeded' }, vocabulary: { status: 'failed' } },
    });
  },
  LONG,
);
