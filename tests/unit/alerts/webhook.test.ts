/** Calls of webhooks on a real server over TLS. */
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { type Receiver, startReceiver } from '#tests/webhook-receiver';
import { postWebhook } from '../../../functions/alerts/webhook.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const world = (allowed = `localhost:${receiver.port}`) => ({
  hosts: makeHostGuard(parseAllowedHosts(allowed), () => Promise.resolve(['127.0.0.1'])),
  ca: receiver.ca,
  limitMs: 400,
});
const post = (path: string, over = world()) =>
  postWebhook(over, `https://localhost:${receiver.port}${path}`, { 'x-one': '1' }, '{"é":1}');

test('what is posted arrives as it was signed, and the status is the answer', async () => {
  receiver.answers.push(204);
  expect(await post('/hook?a=b')).toBe(204);
  expect(receiver.got.at(-1)).toMatchObject({
    method: 'POST',
    path: '/hook?a=b',
    body: '{"é":1}',
    headers: { 'x-one': '1', 'content-type': 'application/json', host: `localhost:${receiver.port}` },
  });
});

test.each([
  [500, 'TransientError', 'webhook-refused'],
  [404, 'TransientError', 'webhook-refused'],
  [302, 'TransientError', 'webhook-refused'],
  [410, 'TerminalError', 'webhook-gone'],
] as const)('an answer of %p is %p %p', async (status, name, code) => {
  receiver.answers.push(status);
  const before = receiver.got.length;
  await expect(post('/hook')).rejects.toMatchObject({ name, code, details: { status } });
  // A redirect is followed nowhere.
  expect(receiver.got.length).toBe(before + 1);
});

test('a private address is called only where the operator allows it, at that port', async () => {
  await expect(post('/hook', world(''))).rejects.toMatchObject({ code: 'host-refused' });
  await expect(post('/hook', world('localhost:1'))).rejects.toMatchObject({ code: 'host-refused' });
  const metadata = {
    ...world('0.0.0.0/0'),
    hosts: makeHostGuard(parseAllowedHosts('0.0.0.0/0'), () => Promise.resolve(['169.254.169.254'])),
  };
  await expect(post('/hook', metadata)).rejects.toMatchObject({ code: 'host-refused' });
});

test('whoever does not answer, or is not who they say, is not waited for', async () => {
  receiver.answers.push('silent');
  await expect(post('/hook')).rejects.toMatchObject({ code: 'webhook-unreachable' });
  await expect(post('/hook', { ...world(), ca: '' })).rejects.toMatchObject({ code: 'tls-untrusted' });
  await expect(postWebhook(world('localhost:1'), 'https://localhost:1/x', {}, '{}')).rejects.toMatchObject({
    name: 'TransientError',
    code: 'webhook-unreachable',
  });
});
