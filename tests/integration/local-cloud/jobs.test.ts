import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalCloud } from '#scripts/local/cloud';
import { controlClients } from '#tests/control-clients';
import type { ControlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { isRunning, readNotes, startFixtureCloud, temporaryFolder } from '#tests/fixture-cloud';

const folder = temporaryFolder();
let cloud: LocalCloud;
let clients: ControlClients;
let job: string;

beforeAll(async () => {
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);
  job = `${clients.parent}/jobs/work-runner`;
});
afterAll(async () => {
  await clients.close();
  await cloud.stop();
  folder.forget();
});

async function run(
  variables: Readonly<Record<string, string>>,
  more: { taskCount?: number; args?: string[]; timeout?: { seconds: number } } = {},
) {
  const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const { args = [], ...overrides } = more;
  const [operation] = await clients.jobs.runJob({
    name: job,
    overrides: { ...overrides, containerOverrides: [{ env, args }] },
  });
  // runJob's operation carries the execution from the start.
  return (operation.metadata as { name: string }).name;
}

const ended = (name: string) =>
  eventually(`${name} ends`, async () => {
    const [execution] = await clients.executions.getExecution({ name });
    return execution.completionTime === null || execution.completionTime === undefined ? null : execution;
  });
const completed = (execution: { conditions?: { type?: string | null }[] | null }) =>
  execution.conditions?.find(({ type }) => type === 'Completed');

test('a job deployable is deployed as its `deploy` says', async () => {
  const [found] = await clients.jobs.getJob({ name: job });
  expect(found.template).toMatchObject({
    taskCount: 1,
    template: { maxRetries: 1, timeout: { seconds: '60' } },
  });
  expect(found.template?.template?.containers?.[0]?.image).toBe(clients.image('work-runner'));
});

test('two tasks run, each knowing which it is; the operation ends with the execution; logs are kept', async () => {
  const notes = join(folder.path, 'two-tasks');
  const env = [
    { name: 'HOW', value: 'well' },
    { name: 'NOTES', value: notes },
  ];
  const [operation] = await clients.jobs.runJob({
    name: job,
    overrides: { taskCount: 2, containerOverrides: [{ env, args: ['--deep'] }] },
  });
  const [execution] = await operation.promise();

  expect(execution).toMatchObject({
    taskCount: 2,
    succeededCount: 2,
    failedCount: 0,
    runningCount: 0,
    retriedCount: 0,
    reconciling: false,
  });
  expect(readNotes(notes).sort((a, b) => Number(a['task']) - Number(b['task']))).toMatchObject([
    { task: '0', of: '2', attempt: '0', args: ['--deep'] },
    { task: '1', of: '2', attempt: '0', args: ['--deep'] },
  ]);
  const log = join(new URL(execution.logUri ?? '').pathname, 'task-1-attempt-0.log');
  expect(readFileSync(log, 'utf8')).toContain('task 1 of 2, attempt 0');
  const [tasks] = await clients.tasks.listTasks({ parent: execution.name ?? '' });
  expect(tasks.map(({ index }) => index)).toEqual([0, 1]);
});

test('a task killed in mid-work is tried again and knows it', async () => {
  const notes = join(folder.path, 'killed-task');
  const name = await run({ NOTES: notes, HOW: 'never', WELL_FROM: '1' });
  const [first] = await eventually('the task has begun', () =>
    readNotes(notes).length > 0 ? readNotes(notes) : null,
  );
  process.kill(Number(first?.['pid']), 'SIGKILL');

  const execution = await ended(name);
  expect(execution).toMatchObject({ succeededCount: 1, retriedCount: 1, failedCount: 0 });
  expect(readNotes(notes).map(({ attempt }) => attempt)).toEqual(['0', '1']);
});

test('a task that keeps failing fails its execution, with the exit code in its name', async () => {
  const name = await run({ HOW: 'badly' });
  const execution = await ended(name);
  expect(execution).toMatchObject({ succeededCount: 0, failedCount: 1, retriedCount: 1 });
  expect(completed(execution)).toMatchObject({ executionReason: 'NON_ZERO_EXIT_CODE' });
  expect(completed(execution)).toHaveProperty('message', expect.stringContaining('exited with the code 3'));
  const [task] = await clients.tasks.getTask({ name: `${name}/tasks/${name.split('/').at(-1)}-task0` });
  expect(task.lastAttemptResult).toMatchObject({ exitCode: 3 });
});

test('a task that outlives its timeout is stopped', async () => {
  const execution = await ended(await run({ HOW: 'never', WELL_FROM: '9' }, { timeout: { seconds: 1 } }));
  expect(completed(execution)).toHaveProperty('message', expect.stringContaining('timeout of 1 s'));
});

test('a cancelled execution ends its tasks and says so', async () => {
  const notes = join(folder.path, 'cancelled');
  const name = await run({ NOTES: notes, HOW: 'never' }, { taskCount: 2 });
  await eventually('both tasks have begun', () => readNotes(notes).length === 2);
  await clients.executions.cancelExecution({ name });

  const execution = await ended(name);
  expect(execution).toMatchObject({ cancelledCount: 2, runningCount: 0 });
  expect(completed(execution)).toMatchObject({ executionReason: 'CANCELLED' });
  await expect(clients.executions.cancelExecution({ name })).rejects.toThrow('has already completed');
});

test('what is not there, or not done here, is named', async () => {
  await expect(clients.jobs.getJob({ name: `${clients.parent}/jobs/none` })).rejects.toThrow(
    "jobs/none' was not found",
  );
  const job_ = (container: object) => ({ template: { template: { containers: [container] } } });
  const create = (jobId: string, container: object) =>
    clients.jobs.createJob({ parent: clients.parent, jobId, job: job_(container) });
  await expect(create('odd', { image: clients.image('work-runner'), command: ['sh'] })).rejects.toThrow(
    'pass args instead',
  );

  await create('imageless', { image: 'europe-docker.pkg.dev/x/y/nothing:1' });
  const [operation] = await clients.jobs.runJob({ name: `${clients.parent}/jobs/imageless` });
  await expect(operation.promise()).rejects.toThrow(
    "Image 'europe-docker.pkg.dev/x/y/nothing:1' not found. The local cloud has:",
  );
});

test('the control plane killed: its tasks die with it, and are tried again by its successor', async () => {
  const notes = join(folder.path, 'control-plane-killed');
  const name = await run({ NOTES: notes, HOW: 'never', WELL_FROM: '1' });
  const pid = await eventually('the task has begun', () => readNotes(notes)[0]?.['pid']);
  process.kill(cloud.pids()['run'] ?? 0, 'SIGKILL');
  await eventually('the task has died', () => !isRunning(Number(pid)));
  await eventually('the successor answers', () =>
    clients.executions.getExecution({ name }).catch(() => null),
  );
  expect(await ended(name)).toMatchObject({ succeededCount: 1, retriedCount: 1 });
  expect(readNotes(notes).map(({ attempt }) => attempt)).toEqual(['0', '1']);
});

test('a running task of a cloud that was stopped is tried again by the next', async () => {
  const notes = join(folder.path, 'over-a-restart');
  const name = await run({ NOTES: notes, HOW: 'never', WELL_FROM: '1' });
  await eventually('the task has begun', () => readNotes(notes).length === 1);
  const ports = cloud.ports;
  await clients.close();
  await cloud.stop();
  cloud = await startFixtureCloud({ stateDir: folder.path, only: ['run'] });
  clients = controlClients(cloud.env);

  expect(cloud.ports).toEqual(ports);
  expect(await ended(name)).toMatchObject({ succeededCount: 1, retriedCount: 1 });
  expect(readNotes(notes).map(({ attempt }) => attempt)).toEqual(['0', '1']);
});
