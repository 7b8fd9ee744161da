import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { readConfig } from '#runtime/config';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { aRun, aWork } from '#tests/pipeline-runs';
import { APART, freshTenant, openTestStore } from '#tests/store';
import { requestCancel } from '../../../functions/pipelines/cancel.ts';
import { driveStage } from '../../../functions/pipelines/drive.ts';

// No watchdog looks into this project: what ends the run is the driver itself.
const store = openTestStore(APART);
afterAll(() => store.db.close());
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const here: Platform = { config: readConfig(process.env), store, log };
const model = 'm1234';

async function queued() {
  const tenant = freshTenant();
  const ids = { tenant, model, run: 'r1234' };
  const path = paths.pipelineRun(tenant, model, ids.run);
  const lock = paths.lock(tenant, model, 'pipeline');
  const cloud = { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' };
  const at = '2026-06-01T00:00:00.000Z';
  await store.db.commit([
    {
      kind: 'create',
      path: paths.tenant(tenant),
      data: { id: tenant, name: 'T', plan: 'trial', status: 'active', cloud, createdAt: at },
    },
    { kind: 'create', path, data: aRun({ id: ids.run }) },
    { kind: 'create', path: lock, data: { run: ids.run } },
  ]);
  const look = async () => (await mustRead(store, path, PipelineRun, 'run')).value;
  return { ids, look, isLocked: async () => (await store.db.get(lock)) !== null };
}

test('an end asked for in a stage’s last moment is seen to by whoever finishes the stage', async () => {
  const { ids, look, isLocked } = await queued();
  const finishing = aWork('extraction', async () => {
    await requestCancel(store, ids, 'u');
    return { state: 'done', found: {} };
  });
  await driveStage(here, ids, finishing);
  expect(await look()).toMatchObject({
    status: 'cancelled',
    stages: { extraction: { status: 'succeeded' }, vocabulary: { status: 'cancelled' } },
  });
  expect(await isLocked()).toBe(false);
});

test('a driver that stood still while the stage was begun again says nothing of it any more', async () => {
  const { ids, look } = await queued();
  const path = paths.pipelineRun(ids.tenant, model, ids.run);
  const late = aWork('extraction', async () => {
    const { stages } = await look();
    const extraction = { ...stages.extraction, attempts: 2 };
    await store.db.commit([{ kind: 'update', path, data: { stages: { ...stages, extraction } } }]);
    return { state: 'done', found: {} };
  });
  await driveStage(here, ids, late);
  expect(await look()).toMatchObject({
    status: 'running',
    stages: { extraction: { status: 'running', attempts: 2 } },
  });
});
