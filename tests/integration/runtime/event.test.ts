import { randomUUID } from 'node:crypto';
import { PubSub, type Subscription } from '@google-cloud/pubsub';
import { BusyError, type Failure, TerminalError, TransientError } from '#core/errors';
import { MAX_ATTEMPTS } from '#core/events';
import { onEvent } from '#runtime/event';
import { disconnect } from '#runtime/platform';

const payload = { tenant: 't123', model: 'm123', run: 'r123' };
const pubsub = new PubSub({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] ?? '' });
const letters = `letters-${randomUUID().slice(0, 8)}`;
const dead: unknown[] = [];
let subscription: Subscription;

beforeAll(async () => {
  [subscription] = await pubsub.topic('dead-letter').createSubscription(letters);
  subscription.on('message', (message) => {
    dead.push(JSON.parse(message.data.toString()));
    message.ack();
  });
});
afterAll(async () => {
  await subscription.close();
  await subscription.delete();
  await pubsub.close();
  await disconnect();
});
beforeEach(() => void (dead.length = 0));

const PUBLISHED = '2026-01-01T00:00:00.123Z';

/** A handler that does what `work` says, with what it was told. */
function listen(work: (attempt: number) => void) {
  const handled: unknown[] = [];
  const failed: Failure[] = [];
  const deliver = onEvent(`test-${randomUUID()}`, 'etl-requested', {
    handle: async (given) => {
      handled.push(given);
      work(handled.length);
    },
    fail: async (_given, failure) => void failed.push(failure),
  });
  const send = async (data: unknown, messageId: string = randomUUID(), publishTime = PUBLISHED) => {
    const encoded = typeof data === 'string' ? data : Buffer.from(JSON.stringify(data)).toString('base64');
    // The Functions Framework gives a CloudEvent; only `data` is read of it.
    const message = { data: encoded, messageId, publishTime };
    await deliver({ data: { message } } as Parameters<typeof deliver>[0]);
    return messageId;
  };
  return { handled, failed, send };
}
const untilDead = async () => {
  while (dead.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('a message is handled once, however often it comes', async () => {
  const { handled, send } = listen(() => undefined);
  const id = await send(payload);
  await send(payload, id);
  await send(payload, id);
  expect(handled).toEqual([payload]);
});

test('an id that comes again with another moment of publishing is another message', async () => {
  const { handled, send } = listen(() => undefined);
  const id = await send(payload);
  await send(payload, id, '2026-01-02T00:00:00.123Z');
  await send(payload, id, '2026-01-02T00:00:00.123Z');
  expect(handled).toEqual([payload, payload]);
});

test('a message that is being handled elsewhere is refused for now', async () => {
  let finish: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (finish = resolve));
  const id = randomUUID();
  const deliver = onEvent(`test-${id}`, 'etl-requested', { handle: () => slow, fail: async () => undefined });
  const event = {
    data: { message: { data: Buffer.from(JSON.stringify(payload)).toString('base64'), messageId: id } },
  } as Parameters<typeof deliver>[0];
  const first = Promise.resolve(deliver(event));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await expect(Promise.resolve(deliver(event))).rejects.toMatchObject({ code: 'message-held' });
  finish();
  await first;
});

test('a terminal failure is recorded on the run and acknowledged', async () => {
  const { handled, failed, send } = listen(() => {
    throw new TerminalError('no-tables', 'There is nothing to load.', { remedy: 'Enable a table.' });
  });
  const id = await send(payload);
  await send(payload, id);
  expect(handled).toHaveLength(1);
  expect(failed).toEqual([
    { code: 'no-tables', message: 'There is nothing to load.', remedy: 'Enable a table.' },
  ]);
});

test('a transient failure is refused, retried, and then succeeds', async () => {
  const { handled, failed, send } = listen((attempt) => {
    if (attempt < 3) throw new TransientError('warehouse-unavailable', 'Not now.');
  });
  const id = randomUUID();
  await expect(send(payload, id)).rejects.toThrow('Not now.');
  await expect(send(payload, id)).rejects.toThrow('Not now.');
  await send(payload, id);
  expect(handled).toHaveLength(3);
  expect(failed).toEqual([]);
});

test('a message whose work somebody else is at is acknowledged, and no failure is recorded', async () => {
  const { handled, failed, send } = listen(() => {
    throw new BusyError('run-busy', 'The run is being looked after elsewhere.');
  });
  const id = await send(payload);
  await send(payload, id);
  expect(handled).toHaveLength(1);
  expect(failed).toEqual([]);
});

test('retries that are used up fail the run and dead-letter the message', async () => {
  const { handled, failed, send } = listen(() => {
    throw new TransientError('warehouse-unavailable', 'Not now.');
  });
  const id = randomUUID();
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++)
    await expect(send(payload, id)).rejects.toThrow('Not now.');
  await send(payload, id);
  await send(payload, id);
  expect(handled).toHaveLength(MAX_ATTEMPTS);
  expect(failed).toMatchObject([{ code: 'warehouse-unavailable' }]);
  await untilDead();
  expect(dead).toMatchObject([{ topic: 'etl-requested', reason: 'Not now.' }]);
});

test.each([
  ['no JSON', Buffer.from('{').toString('base64')],
  ['an unknown key', { ...payload, extra: 1 }],
  ['a missing key', { tenant: 't123' }],
  ['a hostile id', { ...payload, run: '../../sealed' }],
])('a message that is %s is dead-lettered without being handled', async (_name, data) => {
  const { handled, send } = listen(() => undefined);
  await send(data);
  expect(handled).toEqual([]);
  await untilDead();
  expect(dead).toMatchObject([{ reason: 'the message does not fit the topic etl-requested' }]);
});
