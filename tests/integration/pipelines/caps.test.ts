import { archiveModel } from '#core/api/models';
import { createPipelineConfig, preflightPipeline } from '#core/api/pipelines';
import { createDataset } from '#core/api/datasets';
import { paths } from '#core/paths';
import { pendingStage, PipelineRun } from '#core/pipeline-run';
import { readConfig } from '#runtime/config';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { DEFINITION, openPipelineAccount, type PipelineAccount } from '#tests/pipeline-account';
import { aRun, aWork, doneStage } from '#tests/pipeline-runs';
import { freshTenant, openTestStore } from '#tests/store';
import { driveStage } from '../../../functions/pipelines/drive.ts';
import type { StageWork } from '../../../functions/pipelines/run-context.ts';

const store = openTestStore();
afterAll(() => store.db.close());
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const here: Platform = { config: readConfig(process.env), store, log: silent };

let account: PipelineAccount;
beforeAll(async () => {
  account = await openPipelineAccount();
});

test.each([
  ['maxCost', { maxCost: 0.01 }, /may cost 0\.5\d US dollars .* the cap "maxCost" is 0\.010\./],
  ['maxBytes', { maxBytes: 1 }, /would read \d+ bytes in BigQuery; the cap "maxBytes" is 1\./],
])(
  'a run over its %s fails before anything is spent',
  async (_, caps, message) => {
    const run = await account.ended((await account.start({ caps })).id);
    expect(run).toMatchObject({
      status: 'failed',
      failure: { code: 'cap-reached', message: expect.stringMatching(message) },
      stages: { extraction: { status: 'failed', executor: null }, training: { executor: null } },
      usage: { bytesScanned: 0, trainingSeconds: 0, estimatedCost: 0 },
    });
  },
  60_000,
);

test('a run whose time is up is stopped, and fails; what it used until then is kept', async () => {
  const tenant = freshTenant();
  const ids = { tenant, model: 'm1234', run: 'r1234' };
  const path = paths.pipelineRun(tenant, ids.model, ids.run);
  const stages = {
    extraction: doneStage(),
    vocabulary: doneStage(),
    training: pendingStage(),
    deployment: pendingStage(),
  };
  const run = aRun({ id: ids.run, status: 'running', stages });
  const cloud = { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' };
  const owner = { id: tenant, name: 'T', plan: 'trial', status: 'active', cloud, createdAt: run.createdAt };
  await store.db.commit([
    { kind: 'create', path: paths.tenant(tenant), data: owner },
    { kind: 'create', path, data: run },
    { kind: 'create', path: paths.lock(tenant, ids.model, 'pipeline'), data: { run: ids.run } },
  ]);
  const asked: string[] = [];
  const work: StageWork = {
    ...aWork('training', () => (asked.push('advance'), Promise.resolve({ state: 'running' }))),
    // Twice it still ends.
    stop: () => (asked.push('stop'), Promise.resolve(asked.length < 4 ? 'stopping' : 'stopped')),
    spent: () => Promise.resolve({ bytesScanned: 0, trainingSeconds: 90 }),
  };
  const look = async () => (await mustRead(store, path, PipelineRun, 'run')).value;
  await driveStage(here, ids, work);
  expect((await look()).status).toBe('running');
  store.ahead = run.settings.caps.minutes * 60_000;
  await driveStage(here, ids, work);
  store.ahead = 0;
  expect(asked).toEqual(['advance', 'stop', 'stop', 'stop']);
  expect(await look()).toMatchObject({
    status: 'failed',
    failure: { code: 'cap-reached', message: 'The run was not over after 2880 minutes, its cap.' },
    stages: { training: { status: 'failed' }, deployment: { status: 'skipped' } },
    usage: { trainingSeconds: 90, estimatedCost: 0.0125 },
  });
  expect(await store.db.get(paths.lock(tenant, ids.model, 'pipeline'))).toBeNull();
});

describe('preflight', () => {
  const look = async (config: object, dataset = account.dataset.id) => {
    const { call, params } = account;
    const made = await call(createPipelineConfig, { params, body: { name: 'Checked', ...config } });
    return call(preflightPipeline, { params, body: { config: made.id, dataset } });
  };
  const failing = ({ checks }: Awaited<ReturnType<typeof look>>) =>
    checks.filter(({ ok }) => !ok).map(({ check, message, remedy }) => ({ check, message, remedy }));

  test('says that all is well, what a run reads and costs, and what there is to learn from', async () => {
    const seen = await look({ training: { preset: 'quick' } });
    expect(failing(seen)).toEqual([]);
    expect(seen.ok).toBe(true);
    expect(seen.checks.map(({ check }) => check)).toEqual([
      'model-active',
      'model-free',
      'quota',
      'configuration',
      'tables',
      'caps',
      'evidence',
      'trainer',
      'live-version',
    ]);
    expect(seen.checks.find(({ check }) => check === 'evidence')?.message).toBe(
      '3564 lines of 60 customers and 120 items on 300 days.',
    );
    expect(seen.estimate).toMatchObject({ trainingSeconds: 3620, prices: expect.stringContaining('2026') });
  });

  test('names everything that a run would fail by, each with its remedy', async () => {
    const { call, params } = account;
    expect(failing(await look({ caps: { maxCost: 0.001 }, training: { holdout: { days: 365 } } }))).toEqual([
      { check: 'caps', message: expect.stringContaining('maxCost'), remedy: expect.any(String) },
      {
        check: 'evidence',
        message:
          'Not enough evidence: the lines span 300 days, too few for a holdout of 365 days twice over.',
        remedy: expect.stringContaining('smaller holdout'),
      },
    ]);
    const tables = [{ alias: 'lines', destination: 'not_there' }];
    const unloaded = await call(createDataset, { params, body: { ...DEFINITION, name: 'Other', tables } });
    expect(failing(await look({}, unloaded.id))).toEqual([
      { check: 'tables', message: expect.stringContaining('not_there'), remedy: expect.any(String) },
    ]);
    expect(failing(await look({}, 'd0000'))).toEqual([
      {
        check: 'configuration',
        message: expect.stringContaining('data set "d0000"'),
        remedy: expect.any(String),
      },
    ]);
  });

  test('says that a model takes no runs; starting one is refused', async () => {
    const { call, params } = account;
    await call(archiveModel, { params });
    expect(failing(await look({})).map(({ check }) => check)).toContain('model-active');
    await expect(account.start()).rejects.toMatchObject({ problem: { code: 'model-archived' } });
  });
});
