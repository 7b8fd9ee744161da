/** API keys that are none, no longer, or not for this: each refused through the front door, beside a good one that is not. */
import { randomBytes } from 'node:crypto';
import { createKey, listKeys, revokeKey, rollKey } from '#core/api/keys';
import { createModel } from '#core/api/models';
import type { Problem } from '#core/api/contract';
import { paths } from '#core/paths';
import { hashOfToken, makeKeyToken } from '#store/api-keys';
import { type Account, openAccount } from '#tests/account';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';

const store = openTestStore();
let account: Account;
let other: Account;
let secondModel: string;
/** A key that reads the whole tenant, and one that reads one model. */
let good: { readonly id: string; readonly token: string };
let ofModel: { readonly id: string; readonly token: string };

beforeAll(async () => {
  [account, other] = await Promise.all([openAccount(), openAccount()]);
  const { tenant, model } = account.params;
  secondModel = (await account.call(createModel, { params: { tenant }, body: { name: 'Second' } })).id;
  good = await makeKey();
  ofModel = await makeKey({ model });
});
afterAll(() => store.db.close());

async function makeKey(more: { model?: string } = {}, of = account) {
  const { key, token } = await of.call(createKey, {
    params: { tenant: of.params.tenant },
    body: { name: 'Shop', scopes: ['read'], ...more },
  });
  return { id: key.id, token };
}

type Sent = Readonly<Record<string, string>>;
const bearer = (token: string): Sent => ({ authorization: `Bearer ${token}` });
const models = () => `/api/tenants/${account.params.tenant}/models`;

async function ask(headers: Sent, path = models(), method = 'GET') {
  const response = await fetch(`${useLocalCloud().urls.web}${path}`, {
    method,
    headers: { ...headers, ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) },
    ...(method === 'GET' ? {} : { body: '{"name":"Made by a key"}' }),
  });
  const text = await response.text();
  // A problem, or what the contract answers.
  const { code } = JSON.parse(text) as Partial<Problem>;
  return { status: response.status, code, text };
}

test('control: a good key is let in, in either header', async () => {
  expect(await ask(bearer(good.token))).toMatchObject({ status: 200 });
  expect(await ask({ 'x-api-key': good.token })).toMatchObject({ status: 200 });
});

const parts = (token: string) => {
  const sum = token.slice(-6);
  return { body: token.slice(0, -7), sum };
};
/** The same text with another last character. */
const mistyped = (text: string) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A');

const NO_SIGN_IN: Readonly<Record<string, () => Sent>> = {
  'of a key that never was': () => bearer(makeKeyToken('knothere', (n) => randomBytes(n)).token),
  'of this key with another secret and the checksum that fits': () =>
    bearer(makeKeyToken(good.id, (n) => randomBytes(n)).token),
  'with a mistyped secret': () => bearer(`${mistyped(parts(good.token).body)}_${parts(good.token).sum}`),
  'with a wrong checksum': () => bearer(mistyped(good.token)),
  'without its checksum': () => bearer(parts(good.token).body),
  'cut off': () => bearer(good.token.slice(0, 30)),
  'with something after it': () => bearer(`${good.token}A`),
  'twice in a row': () => bearer(good.token + good.token),
  'the prefix that lists show': () => bearer(`tw_${good.id}`),
  'the hash that is kept of it': () => bearer(hashOfToken(good.token)),
  'in lower case': () => bearer(good.token.toLowerCase()),
  'in capitals': () => bearer(good.token.toUpperCase()),
  'with two spaces before it': () => bearer(` ${good.token}`),
  'with an encoded space after it': () => bearer(`${good.token}%20`),
  'in quotes': () => bearer(`"${good.token}"`),
  'without "Bearer"': () => ({ authorization: good.token }),
  'as Basic': () => ({ authorization: `Basic ${Buffer.from(`${good.token}:`).toString('base64')}` }),
  'in a cookie': () => ({ cookie: `authorization=Bearer ${good.token}; x-api-key=${good.token}` }),
  'in both headers': () => ({ ...bearer(good.token), 'x-api-key': good.token }),
  'beside a person’s sign-in': () => ({ ...bearer(account.token), 'x-api-key': good.token }),
  'two in one header': () => ({ 'x-api-key': `${good.token}, ${good.token}` }),
};
test.each(Object.entries(NO_SIGN_IN))('%s is no sign-in', async (_, headers) => {
  const answer = await ask(headers());
  expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
  expect(answer.text).not.toContain(good.token.slice(10, 40));
});

test.each(['key', 'api_key', 'apiKey', 'token', 'access_token', 'authorization', 'x-api-key'])(
  'in the query string as %s it is no sign-in',
  async (name) => {
    expect(await ask({}, `${models()}?${name}=${good.token}`)).toMatchObject({ status: 401 });
  },
);

test('it lets in until it is revoked, has expired, or its roll’s overlap is over', async () => {
  const { tenant } = account.params;
  const lettingIn = async ({ token }: { token: string }) => (await ask(bearer(token))).status;
  const [revoked, expired, atOnce, overlapping] = await Promise.all([
    makeKey(),
    makeKey(),
    makeKey(),
    makeKey(),
  ]);
  for (const key of [revoked, expired, atOnce, overlapping]) expect(await lettingIn(key)).toBe(200);

  await account.call(revokeKey, { params: { tenant, key: revoked.id } });
  const end = (id: string, expiresAt: string) =>
    store.db.commit([{ kind: 'update', path: paths.apiKey(tenant, id), data: { expiresAt } }]);
  await end(expired.id, new Date(Date.now() - 1).toISOString());
  const roll = ({ id }: { id: string }, overlapDays: number) =>
    account.call(rollKey, { params: { tenant, key: id }, body: { overlapDays } });
  const successor = await roll(atOnce, 0);
  const later = await roll(overlapping, 1);
  expect(await lettingIn(overlapping)).toBe(200);
  // The day is over.
  await end(overlapping.id, new Date(Date.now() - 1).toISOString());

  for (const key of [revoked, expired, atOnce, overlapping]) expect(await lettingIn(key)).toBe(401);
  for (const key of [successor, later]) expect(await lettingIn(key)).toBe(200);
});

test('of another tenant, of another model, or without the scope: not there, or not allowed', async () => {
  const { tenant, model } = account.params;
  const foreign = await makeKey({}, other);
  expect(await ask(bearer(foreign.token), `/api/tenants/${other.params.tenant}/models`)).toMatchObject({
    status: 200,
  });
  expect(await ask(bearer(foreign.token))).toMatchObject({ status: 404, code: 'not-found' });

  expect(await ask(bearer(ofModel.token), `${models()}/${model}`)).toMatchObject({ status: 200 });
  expect(await ask(bearer(ofModel.token), `${models()}/${secondModel}`)).toMatchObject({ status: 404 });
  expect(await ask(bearer(good.token), `${models()}/${secondModel}`)).toMatchObject({ status: 200 });

  expect(await ask(bearer(good.token), models(), 'POST')).toMatchObject({ status: 403, code: 'forbidden' });
  for (const path of [
    `/api/tenants/${tenant}/keys`,
    `/api/tenants/${tenant}/members`,
    '/api/tenants',
    '/api/operator/tenants',
  ])
    expect(await ask(bearer(good.token), path)).toMatchObject({ status: 403, code: 'forbidden' });
  const { items } = await account.call(listKeys, { params: { tenant } });
  expect(JSON.stringify(items)).not.toContain(good.token.slice(-20));
});

test('it opens nothing of a tenant that is suspended or deleted, and opens it again afterwards', async () => {
  const { token } = await makeKey({}, other);
  const path = `/api/tenants/${other.params.tenant}/models`;
  const stand = (status: string) =>
    store.db.commit([{ kind: 'update', path: paths.tenant(other.params.tenant), data: { status } }]);
  await stand('suspended');
  expect(await ask(bearer(token), path)).toMatchObject({ status: 403, code: 'tenant-suspended' });
  await stand('deleted');
  expect(await ask(bearer(token), path)).toMatchObject({ status: 404, code: 'not-found' });
  await stand('active');
  expect(await ask(bearer(token), path)).toMatchObject({ status: 200 });
});
