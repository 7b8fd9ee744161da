/** A model with deployments as records, a Cloud Run in memory, and a revision that answers as a test says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { z } from 'zod';
import type { ContainerPlatform, RevisionSpec, ServiceState } from '#cloud/run';
import { openFiles } from '#cloud/storage';
import { health } from '#core/api/recommend';
import { verifyLists } from '#core/api/verify';
import { Deployment, type DeploymentStatus, newDeployment } from '#core/deployment';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import { countAnswer, noAnswers } from '#core/service-health';
import { Tenant } from '#core/tenant';
import { offlineListsBeside, type OfflineLists } from '#core/training-result';
import { newVersion } from '#core/version';
import { readConfig } from '#runtime/config';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { writeHealth } from '#store/service-health';
import { nothingMeasured } from './metrics.ts';
import { freshTenant, type TestStore } from './store.ts';

const AT = '2026-06-01T00:00:00.000Z';
export const MODEL = 'm1234';
export const SERVICE = 'tw-m1234';
export const [FORMER, NEXT] = [`${SERVICE}-dlive`, `${SERVICE}-dnext`];
export const OFFLINE: OfflineLists = [
  { customer: 'c1', slot: 'discover', items: ['i1', 'i2'] },
  { customer: 'c2', slot: 'discover', items: ['i3'] },
];

type Answer = z.input<typeof verifyLists.answer>;
export const RIGHT = { status: 200, body: { version: 'v1234', lists: OFFLINE } satisfies Answer };
export const WRONG = {
  status: 200,
  body: { version: 'v1234', lists: [{ ...OFFLINE[0]!, items: ['i2', 'i1'] }, OFFLINE[1]!] } satisfies Answer,
};
export const BROKEN = { status: 500, body: { detail: 'the revision has no memory left' } };
const WELL = { status: 200, body: { status: 'ok', version: 'v1234', customers: 2, items: 3 } };

/** What a test's revision answers to its verifier and to the probe, and what happens meanwhile. */
export interface FakeRevision {
  readonly address: string;
  toVerifier: () => Promise<{ status: number; body: unknown }>;
  toProbe: () => Promise<{ status: number; body: unknown }>;
  /** Questions of the verifier so far. */
  asked: number;
  close(): Promise<unknown>;
}

/** A server that answers as a revision of version `v1234`. */
export async function openFakeRevision(): Promise<FakeRevision> {
  const server = createServer((request, response) => {
    const probed = request.url === health.path;
    if (!probed) revision.asked += 1;
    void (probed ? revision.toProbe() : revision.toVerifier()).then(({ status, body }) =>
      response.writeHead(status).end(JSON.stringify(body)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const revision: FakeRevision = {
    // A server that listens on TCP has this kind of address.
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    toVerifier: () => Promise.resolve(RIGHT),
    toProbe: () => Promise.resolve(WELL),
    asked: 0,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
  return revision;
}

/** Cloud Run with one service, `serving` having all traffic; null: no service yet. Revisions are ready at once. */
export function fakeCloudRun(address: string, serving: string | null) {
  const put: RevisionSpec[] = [];
  const state = {
    exists: serving !== null,
    revisions: new Set(serving === null ? [] : [serving]),
    newest: serving ?? '',
    traffic: (serving === null ? {} : { [serving]: 100 }) as Record<string, number>, // by revision
    tagged: '',
    splits: [] as Record<string, number>[], // every split there was, in order
  };
  const hooks = {
    directed: () => Promise.resolve(),
    discarding: () => Promise.resolve(),
    deleting: () => Promise.resolve(),
  };
  const platform: Pick<
    ContainerPlatform,
    'service' | 'revision' | 'putRevision' | 'publish' | 'direct' | 'discard' | 'deleteService'
  > = {
    async service(): Promise<ServiceState | null> {
      if (!state.exists) return null;
      return {
        url: address,
        tagUrls: { candidate: address },
        newest: state.newest,
        ready: true,
        failure: null,
        traffic: state.traffic,
        tags: { candidate: state.tagged },
      };
    },
    revision: async (_service, name) => (state.revisions.has(name) ? { ready: true, failure: null } : null),
    putRevision: async (_service, revision) => {
      put.push(revision);
      state.revisions.add(revision.name);
      Object.assign(state, {
        newest: revision.name,
        tagged: revision.name,
        traffic: state.exists ? state.traffic : { [revision.name]: 100 },
        exists: true,
      });
    },
    publish: () => Promise.resolve(),
    direct: async (_service, shares, { revision }) => {
      state.traffic = Object.fromEntries(shares.map((one) => [one.revision, one.percent]));
      state.splits.push(state.traffic);
      state.tagged = revision;
      await hooks.directed();
    },
    discard: async (_service, revision, former) => {
      await hooks.discarding();
      if (state.tagged === revision) state.tagged = '';
      if (former === null) Object.assign(state, { exists: false, traffic: {} });
      else state.traffic = { [former]: 100 };
    },
    deleteService: async () => {
      await hooks.deleting();
      state.revisions.clear();
      Object.assign(state, { exists: false, traffic: {}, newest: '' });
    },
  };
  // Deployments use no more of the platform than this.
  return { open: () => platform as ContainerPlatform, state, put, hooks };
}

/** A model with `dnext` on its way, beside `dlive` where one is live. */
export async function openDeploymentScene(
  store: TestStore,
  live: boolean,
  settings: z.input<typeof DeploymentSettings> = { warmUp: 0, canary: { steps: [] } },
) {
  const config = readConfig(process.env);
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const here: Platform = { config, store, log: silent };
  const tenant = freshTenant();
  const ids = { tenant, model: MODEL, deployment: 'dnext' };
  const path = paths.deployment(tenant, MODEL, 'dnext');
  const create = (where: string, data: object) => ({ kind: 'create' as const, path: where, data });
  const deploymentOf = (id: string, status: DeploymentStatus, revision: string | null): Deployment => ({
    ...newDeployment({
      id,
      version: 'v1234',
      run: null,
      settings: DeploymentSettings.parse(settings),
      requestedBy: 'u',
      createdAt: new Date(store.clock()).toISOString(),
    }),
    status,
    revision,
    speaksAs: revision === null ? null : id,
    liveAt: status === 'live' ? AT : null,
  });
  const cloud = {
    projectId: config.projectId,
    location: 'europe-west4',
    bucket: config.bucket,
    datasetPrefix: '',
  };
  const artifact = `gs://${config.bucket}/${tenant}/model.twa`;
  const metrics = nothingMeasured(AT);
  await store.db.commit([
    create(
      paths.tenant(tenant),
      Tenant.parse({
        id: tenant,
        name: 'T',
        plan: 'trial',
        status: 'active',
        cloud,
        createdAt: AT,
        updatedAt: AT,
        deletedAt: null,
      }),
    ),
    create(
      paths.model(tenant, MODEL),
      Model.parse({
        id: MODEL,
        name: 'M',
        description: '',
        status: live ? 'active' : 'draft',
        createdAt: AT,
        updatedAt: AT,
        deletedAt: null,
        liveDeployment: live ? 'dlive' : null,
        traffic: live ? [{ deployment: 'dlive', percent: 100 }] : [],
      }),
    ),
    create(
      paths.version(tenant, MODEL, 'v1234'),
      newVersion({
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
    ),
    ...(live
      ? [create(paths.deployment(tenant, MODEL, 'dlive'), deploymentOf('dlive', 'live', FORMER))]
      : []),
    create(path, deploymentOf('dnext', 'creating', null)),
    create(paths.lock(tenant, MODEL, 'deployment'), { run: 'dnext' }),
  ]);
  await openFiles(config.projectId).save(
    offlineListsBeside(artifact),
    JSON.stringify(OFFLINE),
    'application/json',
  );
  const deployment = async (id = 'dnext') =>
    (await mustRead(store, paths.deployment(tenant, MODEL, id), Deployment, 'deployment')).value;
  const look = async () => {
    const model = (await mustRead(store, paths.model(tenant, MODEL), Model, 'model')).value;
    return {
      deployment: await deployment(),
      live: model.liveDeployment,
      split: Object.fromEntries(model.traffic.map((one) => [one.deployment, one.percent])),
      locked: (await store.db.get(paths.lock(tenant, MODEL, 'deployment'))) !== null,
    };
  };
  /** Tells that the instances of `revision` have answered so much, so many of them failures, each in `ms`. */
  const tell = async (counts: { requests: number; errors?: number; ms?: number; started?: number }) => {
    const answers = noAnswers();
    const { requests, errors = 0, ms = 10, started = 1 } = counts;
    for (let n = 0; n < requests; n++) countAnswer(answers, n < errors ? 500 : 200, ms);
    for (let n = 0; n < started; n++)
      await writeHealth(store, path, {
        ...(n === 0 ? answers : noAnswers()),
        instance: `i000${n}`,
        revision: NEXT,
        startedAt: AT,
        at: AT,
        state: 'up',
      });
  };
  return { here, ids, path, deployment, look, tell };
}
