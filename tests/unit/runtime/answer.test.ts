import { z } from 'zod';
import { contract } from '#core/api/contract';
import { TerminalError, TransientError } from '#core/errors';
import { answer, type Gate, route } from '#runtime/answer';
import { match, type RawRequest } from '#runtime/request';
import { acme } from '#tests/acme';

const rename = contract({
  method: 'PUT',
  path: '/api/tenants/{tenant}/models/{model}/name',
  access: 'edit',
  summary: 'Rename.',
  body: z.strictObject({ name: z.string().min(1) }),
  answer: z.object({ name: z.string() }),
});
const tenant = acme();
const failures: unknown[] = [];
const gate: Gate = {
  identities: {
    verify: (token) =>
      token === 'good'
        ? Promise.resolve({ uid: 'u1', email: null })
        : Promise.reject(new TerminalError('unauthenticated', 'No.')),
  },
  membership: (id, uid) =>
    Promise.resolve(
      uid !== 'u1'
        ? null
        : id === 't123'
          ? { tenant, role: 'editor' as const }
          : id === 'tview'
            ? { tenant, role: 'viewer' as const }
            : id === 'tstop'
              ? { tenant: { ...tenant, status: 'suspended' as const }, role: 'owner' as const }
              : null,
    ),
  makeRequestId: () => 'request-1',
  onFailure: (error) => failures.push(error),
};
const routes = [
  route(rename, async ({ body }) => {
    if (body.name === 'boom') throw new Error('secret detail of the inside');
    if (body.name === 'later') throw new TransientError('database-unavailable', 'Firestore did not answer.');
    return { name: body.name, internal: 'must not leave' };
  }),
];
const ask = async (change: Partial<RawRequest> & { json?: unknown } = {}) => {
  const result = await answer(routes, gate, {
    method: 'PUT',
    url: '/api/tenants/t123/models/m123/name',
    headers: { authorization: 'Bearer good', 'content-type': 'application/json', ...change.headers },
    body: change.body ?? Buffer.from(JSON.stringify(change.json ?? { name: 'New' })),
    ...(change.method === undefined ? {} : { method: change.method }),
    ...(change.url === undefined ? {} : { url: change.url }),
  });
  const parsed: unknown = JSON.parse(result.body);
  return { ...result, json: Object(parsed) as Record<string, unknown> };
};

test('a member with the capability is answered, with only what the contract names', async () => {
  const result = await ask();
  expect(result.status).toBe(200);
  expect(result.json).toEqual({ name: 'New' });
  expect(result.headers['cache-control']).toBe('no-store');
});

test.each([
  ['no token', { headers: { authorization: undefined } }, 401, 'unauthenticated'],
  ['a bad token', { headers: { authorization: 'Bearer bad' } }, 401, 'unauthenticated'],
  ['another tenant', { url: '/api/tenants/tother/models/m123/name' }, 404, 'not-found'],
  ['a tenant id that cannot be', { url: '/api/tenants/T!/models/m123/name' }, 404, 'not-found'],
  ['a role without the capability', { url: '/api/tenants/tview/models/m123/name' }, 403, 'forbidden'],
  ['a suspended tenant', { url: '/api/tenants/tstop/models/m123/name' }, 403, 'tenant-suspended'],
  ['an unknown path', { url: '/api/nothing' }, 404, 'not-found'],
  ['another method', { method: 'GET' }, 405, 'method-not-allowed'],
  ['a hostile id', { url: '/api/tenants/t123/models/..%2f..%2fsealed/name' }, 422, 'invalid-input'],
  ['an unknown key', { json: { name: 'x', role: 'owner' } }, 422, 'invalid-input'],
  ['a missing key', { json: {} }, 422, 'invalid-input'],
  ['an unknown query', { url: '/api/tenants/t123/models/m123/name?x=1' }, 422, 'invalid-input'],
  ['no JSON', { body: Buffer.from('{') }, 422, 'invalid-input'],
  ['broken UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }, 422, 'invalid-input'],
  ['another media type', { headers: { 'content-type': 'text/plain' } }, 415, 'unsupported-media-type'],
  ['a failure of ours', { json: { name: 'boom' } }, 500, 'internal'],
  ['a failure that passes', { json: { name: 'later' } }, 503, 'database-unavailable'],
])('%s is refused as a problem document', async (_name, change, status, code) => {
  const result = await ask(change);
  expect(result.status).toBe(status);
  expect(result.headers['content-type']).toBe('application/problem+json');
  expect(result.json).toMatchObject({ status, code, requestId: 'request-1' });
  expect(result.body).not.toContain('secret detail');
});

test('an invalid body says which part is wrong', async () => {
  expect((await ask({ json: { name: '' } })).json['issues']).toMatchObject([{ path: 'name' }]);
});

test('only failures of ours are logged', async () => {
  failures.length = 0;
  await ask({ json: {} });
  await ask({ json: { name: 'boom' } });
  expect(failures).toHaveLength(1);
});

test('a request id is taken from the caller only if it is harmless', async () => {
  expect((await ask({ headers: { 'x-request-id': 'abcdefgh-1' } })).headers['x-request-id']).toBe(
    'abcdefgh-1',
  );
  expect((await ask({ headers: { 'x-request-id': 'a\r\nset-cookie: x' } })).headers['x-request-id']).toBe(
    'request-1',
  );
});

test('a template fits a path part by part', () => {
  expect(match('/a/{x}/c', '/a/b/c')).toEqual({ x: 'b' });
  expect(match('/a/{x}/c', '/a/b/c/d')).toBeNull();
  expect(match('/a/{x}', '/b/c')).toBeNull();
});

test('of a body that fits none of several forms it is said what the nearest one lacks', async () => {
  const contractOf = (await import('#core/api/recommend')).recommend;
  const { parsePart } = await import('../../../functions/runtime/request.ts');
  const said = (body: unknown) => {
    try {
      parsePart('body', contractOf.body, body);
      return 'taken';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  expect(said({ customer: 10259 })).toMatch(/customer: .*string/);
  expect(said({ customer: 'c', slot: 're-order' })).toMatch(/slot: .*"reorder"/);
  expect(said({ basket: [] })).toMatch(/basket: /);
  expect(said({ customer: 'c' })).toBe('taken');
});
