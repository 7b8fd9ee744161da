import { TerminalError, TransientError } from '#core/errors';
import { paths } from '#core/paths';
import {
  BROKEN,
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
import { acquireLease, releaseLease } from '#store/lease';
import { TROUBLE_LOOKS, TROUBLE_SECONDS } from '#store/trouble';
import { openTestStore } from '#tests/store';
import { abandon, driveDeployment } from '../../../functions/deployments/drive.ts';
import { goLive, recordFailure } from '../../../functions/deployments/end.ts';
import { deploy } from '../../../functions/deployments/recommender.service.ts';

const store = openTestStore();
let revision: FakeRevision;
const leaseOf = (tenant: string) => paths.lease(paths.lock(tenant, MODEL, 'deployment'));

beforeAll(async () => {
  revision = await openFakeRevision();
});
afterAll(async () => {
  await revision.close();
  await store.db.close();
});
beforeEach(() => {
  revision.toVerifier = () => Promise.resolve(RIGHT);
  store.ahead = 0;
});

test('a version goes live with the size that its service states and its tenant’s own cloud', async () => {
  const { here, ids, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: { status: 'live', compared: 2 },
    live: 'dnext',
    locked: false,
  });
  expect(run.state.splits).toEqual([{ [NEXT]: 100 }]);
  const { cpu, memory, timeoutSeconds, concurrency } = deploy;
  expect(run.put[0]).toMatchObject({ cpu, memory, timeoutSeconds, concurrency });
  expect(run.put[0]?.env).toMatchObject({
    TRADEWIND_DATA_PROJECT: here.config.projectId,
    TRADEWIND_DATA_LOCATION: 'europe-west4',
  });
});

test('what is refused after the traffic has moved gives it back to what is live', async () => {
  const { here, ids, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  run.hooks.directed = () => Promise.reject(new TerminalError('container-refused', 'It may not be public.'));
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: { status: 'failed', failure: { code: 'container-refused' } },
    live: 'dlive',
    locked: false,
  });
  expect(run.state).toMatchObject({ exists: true, traffic: { [FORMER]: 100 } });
});

test('a process lost after the traffic has moved, and a revision that then is wrong: the former one answers', async () => {
  const { here, ids, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  run.hooks.directed = () => Promise.reject(new TransientError('gone', 'The process is gone.'));
  await expect(driveDeployment(here, ids, run.open)).rejects.toThrow('The process is gone.');
  expect(run.state.traffic).toEqual({ [NEXT]: 100 });
  revision.toVerifier = () => Promise.resolve(WRONG);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: {
      status: 'failed',
      failure: { code: 'smoke-test-failed', message: expect.stringMatching(/customer c1, place 1 is i2/) },
    },
    live: 'dlive',
    locked: false,
  });
  expect(run.state).toMatchObject({ exists: true, traffic: { [FORMER]: 100 } });
});

test('the service of a model’s first deployment is gone when that fails', async () => {
  const { here, ids, look } = await openDeploymentScene(store, false);
  const run = fakeCloudRun(revision.address, null);
  revision.toVerifier = () => Promise.resolve(WRONG);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({ deployment: { status: 'failed' }, live: null, locked: false });
  expect(run.state.exists).toBe(false);
});

test('a ready revision that always answers with a failure is given up with its own words', async () => {
  const { here, ids, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  revision.toVerifier = () => Promise.resolve(BROKEN);
  for (let n = 1; n < TROUBLE_LOOKS; n++)
    await expect(driveDeployment(here, ids, run.open)).rejects.toMatchObject({ code: 'revision-failing' });
  // Many looks within a short time decide nothing.
  await expect(driveDeployment(here, ids, run.open)).rejects.toMatchObject({ code: 'revision-failing' });
  expect(await look()).toMatchObject({ deployment: { status: 'verifying' }, locked: true });

  store.ahead = TROUBLE_SECONDS * 1000;
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: {
      status: 'failed',
      failure: {
        code: 'revision-failing',
        message:
          'The new revision answered 500 to the smoke test: {"detail":"the revision has no memory left"}',
      },
    },
    live: 'dlive',
    locked: false,
  });
  expect(run.state).toMatchObject({ traffic: { [FORMER]: 100 }, splits: [] });
});

test('trouble that passed is forgotten', async () => {
  const { here, ids, path, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  revision.toVerifier = () => Promise.resolve(BROKEN);
  for (let n = 1; n < TROUBLE_LOOKS; n++) await driveDeployment(here, ids, run.open).catch(() => undefined);
  store.ahead = TROUBLE_SECONDS * 1000;
  revision.toVerifier = () => Promise.resolve(RIGHT);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({ deployment: { status: 'live' } });
  expect(await store.db.get(paths.trouble(path))).toBeNull();
});

test('a deployment that somebody is at is left to them, and counts as no failure', async () => {
  const { here, ids, path, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  const lease = await acquireLease(store, leaseOf(ids.tenant), 'somebody');
  await expect(driveDeployment(here, ids, run.open)).rejects.toMatchObject({
    name: 'BusyError',
    code: 'deployment-busy',
  });
  await abandon(here, ids, { code: 'x', message: 'given up by a message', remedy: null }, run.open);
  expect(await look()).toMatchObject({ deployment: { status: 'creating' }, locked: true });
  expect(await store.db.get(paths.trouble(path))).toBeNull();
  await releaseLease(store, lease!);
});

test('a driver that was paused past its lease opens nothing', async () => {
  const { here, ids, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  revision.toVerifier = async () => {
    // While it waits for the answer somebody else takes over and gives the deployment up.
    await store.db.commit([
      { kind: 'set', path: leaseOf(ids.tenant), data: { holder: 'other', fence: 9, expiresAt: 0 } },
    ]);
    await recordFailure(store, ids, { code: 'given-up', message: 'Given up.', remedy: null });
    return RIGHT;
  };
  await expect(driveDeployment(here, ids, run.open)).rejects.toMatchObject({ code: 'lease-lost' });
  expect(run.state).toMatchObject({ traffic: { [FORMER]: 100 }, splits: [] });
  expect(await look()).toMatchObject({
    deployment: { status: 'failed', failure: { code: 'given-up' } },
    live: 'dlive',
  });
});

test.each([
  ['failed meanwhile gives the traffic back', recordFailureOf, 'failed', FORMER],
  ['was said to be live by another driver keeps it', goLiveOf, 'live', NEXT],
] as const)('a deployment that %s', async (_name, meanwhile, status, traffic) => {
  const { here, ids, look } = await openDeploymentScene(store, true);
  const run = fakeCloudRun(revision.address, FORMER);
  run.hooks.directed = () => meanwhile(ids);
  await driveDeployment(here, ids, run.open);
  expect((await look()).deployment.status).toBe(status);
  expect(run.state).toMatchObject({ exists: true, traffic: { [traffic]: 100 } });
});

async function recordFailureOf(ids: Parameters<typeof recordFailure>[1]): Promise<void> {
  await recordFailure(store, ids, { code: 'given-up', message: 'Given up.', remedy: null });
}
async function goLiveOf(ids: Parameters<typeof goLive>[1]): Promise<void> {
  await goLive(store, ids, { url: revision.address, compared: 2 });
}
