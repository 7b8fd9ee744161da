import { randomUUID } from 'node:crypto';
import { createKey, getKey, revokeKey } from '#core/api/keys';
import { createModel, getModel, listModels } from '#core/api/models';
import { startEtl } from '#core/api/etl';
import { makeClient } from '#core/api/client';
import { createUpload } from '#core/api/sources';
import { AuditRecord, INSTALLATION } from '#core/audit';
import { LogChunk } from '#core/log';
import { paths } from '#core/paths';
import { type Account, openAccount, refusalOf, signUpPerson } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';

const store = openTestStore();
afterAll(() => store.db.close());
let account: Account;
beforeAll(async () => {
  account = await openAccount();
});

const { urls } = useLocalCloud();
/** A client that sends `headers` with everything. */
const clientWith = (token: string, headers: Record<string, string> = {}) =>
  makeClient({
    baseUrl: urls.web,
    token: async () => token,
    // What makeClient gives are plain objects.
    fetch: (url, init) => fetch(url, { ...init, headers: { ...Object(init?.headers), ...headers } }),
  });
const ofTenant = () => ({ params: { tenant: account.params.tenant } });
const audit = async (tenant: string) =>
  (await store.db.list(paths.audits(tenant))).map(({ data }) => AuditRecord.parse(data));

test('a key made through the API reads, is marked as used, does no more than its scopes, and ends when revoked', async () => {
  const { key, token } = await account.call(createKey, {
    ...ofTenant(),
    body: { name: 'Shop', scopes: ['read'] },
  });
  const machine = clientWith(token);
  expect((await machine(listModels, ofTenant())).items).toHaveLength(1);
  const viaHeader = await fetch(`${urls.web}/api/tenants/${account.params.tenant}/models`, {
    headers: { 'x-api-key': token },
  });
  expect(viaHeader.status).toBe(200);
  expect(viaHeader.headers.get('ratelimit-limit')).toBe('1200');
  const byId = { params: { tenant: account.params.tenant, key: key.id } };
  const { lastUsedAt } = await account.call(getKey, byId);
  expect(lastUsedAt).not.toBeNull();
  await machine(listModels, ofTenant());
  // A minute has not passed.
  expect((await account.call(getKey, byId)).lastUsedAt).toBe(lastUsedAt);

  expect(await refusalOf(machine(createModel, { ...ofTenant(), body: { name: 'x' } }))).toMatchObject({
    status: 403,
    code: 'forbidden',
  });
  const denied = await eventually('the denial', async () =>
    (await audit(account.params.tenant)).filter(({ outcome }) => outcome === 'denied').at(0),
  );
  expect(denied).toMatchObject({ actor: `key:${key.id}`, action: 'POST /api/tenants/{tenant}/models' });

  await account.call(revokeKey, byId);
  expect(await refusalOf(machine(listModels, ofTenant()))).toMatchObject({ status: 401 });
});

test('a stranger learns nothing of a tenant; the tenant learns of the stranger, once a minute', async () => {
  const stranger = await signUpPerson();
  const foreign = { params: account.params };
  const none = { params: { tenant: 'tnothing12345678', model: account.params.model } };
  const refusals = await Promise.all([
    ...Array.from({ length: 5 }, () => refusalOf(stranger.call(getModel, foreign))),
    refusalOf(stranger.call(getModel, none)),
  ]);
  const said = refusals.map((one) =>
    JSON.stringify({ ...one, requestId: '' }).replaceAll(account.params.tenant, none.params.tenant),
  );
  expect(new Set(said).size).toBe(1);
  const entries = await eventually('the entry', async () => {
    const found = (await audit(account.params.tenant)).filter(({ actor }) => actor === stranger.uid);
    return found.length > 0 ? found : null;
  });
  // Two where the minute has changed in between.
  expect(entries.length).toBeLessThanOrEqual(2);
  expect(entries[0]).toMatchObject({
    outcome: 'denied',
    action: 'GET /api/tenants/{tenant}/models/{model}',
    target: `tenants/${account.params.tenant}/models/${account.params.model}`,
  });
});

test('who tries tenants that are not there is told of to the operator, once a minute however many they try', async () => {
  const stranger = await signUpPerson();
  const names = Array.from({ length: 12 }, (_, n) => `tnothing${n}`);
  await Promise.all(names.map((tenant) => refusalOf(stranger.call(listModels, { params: { tenant } }))));
  const entries = await eventually('the entry', async () => {
    const found = (await audit(INSTALLATION)).filter(({ actor }) => actor === stranger.uid);
    return found.length > 0 ? found : null;
  });
  expect(entries.length).toBeLessThanOrEqual(2);
  expect(entries[0]).toMatchObject({ outcome: 'denied', action: 'GET /api/tenants/{tenant}/models' });
  expect(names.map((name) => `tenants/${name}/models`)).toContain(entries[0]?.target);
});

test('what is too much is refused, says when to come again, and harms no other tenant', async () => {
  const hot = await openAccount();
  const limits = { write: 3 };
  await store.db.commit([{ kind: 'update', path: paths.tenant(hot.params.tenant), data: { limits } }]);
  const add = (n: number) =>
    fetch(`${urls.web}/api/tenants/${hot.params.tenant}/models`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hot.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `Model ${n}` }),
    });
  // The first call after it finds the other limit. What had been borrowed before passes as well, and one may have flowed in.
  expect((await add(0)).status).toBe(201);
  const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => add(n)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(12 - 2 * limits.write - 1);
  const one = refused[0];
  expect(Number(one?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(one?.headers.get('ratelimit-remaining')).toBe('0');
  expect(await one?.json()).toMatchObject({ status: 429, code: 'rate-limited' });
  expect(await account.call(createModel, { ...ofTenant(), body: { name: 'Elsewhere' } })).toMatchObject({
    name: 'Elsewhere',
  });
});

test('an Idempotency-Key reaches through the front door', async () => {
  const key = randomUUID();
  const create = () =>
    clientWith(account.token, { 'idempotency-key': key })(createModel, {
      ...ofTenant(),
      body: { name: 'Once' },
    });
  const first = await create();
  expect(await create()).toEqual(first);
  const { items } = await account.call(listModels, ofTenant());
  expect(items.filter(({ name }) => name === 'Once')).toHaveLength(1);
});

test('one id leads from the request to what its container says', async () => {
  const place = await account.call(createUpload, {
    params: account.params,
    body: { fileName: 'orders.csv', bytes: 24 },
  });
  const file = Buffer.from('id,qty\n1,2\n2,3\n3,4\n4,15\n');
  await fetch(place.url, { method: place.method, headers: place.headers, body: file });
  await account.addSource('Orders', { kind: 'csv', uris: [place.uri], encoding: 'utf-8' });
  const requestId = `trace-${randomUUID()}`;
  const { id } = await clientWith(account.token, { 'x-request-id': requestId })(startEtl, {
    params: account.params,
    body: {},
  });
  expect(await account.finished(id)).toMatchObject({ status: 'succeeded' });
  const run = paths.etlRun(account.params.tenant, account.params.model, id);
  // The container writes what is left of its log after the run's end.
  const lines = await eventually('what the container says', async () => {
    const chunks = await store.db.list(paths.logs(run));
    return chunks.length > 0 ? chunks.flatMap(({ data }) => LogChunk.parse(data).lines) : null;
  });
  expect(new Set(lines.map((line) => line.requestId))).toEqual(new Set([requestId]));
  const entry = (await audit(account.params.tenant)).find(({ target }) => target === run);
  expect(entry?.requestId).toBe(requestId);
});
