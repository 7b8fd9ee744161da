/** Deployments on the local cloud: real revisions, asked all the while they take over from each other. */
import { openFiles } from '#cloud/storage';
import {
  changeDeployment,
  getDeployment,
  getDeploymentHealth,
  getDeploymentLogs,
  getTraffic,
  listDeployments,
  rollBack,
  splitTraffic,
  startDeployment,
  stopDeployment,
} from '#core/api/deployments';
import { getModel } from '#core/api/models';
import { recommend } from '#core/api/recommend';
import { getVersion } from '#core/api/versions';
import type { Deployment } from '#core/deployment';
import { refusalOf } from '#tests/account';
import { controlClients, type ControlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import {
  makeTicker,
  openPipelineAccount,
  type PipelineAccount,
  processesWith,
} from '#tests/pipeline-account';

const LONG = 240_000;
let account: PipelineAccount;
let clients: ControlClients;
let version: string;
let first: Deployment;
const tick = makeTicker();

beforeAll(async () => {
  account = await openPipelineAccount();
  clients = controlClients(useLocalCloud().env);
  const run = await account.ended((await account.start()).id);
  if (run.failure !== null) throw new Error(run.failure.message);
  version = run.version ?? '';
  first = await deployment(run.deployment ?? '');
}, LONG);
afterAll(() => clients.close());

const deployment = (id: string): Promise<Deployment> =>
  account.call(getDeployment, { params: { ...account.params, deployment: id } });
const start = (settings: object) =>
  account.call(startDeployment, { params: account.params, body: { version, settings } });
const until = (id: string, status: Deployment['status'], seconds = 60) =>
  eventually(
    `${id} to be ${status}`,
    async () => {
      await tick();
      const found = await deployment(id);
      return found.status === status ? found : null;
    },
    seconds,
  );

interface Seen {
  answers: number;
  readonly failures: string[];
  readonly splits: Set<string>;
  readonly wrong: string[];
}

/** Asks the service, the record and Cloud Run without pause until told to stop. */
function watchTraffic(): { stop(): Promise<Seen> } {
  const seen: Seen = { answers: 0, failures: [], splits: new Set(), wrong: [] };
  const stopping = new AbortController();
  const body = JSON.stringify({ customer: '17001', slot: 'discover' });
  const ask = async () => {
    while (!stopping.signal.aborted) {
      const response = await fetch(`${first.url}${recommend.path}`, {
        method: recommend.method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${account.token}` },
        body,
      });
      await response.text();
      seen.answers += 1;
      if (response.status !== 200) seen.failures.push(`${response.status}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const look = async () => {
    const name = `${clients.parent}/services/tw-${account.params.model}`;
    while (!stopping.signal.aborted) {
      const { split } = await account.call(getTraffic, { params: account.params });
      const [service] = await clients.services.getService({ name });
      const record = split.map(({ percent }) => percent);
      const real = (service.trafficStatuses ?? [])
        .map(({ percent }) => percent ?? 0)
        .filter((one) => one > 0);
      for (const shares of [record, real])
        if (shares.reduce((sum, one) => sum + one, 0) !== 100) seen.wrong.push(shares.join('/'));
      seen.splits.add(real.toSorted((a, b) => a - b).join('/'));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  };
  const watching = Promise.all([ask(), ask(), look()]);
  return {
    async stop() {
      stopping.abort();
      await watching;
      return seen;
    },
  };
}

test(
  'two deployed at once: one wins, takes over by its steps, and is rolled back in one call; nobody is left unanswered',
  async () => {
    const traffic = watchTraffic();
    const settings = { warmUp: 10, canary: { steps: [10, 50], bakeSeconds: 2 } };
    const asked = await Promise.all([start(settings), start(settings), start(settings)]);
    const id = asked[0]?.id ?? '';
    expect(new Set(asked.map((one) => one.id))).toEqual(new Set([id]));
    const live = await until(id, 'live');
    expect(live).toMatchObject({ former: first.id, compared: 50, warmed: 10, failure: null });
    expect((await deployment(first.id)).status).toBe('superseded');

    const began = performance.now();
    const back = await account.call(rollBack, { params: { ...account.params, deployment: id }, body: {} });
    const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
    const up = await eventually('its revision is up', async () => {
      const { status } = await deployment(back.id);
      return status === 'creating' ? null : seconds();
    });
    await until(back.id, 'live');
    const done = seconds();
    const seen = await traffic.stop();
    process.stderr.write(
      `deployments: rolled back in ${done} s, of which its revision took ${up} to come up; ${seen.answers} answers all the while, ${seen.failures.length} failed\n`,
    );
    expect(await account.call(getModel, { params: account.params })).toMatchObject({
      liveDeployment: back.id,
    });
    expect(await deployment(back.id)).toMatchObject({ restores: first.id, revision: first.revision });
    expect((await deployment(id)).status).toBe('rolled-back');
    expect(seen.failures).toEqual([]);
    expect(seen.wrong).toEqual([]);
    expect([...seen.splits].toSorted()).toEqual(['10/90', '100', '50/50']);

    const { items } = await account.call(listDeployments, {
      params: account.params,
      query: { status: 'rolled-back', version },
    });
    expect(items.map((one) => one.id)).toEqual([id]);
  },
  LONG,
);

test(
  'a canary that real requests find too slow is taken back by itself, with its figure; its health can be read',
  async () => {
    const before = (await account.call(getModel, { params: account.params })).liveDeployment;
    const { id } = await start({ canary: { steps: [50], bakeSeconds: 60, maxLatencyMs: 1, minRequests: 5 } });
    await until(id, 'canary');
    const traffic = watchTraffic();
    const ended = await until(id, 'rolled-back');
    const seen = await traffic.stop();
    expect(ended.failure).toMatchObject({ code: 'canary-slow' });
    expect(ended.failure?.message).toMatch(/where 1 ms is the limit/);
    expect(ended.lastLines.map(({ message }) => message)).toContain('service ready');
    expect(seen.failures).toEqual([]);
    expect(seen.wrong).toEqual([]);
    expect(await account.call(getTraffic, { params: account.params })).toEqual({
      live: before,
      canary: null,
      held: false,
      split: [{ deployment: before, percent: 100 }],
    });
    const params = { ...account.params, deployment: id };
    expect(await account.call(getDeploymentHealth, { params })).toMatchObject({
      revision: ended.revision,
      errors: 0,
      instancesStarted: 1,
    });
  },
  LONG,
);

test(
  'a canary is held where a person sets its share; other instances take over without a gap; what ends is gone',
  async () => {
    const canary = await start({ warmUp: 0, canary: { steps: [10], bakeSeconds: 3600 } });
    await until(canary.id, 'canary');
    const live = (await account.call(getModel, { params: account.params })).liveDeployment ?? '';
    const split = (percent: number) =>
      account.call(splitTraffic, {
        params: account.params,
        body: {
          split: [
            { deployment: live, percent: 100 - percent },
            { deployment: canary.id, percent },
          ],
        },
      });
    expect(await split(40)).toMatchObject({ canary: canary.id, held: true });
    const name = `${clients.parent}/services/tw-${account.params.model}`;
    await eventually('Cloud Run to follow', async () => {
      const [service] = await clients.services.getService({ name });
      return (service.trafficStatuses ?? []).some(({ percent }) => percent === 40) ? service : null;
    });
    await split(100);
    await until(canary.id, 'live');

    const params = { ...account.params, deployment: canary.id };
    const traffic = watchTraffic();
    await account.call(changeDeployment, { params, body: { minInstances: 2, warmUp: 4 } });
    const scaled = await eventually('the other settings', async () => {
      const found = await deployment(canary.id);
      return found.rescaling === null ? found : null;
    });
    const { failures } = await traffic.stop();
    expect(failures).toEqual([]);
    expect(scaled).toMatchObject({ revisions: 2, warmed: 4, settings: { minInstances: 2, maxInstances: 3 } });
    expect(processesWith('K_REVISION', scaled.revision ?? '')).toHaveLength(2);

    // A version that cannot be loaded says why in the deployment's own log.
    const { artifact } = await account.call(getVersion, { params: { ...account.params, version } });
    const files = openFiles(process.env['GOOGLE_CLOUD_PROJECT'] ?? '');
    await files.save(artifact, 'damaged', 'text/plain');
    const broken = await until((await start({})).id, 'failed');
    expect(broken.failure?.code).toBe('revision-failed');
    expect(JSON.stringify(broken.lastLines)).toMatch(/the version could not be loaded.*has SHA-256/);
    const logs = await account.call(getDeploymentLogs, {
      params: { ...account.params, deployment: broken.id },
      query: { limit: 5 },
    });
    expect(logs.items[0]).toMatchObject({ severity: 'ERROR', message: 'the version could not be loaded' });

    const refusal = await refusalOf(account.call(stopDeployment, { params, body: {} }));
    expect(refusal).toMatchObject({ status: 409, code: 'confirmation-needed' });
    await account.call(stopDeployment, { params, body: { confirm: true } });
    await until(canary.id, 'stopped');
    expect((await fetch(`${first.url}/v1/health`)).status).toBe(404);
    await eventually('its processes have ended', () =>
      processesWith('K_REVISION', scaled.revision ?? '').length === 0 ? true : null,
    );
    expect(await account.call(getModel, { params: account.params })).toMatchObject({
      status: 'draft',
      liveDeployment: null,
      traffic: [],
    });
  },
  LONG,
);
