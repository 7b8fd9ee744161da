import { randomUUID } from 'node:crypto';
import { PubSub, type Subscription } from '@google-cloud/pubsub';
import { BusyError, type Failure, TerminalError, TransientError } from '#core/errors';
import { GIVE_UP_SECONDS, MAX_ATTEMPTS } from '#core/events';
import { CLAIM_SECONDS, claimPath, takeClaim } from '#runtime/claim';
import { onEvent } from '#runtime/event';
import { disconnect } from '#runtime/platform';
import { openTestStore } from '#tests/store';

const payload = { tenant: 't123', model: 'm123', run: 'r123' };
const pubsub = new PubSub({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] ?? '' });
const letters = `letters-${randomUUID().slice(0, 8)}`;
const dead: unknown[] = [];
const store = openTestStore();
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
  await store.db.close();
  await disconnect();
});
beforeEach(() => void (dead.length = 0));

const PUBLISHED = '2026-01-01T00:00:00.123Z';

/** A handler that does what `work` says, with what it was told. */
function listen(work: (attempt: number) => void, fail?: (failure: Failure) => Promise<void>) {
  const name = `test-${randomUUID()}`;
  const handled: unknown[] = [];
  const failed: Failure[] = [];
  const deliver = onEvent(name, 'etl-requested', {
    handle: async (given) => {
      handled.push(given);
      work(handled.length);
    },
    fail:
      fail === undefined
        ? async (_given, failure) => void failed.push(failure)
        : (_given, failure) => fail(failure),
  });
  const send = async (data: unknown, messageId: string = randomUUID(), publishTime = PUBLISHED) => {
    const encoded = typeof data === 'string' ? data : Buffer.from(JSON.stringify(data)).toString('base64');
    // The Functions Framework gives a CloudEvent; only `data` is read of it.
    const message = { data: encoded, messageId, publishTime };
    await deliver({ data: { message } } as Parameters<typeof deliver>[0]);
    return messageId;
  };
  return { handled, failed, name, send };
}
/** Where the claim on a message sent by `send` lies. */
const claimOf = (name: string, messageId: string) => claimPath(name, { messageId, publishTime: PUBLISHED });
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

test('what may pass is tried for ten minutes at least, then the run fails and the message is dead-lettered', async () => {
  const { handled, failed, name, send } = listen(() => {
    throw new TransientError('warehouse-unavailable', 'Not now.');
  });
  const id = randomUUID();
  for (let attempt = 1; attempt < MAX_ATTEMPTS + 3; attempt++)
    await expect(send(payload, id)).rejects.toThrow('Not now.');
  expect(failed).toEqual([]);
  // Ten minutes later.
  const since = Date.now() - GIVE_UP_SECONDS * 1000;
  await store.db.commit([{ kind: 'update', path: claimOf(name, id), data: { since } }]);
  await send(payload, id);
  await send(payload, id);
  expect(handled).toHaveLength(MAX_ATTEMPTS + 3);
  expect(failed).toMatchObject([{ code: 'warehouse-unavailable' }]);
  await untilDead();
  expect(dead).toMatchObject([
    { topic: 'etl-requested', reason: 'Not now.', function: name, attempts: MAX_ATTEMPTS + 3 },
  ]);
});

test('a fault of ours does not go away: six tries, and the run says so', async () => {
  const { handled, failed, send } = listen(() => {
    throw new TypeError('x is undefined');
  });
  const id = randomUUID();
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++)
    await expect(send(payload, id)).rejects.toThrow('x is undefined');
  await send(payload, id);
  await send(payload, id);
  expect(handled).toHaveLength(MAX_ATTEMPTS);
  expect(failed).toMatchObject([{ code: 'internal' }]);
  await untilDead();
});

test('a handler whose process is killed each time fails the run in the end, and is not called again', async () => {
  const { handled, failed, name, send } = listen(() => undefined);
  const id = randomUUID();
  const path = claimOf(name, id);
  // What a process killed in its last attempt leaves behind, its claim run out.
  await store.db.commit([
    {
      kind: 'create',
      path,
      data: { attempts: MAX_ATTEMPTS, lost: MAX_ATTEMPTS - 1, until: Date.now() - 1, done: false },
    },
  ]);
  await send(payload, id);
  await send(payload, id);
  expect(handled).toEqual([]);
  expect(failed).toMatchObject([{ code: 'handler-lost' }]);
  await untilDead();
  expect(dead).toMatchObject([{ topic: 'etl-requested' }]);
});

test('a failure that cannot be recorded is dead-lettered; the message does not come for ever', async () => {
  const { handled, send } = listen(
    () => {
      throw new TerminalError('no-tables', 'There is nothing to load.');
    },
    () => Promise.reject(new TerminalError('not-found', 'There is no such run.')),
  );
  const id = await send(payload);
  await send(payload, id);
  expect(handled).toHaveLength(1);
  await untilDead();
  expect(dead).toMatchObject([{ reason: 'There is nothing to load.' }]);
});

test('a failure that cannot be recorded right now is recorded at the next try', async () => {
  let down = true;
  const recorded: Failure[] = [];
  const { send } = listen(
    () => {
      throw new TerminalError('no-tables', 'There is nothing to load.');
    },
    async (failure) => {
      if (down) throw new TransientError('database-unavailable', 'Firestore did not answer.');
      recorded.push(failure);
    },
  );
  const id = randomUUID();
  await expect(send(payload, id)).rejects.toThrow('Firestore did not answer.');
  down = false;
  await send(payload, id);
  expect(recorded).toMatchObject([{ code: 'no-tables' }]);
});

test('one whose claim ran out and was taken over takes nothing back when it ends', async () => {
  const name = `test-${randomUUID()}`;
  const message = { messageId: randomUUID(), publishTime: PUBLISHED };
  let ahead = 0;
  const late = { ...store, clock: () => Date.now() + ahead };
  const first = await takeClaim(late, name, message);
  expect(await takeClaim(late, name, message)).toBe('held');
  ahead = (CLAIM_SECONDS + 1) * 1000;
  const second = await takeClaim(late, name, message);
  if (typeof first === 'string' || typeof second === 'string') throw new Error('not claimed');

  await first.release();
  expect(await takeClaim(late, name, message)).toBe('held');
  await first.finish();
  expect(await takeClaim(late, name, message)).toBe('held');
  await second.finish();
  expect(await takeClaim(late, name, message)).toBe('done');
  await first.release();
  expect(await takeClaim(late, name, message)).toBe('done');
});

test('a claim is renewed while its handler runs, and not after', async () => {
  const name = `test-${randomUUID()}`;
  const message = { messageId: randomUUID(), publishTime: PUBLISHED };
  let ahead = 0;
  const late = { ...store, clock: () => Date.now() + ahead };
  const claim = await takeClaim(late, name, message);
  if (typeof claim === 'string') throw new Error('not claimed');
  const until = async () => Number((await store.db.get(claimOf(name, message.messageId)))?.data['until']);
  const before = await until();
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date', 'setTimeout'],
  });
  try {
    await claim.during(async () => {
      ahead = 20_000;
      jest.advanceTimersByTime((CLAIM_SECONDS * 1000) / 3);
    });
    expect(await until()).toBeGreaterThan(before + 15_000);
    await claim.release();
    jest.advanceTimersByTime(CLAIM_SECONDS * 1000);
    expect(await until()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
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
