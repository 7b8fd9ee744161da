import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { IN_FLIGHT_SECONDS, KEPT_HOURS } from '#store/idempotency';
import { freshTenant, openTestStore } from '#tests/store';
import { useLocalCloud } from '#tests/local-cloud';
import { makeOrder, ordersOf } from './ordering.ts';

const store = openTestStore();
let tenant: string;
let key: string;
beforeEach(() => {
  tenant = freshTenant();
  key = randomUUID();
  store.ahead = 0;
});
afterAll(() => store.db.close());

const body = { name: 'Bolts' };
const orders = () => store.db.list(ordersOf(tenant));
const codeOf = ({ body: text }: { body: string }) => Object(JSON.parse(text) as unknown).code as unknown;

test('the same request under the same key is done once and answered alike', async () => {
  const first = await makeOrder(store, tenant, key, body);
  const again = await makeOrder(store, tenant, key, body);
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.body).toBe(first.body);
  expect(first.headers['idempotency-replayed']).toBeUndefined();
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(await orders()).toHaveLength(1);
});

test('without a key, with another, by another person, in another tenant: another request', async () => {
  await makeOrder(store, tenant, null, body);
  await makeOrder(store, tenant, null, body);
  await makeOrder(store, tenant, key, body);
  await makeOrder(store, tenant, `${key}x`, body);
  await makeOrder(store, tenant, key, body, { uid: 'u2' });
  expect(await orders()).toHaveLength(5);
  const other = freshTenant();
  expect((await makeOrder(store, other, key, { name: 'Nuts' })).status).toBe(201);
  expect(await store.db.list(ordersOf(other))).toHaveLength(1);
});

test('a key that comes with another body is refused; after a refusal it may be used again', async () => {
  await makeOrder(store, tenant, key, body);
  const refused = await makeOrder(store, tenant, key, { name: 'Nuts' });
  expect([refused.status, codeOf(refused)]).toEqual([422, 'idempotency-mismatch']);

  const second = randomUUID();
  expect(codeOf(await makeOrder(store, tenant, second, { name: 'Nuts', end: 'refuse' }))).toBe('not-ready');
  expect((await makeOrder(store, tenant, second, { name: 'Screws' })).status).toBe(201);
  expect((await orders()).map(({ data }) => String(data['name'])).sort((a, b) => (a < b ? -1 : 1))).toEqual([
    'Bolts',
    'Nuts',
    'Screws',
  ]);
});

test('a failure is not kept: tried again under its key, it finds what it had made', async () => {
  const failing = { name: 'Bolts', end: 'fail' as const };
  const first = await makeOrder(store, tenant, key, failing);
  expect([first.status, first.headers['retry-after']]).toEqual([503, '5']);
  expect((await makeOrder(store, tenant, key, failing)).status).toBe(503);
  expect(await orders()).toHaveLength(1);
  // Whether it was done is not known, so nothing else may go under this key.
  expect(codeOf(await makeOrder(store, tenant, key, body))).toBe('idempotency-mismatch');
});

test('of many at the same moment one is done; the others are told to wait, or get its answer', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => makeOrder(store, tenant, key, body)));
  expect(await orders()).toHaveLength(1);
  for (const one of answers)
    if (one.status === 201) expect(one.body).toBe(answers.find(({ status }) => status === 201)?.body);
    else {
      expect([one.status, codeOf(one)]).toEqual([409, 'idempotency-in-flight']);
      expect(Number(one.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
  expect((await makeOrder(store, tenant, key, body)).headers['idempotency-replayed']).toBe('true');
});

test.each([
  ['empty', ''],
  ['a space', ' '],
  ['two words', 'a b'],
  ['no ASCII', 'ü'],
  ['too long', 'x'.repeat(256)],
])('a key that is %s is none', async (_, wrong) => {
  expect(codeOf(await makeOrder(store, tenant, wrong, body))).toBe('idempotency-key-invalid');
});

test('what answers with a secret takes no key', async () => {
  const refused = await makeOrder(store, tenant, key, body, { path: 'secrets' });
  expect([refused.status, codeOf(refused)]).toEqual([400, 'idempotency-unsupported']);
});

test('once its answer is forgotten a key makes something new', async () => {
  await makeOrder(store, tenant, key, body);
  const [kept] = await store.db.list('idempotency', { where: [['tenant', '==', tenant]] });
  const days = (kept?.data['expireAt'].toMillis() - Date.now()) / 3_600_000;
  expect(days).toBeCloseTo(KEPT_HOURS, 0);
  await store.db.commit([{ kind: 'delete', path: kept?.path ?? '' }]);
  await makeOrder(store, tenant, key, body);
  expect(await orders()).toHaveLength(2);
});

test('what lies about past its time, not removed yet, is forgotten as well', async () => {
  await makeOrder(store, tenant, key, body);
  store.ahead = KEPT_HOURS * 3_600_000 + 1000;
  const next = await makeOrder(store, tenant, key, { name: 'Nuts' });
  expect([next.status, next.headers['idempotency-replayed']]).toEqual([201, undefined]);
  expect(await orders()).toHaveLength(2);
});

/** The order that is there, and what the repeated request says once its first process counts as dead. */
async function repeatLater(point: string): Promise<void> {
  const made = await orders();
  store.ahead = (IN_FLIGHT_SECONDS + 1) * 1000;
  const late = await makeOrder(store, tenant, key, body);
  expect([point, late.status]).toEqual([point, 201]);
  const found = await orders();
  expect([point, found.length]).toEqual([point, 1]);
  expect(JSON.parse(late.body)).toEqual(found[0]?.data);
  if (made.length > 0) expect(found[0]?.id).toBe(made[0]?.id);
  // One order, one entry of the audit that tells of it.
  expect([point, (await store.db.list(`tenants/${tenant}/audit`)).length]).toEqual([point, 1]);
}

test('a process that stops at any write, before it or after, has made nothing that the repeated request makes again', async () => {
  // The key taken, the order with its audit and message, the message published, the answer kept.
  for (let stopAt = 1; stopAt <= 4; stopAt++)
    for (const side of ['before', 'after']) {
      const point = `${side} ${stopAt}`;
      tenant = freshTenant();
      store.ahead = 0;
      let writes = 0;
      const stopped = new Promise<void>((resolve) => {
        const commit: typeof store.db.commit = async (batch) => {
          writes += 1;
          if (writes !== stopAt || side === 'after') await store.db.commit(batch);
          if (writes < stopAt) return;
          // Dead: it neither goes on nor comes back.
          resolve();
          await new Promise(() => undefined);
        };
        void makeOrder({ ...store, db: { ...store.db, commit } }, tenant, key, body);
      });
      await stopped;
      const early = await makeOrder(store, tenant, key, body);
      if (point === 'before 1') expect(early.headers['idempotency-replayed']).toBeUndefined();
      else if (point === 'after 4') expect(early.headers['idempotency-replayed']).toBe('true');
      else {
        expect([point, early.status, codeOf(early)]).toEqual([point, 409, 'idempotency-in-flight']);
        expect(Number(early.headers['retry-after'])).toBeLessThanOrEqual(IN_FLIGHT_SECONDS);
      }
      await repeatLater(point);
    }
});

test.each(['after-2', 'before-4'])(
  'a process that is really killed: %s',
  async (point) => {
    const killed = await new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--no-warnings', join(import.meta.dirname, 'crashing-call.ts'), point, tenant, key],
        { env: { ...process.env, ...useLocalCloud().env } },
        (error) => resolve(error?.signal),
      );
    });
    expect(killed).toBe('SIGKILL');
    expect(await orders()).toHaveLength(1);
    await repeatLater(point);
  },
  240_000,
);
