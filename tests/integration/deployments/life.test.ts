import { TerminalError } from '#core/errors';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { mustRead } from '#store/document';
import {
  fakeCloudRun,
  type FakeRevision,
  FORMER,
  MODEL,
  NEXT,
  openDeploymentScene,
  openFakeRevision,
  RIGHT,
  WRONG,
} from '#tests/deployment-scene';
import { openTestStore } from '#tests/store';
import { rescale, stop } from '../../../functions/deployments/change-live.ts';
import { endRescaling } from '../../../functions/deployments/end.ts';
import { driveDeployment } from '../../../functions/deployments/drive.ts';
import { rollBack } from '../../../functions/deployments/roll-back.ts';

const store = openTestStore();
let revision: FakeRevision;

beforeAll(async () => {
  revision = await openFakeRevision();
});
afterAll(async () => {
  await revision.close();
  await store.db.close();
});
beforeEach(() => {
  revision.toVerifier = () => Promise.resolve(RIGHT);
});

/** A model on which `dnext` has just followed `dlive`. */
async function openLife() {
  const scene = await openDeploymentScene(store, true, { warmUp: 2, canary: { steps: [] } });
  const run = fakeCloudRun(revision.address, FORMER);
  const drive = (deployment = 'dnext') => driveDeployment(scene.here, { ...scene.ids, deployment }, run.open);
  await drive();
  const { tenant } = scene.ids;
  const model = async () => (await mustRead(store, paths.model(tenant, MODEL), Model, 'model')).value;
  const free = async (deployment: string) =>
    (await store.db.get(paths.lock(tenant, MODEL, 'deployment'))) === null &&
    (await store.db.get(paths.watched(paths.deployment(tenant, MODEL, deployment)))) === null;
  expect(await model()).toMatchObject({
    liveDeployment: 'dnext',
    traffic: [{ deployment: 'dnext', percent: 100 }],
  });
  return { ...scene, run, drive, model, free };
}

test('rolled back in one call: what answered before answers again, by the revision that is still there', async () => {
  const { ids, run, drive, deployment, model, free } = await openLife();
  const puts = run.put.length;
  const back = await rollBack(store, ids, 'u1', undefined);
  expect(back).toMatchObject({ status: 'creating', restores: 'dlive', requestedBy: 'u1' });
  // Asked again meanwhile, it is the same roll-back.
  expect((await rollBack(store, ids, 'u2', undefined)).id).toBe(back.id);
  await drive(back.id);
  expect(await deployment(back.id)).toMatchObject({
    status: 'live',
    revision: FORMER,
    speaksAs: 'dlive',
    warmed: 2,
    compared: 0,
    former: null,
  });
  expect((await deployment()).status).toBe('rolled-back');
  expect((await deployment('dlive')).status).toBe('superseded');
  expect(run.put).toHaveLength(puts);
  expect(run.state.traffic).toEqual({ [FORMER]: 100 });
  expect(await model()).toMatchObject({
    liveDeployment: back.id,
    traffic: [{ deployment: back.id, percent: 100 }],
  });
  expect(await free(back.id)).toBe(true);

  // There is nothing before it; a named one can be gone back to, and its revision is put again where it is gone.
  const later = { ...ids, deployment: back.id };
  await expect(rollBack(store, later, 'u1', undefined)).rejects.toMatchObject({ code: 'nothing-to-restore' });
  await expect(rollBack(store, ids, 'u1', undefined)).rejects.toMatchObject({ code: 'deployment-over' });
  run.state.revisions.delete(NEXT);
  const again = await rollBack(store, later, 'u1', 'dnext');
  await drive(again.id);
  expect(await deployment(again.id)).toMatchObject({
    status: 'live',
    restores: 'dnext',
    revision: `tw-${MODEL}-${again.id}`,
    speaksAs: again.id,
    former: 'dlive',
  });
});

test('a roll-back whose revision is not well leaves what is live', async () => {
  const { ids, run, drive, deployment, model } = await openLife();
  const well = revision.toProbe;
  revision.toProbe = () =>
    Promise.resolve({ status: 200, body: { status: 'ok', version: 'v9999', customers: 1, items: 1 } });
  const back = await rollBack(store, ids, 'u1', undefined);
  await drive(back.id);
  revision.toProbe = well;
  expect(await deployment(back.id)).toMatchObject({
    status: 'failed',
    failure: { message: 'The revision serves version v9999, not v1234.' },
  });
  expect((await model()).liveDeployment).toBe('dnext');
  expect(run.state.traffic).toEqual({ [NEXT]: 100 });
});

test('with the last one stopped the service is gone, which must be confirmed', async () => {
  const { ids, run, drive, deployment, model, free } = await openLife();
  await expect(stop(store, ids, 'u1', false)).rejects.toMatchObject({ code: 'confirmation-needed' });
  expect(await free('dnext')).toBe(true);
  await stop(store, ids, 'u1', true);
  expect((await stop(store, ids, 'u2', true)).wish).toMatchObject({ kind: 'stop', by: 'u1' });
  await drive();
  expect(await deployment()).toMatchObject({ status: 'stopped', wish: null });
  expect(await model()).toMatchObject({ status: 'draft', liveDeployment: null, traffic: [] });
  expect(run.state.exists).toBe(false);
  expect(await free('dnext')).toBe(true);
  await expect(stop(store, ids, 'u1', true)).rejects.toMatchObject({ code: 'deployment-over' });
  expect(await rescale(store, ids, 'u1', { minInstances: 2 }).catch((error: unknown) => error)).toMatchObject(
    {
      code: 'deployment-over',
    },
  );
});

test('other settings take another revision of the same version; what does not come up leaves the former', async () => {
  const { ids, run, drive, deployment, free } = await openLife();
  await expect(rescale(store, ids, 'u1', { minInstances: 9 })).rejects.toThrow(/minInstances/);
  const asked = await rescale(store, ids, 'u1', { minInstances: 2, concurrency: 10 });
  expect(asked).toMatchObject({
    settings: { minInstances: 1 },
    rescaling: { settings: { minInstances: 2 } },
  });
  await expect(rescale(store, ids, 'u1', { warmUp: 1 })).rejects.toMatchObject({
    code: 'deployment-under-way',
  });
  await expect(rollBack(store, ids, 'u1', undefined)).rejects.toMatchObject({ code: 'deployment-under-way' });
  await drive();
  const second = `${NEXT}-2`;
  expect(await deployment()).toMatchObject({
    status: 'live',
    revision: second,
    revisions: 2,
    settings: { minInstances: 2, concurrency: 10, warmUp: 2 },
    rescaling: null,
  });
  expect(run.put.at(-1)).toMatchObject({ name: second, minInstances: 2, concurrency: 10 });
  expect(run.state.traffic).toEqual({ [second]: 100 });
  expect(await free('dnext')).toBe(true);

  revision.toVerifier = () => Promise.resolve(WRONG);
  await rescale(store, ids, 'u1', { maxInstances: 7 });
  await drive();
  expect(await deployment()).toMatchObject({
    status: 'live',
    revision: second,
    settings: { maxInstances: 3 },
    rescaling: { failure: { code: 'smoke-test-failed' } },
  });
  expect(run.state.traffic).toEqual({ [second]: 100 });
  expect(await free('dnext')).toBe(true);
});

test('stopped while it takes other settings; what Cloud Run refuses is said, and the deployment stays', async () => {
  const { ids, run, drive, deployment, model } = await openLife();
  await rescale(store, ids, 'u1', { maxInstances: 7 });
  await stop(store, ids, 'u1', true);
  run.hooks.deleting = () => Promise.reject(new TerminalError('container-refused', 'It may not be deleted.'));
  await drive();
  expect(await deployment()).toMatchObject({
    status: 'live',
    wish: null,
    failure: { code: 'container-refused' },
    rescaling: { failure: { code: 'container-refused' } },
  });
  run.hooks.deleting = () => Promise.resolve();
  await stop(store, ids, 'u1', true);
  await drive();
  expect(await deployment()).toMatchObject({ status: 'stopped' });
  expect((await model()).liveDeployment).toBeNull();
});

test('a stop that is asked for while other settings come into force is not lost with them', async () => {
  const { ids, run, drive, deployment, free } = await openLife();
  await rescale(store, ids, 'u1', { maxInstances: 7 });
  await stop(store, ids, 'u1', true);
  // Whoever was at the settings ends with them, and dies before it looks at the wish.
  await endRescaling(store, ids, { revision: NEXT, revisions: 1, warmed: 2 });
  expect(await deployment()).toMatchObject({ status: 'live', rescaling: null, wish: { kind: 'stop' } });
  expect(await free('dnext')).toBe(false);
  store.published.length = 0;
  // Asked for again, it is announced again.
  await stop(store, ids, 'u1', true);
  expect(store.published).toMatchObject([{ topic: 'deployment-requested' }]);
  await drive();
  expect(await deployment()).toMatchObject({ status: 'stopped', wish: null });
  expect(run.state.exists).toBe(false);
  expect(await free('dnext')).toBe(true);
});
