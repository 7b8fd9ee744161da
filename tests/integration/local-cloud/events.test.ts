import { join } from 'node:path';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { DEAD_LETTER_TOPIC } from '#core/events';
import type { LocalCloud } from '#scripts/local/cloud';
import type { PieceEvent } from '#scripts/local/supervise';
import { eventually } from '#tests/eventually';
import { readNotes, startFixtureCloud, temporaryFolder } from '#tests/fixture-cloud';

const folder = temporaryFolder();
const events: PieceEvent[] = [];
let cloud: LocalCloud;
let pubsub: PubSub;
const before = { ...process.env };

beforeAll(async () => {
  cloud = await startFixtureCloud({
    stateDir: folder.path,
    only: ['firestore', 'pubsub', 'functions', 'hosting'],
    onProgress: (event) => events.push(event),
  });
  Object.assign(process.env, cloud.env); // the official clients read it
  pubsub = new PubSub({ projectId: cloud.projectId });
});
afterAll(async () => {
  await pubsub.close();
  await cloud.stop();
  process.env = before;
  folder.forget();
});

test('a published message reaches its function as Eventarc would deliver it', async () => {
  const file = join(folder.path, 'noted');
  const id = await pubsub.topic('noted').publishMessage({ json: { file } });
  const [note] = await eventually('the function was called', () =>
    readNotes(file).length > 0 ? readNotes(file) : null,
  );
  expect(note).toEqual({
    id,
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: `//pubsub.googleapis.com/projects/${cloud.projectId}/topics/noted`,
    subscription: `projects/${cloud.projectId}/subscriptions/eventarc-echo-note`,
  });
});

test('a message whose function keeps failing is tried five times, then kept as a dead letter', async () => {
  const file = join(folder.path, 'failing');
  await pubsub.topic('noted').publishMessage({ json: { file, failing: true } });
  const subscription = pubsub.subscription(`${DEAD_LETTER_TOPIC}-kept`);
  const letter = await new Promise<unknown>((resolve, reject) => {
    subscription.on('error', reject);
    subscription.on('message', (message) => {
      message.ack();
      resolve(JSON.parse(message.data.toString()));
    });
  });
  await subscription.close();
  expect(letter).toEqual({ file, failing: true });
  expect(readNotes(file)).toHaveLength(5);
}, 90_000);

test('hosting passes its rewrites on with the whole path and only the session cookie', async () => {
  const headers = { authorization: 'Bearer token', cookie: 'other=1; __session=abc' };
  const response = await fetch(`${cloud.urls.web}/api/tenants?x=1`, { method: 'POST', body: '{}', headers });
  expect(await response.json()).toEqual({
    path: '/api/tenants?x=1',
    method: 'POST',
    authorization: 'Bearer token',
    cookie: '__session=abc',
    project: cloud.projectId,
  });
  expect(await (await fetch(`${cloud.urls.web}/any/page`)).text()).toContain('<title>fixture</title>');
  const init = await fetch(`${cloud.urls.web}/__/firebase/init.json`);
  expect(await init.json()).toMatchObject({
    projectId: cloud.projectId,
    emulators: { firestore: `127.0.0.1:${cloud.ports.firestore}` },
  });
});

test('the front door names the functions there are', async () => {
  const response = await fetch(`${cloud.urls.functions}/echo-nothing/x`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain(
    'There is no function echo-nothing; there are: echo-api, echo-note',
  );
});

test('Firestore enforces the rules of the repository on everybody but the functions', async () => {
  const documents = `http://127.0.0.1:${cloud.ports.firestore}/v1/projects/${cloud.projectId}/databases/(default)/documents`;
  const write = (collection: string) =>
    fetch(`${documents}/${collection}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"fields":{}}',
    });
  expect((await write('open')).status).toBe(200);
  expect((await write('closed')).status).toBe(403);
  const firestore = new Firestore({ projectId: cloud.projectId });
  await firestore.doc('closed/x').set({ by: 'the server' });
  await firestore.terminate();
});

test('Pub/Sub killed: it is started again with its topics, and messages flow', async () => {
  process.kill(cloud.pids()['pubsub'] ?? 0, 'SIGKILL');
  await eventually('it was started again', () =>
    events.some(({ piece, state }) => piece === 'pubsub' && state === 'restarted'),
  );
  expect(events.find(({ state }) => state === 'crashed')?.detail).toMatch(
    /signal SIGKILL; log: .*pubsub\.log/,
  );
  const file = join(folder.path, 'after-the-crash');
  await pubsub.topic('noted').publishMessage({ json: { file } });
  await eventually('the function was called', () => readNotes(file).length > 0);
});

test('the functions host killed: it is started again at its address', async () => {
  const killed = cloud.pids()['functions'] ?? 0;
  process.kill(killed, 'SIGKILL');
  const response = await eventually('it answers again', () =>
    fetch(`${cloud.urls.functions}/echo-api/`).catch(() => null),
  );
  expect(response.status).toBe(200);
  expect(cloud.pids()['functions']).not.toBe(killed);
});
