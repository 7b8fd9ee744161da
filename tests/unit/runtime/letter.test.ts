import { readLetter } from '../../../functions/runtime/letter.ts';

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const delivered = (message: object) => ({ message: { messageId: '1', ...message } });

test('a function’s letter says what it was and why', () => {
  const said = {
    topic: 'etl-requested',
    data: '{}',
    reason: 'Not now.',
    function: 'etl-requested',
    attempts: 6,
  };
  const letter = readLetter(delivered({ data: base64(said), attributes: { requestId: 'request-1' } }));
  expect(letter).toMatchObject({ ...said, requestId: 'request-1' });
});

test('Pub/Sub’s own letters are known by whence they came, not by their own ids', () => {
  const attributes = {
    topic: 'etl-requested',
    CloudPubSubDeadLetterSourceSubscription: 'eventarc-etl-requested',
    CloudPubSubDeadLetterSourceTopicPublishTime: '2026-01-01T00:00:00Z',
    CloudPubSubDeadLetterSourceDeliveryCount: '50',
  };
  const first = readLetter(delivered({ data: base64({ tenant: 't1234' }), attributes }));
  const again = readLetter({ message: { messageId: '2', data: base64({ tenant: 't1234' }), attributes } });
  expect(first).toMatchObject({ topic: 'etl-requested', function: 'etl-requested', attempts: 50 });
  expect(again).toEqual(first);
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['no envelope', { data: 'x' }],
  ['no JSON', delivered({ data: Buffer.from('{').toString('base64') })],
  ['no data', delivered({})],
  ['a hostile request id', delivered({ data: base64({}), attributes: { requestId: 'a\nb' } })],
  [
    'a topic that is none',
    delivered({ attributes: { topic: 'constructor', CloudPubSubDeadLetterSourceSubscription: 's' } }),
  ],
])('%s is kept as unknown, not refused', (_, given) => {
  expect(readLetter(given)).toMatchObject({ topic: 'unknown', requestId: null });
});
