import { openContainerPlatform, type ContainerPlatform, type RevisionSpec } from '#cloud/run';
import type { LocalCloud } from '#scripts/local/cloud';
import { controlClients, type ControlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { startFixtureCloud, temporaryFolder } from '#tests/fixture-cloud';

const folder = temporaryFolder();
let cloud: LocalCloud;
let clients: ControlClients;
let platform: ContainerPlatform;
const TAG = 'candidate';

beforeAll(async () => {
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);
  const projectId = cloud.env['GOOGLE_CLOUD_PROJECT'] ?? '';
  platform = openContainerPlatform({
    projectId,
    location: cloud.env['TRADEWIND_LOCATION'] ?? '',
    endpoints: { run: cloud.env['RUN_ENDPOINT'] },
  });
});
afterAll(async () => {
  await clients.close();
  await cloud.stop();
  folder.forget();
});

const revision = (name: string, env: Record<string, string> = {}): RevisionSpec => ({
  name,
  image: clients.image('work-greeter'),
  env,
  cpu: 2,
  memory: '2Gi',
  minInstances: 1,
  maxInstances: 3,
  timeoutSeconds: 30,
  concurrency: 80,
  serviceAccount: 'tradewind-recommender@demo.iam.gserviceaccount.com',
});
const put = (service: string, name: string, env = {}) =>
  platform.putRevision(service, revision(name, env), TAG);
async function open(service: string, name: string): Promise<void> {
  await platform.publish(service);
  await platform.direct(service, [{ revision: name, percent: 100 }], { tag: TAG, revision: name });
}
const settled = (service: string) =>
  eventually(`the state of ${service}`, async () => {
    const state = await platform.service(service);
    return state !== null && (state.ready || state.failure !== null) ? state : null;
  });
/** Which revision answers everybody at the service's address; a status where none does. */
async function answering(service: string): Promise<unknown> {
  const response = await fetch(`${cloud.urls.services}/${service}/`);
  return response.ok ? ((await response.json()) as { revision: string }).revision : response.status;
}
const untilAnswering = (service: string, name: string) =>
  eventually(`${name} to answer`, async () => ((await answering(service)) === name ? name : null));
/** A service whose first revision is live. */
async function live(service: string): Promise<string> {
  const name = `${service}-first`;
  await put(service, name);
  await settled(service);
  expect(await answering(service)).toBe(403);
  await open(service, name);
  return untilAnswering(service, name);
}

test('a revision that was opened and then given up leaves the former one answering, however often it is said', async () => {
  const service = 'tw-given-up';
  const first = await live(service);
  await put(service, 'tw-given-up-second');
  expect((await settled(service)).traffic).toMatchObject({ [first]: 100 });
  await open(service, 'tw-given-up-second');
  await untilAnswering(service, 'tw-given-up-second');

  await platform.discard(service, 'tw-given-up-second', first);
  await platform.discard(service, 'tw-given-up-second', first);
  await untilAnswering(service, first);
  expect((await settled(service)).traffic).toEqual({ [first]: 100 });
});

test('while one revision takes over from another every request is answered, by one of them', async () => {
  const service = 'tw-taken-over';
  const first = await live(service);
  const second = 'tw-taken-over-second';
  const seen: unknown[] = [];
  const over = new AbortController();
  const asking = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) seen.push(await answering(service));
    }),
  );
  await put(service, second);
  await settled(service);
  await open(service, second);
  await untilAnswering(service, second);
  over.abort();
  await asking;
  expect(seen.length).toBeGreaterThan(20);
  expect(new Set(seen)).toEqual(new Set([first, second]));
  // Who was told of the second is not sent back to the first.
  expect(seen.slice(-4)).not.toContain(first);
});

test('after a revision that did not start the next deployment is judged by its own revision', async () => {
  const service = 'tw-broken';
  const first = await live(service);
  await put(service, 'tw-broken-second', { BROKEN: '1' });
  const failed = await settled(service);
  expect(failed).toMatchObject({ ready: false, newest: 'tw-broken-second' });
  expect(failed.failure).toMatch(/tw-broken-second.*exited with the code 7/);
  await platform.discard(service, 'tw-broken-second', first);

  await put(service, 'tw-broken-third');
  // From the first look on: what is said of the former revision is not said of this one.
  for (;;) {
    const state = await platform.service(service);
    expect(state).toMatchObject({ newest: 'tw-broken-third', failure: null });
    if (state?.ready === true) break;
  }
  await open(service, 'tw-broken-third');
  await untilAnswering(service, 'tw-broken-third');
});

test('the service is deleted only where nothing is live and nothing newer is in it', async () => {
  const service = 'tw-never-live';
  await put(service, 'tw-never-live-first');
  await settled(service);
  await put(service, 'tw-never-live-second');
  await settled(service);
  await platform.discard(service, 'tw-never-live-first', null);
  expect(await platform.service(service)).toMatchObject({ newest: 'tw-never-live-second' });
  await platform.discard(service, 'tw-never-live-second', null);
  expect(await platform.service(service)).toBeNull();
  await platform.discard(service, 'tw-never-live-second', null);
});

test('another revision that is being verified keeps its address when one is taken out', async () => {
  const service = 'tw-two-at-once';
  const first = await live(service);
  await put(service, 'tw-two-at-once-second');
  await settled(service);
  await put(service, 'tw-two-at-once-third');
  await settled(service);
  await platform.discard(service, 'tw-two-at-once-second', first);
  const state = await settled(service);
  const tagged = await fetch(`${state.tagUrls[TAG]}/`, { headers: { authorization: 'Bearer x' } });
  expect(await tagged.json()).toMatchObject({ revision: 'tw-two-at-once-third' });
  expect(await answering(service)).toBe(first);
});

test('a revision has the size, the patience and the concurrency that were asked for', async () => {
  await put('tw-sized', 'tw-sized-first');
  const [service] = await clients.services.getService({ name: `${clients.parent}/services/tw-sized` });
  expect(service.template).toMatchObject({
    maxInstanceRequestConcurrency: 80,
    timeout: { seconds: expect.anything() },
    scaling: { minInstanceCount: 1, maxInstanceCount: 3 },
    containers: [{ resources: { limits: { cpu: '2', memory: '2Gi' } } }],
  });
  expect(Number(service.template?.timeout?.seconds)).toBe(30);
});
