import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalCloud } from '#scripts/local/cloud';
import { controlClients } from '#tests/control-clients';
import type { ControlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { startFixtureCloud, temporaryFolder } from '#tests/fixture-cloud';

interface Greeting {
  readonly path: string;
  readonly revision: string;
  readonly greeting: string;
  readonly pid: number;
}

const folder = temporaryFolder();
let cloud: LocalCloud;
let clients: ControlClients;
let name: string;

beforeAll(async () => {
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);
  name = `${clients.parent}/services/greeter`;
});
afterAll(async () => {
  await clients.close();
  await cloud.stop();
  folder.forget();
});

const container = (env: Readonly<Record<string, string>>) => ({
  containers: [
    {
      image: clients.image('work-greeter'),
      env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    },
  ],
});
const get = (address: string, headers: Record<string, string> = {}) =>
  fetch(`${cloud.urls.services}/${address}`, { headers });
const greeting = async (address: string): Promise<Greeting> =>
  (await get(address)).json() as Promise<Greeting>;
const open = () =>
  clients.services.setIamPolicy({
    resource: name,
    policy: { bindings: [{ role: 'roles/run.invoker', members: ['allUsers'] }] },
  });

test('the first revision serves, but only callers with a token until all users may invoke it', async () => {
  const [operation] = await clients.services.createService({
    parent: clients.parent,
    serviceId: 'greeter',
    service: { template: { revision: 'greeter-one', ...container({ GREETING: 'hello' }) } },
  });
  const [service] = await operation.promise();
  expect(service).toMatchObject({
    uri: `${cloud.urls.services}/greeter`,
    latestReadyRevision: `${name}/revisions/greeter-one`,
    reconciling: false,
  });

  expect((await get('greeter/a?b=1')).status).toBe(403);
  expect((await get('greeter/a?b=1', { authorization: 'Bearer x' })).status).toBe(200);
  expect((await get('greeter/a?b=1', { 'x-serverless-authorization': 'Bearer x' })).status).toBe(200);
  await open();
  expect(await greeting('greeter/a?b=1')).toMatchObject({
    path: '/a?b=1',
    revision: 'greeter-one',
    greeting: 'hello',
  });
});

test('a second revision comes up without traffic, is reached by its tag, then takes a share', async () => {
  const [operation] = await clients.services.updateService({
    service: {
      name,
      template: { revision: 'greeter-two', ...container({ GREETING: 'good day' }) },
      traffic: [
        { type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION', revision: 'greeter-one', percent: 100 },
        {
          type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION',
          revision: 'greeter-two',
          percent: 0,
          tag: 'candidate',
        },
      ],
    },
  });
  const [service] = await operation.promise();
  const tagged = service.trafficStatuses?.find(({ tag }) => tag === 'candidate');
  expect(tagged?.uri).toBe(`${cloud.urls.services}/candidate---greeter`);
  expect((await greeting('greeter/')).revision).toBe('greeter-one');
  expect(await greeting('candidate---greeter/x')).toMatchObject({
    revision: 'greeter-two',
    greeting: 'good day',
    path: '/x',
  });

  const [split] = await clients.services.updateService({
    service: {
      name,
      traffic: [
        { revision: 'greeter-one', percent: 50 },
        { revision: 'greeter-two', percent: 50 },
      ],
    },
    updateMask: { paths: ['traffic'] },
  });
  await split.promise();
  const answers = await Promise.all(Array.from({ length: 60 }, () => greeting('greeter/')));
  expect(new Set(answers.map(({ revision }) => revision))).toEqual(new Set(['greeter-one', 'greeter-two']));
  expect((await get('candidate---greeter/')).status).toBe(404);
  const [revisions] = await clients.revisions.listRevisions({ parent: name });
  expect(revisions.map((revision) => revision.name?.split('/').at(-1))).toEqual([
    'greeter-two',
    'greeter-one',
  ]);
});

test('an instance that crashes is started again, with its environment', async () => {
  const move = await clients.services.updateService({
    service: { name, traffic: [{ revision: 'greeter-two', percent: 100 }] },
    updateMask: { paths: ['traffic'] },
  });
  await move[0].promise();
  const before = await greeting('greeter/');
  await get('greeter/crash');
  const after = await eventually('it answers again', () => greeting('greeter/').catch(() => null));
  expect(after.pid).not.toBe(before.pid);
  expect(after).toMatchObject({ revision: 'greeter-two', greeting: 'good day' });
});

test('a revision that does not come up fails, says why, and what served goes on serving', async () => {
  const [operation] = await clients.services.updateService({
    service: { name, template: container({ BROKEN: 'yes' }), traffic: [] },
  });
  await expect(operation.promise()).rejects.toThrow(
    /greeter-\d{5}-\w+' is not ready and cannot serve traffic.*exited with the code 7/,
  );
  const [service] = await clients.services.getService({ name });
  const revision = service.latestCreatedRevision?.split('/').at(-1) ?? '';
  expect(readFileSync(join(folder.path, 'logs', 'services', `${revision}.log`), 'utf8')).toContain(
    'this revision is broken',
  );
  expect((await greeting('greeter/')).revision).toBe('greeter-two');
});

test('what cannot be is refused, naming the value', async () => {
  const traffic = (targets: object[]) =>
    clients.services.updateService({
      service: { name, traffic: targets },
      updateMask: { paths: ['traffic'] },
    });
  await expect(traffic([{ revision: 'greeter-two', percent: 90 }])).rejects.toThrow(
    'the percentages come to 90, not to 100',
  );
  await expect(traffic([{ revision: 'greeter-nine', percent: 100 }])).rejects.toThrow(
    "the revision 'greeter-nine' does not exist",
  );
  const again = clients.services.createService({
    parent: clients.parent,
    serviceId: 'greeter',
    service: { template: container({}) },
  });
  await expect(again).rejects.toThrow('already exists');
});

test('services come up again with the next cloud, at the same address', async () => {
  await clients.close();
  await cloud.stop();
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);
  const answer = await eventually('it answers', () => greeting('greeter/').catch(() => null));
  expect(answer).toMatchObject({ revision: 'greeter-two', greeting: 'good day' });
});

test('a deleted service is gone, and its process with it', async () => {
  const { pid } = await greeting('greeter/');
  const [operation] = await clients.services.deleteService({ name });
  await operation.promise();
  expect((await get('greeter/')).status).toBe(404);
  await expect(clients.services.getService({ name })).rejects.toThrow('was not found');
  await eventually('the process has ended', () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
});
