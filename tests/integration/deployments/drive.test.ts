import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { z } from 'zod';
import type { ContainerPlatform, RevisionSpec, ServiceState } from '#cloud/run';
import { openFiles } from '#cloud/storage';
import type { verifyLists } from '#core/api/verify';
import { Deployment, type DeploymentStatus } from '#core/deployment';
import { TerminalError, TransientError } from '#core/errors';
import { MetricsReport } from '#core/metrics';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import { offlineListsBeside, type OfflineLists } from '#core/training-result';
import { readConfig } from '#runtime/config';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { acquireLease, releaseLease } from '#store/lease';
import { TROUBLE_LOOKS, TROUBLE_SECONDS } from '#store/trouble';
import { freshTenant, openTestStore } from '#tests/store';
import { abandon, driveDeployment } from '../../../functions/deployments/drive.ts';
import { goLive, recordFailure } from '../../../functions/deployments/end.ts';
import { deploy } from '../../../functions/deployments/recommender.service.ts';

const store = openTestStore();
const config = readConfig(process.env);
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const here: Platform = { config, store, log: silent };
const AT = '2026-06-01T00:00:00.000Z';
const model = 'm1234';
const SERVICE = 'tw-m1234';
const [FORMER, NEXT] = [`${SERVICE}-dlive`, `${SERVICE}-dnext`];
const OFFLINE: OfflineLists = [
  { customer: 'c1', slot: 'discover', items: ['i1', 'i2'] },
  { customer: 'c2', slot: 'discover', items: ['i3'] },
];

/** What the new revision answers to its verifier, and what happens meanwhile. */
let revisionAnswers: () => Promise<{ status: number; body: unknown }>;
const RIGHT = { status: 200, body: { version: 'v1234', lists: OFFLINE } satisfies Answer };
const WRONG = {
  status: 200,
  body: { version: 'v1234', lists: [{ ...OFFLINE[0]!, items: ['i2', 'i1'] }, OFFLINE[1]!] } satisfies Answer,
};
const BROKEN = { status: 500, body: { detail: 'the revision has no memory left' } };
type Answer = z.input<typeof verifyLists.answer>;
const server = createServer((_, response) => {
  void revisionAnswers().then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)));
});
let address: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has this kind of address.
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await store.db.close();
});
beforeEach(() => {
  revisionAnswers = () => Promise.resolve(RIGHT);
  store.ahead = 0;
});

/** Cloud Run with one service, `serving` having all traffic; null: no service yet. Revisions are ready at once. */
function cloudRun(serving: string | null) {
  const put: RevisionSpec[] = [];
  const state = { exists: serving !== null, newest: serving ?? '', traffic: serving, opened: 0 };
  const hooks = { opened: () => Promise.resolve() };
  const platform: Pick<ContainerPlatform, 'service' | 'putRevision' | 'open' | 'discard'> = {
    async service(): Promise<ServiceState | null> {
      if (!state.exists) return null;
      return {
        url: address,
        tagUrls: { candidate: address },
        newest: state.newest,
        ready: true,
        failure: null,
        traffic: state.traffic === null ? {} : { [state.traffic]: 100 },
      };
    },
    putRevision: async (_service, revision) => {
      put.push(revision);
      Object.assign(state, {
        exists: true,
        newest: revision.name,
        traffic: state.exists ? state.traffic : revision.name,
      });
    },
    open: async (_service, revision) => {
      Object.assign(state, { traffic: revision, opened: state.opened + 1 });
      await hooks.opened();
    },
    discard: async (_service, _revision, former) => {
      if (former === null) Object.assign(state, { exists: false, traffic: null });
      else state.traffic = former;
    },
  };
  // Deployments use no more of the platform than this.
  return { open: () => platform as ContainerPlatform, state, put, hooks };
}

/** A model with `dnext` on its way, beside `dlive` where one is live. */
async function scene(live: boolean) {
  const tenant = freshTenant();
  const ids = { tenant, model, deployment: 'dnext' };
  const path = paths.deployment(tenant, model, 'dnext');
  const create = (where: string, data: object) => ({ kind: 'create' as const, path: where, data });
  const deploymentOf = (id: string, status: DeploymentStatus): Deployment => ({
    id,
    version: 'v1234',
    run: null,
    status,
    settings: DeploymentSettings.parse({}),
    requestedBy: 'u',
    attempts: 0,
    service: null,
    revision: null,
    url: null,
    compared: 0,
    failure: null,
    createdAt: new Date(store.clock()).toISOString(),
    liveAt: null,
    finishedAt: null,
  });
  const cloud = {
    projectId: config.projectId,
    location: 'europe-west4',
    bucket: config.bucket,
    datasetPrefix: '',
  };
  const artifact = `gs://${config.bucket}/${tenant}/model.twa`;
  const share = { ndcg10: 0, recall10: 0, recall20: 0, coverage: 0 };
  const window = { trainFrom: AT, validationFrom: AT, testFrom: AT, testUntil: AT };
  const metrics = MetricsReport.parse({
    slots: {},
    overall: { model: share, baselines: {}, customers: 0 },
    window: { ...window, newCustomers: 0, newItemPurchases: 0 },
    trials: 1,
    trialsCut: 0,
    seconds: 1,
  });
  await store.db.commit([
    create(paths.tenant(tenant), {
      id: tenant,
      name: 'T',
      plan: 'trial',
      status: 'active',
      cloud,
      createdAt: AT,
    }),
    create(paths.model(tenant, model), {
      id: model,
      name: 'M',
      description: '',
      status: live ? 'active' : 'draft',
      createdAt: AT,
      liveDeployment: live ? 'dlive' : null,
    }),
    create(paths.version(tenant, model, 'v1234'), {
      id: 'v1234',
      number: 1,
      run: 'r1234',
      status: 'approved',
      artifact,
      sha256: 'a'.repeat(64),
      bytes: 1,
      metrics,
      gate: { passed: true, reasons: [] },
      createdAt: AT,
    }),
    ...(live ? [create(paths.deployment(tenant, model, 'dlive'), deploymentOf('dlive', 'live'))] : []),
    create(path, deploymentOf('dnext', 'creating')),
    create(paths.lock(tenant, model, 'deployment'), { run: 'dnext' }),
  ]);
  await openFiles(config.projectId).save(
    offlineListsBeside(artifact),
    JSON.stringify(OFFLINE),
    'application/json',
  );
  const look = async () => ({
    deployment: (await mustRead(store, path, Deployment, 'deployment')).value,
    live: (await mustRead(store, paths.model(tenant, model), Model, 'model')).value.liveDeployment,
    locked: (await store.db.get(paths.lock(tenant, model, 'deployment'))) !== null,
  });
  return { ids, path, look };
}

test('a version goes live with the size that its service states and its tenant’s own cloud', async () => {
  const { ids, look } = await scene(true);
  const run = cloudRun(FORMER);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: { status: 'live', compared: 2 },
    live: 'dnext',
    locked: false,
  });
  expect(run.state).toMatchObject({ traffic: NEXT, opened: 1 });
  const { cpu, memory, timeoutSeconds, concurrency } = deploy;
  expect(run.put[0]).toMatchObject({ cpu, memory, timeoutSeconds, concurrency });
  expect(run.put[0]?.env).toMatchObject({
    TRADEWIND_DATA_PROJECT: config.projectId,
    TRADEWIND_DATA_LOCATION: 'europe-west4',
  });
});

test('what is refused after the traffic has moved gives it back to what is live', async () => {
  const { ids, look } = await scene(true);
  const run = cloudRun(FORMER);
  run.hooks.opened = () => Promise.reject(new TerminalError('container-refused', 'It may not be public.'));
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: { status: 'failed', failure: { code: 'container-refused' } },
    live: 'dlive',
    locked: false,
  });
  expect(run.state).toMatchObject({ exists: true, traffic: FORMER });
});

test('a process lost after the traffic has moved, and a revision that then is wrong: the former one answers', async () => {
  const { ids, look } = await scene(true);
  const run = cloudRun(FORMER);
  run.hooks.opened = () => Promise.reject(new TransientError('gone', 'The process is gone.'));
  await expect(driveDeployment(here, ids, run.open)).rejects.toThrow('The process is gone.');
  expect(run.state.traffic).toBe(NEXT);
  revisionAnswers = () => Promise.resolve(WRONG);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({
    deployment: {
      status: 'failed',
      failure: { code: 'smoke-test-failed', message: expect.stringMatching(/customer c1, place 1 is i2/) },
    },
    live: 'dlive',
    locked: false,
  });
  expect(run.state).toMatchObject({ exists: true, traffic: FORMER });
});

test('the service of a model’s first deployment is gone when that fails', async () => {
  const { ids, look } = await scene(false);
  const run = cloudRun(null);
  revisionAnswers = () => Promise.resolve(WRONG);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({ deployment: { status: 'failed' }, live: null, locked: false });
  expect(run.state.exists).toBe(false);
});

test('a ready revision that always answers with a failure is given up with its own words', async () => {
  const { ids, look } = await scene(true);
  const run = cloudRun(FORMER);
  revisionAnswers = () => Promise.resolve(BROKEN);
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
  expect(run.state).toMatchObject({ traffic: FORMER, opened: 0 });
});

test('trouble that passed is forgotten', async () => {
  const { ids, look } = await scene(true);
  const run = cloudRun(FORMER);
  revisionAnswers = () => Promise.resolve(BROKEN);
  for (let n = 1; n < TROUBLE_LOOKS; n++) await driveDeployment(here, ids, run.open).catch(() => undefined);
  store.ahead = TROUBLE_SECONDS * 1000;
  revisionAnswers = () => Promise.resolve(RIGHT);
  await driveDeployment(here, ids, run.open);
  expect(await look()).toMatchObject({ deployment: { status: 'live' } });
  expect(await store.db.get(paths.trouble(paths.deployment(ids.tenant, model, 'dnext')))).toBeNull();
});

test('a deployment that somebody is at is left to them, and counts as no failure', async () => {
  const { ids, path, look } = await scene(true);
  const run = cloudRun(FORMER);
  const lease = await acquireLease(store, paths.lease(path), 'somebody');
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
  const { ids, path, look } = await scene(true);
  const run = cloudRun(FORMER);
  revisionAnswers = async () => {
    // While it waits for the answer somebody else takes over and gives the deployment up.
    await store.db.commit([
      { kind: 'set', path: paths.lease(path), data: { holder: 'other', fence: 9, expiresAt: 0 } },
    ]);
    await recordFailure(store, ids, { code: 'given-up', message: 'Given up.', remedy: null });
    return RIGHT;
  };
  await expect(driveDeployment(here, ids, run.open)).rejects.toMatchObject({ code: 'lease-lost' });
  expect(run.state).toMatchObject({ traffic: FORMER, opened: 0 });
  expect(await look()).toMatchObject({
    deployment: { status: 'failed', failure: { code: 'given-up' } },
    live: 'dlive',
  });
});

test.each([
  ['failed meanwhile gives the traffic back', recordFailureOf, 'failed', FORMER],
  ['was said to be live by another driver keeps it', goLiveOf, 'live', NEXT],
] as const)('a deployment that %s', async (_name, meanwhile, status, traffic) => {
  const { ids, look } = await scene(true);
  const run = cloudRun(FORMER);
  run.hooks.opened = () => meanwhile(ids);
  await driveDeployment(here, ids, run.open);
  expect((await look()).deployment.status).toBe(status);
  expect(run.state).toMatchObject({ exists: true, traffic });
});

async function recordFailureOf(ids: Parameters<typeof recordFailure>[1]): Promise<void> {
  await recordFailure(store, ids, { code: 'given-up', message: 'Given up.', remedy: null });
}
async function goLiveOf(ids: Parameters<typeof goLive>[1]): Promise<void> {
  await goLive(store, ids, { url: address, compared: 2 });
}
