import { TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { requestStop } from '#store/deployment';
import {
  fakeCloudRun,
  type FakeRevision,
  FORMER,
  MODEL,
  NEXT,
  openDeploymentScene,
  openFakeRevision,
} from '#tests/deployment-scene';
import { openTestStore } from '#tests/store';
import { abandon, driveDeployment } from '../../../functions/deployments/drive.ts';
import { splitTraffic } from '../../../functions/deployments/split.ts';
import { openServiceLog } from '#store/service-log';
import { TROUBLE_LOOKS, TROUBLE_SECONDS } from '#store/trouble';

const store = openTestStore();
let revision: FakeRevision;
let well: FakeRevision['toProbe'];

beforeAll(async () => {
  revision = await openFakeRevision();
  well = revision.toProbe;
});
afterAll(async () => {
  await revision.close();
  await store.db.close();
});
beforeEach(() => {
  revision.toProbe = well;
  store.ahead = 0;
});

const BAKE = 300;
type Settings = Parameters<typeof openDeploymentScene>[2];
const CANARY = { warmUp: 0, canary: { steps: [10, 50], bakeSeconds: BAKE } };
const share = (next: number) => ({ [FORMER]: 100 - next, [NEXT]: next });

/** A canary that has just got its first share. */
async function openCanary(settings: Settings = CANARY) {
  const scene = await openDeploymentScene(store, true, settings);
  const run = fakeCloudRun(revision.address, FORMER);
  const drive = () => driveDeployment(scene.here, scene.ids, run.open);
  await drive();
  expect(await scene.look()).toMatchObject({
    deployment: { status: 'canary', canary: { percent: 10, held: false } },
    live: 'dlive',
    split: { dlive: 90, dnext: 10 },
    locked: true,
  });
  expect(run.state.traffic).toEqual(share(10));
  return { ...scene, run, drive };
}
const bake = () => (store.ahead += BAKE * 1000 + 1);

test('a version takes over step by step, each as long as it is to bake; its split is whole at every moment', async () => {
  const { look, drive, deployment, tell, run } = await openCanary();
  await drive();
  expect(run.state.splits).toEqual([share(10)]);
  bake();
  await tell({ requests: 500, errors: 10 });
  await drive();
  expect(await look()).toMatchObject({
    deployment: { canary: { percent: 50 } },
    split: { dlive: 50, dnext: 50 },
  });
  // What was counted in the step before is not counted again.
  bake();
  await tell({ requests: 600, errors: 11 });
  await drive();
  expect(await look()).toMatchObject({
    deployment: { status: 'live', canary: null, former: 'dlive' },
    live: 'dnext',
    split: { dnext: 100 },
    locked: false,
  });
  expect((await deployment('dlive')).status).toBe('superseded');
  expect(run.state.splits).toEqual([share(10), share(50), { [NEXT]: 100 }]);
});

test('steps that need no time are taken in one go; without steps, or with nothing live, all goes over at once', async () => {
  const quick: Settings = { warmUp: 3, canary: { steps: [10, 50], bakeSeconds: 0 } };
  const atOnce: Settings = { canary: { steps: [] } };
  for (const [live, settings, splits] of [
    [true, quick, [share(10), share(50), { [NEXT]: 100 }]],
    [true, atOnce, [{ [NEXT]: 100 }]],
    [false, quick, [{ [NEXT]: 100 }]],
  ] as const) {
    const { here, ids, look } = await openDeploymentScene(store, live, settings);
    const run = fakeCloudRun(revision.address, live ? FORMER : null);
    revision.asked = 0;
    await driveDeployment(here, ids, run.open);
    const warmed = settings?.warmUp ?? 20;
    expect(await look()).toMatchObject({
      deployment: { status: 'live', compared: 2, warmed },
      live: 'dnext',
    });
    // The comparison is one question, the warm-up as many as are asked for.
    expect(revision.asked).toBe(1 + warmed);
    expect(run.state.splits).toEqual(splits);
  }
});

test.each([
  [
    'answers with failures',
    { requests: 40, errors: 3 },
    'canary-errors',
    /3 of 40 answers failed: 7.5 %, where 2 %/,
  ],
  ['answers slowly', { requests: 40, ms: 700 }, 'canary-slow', /up to 800 ms, where 500 ms is the limit/],
  ['keeps crashing', { requests: 0, started: 4 }, 'revision-crashing', /4 instances were started/],
] as const)(
  'a canary that %s is rolled back, saying figure and limit',
  async (_name, told, code, message) => {
    const { here, ids, path, look, drive, tell, run } = await openCanary();
    const log = openServiceLog(store, path, 'i0001');
    for (const line of ['out of memory', 'restarting'])
      log.write({
        at: new Date(store.clock()).toISOString(),
        severity: 'ERROR',
        message: line,
        source: 'i0001',
      });
    await log.close();
    await tell(told);
    await drive();
    expect(await look()).toMatchObject({
      deployment: {
        status: 'rolled-back',
        failure: { code, message: expect.stringMatching(message) },
        lastLines: [{ message: 'out of memory' }, { message: 'restarting' }],
        wish: null,
      },
      live: 'dlive',
      split: { dlive: 100 },
      locked: false,
    });
    expect(run.state.traffic).toEqual({ [FORMER]: 100 });
    // The next look finds nothing to do.
    await driveDeployment(here, ids, run.open);
    expect(run.state.splits).toEqual([share(10)]);
  },
);

test('a canary that is silent or gone is rolled back; one that is not to be goes on all the same', async () => {
  const silent = await openCanary();
  revision.toProbe = () => Promise.resolve({ status: 503, body: 'no instance' });
  await silent.drive();
  expect((await silent.look()).deployment).toMatchObject({
    status: 'rolled-back',
    failure: { code: 'revision-silent', message: expect.stringMatching(/answered 503/) },
  });
  revision.toProbe = well;

  const gone = await openCanary();
  gone.run.state.revisions.delete(NEXT);
  await gone.drive();
  expect((await gone.look()).deployment.failure).toMatchObject({ code: 'revision-failed' });

  const left = await openCanary({ warmUp: 0, canary: { ...CANARY.canary, automaticRollback: false } });
  await left.tell({ requests: 100, errors: 100 });
  bake();
  await left.drive();
  expect((await left.look()).split).toEqual({ dlive: 50, dnext: 50 });
});

test('killed between the record and Cloud Run, or between the decision and its deed: the next look goes on', async () => {
  const { look, drive, tell, run } = await openCanary();
  bake();
  run.hooks.directed = () => Promise.reject(new TransientError('gone', 'The process is gone.'));
  run.state.traffic = share(10);
  await expect(drive()).rejects.toThrow('The process is gone.');
  run.state.traffic = share(10); // the call was never made
  run.hooks.directed = () => Promise.resolve();
  await drive();
  // The step begins when Cloud Run has it, not when it was written down.
  expect(run.state.traffic).toEqual(share(50));
  expect(Date.now() + store.ahead - Date.parse((await look()).deployment.canary?.since ?? '')).toBeLessThan(
    60_000,
  );

  await tell({ requests: 100, errors: 50 });
  run.hooks.discarding = () => Promise.reject(new TransientError('gone', 'The process is gone.'));
  await expect(drive()).rejects.toThrow('The process is gone.');
  expect(await look()).toMatchObject({
    deployment: { status: 'canary', wish: { kind: 'roll-back', by: 'system' } },
  });
  run.hooks.discarding = () => Promise.resolve();
  await drive();
  expect(await look()).toMatchObject({
    deployment: { status: 'rolled-back' },
    split: { dlive: 100 },
    locked: false,
  });
  expect(run.state.splits.at(-1)).toEqual(share(50));
});

test('a canary whose Cloud Run does not answer keeps its share on record until it can be taken out', async () => {
  const { here, ids, look, drive, run } = await openCanary();
  const failure = { code: 'given-up', message: 'Its message was given up.', remedy: null };
  run.hooks.discarding = () => Promise.reject(new TransientError('away', 'Cloud Run does not answer.'));
  for (let n = 0; n < 2 * TROUBLE_LOOKS; n++) {
    store.ahead += TROUBLE_SECONDS * 1000;
    await expect(abandon(here, ids, failure, run.open)).rejects.toThrow('Cloud Run does not answer.');
  }
  expect(await look()).toMatchObject({ deployment: { status: 'canary' }, split: { dlive: 90, dnext: 10 } });
  run.hooks.discarding = () => Promise.resolve();
  await abandon(here, ids, failure, run.open);
  expect(await look()).toMatchObject({
    deployment: { status: 'failed', failure },
    split: { dlive: 100 },
    locked: false,
  });
  expect(run.state.traffic).toEqual({ [FORMER]: 100 });
  await drive();
});

test('a person stops one that is being verified, or takes a canary back; what is live goes on', async () => {
  const { here, ids, look } = await openDeploymentScene(store, true, CANARY);
  const run = fakeCloudRun(revision.address, FORMER);
  const wished = await requestStop(store, ids, 'u1');
  expect(wished).toMatchObject({ status: 'creating', wish: { kind: 'stop', by: 'u1' } });
  expect(await requestStop(store, ids, 'u2')).toMatchObject({ wish: { by: 'u1' } });
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: { status: 'stopped', failure: null },
    live: 'dlive',
    locked: false,
  });
  expect(run.state.traffic).toEqual({ [FORMER]: 100 });
  expect(await requestStop(store, ids, 'u1')).toBeNull();

  const canary = await openCanary();
  await requestStop(store, canary.ids, 'u1', 'roll-back');
  await canary.drive();
  expect(await canary.look()).toMatchObject({
    deployment: { status: 'rolled-back' },
    split: { dlive: 100 },
    locked: false,
  });
  const entries = await store.db.list(paths.audits(canary.ids.tenant), {
    where: [['target', '==', canary.path]],
  });
  expect(entries.map(({ data }) => `${data['actor']} ${data['action']}`).toSorted()).toEqual([
    'system deployment.rolled-back',
    'system deployment.share',
    'u1 deployment.roll-back',
  ]);
});

test('a person’s split is held until they let it go on; all of it makes the canary the live one', async () => {
  const { ids, look, drive, deployment, run } = await openCanary();
  const at = { tenant: ids.tenant, model: MODEL };
  const split = (next: number, goOn = false) =>
    splitTraffic(
      store,
      at,
      'u1',
      [
        { deployment: 'dlive', percent: 100 - next },
        { deployment: 'dnext', percent: next },
      ],
      goOn,
    );
  expect(await split(33)).toMatchObject({ live: 'dlive', canary: 'dnext', held: true });
  await drive();
  expect(run.state.traffic).toEqual(share(33));
  bake();
  await drive();
  expect(await look()).toMatchObject({
    deployment: { canary: { held: true } },
    split: { dlive: 67, dnext: 33 },
  });
  await split(0);
  await drive();
  expect(run.state.traffic).toEqual({ [FORMER]: 100 });
  await split(5, true);
  await drive();
  bake();
  await drive();
  expect(run.state.traffic).toEqual(share(10));
  const stranger = [
    { deployment: 'dlive', percent: 50 },
    { deployment: 'dgone', percent: 50 },
  ];
  await expect(splitTraffic(store, at, 'u1', stranger, false)).rejects.toMatchObject({
    code: 'not-answering',
  });
  await split(100);
  await drive();
  expect(await look()).toMatchObject({
    deployment: { status: 'live' },
    live: 'dnext',
    split: { dnext: 100 },
    locked: false,
  });
  expect((await deployment('dlive')).status).toBe('superseded');
  for (const traffic of run.state.splits)
    expect(Object.values(traffic).reduce((sum, percent) => sum + percent, 0)).toBe(100);
});
