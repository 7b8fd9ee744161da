/** From something that is over to a message that is delivered, with everything coming twice and dying in between. */
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { type Alert, AlertDelivery, type Observation } from '#core/alert';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { readAll } from '#store/document';
import { freshTenant, openTestStore, type TestStore } from '#tests/store';
import { seedTenant } from '#tests/tenant';
import { type Receiver, startReceiver } from '#tests/webhook-receiver';
import {
  addChannel,
  changeChannel,
  removeChannel,
  resend,
  rotateSecret,
  testChannel,
} from '../../../functions/alerts/channels.ts';
import { deliver, type DeliveryWorld } from '../../../functions/alerts/deliver.ts';
import { openMailer } from '../../../functions/alerts/mail.ts';
import { takeNote } from '../../../functions/alerts/notice.ts';
import { setOffDue } from '../../../functions/alerts/watch.ts';

/** A project of its own: the watch finds nothing due of other tests. */
const store = openTestStore('demo-alerts');
const MODEL = 'mtest';
const keys = { current: new Uint8Array(32), former: [] };
const VERIFIED = ['owner0', 'viewer1'];
const people = {
  byUid: (uid: string) =>
    Promise.resolve({ uid, email: `${uid}@example.com`, emailVerified: VERIFIED.includes(uid) }),
};
const fail = (what: string): never => {
  throw new Error(what);
};
let receiver: Receiver;
let world: DeliveryWorld;

beforeAll(async () => {
  receiver = await startReceiver();
  world = {
    hosts: makeHostGuard(parseAllowedHosts(`localhost:${receiver.port}`), () =>
      Promise.resolve(['127.0.0.1']),
    ),
    ca: receiver.ca,
    keys,
    mailer: null,
    people,
  };
});
afterAll(async () => {
  await receiver.close();
  await store.db.close();
});
beforeEach(() => {
  store.ahead = 0;
  store.published.length = 0;
  receiver.got.length = 0;
  receiver.answers.length = 0;
});

const channels = { keys, people, mail: true };
async function scene() {
  const { id: tenant } = await seedTenant(store, ['owner', 'viewer', 'editor']);
  const model = { id: MODEL, name: 'Parts', description: '', status: 'draft', liveDeployment: null };
  const createdAt = toMoment(store.clock());
  await store.db.commit([{ kind: 'set', path: paths.model(tenant, MODEL), data: { ...model, createdAt } }]);
  const hook = await addChannel(store, channels, tenant, 'owner0', {
    name: 'Hook',
    model: null,
    kinds: ['etl', 'schedule'],
    enabled: true,
    target: { kind: 'webhook', url: `https://localhost:${receiver.port}/hook?key=hush` },
  });
  const place = { tenant, model: MODEL };
  const key = { tenant, channel: hook.channel.id };
  return {
    tenant,
    place,
    key,
    hook,
    alerts: () => store.db.list(paths.alerts(tenant, MODEL)),
    deliveries: () => readAll(store, paths.alertDeliveries(tenant), AlertDelivery),
  };
}
const seen = (minute: number, healthy: boolean): Observation => ({
  subject: { kind: 'etl', id: MODEL, name: 'Parts' },
  healthy,
  at: toMoment(Date.parse('2026-11-01T08:00:00Z') + minute * 60_000),
  evidence: `rrun${minute}`,
  cause: healthy ? null : { code: 'source-unreachable', message: 'It did not answer.', remedy: 'Start it.' },
});
/** Handles every delivery message so far, each twice and at once. */
async function handleAll(over: DeliveryWorld = world): Promise<void> {
  const asked = store.published
    .splice(0)
    .map(({ payload }) => payload as { tenant: string; delivery: string });
  for (const { tenant, delivery } of asked)
    await Promise.all([deliver(store, over, tenant, delivery), deliver(store, over, tenant, delivery)]);
}

test('one message per change, signed, however often and by however many it is noticed', async () => {
  const { tenant, place, hook, alerts } = await scene();
  const both = (one: Observation) => Promise.all([takeNote(store, place, one), takeNote(store, place, one)]);
  const [first] = (await both(seen(1, false))).filter((one): one is Alert => one !== null);
  await both(seen(2, false));
  await handleAll();
  expect(receiver.got).toHaveLength(1);
  const [{ headers, body, path } = fail('nothing')] = receiver.got;
  expect(path).toBe('/hook?key=hush');
  expect(JSON.parse(body)).toEqual({
    id: first?.id,
    type: 'alert.failed',
    tenant,
    model: { id: MODEL, name: 'Parts' },
    subject: { kind: 'etl', id: MODEL, name: 'Parts' },
    at: seen(1, false).at,
    evidence: 'rrun1',
    cause: seen(1, false).cause,
  });
  const [, t = '', v1 = ''] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['tradewind-signature'])) ?? [];
  expect(v1).toBe(
    createHmac('sha256', hook.secret ?? '')
      .update(`${t}.${body}`)
      .digest('hex'),
  );
  expect(Math.abs(Number(t) - Date.now() / 1000)).toBeLessThan(60);

  await both(seen(3, true));
  await both(seen(1, false));
  await handleAll();
  expect(receiver.got.map((one) => one.headers['tradewind-event'])).toEqual([
    'alert.failed',
    'alert.recovered',
  ]);
  // Whoever recovers says what it recovers from.
  expect(JSON.parse(receiver.got[1]?.body ?? '{}')).toMatchObject({ cause: { code: 'source-unreachable' } });
  expect(await alerts()).toHaveLength(2);
});

/** A store whose process dies before or after its `n`th write. */
function dying(n: number, when: 'before' | 'after'): TestStore {
  let writes = 0;
  const die = () => {
    throw new Error('killed');
  };
  const db = Object.create(store.db) as TestStore['db'];
  db.commit = async (batch) => {
    writes += 1;
    if (writes > n || (writes === n && when === 'before')) die();
    await store.db.commit(batch);
    if (writes === n) die();
  };
  const bus: TestStore['bus'] = {
    ...store.bus,
    publish: (...args) => (writes >= n ? die() : store.bus.publish(...args)),
  };
  return Object.assign(Object.create(store) as TestStore, { db, bus });
}

test('whatever dies in between, one alert is kept and its message arrives, at worst twice under one id', async () => {
  for (const when of ['before', 'after'] as const)
    for (const n of [1, 2]) {
      const { tenant, place, alerts } = await scene();
      receiver.got.length = 0;
      store.published.length = 0;
      // Noticing dies; the message that had it noticed comes again.
      await takeNote(dying(n, when), place, seen(1, false)).catch(() => undefined);
      await takeNote(store, place, seen(1, false));
      expect(await alerts()).toHaveLength(1);
      // Delivering dies, at each of its writes; the watch has it taken up when the try is over.
      const [{ id } = fail('no delivery')] = await readAll(
        store,
        paths.alertDeliveries(tenant),
        AlertDelivery,
      );
      await deliver(dying(n, when), world, tenant, id).catch(() => undefined);
      store.ahead += 90_000;
      store.published.length = 0;
      await setOffDue(store);
      await handleAll();
      const [delivery] = await readAll(store, paths.alertDeliveries(tenant), AlertDelivery);
      expect(delivery).toMatchObject({ status: 'delivered', nextAt: null });
      expect(new Set(receiver.got.map((one) => one.headers['tradewind-delivery'])).size).toBe(1);
      expect(receiver.got.length).toBeLessThanOrEqual(2);
    }
});

test('a receiver that does not take it is asked again with growing pauses, and then no more, until a person says so', async () => {
  const { tenant, place, key, deliveries } = await scene();
  await takeNote(store, place, seen(1, false));
  receiver.answers.push(500, 503, 500);
  await handleAll();
  const [first = fail('none')] = await deliveries();
  const pause = (one: AlertDelivery) => Math.round((Date.parse(one.nextAt ?? '') - store.clock()) / 1000);
  expect(pause(first)).toBe(30);
  // Too early it is not tried.
  expect(await deliver(store, world, tenant, first.id)).toBeNull();
  store.ahead += 60_000;
  expect(await setOffDue(store)).toBe(1);
  await handleAll();
  const [second = fail('none')] = await deliveries();
  expect(pause(second)).toBe(120);
  // As after seven tries.
  const path = paths.alertDelivery(tenant, first.id);
  await store.db.commit([{ kind: 'update', path, data: { tries: 7, nextAt: toMoment(store.clock()) } }]);
  await deliver(store, world, tenant, first.id);
  const [failed = fail('none')] = await deliveries();
  expect(failed).toMatchObject({ status: 'failed', nextAt: null });
  expect(failed.attempts.map((one) => one.status)).toEqual([500, 503, 500]);
  expect(failed.attempts[0]?.failure).toMatchObject({ code: 'webhook-refused' });
  expect(await setOffDue(store)).toBe(0);
  store.published.length = 0;
  await resend(store, key, failed.id, 'owner0');
  await expect(resend(store, key, failed.id, 'owner0')).rejects.toMatchObject({ code: 'not-possible' });
  await handleAll();
  expect((await deliveries())[0]).toMatchObject({ status: 'delivered' });
});

test('a name that is not known for a while is asked for again', async () => {
  const { tenant, place, deliveries } = await scene();
  await takeNote(store, place, seen(1, false));
  const [{ id } = fail('none')] = await deliveries();
  const hosts = makeHostGuard([], () => Promise.resolve([]));
  expect(await deliver(store, { ...world, hosts }, tenant, id)).toMatchObject({
    status: 'pending',
    attempts: [{ failure: { code: 'host-unknown' } }],
  });
  store.ahead += 60_000;
  expect(await deliver(store, world, tenant, id)).toMatchObject({ status: 'delivered' });
});

test('secrets are shown once and kept sealed; while one is rotated both sign', async () => {
  const { tenant, key, hook } = await scene();
  const rotated = await rotateSecret(store, channels, key, 'owner0', 1);
  expect(rotated.secret).not.toBe(hook.secret);
  await testChannel(store, key, 'owner0');
  await handleAll();
  store.ahead += 2 * 3_600_000;
  await testChannel(store, key, 'owner0');
  await handleAll();
  const signed = receiver.got.map(({ headers, body }) => {
    const [t = '', ...parts] = String(headers['tradewind-signature']).split(',');
    return parts.map((part) =>
      [hook, rotated].findIndex(
        ({ secret }) =>
          part ===
          `v1=${createHmac('sha256', secret ?? '')
            .update(`${t.slice(2)}.${body}`)
            .digest('hex')}`,
      ),
    );
  });
  expect(signed).toEqual([[1, 0], [1]]);
  // Neither the secrets nor the address, which may be one, are in any record.
  const records = [
    ...(await store.db.list(paths.alertChannels(tenant))),
    ...(await store.db.list(paths.audits(tenant))),
    ...(await store.db.list(paths.alertDeliveries(tenant))),
    await store.db.get(paths.sealed(paths.alertChannel(tenant, key.channel).replaceAll('/', '~'))),
  ];
  const text = JSON.stringify(records);
  for (const hidden of [hook.secret, rotated.secret, 'hush']) expect(text).not.toContain(hidden);
  // Another address keeps the secret; one that may not be called is found out when it is called.
  await changeChannel(store, channels, key, 'owner0', {
    target: { kind: 'webhook', url: 'https://127.0.0.1:1/x' },
  });
  const [refused = fail('none')] = await testChannel(store, key, 'owner0');
  await handleAll();
  const [sent] = (await readAll(store, paths.alertDeliveries(tenant), AlertDelivery)).filter(
    ({ id }) => id === refused.id,
  );
  expect(sent).toMatchObject({ status: 'failed', attempts: [{ failure: { code: 'host-refused' } }] });
  await removeChannel(store, key, 'owner0');
  expect(
    await store.db.get(paths.sealed(paths.alertChannel(tenant, key.channel).replaceAll('/', '~'))),
  ).toBeNull();
});

test('e-mail goes to members who have confirmed their address, each by itself, by SMTP or a provider', async () => {
  const { tenant, place, deliveries } = await scene();
  const target = (...members: string[]) => ({ kind: 'email' as const, members });
  const email = { name: 'Mail', model: MODEL, kinds: ['etl' as const], enabled: true };
  for (const members of [['stranger0'], ['owner0', 'editor2']])
    await expect(
      addChannel(store, channels, tenant, 'owner0', { ...email, target: target(...members) }),
    ).rejects.toMatchObject({ code: 'address-unverified' });
  await expect(
    addChannel(store, { ...channels, mail: false }, tenant, 'owner0', { ...email, target: target('owner0') }),
  ).rejects.toMatchObject({ code: 'mail-not-configured' });
  const made = await addChannel(store, channels, tenant, 'owner0', {
    ...email,
    target: target('owner0', 'viewer1'),
  });
  expect(made.secret).toBeNull();
  store.published.length = 0;
  await takeNote(store, place, seen(1, false));
  // The model has a channel of its own now: the tenant's is not told.
  expect(new Set((await deliveries()).map(({ member }) => member))).toEqual(new Set(['owner0', 'viewer1']));
  // One of them leaves before it is sent.
  await store.db.commit([{ kind: 'delete', path: paths.member(tenant, 'viewer1') }]);
  const smtp = await startSmtp();
  await handleAll({
    ...world,
    mailer: openMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from: 'a@tw.example' }),
  });
  await smtp.close();
  expect(smtp.lines.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<owner0@example.com>']);
  expect(smtp.lines.join('\n')).toContain('Subject: =?UTF-8?');
  const outcome = Object.fromEntries((await deliveries()).map((one) => [one.member, one]));
  expect(outcome['owner0']).toMatchObject({ status: 'delivered' });
  expect(outcome['viewer1']).toMatchObject({
    status: 'failed',
    attempts: [{ failure: { code: 'address-unverified' } }],
  });
});

/** As much of an SMTP server as a mail needs. */
async function startSmtp(): Promise<{ port: number; lines: string[]; close(): Promise<void> }> {
  const lines: string[] = [];
  const server: Server = createServer((socket) => {
    let body = false;
    socket.write('220 ready\r\n');
    socket.on('data', (chunk) => {
      for (const line of chunk
        .toString('utf8')
        .split('\r\n')
        .filter((one) => one !== '')) {
        lines.push(line);
        if (body && line !== '.') continue;
        body = line === 'DATA';
        socket.write(body ? '354 go on\r\n' : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    lines,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test('nothing of another tenant is delivered, nor to one that is suspended', async () => {
  const { tenant, place, deliveries } = await scene();
  await takeNote(store, place, seen(1, false));
  const [{ id } = fail('none')] = await deliveries();
  expect(await deliver(store, world, freshTenant(), id)).toBeNull();
  const found = await store.db.get(paths.tenant(tenant));
  await store.db.commit([
    { kind: 'set', path: paths.tenant(tenant), data: { ...found?.data, status: 'suspended' } },
  ]);
  await handleAll();
  expect(receiver.got).toEqual([]);
  expect((await deliveries())[0]).toMatchObject({ status: 'failed' });
});
