import { z } from 'zod';
import { contract } from '#core/api/contract';
import { TerminalError } from '#core/errors';
import { answer, type Gate, route } from '#runtime/answer';
import type { Denial } from '#runtime/denial';
import { acme } from '#tests/acme';

const promote = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/members/{member}',
  access: 'manage-members',
  summary: 'Promote.',
  answer: z.object({}),
});
const suspend = contract({
  method: 'POST',
  path: '/api/operator/tenants/{tenant}',
  access: 'operator',
  summary: 'Suspend.',
  answer: z.object({}),
});
const tenant = acme();

let denials: Denial[];
let thrown: TerminalError | null;
beforeEach(() => {
  denials = [];
  thrown = null;
});
const gate: Gate = {
  identities: { verify: (uid) => Promise.resolve({ uid, email: null }) },
  membership: (_, uid) => Promise.resolve(uid === 'admin' ? { tenant, role: 'admin' as const } : null),
  operator: () => Promise.resolve(false),
  denied: (denial) => {
    denials.push(denial);
    return Promise.resolve();
  },
  makeRequestId: () => 'request-1',
  onFailure: () => undefined,
};
const routes = [promote, suspend].map((one) =>
  route(one, () => (thrown === null ? Promise.resolve({}) : Promise.reject(thrown))),
);
const ask = async (uid: string, url: string) =>
  (
    await answer(routes, gate, {
      method: 'POST',
      url,
      headers: { authorization: `Bearer ${uid}` },
      body: new Uint8Array(),
    })
  ).status;

test('a member whose role does not reach far enough is told of, though the handler alone could say so', async () => {
  thrown = new TerminalError('role-too-high', 'No.');
  expect(await ask('admin', '/api/tenants/t123/members/u456')).toBe(403);
  expect(denials).toEqual([
    {
      tenant: 't123',
      actor: 'admin',
      action: 'POST /api/tenants/{tenant}/members/{member}',
      path: '/api/tenants/t123/members/u456',
      known: true,
    },
  ]);
});

test('what is no overreach is told to nobody', async () => {
  expect(await ask('admin', '/api/tenants/t123/members/u456')).toBe(200);
  thrown = new TerminalError('last-owner', 'No.');
  expect(await ask('admin', '/api/tenants/t123/members/u456')).toBe(409);
  expect(denials).toEqual([]);
});

test('who asks as an operator and is none does not wait for what is written into a tenant that exists', async () => {
  expect(await ask('mallory', '/api/operator/tenants/t123')).toBe(403);
  expect(denials).toMatchObject([{ tenant: 't123', actor: 'mallory', known: false }]);
});
