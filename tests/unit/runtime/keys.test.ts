import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { KeyScope } from '#core/access';
import { ApiKey } from '#core/api-key';
import { contract } from '#core/api/contract';
import { INSTALLATION } from '#core/audit';
import { TerminalError } from '#core/errors';
import { Tenant } from '#core/tenant';
import { answer, type Gate, route } from '#runtime/answer';
import { isDenial, type Denial } from '../../../functions/runtime/denial.ts';
import { makeKeyToken } from '#store/api-keys';

const at = '2026-01-01T00:00:00.000Z';
const tenantOf = (id: string, status: Tenant['status'] = 'active') =>
  Tenant.parse({
    id,
    name: 'Acme',
    plan: 'trial',
    status,
    cloud: { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' },
    createdAt: at,
  });
const tenants = new Map(
  [tenantOf('tacme'), tenantOf('tother'), tenantOf('tstop', 'suspended'), tenantOf('tgone', 'deleted')].map(
    (one) => [one.id, one] as const,
  ),
);
const tokens = new Map<string, { tenant: string; key: ApiKey; version: string }>();
function keyFor(tenant: string, scopes: KeyScope[], model: string | null = null): string {
  const id = `k${randomBytes(4).toString('hex')}`;
  const { token, prefix } = makeKeyToken(id, (n) => randomBytes(n));
  const key = ApiKey.parse({
    id,
    name: 'Key',
    scopes,
    model,
    createdBy: 'u1',
    createdAt: at,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    replacedBy: null,
    prefix,
  });
  tokens.set(token, { tenant, key, version: '1' });
  return token;
}

const whoever = z.object({ actor: z.string(), role: z.string().nullable() });
const entry = (path: string, access: 'edit' | 'read' | 'signed-in' | 'operator' | 'manage-keys') =>
  route(
    contract({ method: 'GET', path, access, summary: 'x', answer: whoever }),
    async ({ caller, membership }) => ({
      actor: caller.actor,
      role: access === 'signed-in' || access === 'operator' ? null : membership().role,
    }),
  );
const routes = [
  entry('/api/me', 'signed-in'),
  entry('/api/all', 'operator'),
  entry('/api/tenants/{tenant}/models', 'read'),
  entry('/api/tenants/{tenant}/keys', 'manage-keys'),
  entry('/api/tenants/{tenant}/models/{model}', 'read'),
  entry('/api/tenants/{tenant}/models/{model}/sources', 'edit'),
];
const denials: Denial[] = [];
const used: string[] = [];
const gate: Gate = {
  identities: {
    verify: (token) =>
      token === 'good'
        ? Promise.resolve({ uid: 'u1', email: null })
        : Promise.reject(new TerminalError('unauthenticated', 'The sign-in is not valid here.')),
  },
  findKey: (token) => Promise.resolve(tokens.get(token) ?? null),
  keyUsed: async ({ key }) => void used.push(key.id),
  membership: (id, uid) =>
    Promise.resolve(
      id === 'tacme' && uid === 'u1' ? { tenant: tenantOf(id), role: 'viewer' as const } : null,
    ),
  tenantOf: (id) => Promise.resolve(tenants.get(id) ?? null),
  operator: () => Promise.resolve(false),
  denied: async (denial) => void denials.push(denial),
  makeRequestId: () => 'request-1',
  onFailure: (error) => {
    throw error;
  },
};
async function ask(url: string, headers: Record<string, string>, through: Gate = gate) {
  const { status, body } = await answer(routes, through, {
    method: 'GET',
    url,
    headers,
    body: new Uint8Array(),
  });
  const json: unknown = JSON.parse(body);
  return { status, code: Object(json).code as unknown, json };
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
beforeEach(() => {
  denials.length = 0;
  used.length = 0;
});

test('a key calls in either header, in its own name, and each use is told', async () => {
  const token = keyFor('tacme', ['read']);
  const id = tokens.get(token)?.key.id;
  for (const headers of [bearer(token), { 'x-api-key': token }])
    expect(await ask('/api/tenants/tacme/models', headers)).toMatchObject({
      status: 200,
      json: { actor: `key:${id}`, role: null },
    });
  expect(used).toEqual([id, id]);
});

test.each([
  ['another scope', '/api/tenants/tacme/models/mone1/sources', 403, 'forbidden'],
  ['people and keys', '/api/tenants/tacme/keys', 403, 'forbidden'],
  ['what needs no tenant', '/api/me', 403, 'forbidden'],
  ['the installation', '/api/all', 403, 'forbidden'],
])('a key with the scope "read" does not reach %s', async (_, url, status, code) => {
  expect(await ask(url, bearer(keyFor('tacme', ['read'])))).toMatchObject({ status, code });
});

test.each(['tother', 'tnone', 'T!', 'tstop', 'tgone'])(
  'to a key of another tenant, %s is not there, in the same words',
  async (tenant) => {
    const { status, json } = await ask(`/api/tenants/${tenant}/models`, bearer(keyFor('tacme', ['read'])));
    const unknown = await ask('/api/tenants/tnobody/models', bearer(keyFor('tacme', ['read'])));
    expect(status).toBe(404);
    expect(JSON.stringify(json).replaceAll(tenant, 'tnobody')).toBe(JSON.stringify(unknown.json));
  },
);

test('a key of a tenant that is suspended or deleted opens nothing', async () => {
  expect(await ask('/api/tenants/tstop/models', bearer(keyFor('tstop', ['read'])))).toMatchObject({
    status: 403,
    code: 'tenant-suspended',
  });
  expect(await ask('/api/tenants/tgone/models', bearer(keyFor('tgone', ['read'])))).toMatchObject({
    status: 404,
  });
});

test('a key for one model reaches that one; others are not there, and what is above models is refused', async () => {
  const token = bearer(keyFor('tacme', ['read', 'edit'], 'mone1'));
  expect(await ask('/api/tenants/tacme/models/mone1/sources', token)).toMatchObject({ status: 200 });
  expect(await ask('/api/tenants/tacme/models/mtwo2/sources', token)).toMatchObject({
    status: 404,
    json: { detail: 'There is no model "mtwo2" here.' },
  });
  expect(await ask('/api/tenants/tacme/models', token)).toMatchObject({ status: 403 });
  // A container that serves one model says which.
  const serving = (model: string) => ({ ...gate, tenant: 'tacme', model });
  const served = [entry('/v1/x', 'read')];
  const through = (model: string) =>
    answer(served, serving(model), { method: 'GET', url: '/v1/x', headers: token, body: new Uint8Array() });
  expect((await through('mone1')).status).toBe(200);
  expect((await through('mtwo2')).status).toBe(404);
});

test.each([
  ['unknown', () => bearer(makeKeyToken('kunknown', (n) => randomBytes(n)).token)],
  ['mistyped', () => bearer(keyFor('tacme', ['read']).replace(/.$/, '!'))],
  ['half', () => bearer('tw_kabc')],
  ['in no known scheme', () => ({ authorization: `Basic ${keyFor('tacme', ['read'])}` })],
  [
    'beside another',
    () => ({ ...bearer(keyFor('tacme', ['read'])), 'x-api-key': keyFor('tacme', ['read']) }),
  ],
  ['a sign-in in the key’s header', () => ({ 'x-api-key': 'good' })],
  [
    'two in one header',
    () => ({ 'x-api-key': `${keyFor('tacme', ['read'])}, ${keyFor('tacme', ['read'])}` }),
  ],
  ['empty', () => ({ 'x-api-key': '' })],
])('a key that is %s is no sign-in', async (_, headers) => {
  expect(await ask('/api/tenants/tacme/models', headers())).toMatchObject({
    status: 401,
    code: 'unauthenticated',
  });
  expect(used).toEqual([]);
});

test('where no keys are taken a key is no sign-in', async () => {
  const { findKey: _, ...without } = gate;
  const token = keyFor('tacme', ['read']);
  expect(await ask('/api/tenants/tacme/models', bearer(token), without)).toMatchObject({ status: 401 });
});

test('whoever is not let in is told of: who, what, and whether they learned that the tenant exists', async () => {
  const token = keyFor('tacme', ['read']);
  const actor = `key:${tokens.get(token)?.key.id}`;
  await ask('/api/tenants/tacme/models/mone1/sources', bearer(token));
  await ask('/api/tenants/tother/models', bearer(token));
  await ask('/api/tenants/tacme/keys', bearer('good'));
  await ask('/api/me', bearer(token));
  await ask('/api/tenants/tacme/models', bearer(token));
  await ask('/api/tenants/tacme/models', bearer('bad'));
  const sources = '/api/tenants/tacme/models/mone1/sources';
  expect(denials).toEqual([
    {
      tenant: 'tacme',
      actor,
      action: 'GET /api/tenants/{tenant}/models/{model}/sources',
      path: sources,
      known: true,
    },
    {
      tenant: 'tother',
      actor,
      action: 'GET /api/tenants/{tenant}/models',
      path: '/api/tenants/tother/models',
      known: false,
    },
    {
      tenant: 'tacme',
      actor: 'u1',
      action: 'GET /api/tenants/{tenant}/keys',
      path: '/api/tenants/tacme/keys',
      known: true,
    },
    // Where no tenant was asked for, the operators are told.
    { tenant: INSTALLATION, actor, action: 'GET /api/me', path: '/api/me', known: true },
  ]);
  expect(isDenial(new TerminalError('unauthenticated', 'x'))).toBe(false);
});
