import type { Write } from '#cloud/firestore';
import { TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { pendingStage, PipelineRun } from '#core/pipeline-run';
import { readConfig } from '#runtime/config';
import { disconnect, type Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { acquireLease, LEASE_SECONDS } from '#store/lease';
import type { Store } from '#store/store';
import { aRun, aWork, doneStage } from '#tests/pipeline-runs';
import { freshTenant, openTestStore } from '#tests/store';
import { driveStage } from '../../../functions/pipelines/drive.ts';
import { tidyLeftovers } from '../../../functions/pipelines/leftovers.ts';
import type { Stopping, StageWork } from '../../../functions/pipelines/run-context.ts';
import { WORKS } from '../../../functions/pipelines/works.ts';

const store = openTestStore();
const config = readConfig(process.env);
const model = 'm1234';
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

afterEach(() => {
  store.ahead = 0;
});
afterAll(async () => {
  await store.db.close();
  await disconnect();
});

/**
 * A run whose training fails while it is at work, and a process of its own: its watch list is kept beside the database,
 * where the cloud's own watchdog does not see it.
 */
async function failingRun() {
  const tenant = freshTenant();
  const ids = { tenant, model, run: 'r1234' };
  const path = paths.pipelineRun(tenant, model, ids.run);
  const mark = paths.watched(path);
  const stages = {
    extraction: doneStage(),
    vocabulary: doneStage(),
    training: pendingStage(),
    deployment: pendingStage(),
  };
  const cloud = { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' };
  const tenantRecord = { id: tenant, name: 'T', plan: 'trial', status: 'active', cloud };
  await store.db.commit([
    { kind: 'create', path: paths.tenant(tenant), data: { ...tenantRecord, createdAt: now() } },
    { kind: 'create', path, data: aRun({ id: ids.run, status: 'running', stages }) },
  ]);
  const watched = new Map<string, object>();
  const isMark = (write: Write) => write.path === mark;
  const commit = async (writes: readonly Write[]) => {
    const others = writes.filter((write) => !isMark(write));
    if (others.length > 0) await store.db.commit(others);
    for (const write of writes.filter(isMark))
      if (write.kind === 'delete') watched.delete(mark);
      else watched.set(mark, 'data' in write ? write.data : {});
  };
  const list = () =>
    Promise.resolve([...watched].map(([at, data]) => ({ path: at, id: 'w', data, version: '1' })));
  const db = { ...store.db, commit, list };
  // Everything else is the test store's.
  const own = Object.assign(Object.create(store) as Store, { db });
  const here: Platform = { config, store: own, log: silent };
  const look = async () => (await mustRead(store, path, PipelineRun, 'run')).value;
  return { ids, path, here, look, left: () => [...watched.values()] };
}

const now = () => new Date().toISOString();

/** Training that fails, and whose work ends as `answers` say, one after the other. */
function failing(answers: (Stopping | 'no answer')[]) {
  const asked: number[] = [];
  const work: StageWork = {
    ...aWork('training', () =>
      Promise.resolve({ state: 'failed', failure: { code: 'x', message: 'No.', remedy: 'None.' } }),
    ),
    stop: ({ attempt }) => {
      asked.push(attempt);
      const answer = answers.shift();
      if (answer === undefined || answer === 'no answer')
        return Promise.reject(new TransientError('away', 'No answer.'));
      return Promise.resolve(answer);
    },
  };
  return { work, works: { ...WORKS, training: work }, asked };
}

test('work that ends at once leaves nothing to look after', async () => {
  const { ids, here, look, left } = await failingRun();
  const { work, asked } = failing(['stopped']);
  await driveStage(here, ids, work);
  expect(await look()).toMatchObject({ status: 'failed', failure: { code: 'x' } });
  expect(left()).toEqual([]);
  expect(asked).toEqual([1]);
});

test('what could not be ended when the stage failed is ended by the watchdog, however long that takes', async () => {
  const { ids, here, look, left, path } = await failingRun();
  const { work, works, asked } = failing(['no answer', 'stopping', 'no answer', 'stopped']);
  await driveStage(here, ids, work);
  expect(await look()).toMatchObject({ status: 'failed' });
  const entry = { kind: 'leftover', path, tenant: ids.tenant, model, id: ids.run };
  for (let tick = 1; tick <= 2; tick++) {
    await tidyLeftovers(here, works);
    expect(left()).toEqual([entry]);
  }
  await tidyLeftovers(here, works);
  expect(left()).toEqual([]);
  expect(asked).toEqual([1, 1, 1, 1]);
  // Nothing is asked of the platform for a run of which nothing is left.
  await tidyLeftovers(here, works);
  expect(asked).toHaveLength(4);
});

test('who wrote the failure died before anything was ended: the watchdog ends it once the lease has run out', async () => {
  const { ids, here, left, path } = await failingRun();
  const { work, works, asked } = failing(['no answer', 'stopped']);
  await driveStage(here, ids, work);
  await acquireLease(store, paths.lease(path), 'a driver that is dead');
  await tidyLeftovers(here, works);
  expect(left()).toHaveLength(1);
  expect(asked).toHaveLength(1);
  store.ahead = (LEASE_SECONDS + 1) * 1000;
  await tidyLeftovers(here, works);
  expect(left()).toEqual([]);
});

test('a leftover whose tenant or run is gone is forgotten', async () => {
  for (const gone of ['tenant', 'run'] as const) {
    const { ids, here, left, path } = await failingRun();
    const { work, works, asked } = failing(['no answer']);
    await driveStage(here, ids, work);
    expect(left()).toHaveLength(1);
    await store.db.commit([{ kind: 'delete', path: gone === 'run' ? path : paths.tenant(ids.tenant) }]);
    await tidyLeftovers(here, works);
    expect(left()).toEqual([]);
    expect(asked).toHaveLength(1);
  }
});
