/**
 * Sign-ins as they are verified in production: real RS256 tokens, and Google's answers (its certificates, the account, the
 * function's own access token) given at the wire. No emulator: that one takes unsigned tokens.
 */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { openIdentities } from '#cloud/auth';
import { contract } from '#core/api/contract';
import { answer, type Gate, route } from '#runtime/answer';

const PROJECT = 'tradewind-signins';
const CERTIFICATES = '/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com';
const NOW = Math.floor(Date.now() / 1000);
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [google, stranger] = [pair(), pair()];
const pem = google.publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** Accounts as accounts:lookup answers them. */
const ACCOUNTS: Record<string, object> = {
  anna: { localId: 'anna', email: 'anna@example.com', validSince: String(NOW - 86_400) },
  off: { localId: 'off', disabled: true, validSince: String(NOW - 86_400) },
  out: { localId: 'out', validSince: String(NOW - 60) },
};
const LookUp = z.object({ localId: z.array(z.string()) });
const down = new Set<'certificates' | 'accounts' | 'metadata'>();
const asked: string[] = [];

const google443 = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [status, body, headers] = googleAnswers(
      request.url ?? '',
      request.headers,
      Buffer.concat(chunks).toString(),
    );
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
});

function googleAnswers(
  url: string,
  headers: http.IncomingHttpHeaders,
  body: string,
): [status: number, body: unknown, headers?: Record<string, string>] {
  asked.push(`${String(headers['x-meant-for'] ?? 'metadata')}${url}`);
  const metadata = { 'metadata-flavor': 'Google' };
  if (url.startsWith('/computeMetadata/'))
    return down.has('metadata')
      ? [404, {}, metadata]
      : [200, { access_token: 'of-the-function', expires_in: 3600, token_type: 'Bearer' }, metadata];
  if (url === CERTIFICATES)
    // Without a cache-control the library keeps them for no time: each test finds Google as it is.
    return down.has('certificates') ? [500, { error: 'later' }] : [200, { 'key-1': pem }];
  if (url.endsWith(`/projects/${PROJECT}/accounts:lookup`)) {
    if (headers.authorization !== 'Bearer of-the-function') return [401, { error: { message: 'no' } }];
    if (down.has('accounts')) return [403, { error: { code: 403, message: 'INSUFFICIENT_PERMISSION' } }];
    const users = LookUp.parse(JSON.parse(body)).localId.flatMap((uid) => ACCOUNTS[uid] ?? []);
    return [200, users.length === 0 ? {} : { users }];
  }
  return [404, { error: { message: `nothing at ${url}` } }];
}

const former = { request: https.request, env: { ...process.env } };
beforeAll(async () => {
  await new Promise<void>((resolve) => google443.listen(0, '127.0.0.1', resolve));
  // listening on TCP
  const { port } = google443.address() as AddressInfo;
  delete process.env['FIREBASE_AUTH_EMULATOR_HOST'];
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  process.env['GCE_METADATA_HOST'] = `127.0.0.1:${port}`;
  process.env['METADATA_SERVER_DETECTION'] = 'assume-present';
  const toHere = (
    { hostname, headers, method, path }: https.RequestOptions,
    then?: (response: http.IncomingMessage) => void,
  ) =>
    http.request(
      {
        host: '127.0.0.1',
        port,
        method: method ?? 'GET',
        path: path ?? '/',
        agent: false,
        headers: { ...Object(headers), 'x-meant-for': String(hostname) },
      },
      then,
    );
  // The library calls it in this one form, of the several that the type has.
  https.request = toHere as unknown as typeof https.request;
});
afterAll(async () => {
  https.request = former.request;
  process.env = former.env;
  google443.closeAllConnections();
  await new Promise((resolve) => google443.close(resolve));
});
beforeEach(() => {
  down.clear();
  asked.length = 0;
});

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = {
  iss: `https://securetoken.google.com/${PROJECT}`,
  aud: PROJECT,
  sub: 'anna',
  user_id: 'anna',
  email: 'anna@example.com',
  auth_time: NOW - 600,
  iat: NOW - 600,
  exp: NOW + 3000,
  firebase: { sign_in_provider: 'password', identities: {} },
};
/** A token as Google signs it, with what is changed in it. */
function tokenOf(change: object = {}, head: object = {}, key: KeyObject = google.privateKey): string {
  const text = `${part({ alg: 'RS256', kid: 'key-1', typ: 'JWT', ...head })}.${part({ ...claims, ...change })}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
}
/** With `alg` of the attacker's choice, and the public key, which everybody knows, as the secret. */
function symmetric(): string {
  const text = `${part({ alg: 'HS256', kid: 'key-1', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
}
const without = (name: keyof typeof claims) => tokenOf({ [name]: undefined });
const swapPart = (token: string, index: number, by: string) =>
  token
    .split('.')
    .map((old, at) => (at === index ? by : old))
    .join('.');

const failures: unknown[] = [];
const gate: Gate = {
  identities: openIdentities(PROJECT),
  membership: () => Promise.resolve(null),
  makeRequestId: () => 'request-1',
  onFailure: (error) => failures.push(error),
};
const me = contract({
  method: 'GET',
  path: '/api/me',
  access: 'signed-in',
  summary: 'x',
  answer: z.object({ uid: z.string(), email: z.string().nullable() }),
});
const routes = [route(me, async ({ person }) => ({ uid: person().uid, email: person().email }))];
async function ask(headers: Record<string, string>) {
  const { status, body } = await answer(routes, gate, {
    method: 'GET',
    url: '/api/me',
    headers,
    body: new Uint8Array(),
  });
  return { status, json: JSON.parse(body) as unknown };
}
const bearer = (token: string) => ask({ authorization: `Bearer ${token}` });

test('control: a token that Google signed for this project signs its person in', async () => {
  expect(await bearer(tokenOf())).toEqual({ status: 200, json: { uid: 'anna', email: 'anna@example.com' } });
  expect(asked).toEqual(
    expect.arrayContaining([
      `www.googleapis.com${CERTIFICATES}`,
      expect.stringMatching(/^identitytoolkit\.googleapis\.com.*accounts:lookup$/),
    ]),
  );
});

const BAD: Readonly<Record<string, () => Record<string, string>>> = {
  'no header at all': () => ({}),
  'an empty one': () => ({ authorization: 'Bearer ' }),
  'another scheme': () => ({ authorization: `Basic ${tokenOf()}` }),
  'no scheme': () => ({ authorization: tokenOf() }),
  'two tokens in one header': () => ({ authorization: `Bearer ${tokenOf()}, Bearer ${tokenOf()}` }),
};
const BAD_TOKENS: Readonly<Record<string, () => string>> = {
  'no token': () => 'garbage',
  'three parts of nothing': () => 'a.b.c',
  'no signature': () => swapPart(tokenOf(), 2, ''),
  'claims that are null': () => swapPart(tokenOf(), 1, Buffer.from('null').toString('base64url')),
  expired: () => tokenOf({ exp: NOW - 1 }),
  'not valid yet': () => tokenOf({ nbf: NOW + 3600 }),
  'issued in the future': () => tokenOf({ iat: NOW + 86_400, exp: NOW + 90_000 }),
  'signed in in the future, to outlive a revocation': () => tokenOf({ auth_time: NOW + 86_400 }),
  'without a moment of signing in': () => without('auth_time'),
  'for another audience': () => tokenOf({ aud: 'somebody-else' }),
  'for several audiences': () => tokenOf({ aud: [PROJECT, 'somebody-else'] }),
  'of another issuer': () => tokenOf({ iss: `https://evil.example/${PROJECT}` }),
  'of another project': () =>
    tokenOf({ aud: 'other-project', iss: 'https://securetoken.google.com/other-project' }),
  'a session cookie’s': () => tokenOf({ iss: `https://session.firebase.google.com/${PROJECT}` }),
  'a custom token': () =>
    tokenOf({
      aud: 'https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit',
    }),
  'unsigned (alg none)': () => swapPart(tokenOf({}, { alg: 'none' }), 2, ''),
  'unsigned, with the old signature': () =>
    swapPart(tokenOf(), 0, part({ alg: 'none', kid: 'key-1', typ: 'JWT' })),
  'signed by HS256 with the public key': symmetric,
  'of a key Google does not name': () => tokenOf({}, { kid: 'key-9' }),
  'of a key named like what every object has': () => tokenOf({}, { kid: 'constructor' }),
  'without a key’s name': () => tokenOf({}, { kid: undefined }),
  'signed by somebody else': () => tokenOf({}, {}, stranger.privateKey),
  'changed after it was signed': () => swapPart(tokenOf(), 1, part({ ...claims, sub: 'boss' })),
  'of nobody': () => without('sub'),
  'of a person without a name': () => tokenOf({ sub: '' }),
  'of a person who is no text': () => tokenOf({ sub: 7 }),
  'revoked since the person signed in': () => tokenOf({ sub: 'out' }),
  'of a disabled person': () => tokenOf({ sub: 'off' }),
  'of a deleted person': () => tokenOf({ sub: 'gone' }),
};
test.each([
  ...Object.entries(BAD),
  ...Object.entries(BAD_TOKENS).map(
    ([kind, make]) => [kind, () => ({ authorization: `Bearer ${make()}` })] as const,
  ),
])('%s is no sign-in', async (_, headers) => {
  failures.length = 0;
  expect(await ask(headers())).toMatchObject({ status: 401, json: { code: 'unauthenticated' } });
  expect(failures).toEqual([]);
});

test('control: after a revocation a new sign-in is good again', async () => {
  expect(await bearer(tokenOf({ sub: 'out', auth_time: NOW - 30, iat: NOW - 30 }))).toMatchObject({
    status: 200,
    json: { uid: 'out' },
  });
});

test('a clock a little behind Google’s shuts nobody out', async () => {
  expect(await bearer(tokenOf({ iat: NOW + 60, auth_time: NOW + 60 }))).toMatchObject({ status: 200 });
});

test.each(['certificates', 'accounts'] as const)(
  'while Google does not answer (%s) nobody is told to sign in again, nor let in',
  async (piece) => {
    down.add(piece);
    expect(await bearer(tokenOf())).toMatchObject({ status: 503, json: { code: 'auth-unavailable' } });
  },
);

test('no token makes a bad sign-in look like trouble of the service', async () => {
  const words = 'Error fetching public keys';
  for (const change of [{ aud: words }, { iss: words }])
    expect(await bearer(tokenOf(change))).toMatchObject({ status: 401 });
});
