import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PubSub } from '@google-cloud/pubsub';
import { TransientError } from '#core/errors';
import { GIVE_UP_SECONDS, MAX_ATTEMPTS } from '#core/events';
import { paths } from '#core/paths';
import { pendingStage, PipelineRun } from '#core/pipeline-run';
import { claimPath } from '#runtime/claim';
import { onEvent } from '#runtime/event';
import { readConfig } from '#runtime/config';
import { disconnect, type Platform } from '#runtime/platform';
import { planTopology } from '#scripts/local/pubsub-topology';
import { mustRead } from '#store/document';
import { acquireLease, releaseLease } from '#store/lease';
import { readRunLog } from '#store/run-log';
import { TROUBLE_LOOKS, TROUBLE_SECONDS } from '#store/trouble';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { aRun, aWork, doneStage } from '#tests/pipeline-runs';
import { freshTenant, openTestStore } from '#tests/store';
import { driveStage } from '../../../functions/pipelines/drive.ts';
import { stageEvent } from '../../../functions/pipelines/stage-event.ts';
import { watchRuns } from '../../../functions/pipelines/watch.ts';

const store = openTestStore();
const pubsub = new PubSub({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] ?? '' });
const warnings: object[] = [];
const log = {
  debug: () => {},
  info: () => {},
  warn: (_: string, fields?: object) => void warnings.push({ ...fields }),
  error: () => {},
};
const here: Platform = { config: readConfig(process.env), store, log };
const AT = '2026-06-01T00:00:00.000Z';
const model = 'm1234';

beforeEach(() => {
  store.ahead = 0;
  warnings.length = 0;
});
afterAll(async () => {
  await pubsub.close();
  await store.db.close();
  await disconnect();
});

/** A run whose training is next, not on the watchdog's list: only this test looks at it. */
async function readyToTrain() {
  const tenant = freshTenant();
  const ids = { tenant, model, run: 'r1234' };
  const path = paths.pipelineRun(tenant, model, ids.run);
  const run = aRun({
    id: ids.run,
    status: 'running',
    stages: {
      extraction: doneStage(),
      vocabulary: doneStage(),
      training: pendingStage(),
      deployment: pendingStage(),
    },
    vocabulary: { customers: 1, items: 1, interactions: 1 },
  });
  const cloud = { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' };
  const lock = paths.lock(tenant, model, 'pipeline');
  await store.db.commit([
    {
      kind: 'create',
      path: paths.tenant(tenant),
      data: { id: tenant, name: 'T', plan: 'trial', status: 'active', cloud, createdAt: AT },
    },
    { kind: 'create', path, data: run },
    { kind: 'create', path: lock, data: { run: ids.run } },
  ]);
  const look = async () => (await mustRead(store, path, PipelineRun, 'run')).value;
  return { ids, path, look, isLocked: async () => (await store.db.get(lock)) !== null };
}

const exhausted = new TransientError('training-unavailable', 'Vertex AI did not take it: RESOURCE_EXHAUSTED');
/** Training for which there is no machine, as often as it is asked for. */
const noMachine = aWork('training', () => Promise.reject(exhausted));

test('a machine that is never to be had ends the run with that reason, in the run and in its log', async () => {
  const { ids, path, look, isLocked } = await readyToTrain();
  for (let n = 1; n <= TROUBLE_LOOKS; n++)
    await expect(driveStage(here, ids, noMachine)).rejects.toBe(exhausted);
  expect(await look()).toMatchObject({ status: 'running', stages: { training: { status: 'running' } } });

  store.ahead = TROUBLE_SECONDS * 1000;
  await driveStage(here, ids, noMachine);
  expect(await look()).toMatchObject({
    status: 'failed',
    failure: { code: 'training-unavailable', message: exhausted.message },
    stages: { training: { status: 'failed' }, deployment: { status: 'skipped' } },
  });
  expect(await isLocked()).toBe(false);
  const lines = (await readRunLog(store, path)).map(({ message }) => message);
  expect(lines).toContain(`training does not get on: ${exhausted.message}`);
  expect(lines).toContain(`training failed: ${exhausted.message}`);
});

test('a look that goes well ends the trouble, however long it has lasted', async () => {
  const { ids, path, look } = await readyToTrain();
  let isAway = true;
  const work = aWork('training', () =>
    isAway ? Promise.reject(exhausted) : Promise.resolve({ state: 'running' }),
  );
  const failLooks = async () => {
    isAway = true;
    for (let n = 1; n < TROUBLE_LOOKS; n++) await driveStage(here, ids, work).catch(() => undefined);
  };
  await failLooks();
  store.ahead = TROUBLE_SECONDS * 1000;
  isAway = false;
  await driveStage(here, ids, work);
  expect(await store.db.get(paths.trouble(path))).toBeNull();
  await failLooks();
  expect(await look()).toMatchObject({ status: 'running', failure: null });
});

test('a message waits a moment for the driver before it, and is left to one that goes on', async () => {
  const { ids, path, look } = await readyToTrain();
  const worked: string[] = [];
  const work = aWork('training', ({ attempt }) => {
    worked.push(`attempt ${attempt}`);
    return Promise.resolve({ state: 'running' });
  });
  const { handle } = stageEvent<'training-requested'>(work);
  const lease = await acquireLease(store, paths.lease(path), 'somebody');
  const waiting = handle(ids, here, { id: '1', publishedAt: null });
  await releaseLease(store, lease!);
  await waiting;
  expect(worked).toEqual(['attempt 1']);

  await acquireLease(store, paths.lease(path), 'somebody');
  await expect(handle(ids, here, { id: '1', publishedAt: null })).rejects.toMatchObject({
    name: 'BusyError',
    code: 'run-busy',
  });
  expect(worked).toHaveLength(1);
  expect(await store.db.get(paths.trouble(path))).toBeNull();
  expect(await look()).toMatchObject({ status: 'running' });
});

test('a run that cannot be read keeps no other from being looked after', async () => {
  // Its tenant is gone: the look fails it, which shows that it was looked after.
  const { ids, path, look } = await readyToTrain();
  const broken = paths.pipelineRun(ids.tenant, model, 'rbroken');
  await store.db.commit([
    { kind: 'delete', path: paths.tenant(ids.tenant) },
    { kind: 'create', path: broken, data: { status: 'of another release' } },
  ]);
  // The watch list holds these two alone: the runs of other tests are looked after by the cloud's own watchdog.
  const listed = [broken, path].map((one) => {
    const data = { kind: 'pipeline', path: one, tenant: ids.tenant, model, id: one.split('/').at(-1) };
    return { path: paths.watched(one), id: one, data, version: '1' };
  });
  const db = { ...store.db, list: () => Promise.resolve(listed) };
  // Everything else is the test store's.
  await watchRuns({ ...here, store: Object.assign(Object.create(store) as Platform['store'], { db }) });
  expect(warnings).toEqual([
    { run: 'rbroken', error: expect.stringMatching(/is not as this version expects/) },
  ]);
  expect(await look()).toMatchObject({ status: 'failed', failure: { code: 'not-found' } });
});

test('a message that fails at every delivery fails the run and is dead-lettered once', async () => {
  const { ids, look, isLocked } = await readyToTrain();
  const name = `test-${randomUUID().slice(0, 8)}`;
  let calls = 0;
  const event = onEvent(name, 'training-requested', {
    ...stageEvent<'training-requested'>(
      aWork('training', () => {
        calls++;
        return Promise.reject(exhausted);
      }),
    ),
  });
  // The function as Pub/Sub pushes to it.
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      // A request's chunks are Buffers unless an encoding is set.
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const data: unknown = JSON.parse(Buffer.concat(chunks).toString());
      try {
        // The Functions Framework gives a CloudEvent; only `data` is read of it.
        await event({ data } as Parameters<typeof event>[0]);
        response.writeHead(204).end();
      } catch {
        // It has been failing for long.
        const claim = claimPath(name, Object(data).message);
        const since = Date.now() - GIVE_UP_SECONDS * 1000;
        await store.db.commit([{ kind: 'update', path: claim, data: { since } }]);
        response.writeHead(500).end();
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has this kind of address.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const letters = `letters-${name}`;
  const dead: unknown[] = [];
  const [kept] = await pubsub.topic('dead-letter').createSubscription(letters);
  kept.on('message', (message) => {
    const letter: unknown = JSON.parse(message.data.toString());
    if (JSON.stringify(letter).includes(ids.tenant)) dead.push(letter);
    message.ack();
  });
  // As deployed, on a topic of its own that the product's own functions do not hear.
  const { projectId } = useLocalCloud();
  const [planned] = planTopology(projectId, origin, [
    { name, topic: name, timeoutSeconds: 120 },
  ]).subscriptions;
  await pubsub.createTopic(name);
  const url = `http://${process.env['PUBSUB_EMULATOR_HOST']}/v1/projects/${projectId}/subscriptions/${name}`;
  try {
    // With a shorter pause than deployed, so that it does not take a minute.
    const retryPolicy = { minimumBackoff: '0.1s', maximumBackoff: '0.2s' };
    const made = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...planned?.body, retryPolicy }),
    });
    expect([made.status, await made.text()]).toEqual([200, expect.stringContaining('maxDeliveryAttempts')]);
    await pubsub.topic(name).publishMessage({ json: ids });
    await eventually('the dead letter', () => (dead.length > 0 ? dead : null), 90);
    expect(await look()).toMatchObject({
      status: 'failed',
      failure: { code: 'training-unavailable', message: exhausted.message },
    });
    expect(await isLocked()).toBe(false);
    expect(calls).toBe(MAX_ATTEMPTS);
    expect(dead).toEqual([
      {
        topic: 'training-requested',
        data: JSON.stringify(ids),
        reason: exhausted.message,
        function: name,
        attempts: MAX_ATTEMPTS,
      },
    ]);
  } finally {
    await fetch(url, { method: 'DELETE' });
    await pubsub.topic(name).delete();
    await kept.close();
    await kept.delete();
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
  }
}, 120_000);
