import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { openJournal } from '#scripts/local/control-plane/journal';
import { schedulerService } from '#scripts/local/control-plane/scheduler';

const PARENT = 'projects/p/locations/l';
const NAME = `${PARENT}/jobs/nightly`;
const JOB = {
  name: NAME,
  schedule: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  pubsubTarget: { topicName: 'projects/p/topics/fired', data: Buffer.from('{"a":1}') },
  retryConfig: { retryCount: 2 },
};

const folder = mkdtempSync(join(tmpdir(), 'tradewind-scheduler-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => jest.useFakeTimers({ now: Date.parse('2026-03-27T12:00:00Z'), doNotFake: ['nextTick'] }));
afterEach(() => jest.useRealTimers());

/** A scheduler on `journal`, and what it published with the moment, as long as Pub/Sub is up. */
function open(journal = mkdtempSync(join(folder, 'j'))) {
  const published: string[] = [];
  const pubsub = { up: true };
  const kept = openJournal(journal);
  const { service, stop } = schedulerService(kept, (topic, { data }) => {
    if (!pubsub.up) return Promise.reject(new Error('Pub/Sub is down'));
    const text = Buffer.from(data, 'base64').toString();
    published.push(`${new Date().toISOString()} ${topic.split('/').at(-1)} ${text}`);
    return Promise.resolve();
  });
  return { service, published, pubsub, journal, close: () => (stop(), kept.flush()) };
}

/** Calls a method as gRPC does. */
function call(service: UntypedServiceImplementation, method: string, request: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // Every method here is unary: a call with its request, and a callback.
    const unary = service[method] as unknown as (
      call: { request: object },
      done: (error: unknown, answer?: unknown) => void,
    ) => void;
    unary({ request }, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

test('a job fires by the clock of its zone, over the change to summer time, and over a restart', async () => {
  const first = open();
  await call(first.service, 'createJob', { parent: PARENT, job: JOB });
  await jest.advanceTimersByTimeAsync(86_400_000);
  expect(first.published).toEqual(['2026-03-28T01:30:00.000Z fired {"a":1}']);
  first.close();
  await jest.advanceTimersByTimeAsync(86_400_000);
  expect(first.published).toHaveLength(1);

  // What came up while the cloud was down is not made up for.
  const second = open(first.journal);
  await jest.advanceTimersByTimeAsync(86_400_000);
  expect(second.published).toEqual(['2026-03-30T00:30:00.000Z fired {"a":1}']);
  second.close();
});

test('a paused job is silent; resumed, changed and deleted it does as it is told', async () => {
  const { service, published, close } = open();
  await call(service, 'createJob', { parent: PARENT, job: { ...JOB, schedule: '*/10 * * * *' } });
  expect(await call(service, 'pauseJob', { name: NAME })).toMatchObject({ state: 'PAUSED' });
  await expect(call(service, 'pauseJob', { name: NAME })).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
  });
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect(published).toEqual([]);
  await call(service, 'resumeJob', { name: NAME });
  await jest.advanceTimersByTimeAsync(1_800_000);
  expect(published).toHaveLength(3);
  await call(service, 'updateJob', { job: { ...JOB, schedule: '0 * * * *' } });
  await jest.advanceTimersByTimeAsync(7_200_000);
  expect(published).toHaveLength(5);
  await call(service, 'deleteJob', { name: NAME });
  await jest.advanceTimersByTimeAsync(7_200_000);
  expect(published).toHaveLength(5);
  close();
});

test('a time more than 24 days ahead is waited for', async () => {
  const { service, published, close } = open();
  await call(service, 'createJob', {
    parent: PARENT,
    job: { ...JOB, schedule: '0 0 31 5 *', timeZone: 'UTC' },
  });
  await jest.advanceTimersByTimeAsync(70 * 86_400_000);
  expect(published).toEqual(['2026-05-31T00:00:00.000Z fired {"a":1}']);
  close();
});

test('where Pub/Sub does not take the message it is tried again, and the job says why', async () => {
  const { service, published, pubsub, close } = open();
  pubsub.up = false;
  await call(service, 'createJob', { parent: PARENT, job: JOB });
  await jest.advanceTimersByTimeAsync(13.5 * 3_600_000 + 1_000);
  expect(await call(service, 'getJob', { name: NAME })).toMatchObject({
    status: { message: 'Pub/Sub is down' },
  });
  pubsub.up = true;
  await jest.advanceTimersByTimeAsync(10_000);
  expect(published).toHaveLength(1);
  close();
});

test('what Cloud Scheduler refuses is refused', async () => {
  const { service, close } = open();
  const refusal = async (job: object) =>
    call(service, 'createJob', { parent: PARENT, job: { ...JOB, ...job } }).then(
      () => 'taken',
      (error: unknown) => `${String(Object(error).code)} ${String(Object(error).details)}`,
    );
  expect(await refusal({ schedule: '0 30 2 * * *' })).toContain('3 Schedule or time zone is invalid');
  expect(await refusal({ timeZone: 'Mars/Base' })).toContain('unknown time zone "Mars/Base"');
  expect(await refusal({ name: 'projects/q/locations/l/jobs/x' })).toContain('is no job of');
  expect(await refusal({ pubsubTarget: { topicName: 'fired' } })).toContain('topic_name');
  expect(await refusal({ httpTarget: { uri: 'http://127.0.0.1' } })).toContain('Pub/Sub only');
  expect(await refusal({})).toBe('taken');
  expect(await refusal({})).toContain(`${status.ALREADY_EXISTS} `);
  await expect(call(service, 'runJob', { name: `${PARENT}/jobs/none` })).rejects.toMatchObject({
    code: status.NOT_FOUND,
  });
  close();
});
