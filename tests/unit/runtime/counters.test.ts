import { z } from 'zod';
import { contract } from '#core/api/contract';
import { answer, type Gate, route } from '#runtime/answer';
import { rememberCounters } from '#runtime/counters';
import { makeLanes } from '#runtime/lanes';
import { acme } from '#tests/acme';

const show = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}',
  access: 'read',
  summary: 'Show.',
  answer: z.object({}),
});
/** A gate whose limiter lets `left` of each pass, and what it was asked. */
function gateWith(left: Record<string, number>, at = { now: 1_000_000 }) {
  const lookedUp: string[] = [];
  const gate: Gate = {
    identities: {
      verify: (token) => {
        lookedUp.push(token);
        return Promise.resolve({ uid: token, email: null });
      },
    },
    membership: (id, uid) =>
      Promise.resolve(uid.startsWith('member') ? { tenant: acme(id), role: 'viewer' } : null),
    limiter: {
      take: ({ who, limit }) => {
        const rest = (left[who] ?? 0) - 1;
        left[who] = rest;
        return Promise.resolve({ allowed: rest >= 0, limit, remaining: Math.max(0, rest), resetSeconds: 20 });
      },
    },
    admissions: makeLanes(),
    counters: rememberCounters(() => at.now),
    makeRequestId: () => 'r',
    onFailure: () => undefined,
  };
  const ask = async (token: string, id = 'tone') => {
    const headers = { authorization: `Bearer ${token}` };
    const request = { method: 'GET', url: `/api/tenants/${id}`, headers, body: new Uint8Array() };
    const told = await answer([route(show, () => Promise.resolve({}))], gate, request);
    return `${told.status} ${told.headers['retry-after'] ?? ''}`.trim();
  };
  return { ask, lookedUp };
}

test('a call is counted once; who has used up theirs is told so without being looked up', async () => {
  const left = { tone: 2, ttwo: 1 };
  const { ask, lookedUp } = gateWith(left);
  expect(await ask('member')).toBe('200');
  expect(await ask('member')).toBe('200');
  expect(left.tone).toBe(0);
  expect(lookedUp).toEqual(['member', 'member']);
  expect(await ask('member')).toBe('429 20');
  expect(lookedUp).toHaveLength(2);
  // It holds for no other tenant, and another of the same tenant is looked up first.
  expect(await ask('member', 'ttwo')).toBe('200');
  expect(await ask('member2')).toBe('429 20');
  expect(lookedUp).toEqual(['member', 'member', 'member', 'member2']);
});

test('who was not let in uses up their own calls, not the tenant’s, and learns nothing of them', async () => {
  const left = { tone: 1, 'u-stranger-refused': 2 };
  const { ask, lookedUp } = gateWith(left);
  expect(await ask('stranger')).toBe('404');
  expect(await ask('stranger', 'ttwo')).toBe('404');
  expect(await ask('stranger')).toBe('429 20');
  expect(lookedUp).toEqual(['stranger', 'stranger']);
  expect(left.tone).toBe(1);
});

test('what was found of a sign-in is looked up again after a minute', async () => {
  const at = { now: 1_000_000 };
  const left = { tone: 1 };
  const { ask, lookedUp } = gateWith(left, at);
  expect(await ask('member')).toBe('200');
  at.now += 60_000;
  left.tone = 0;
  expect(await ask('member')).toBe('429 20');
  expect(lookedUp).toEqual(['member', 'member']);
});
