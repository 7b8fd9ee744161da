import { randomUUID } from 'node:crypto';
import { PubSub } from '@google-cloud/pubsub';
import { discardDeadLetter, getDeadLetter, listDeadLetters, replayDeadLetter } from '#core/api/control-plane';
import { DEAD_LETTER_TOPIC } from '#core/events';
import { listInstallationAudit, verifyInstallationAudit } from '#core/api/operator';
import { paths } from '#core/paths';
import { refusalOf, signUpPerson } from '#tests/account';
import { eventually } from '#tests/eventually';
import { freshTenant, openTestStore } from '#tests/store';

const store = openTestStore();
const pubsub = new PubSub({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] ?? '' });
let operator: Awaited<ReturnType<typeof signUpPerson>>;
beforeAll(async () => {
  operator = await signUpPerson();
  await store.db.commit([
    {
      kind: 'create',
      path: paths.operator(operator.uid),
      data: { uid: operator.uid, addedAt: '2026-01-01T00:00:00.000Z' },
    },
  ]);
});
afterAll(async () => {
  await pubsub.close();
  await store.db.close();
});

const lettersOf = async (tenant: string, state?: 'waiting' | 'replayed') =>
  (await operator.call(listDeadLetters, { query: { tenant, ...(state === undefined ? {} : { state }) } }))
    .items;
const arrived = (tenant: string, count: number) =>
  eventually(`${count} dead letters`, async () => {
    const found = await lettersOf(tenant);
    return found.length >= count ? found : null;
  });

test('a message that comes to nothing is kept, read, replayed once, and comes back as another', async () => {
  const tenant = freshTenant();
  const requestId = `request-${randomUUID()}`;
  // There is no such run, nor any to record that on.
  const payload = { tenant, model: 'm12345', run: 'r12345' };
  await pubsub.topic('etl-requested').publishMessage({ json: payload, attributes: { requestId } });
  const [first] = await arrived(tenant, 1);
  expect(first).toMatchObject({
    topic: 'etl-requested',
    function: 'etl-requested',
    state: 'waiting',
    tenant,
    model: 'm12345',
    requestId,
    attempts: 1,
  });
  expect(first).not.toHaveProperty('data');
  const params = { letter: first?.id ?? '' };
  const whole = await operator.call(getDeadLetter, { params });
  expect(JSON.parse(whole.data)).toEqual(payload);

  const replays = await Promise.all([1, 2, 3].map(() => operator.call(replayDeadLetter, { params })));
  for (const one of replays) expect(one).toMatchObject({ state: 'replayed', decidedBy: operator.uid });
  await arrived(tenant, 2);
  // Each replay that was published would have come back by now, or within the next look.
  await operator.call(replayDeadLetter, { params });
  const [again] = await lettersOf(tenant, 'waiting');
  expect(await refusalOf(operator.call(discardDeadLetter, { params }))).toMatchObject({ code: 'conflict' });
  const discarded = await operator.call(discardDeadLetter, { params: { letter: again?.id ?? '' } });
  expect(discarded.state).toBe('discarded');
  expect(await lettersOf(tenant)).toHaveLength(2);
  expect(await lettersOf(tenant, 'replayed')).toHaveLength(1);

  // The tenant is not there: who decided is kept for the operators.
  const { items } = await operator.call(listInstallationAudit, { query: { actor: operator.uid } });
  const about = ({ letter }: { letter: string }) =>
    items.filter(({ target }) => target === paths.deadLetter(letter)).map(({ action }) => action);
  expect(about(params)).toEqual(['dead-letter.replay']);
  expect(about({ letter: again?.id ?? '' })).toEqual(['dead-letter.discard']);
  expect(await operator.call(verifyInstallationAudit, { query: {} })).toMatchObject({ intact: true });
});

test('Pub/Sub’s own dead letter, delivered twice, is one; what is no message at all is kept too', async () => {
  const tenant = freshTenant();
  const attributes = {
    topic: 'training-requested',
    CloudPubSubDeadLetterSourceSubscription: 'eventarc-pipelines-training',
    CloudPubSubDeadLetterSourceTopicPublishTime: '2026-01-01T00:00:00.000+00:00',
    CloudPubSubDeadLetterSourceDeliveryCount: '50',
  };
  const payload = { tenant, model: 'm12345', run: 'r12345' };
  const topic = pubsub.topic(DEAD_LETTER_TOPIC);
  await topic.publishMessage({ json: payload, attributes });
  await topic.publishMessage({ json: payload, attributes });
  await topic.publishMessage({ json: { tenant, nonsense: true } });
  const found = await arrived(tenant, 2);
  expect(found.find((one) => one.topic === 'training-requested')).toMatchObject({
    function: 'pipelines-training',
    attempts: 50,
  });
  const unknown = found.find((one) => one.topic === 'unknown');
  const params = { letter: unknown?.id ?? '' };
  expect(await refusalOf(operator.call(replayDeadLetter, { params }))).toMatchObject({
    status: 409,
    code: 'not-replayable',
  });
  expect(await operator.call(discardDeadLetter, { params })).toMatchObject({ state: 'discarded' });
  expect(await lettersOf(tenant)).toHaveLength(2);
});

test('nobody but an operator sees any of it', async () => {
  const person = await signUpPerson();
  for (const attempt of [
    () => person.call(listDeadLetters, { query: {} }),
    () => person.call(getDeadLetter, { params: { letter: 'l1234567' } }),
    () => person.call(replayDeadLetter, { params: { letter: 'l1234567' } }),
    () => person.call(discardDeadLetter, { params: { letter: 'l1234567' } }),
  ])
    expect(await refusalOf(attempt())).toMatchObject({ status: 403, code: 'forbidden' });
  const denied = { actor: person.uid, outcome: 'denied' as const };
  const told = await eventually('the refusals are kept', async () => {
    const { items } = await operator.call(listInstallationAudit, { query: denied });
    return items.length < 4 ? null : items;
  });
  expect(told.map(({ action }) => action)).toContain('POST /api/control-plane/dead-letters/{letter}/discard');
});
