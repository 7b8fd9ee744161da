import { z } from 'zod';
import { announce } from '#core/events';
import type { LifeCycle } from '#core/life-cycle';
import { paths } from '#core/paths';
import { mustRead, readPage, transition, update } from '#store/document';
import { createExclusively } from '#store/exclusive';
import { publishOutbox } from '#store/outbox';
import { makeId } from '#store/store';
import { freshTenant, openTestStore } from '#tests/store';

const store = openTestStore();
afterAll(() => store.db.close());
beforeEach(() => {
  store.published.length = 0;
  store.busDown = false;
  store.ahead = 0;
});

const Lamp = z.object({
  id: z.string(),
  status: z.enum(['off', 'on', 'broken']),
  presses: z.int(),
  createdAt: z.string(),
});
const cycle: LifeCycle<'off' | 'on' | 'broken', 'press' | 'break'> = {
  off: { press: 'on', break: 'broken' },
  on: { press: null, break: 'broken' },
  broken: { press: null, break: null },
};
const lampAt = async (tenant: string, id = 'lamp') => {
  const path = `tenants/${tenant}/models/${id}`;
  const createdAt = new Date().toISOString();
  await store.db.commit([{ kind: 'create', path, data: { id, status: 'off', presses: 0, createdAt } }]);
  return path;
};

test('of many simultaneous transitions one happens; the others are ignored', async () => {
  const path = await lampAt(freshTenant());
  const results = await Promise.all(
    Array.from({ length: 8 }, () =>
      transition(store, path, Lamp, cycle, 'press', { patch: (lamp) => ({ presses: lamp.presses + 1 }) }),
    ),
  );
  expect(results.filter((lamp) => lamp !== null)).toHaveLength(1);
  expect((await mustRead(store, path, Lamp, 'lamp')).value).toMatchObject({ status: 'on', presses: 1 });
});

test('a change repeated on the newest state loses nobody’s update', async () => {
  const path = await lampAt(freshTenant());
  const press = () => update(store, path, Lamp, 'lamp', (lamp) => ({ presses: lamp.presses + 1 }));
  await Promise.all([press(), press(), press(), press()]);
  expect((await mustRead(store, path, Lamp, 'lamp')).value.presses).toBe(4);
});

test('an announcement is published with its change, and again by the watchdog if the bus was down', async () => {
  const tenant = freshTenant();
  const path = await lampAt(tenant);
  const message = announce('etl-requested', { tenant, model: 'm123', run: 'r123' });
  store.busDown = true;
  await transition(store, path, Lamp, cycle, 'press', { announcements: () => [message] });
  expect(store.published).toEqual([]);
  store.busDown = false;
  store.ahead = 60_000;
  await publishOutbox(store, 15);
  expect(store.published).toContainEqual({ topic: 'etl-requested', payload: message.payload });
  store.published.length = 0;
  await publishOutbox(store, 15);
  expect(store.published).not.toContainEqual({ topic: 'etl-requested', payload: message.payload });
});

test('an entry that Pub/Sub does not take keeps no other waiting; one of no topic is dead-lettered', async () => {
  const tenant = freshTenant();
  const entry = (id: string, topic: string) => ({
    kind: 'create' as const,
    path: paths.outboxEntry(`${id}-${tenant}`),
    data: { topic, payload: { tenant, model: 'm123', run: id }, createdAt: '2020-01-01T00:00:00.000Z' },
  });
  await store.db.commit([
    entry('rstuck', 'etl-requested'),
    entry('rgone', 'no-such-topic'),
    entry('rwell', 'etl-requested'),
  ]);
  const isStuck = (payload: unknown) => JSON.stringify(payload).includes('rstuck');
  const picky: typeof store = {
    ...store,
    bus: {
      ...store.bus,
      publish: (topic, payload) =>
        isStuck(payload) ? Promise.reject(new Error('too large')) : store.bus.publish(topic, payload),
    },
  };

  const { failures } = await publishOutbox(picky, 15);

  expect(failures).toContain(`${paths.outboxEntry(`rstuck-${tenant}`)}: too large`);
  const said = store.published.filter((one) => JSON.stringify(one.payload).includes(tenant));
  expect(said).toHaveLength(2);
  expect(said).toContainEqual({ topic: 'etl-requested', payload: { tenant, model: 'm123', run: 'rwell' } });
  expect(said.find((one) => one.topic === 'dead-letter')?.payload).toMatchObject({ topic: 'no-such-topic' });
  const left = await store.db.getAll(
    ['rstuck', 'rgone', 'rwell'].map((id) => paths.outboxEntry(`${id}-${tenant}`)),
  );
  expect(left.map((one) => one !== null)).toEqual([true, false, false]);
  await publishOutbox(store, 15);
});

test('a final state takes the run off the watchdog’s list', async () => {
  const path = await lampAt(freshTenant());
  await store.db.commit([{ kind: 'create', path: paths.watched(path), data: { path } }]);
  await transition(store, path, Lamp, cycle, 'press');
  expect(await store.db.get(paths.watched(path))).not.toBeNull();
  await transition(store, path, Lamp, cycle, 'break');
  expect(await store.db.get(paths.watched(path))).toBeNull();
});

test('twenty simultaneous triggers make one run, and all are told its id', async () => {
  const tenant = freshTenant();
  const trigger = () => {
    const id = makeId(store, 'r');
    const path = paths.etlRun(tenant, 'm123', id);
    return createExclusively(store, {
      lock: paths.lock(tenant, 'm123', 'etl'),
      path,
      data: { id },
      watched: { kind: 'etl', path, tenant, model: 'm123', id },
      announcements: [announce('etl-requested', { tenant, model: 'm123', run: id })],
      audit: { tenant, actor: 'u1', action: 'etl.start', target: path },
    });
  };
  const results = await Promise.all(Array.from({ length: 20 }, trigger));
  expect(new Set(results.map((one) => one.id)).size).toBe(1);
  expect(results.filter((one) => one.created)).toHaveLength(1);
  expect(store.published).toHaveLength(1);
});

test('a list is paged newest first, without gaps or repeats', async () => {
  const tenant = freshTenant();
  for (const id of ['la', 'lb', 'lc', 'ld', 'le']) await lampAt(tenant, id);
  const seen: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await readPage(store, paths.models(tenant), Lamp, { limit: 2, after });
    seen.push(...page.items.map((lamp) => lamp.id));
    if (page.next === null) break;
    after = page.next;
  }
  expect(seen).toEqual(['le', 'ld', 'lc', 'lb', 'la']);
});

test('what is missing is named', async () => {
  await expect(mustRead(store, paths.model(freshTenant(), 'm404'), Lamp, 'model')).rejects.toMatchObject({
    code: 'not-found',
    message: 'There is no model "m404" here.',
  });
});
