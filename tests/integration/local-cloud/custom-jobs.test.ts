import { join } from 'node:path';
import type { LocalCloud } from '#scripts/local/cloud';
import { controlClients } from '#tests/control-clients';
import type { ControlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { readNotes, startFixtureCloud, temporaryFolder } from '#tests/fixture-cloud';

const folder = temporaryFolder();
let cloud: LocalCloud;
let clients: ControlClients;

beforeAll(async () => {
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);
});
afterAll(async () => {
  await clients.close();
  await cloud.stop();
  folder.forget();
});

async function create(
  displayName: string,
  variables: Readonly<Record<string, string>>,
  scheduling: object = {},
): Promise<string> {
  const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const containerSpec = { imageUri: clients.image('work-runner'), args: ['--job'], env };
  const [job] = await clients.customJobs.createCustomJob({
    parent: clients.parent,
    customJob: {
      displayName,
      labels: { kind: displayName },
      jobSpec: {
        workerPoolSpecs: [{ machineSpec: { machineType: 'n2-standard-4' }, replicaCount: 1, containerSpec }],
        scheduling,
      },
    },
  });
  expect(job.state).toBe('JOB_STATE_PENDING');
  return job.name ?? '';
}
const inState = (name: string, state: string) =>
  eventually(`${name} is ${state}`, async () => {
    const [job] = await clients.customJobs.getCustomJob({ name });
    return job.state === state ? job : null;
  });
const begun = (notes: string) =>
  eventually('the container runs', () => {
    const pid = readNotes(notes)[0]?.['pid'];
    return typeof pid === 'number' ? pid : null;
  });

test('a custom job runs its container and succeeds', async () => {
  const notes = join(folder.path, 'well');
  const name = await create('well', { HOW: 'well', NOTES: notes });
  const job = await inState(name, 'JOB_STATE_SUCCEEDED');
  expect(Number(job.endTime?.seconds)).toBeGreaterThan(0);
  expect(readNotes(notes)).toMatchObject([{ args: ['--job'] }]);
});

test('a killed job has failed and its error names the status', async () => {
  const notes = join(folder.path, 'killed');
  const name = await create('killed', { HOW: 'never', NOTES: notes });
  process.kill(await begun(notes), 'SIGKILL');
  const job = await inState(name, 'JOB_STATE_FAILED');
  expect(job.error?.message).toContain('exited with a non-zero status of 137');
});

test('a cancelled job ends, and cancelling it again is no error', async () => {
  const notes = join(folder.path, 'cancelled');
  const name = await create('cancelled', { HOW: 'never', NOTES: notes });
  await begun(notes);
  await clients.customJobs.cancelCustomJob({ name });
  await inState(name, 'JOB_STATE_CANCELLED');
  await expect(clients.customJobs.cancelCustomJob({ name })).resolves.toBeDefined();
});

test('a job that outlives its timeout has failed', async () => {
  const name = await create('slow', { HOW: 'never' }, { timeout: { seconds: 1 } });
  expect((await inState(name, 'JOB_STATE_FAILED')).error?.message).toContain('timeout of 1 s');
});

test('jobs are listed newest first and by filter; an unknown filter is refused', async () => {
  const list = async (filter: string) => {
    const [jobs] = await clients.customJobs.listCustomJobs({ parent: clients.parent, filter });
    return jobs.map(({ displayName }) => displayName);
  };
  expect(await list('')).toEqual(['slow', 'cancelled', 'killed', 'well']);
  expect(await list('state="JOB_STATE_FAILED" AND labels.kind="killed"')).toEqual(['killed']);
  await expect(list('create_time>1')).rejects.toThrow('"create_time>1" is not supported by the local cloud');
});

test('a job that was running when the cloud stopped has failed at the next start', async () => {
  const notes = join(folder.path, 'stopped');
  const name = await create('stopped', { HOW: 'never', NOTES: notes });
  await begun(notes);
  await clients.close();
  await cloud.stop();
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);
  const [job] = await clients.customJobs.getCustomJob({ name });
  expect(job).toMatchObject({
    state: 'JOB_STATE_FAILED',
    error: { message: expect.stringContaining('local cloud stopped') },
  });
});
