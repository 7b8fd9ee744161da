/** A route of its own that creates one document, behind everything that requests pass. */
import { z } from 'zod';
import { contract } from '#core/api/contract';
import { TerminalError, TransientError } from '#core/errors';
import { Id } from '#core/ids';
import { Tenant } from '#core/tenant';
import { answer, type Gate, route } from '#runtime/answer';
import type { RawAnswer } from '../../../functions/runtime/problem.ts';
import { create } from '#store/document';
import { rememberCalls } from '#store/idempotency';
import { makeId, type Store } from '#store/store';

export const Order = z.object({ id: Id, name: z.string(), part: z.string() });

const createOrder = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/orders',
  access: 'edit',
  summary: 'Create an order.',
  body: z.strictObject({ name: z.string(), end: z.enum(['fail', 'refuse']).optional() }),
  answer: Order,
  status: 201,
});
const createSecret = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/secrets',
  access: 'edit',
  summary: 'Make a secret.',
  answer: z.object({ secret: z.string() }),
  secretAnswer: true,
});

/** Where the orders of a tenant lie. */
export const ordersOf = (tenant: string) => `tenants/${tenant}/orders`;

/** Sends the request as a person of the tenant. */
export function makeOrder(
  store: Store,
  tenant: string,
  key: string | null,
  body: z.input<typeof createOrder.body>,
  { path = 'orders', uid = 'u1' } = {},
): Promise<RawAnswer> {
  const here = Tenant.parse({
    id: tenant,
    name: 'Acme',
    plan: 'trial',
    status: 'active',
    cloud: { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' },
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  const gate: Gate = {
    identities: { verify: () => Promise.resolve({ uid, email: null }) },
    membership: () => Promise.resolve({ tenant: here, role: 'editor' }),
    once: rememberCalls(store),
    makeRequestId: () => 'request-1',
    onFailure: () => undefined,
  };
  const routes = [
    route(createOrder, async ({ body: given, params, caller }) => {
      // Two ids: the second one has to be the same too.
      const [id, part] = [makeId(store, 'o'), makeId(store, 'p')];
      const target = `${ordersOf(params.tenant)}/${id}`;
      const made = await create(
        store,
        target,
        Order,
        { id, part, name: given.name },
        {
          audit: { tenant: params.tenant, actor: caller.actor, action: 'order.create', target },
          announcements: [
            { topic: 'etl-requested', payload: { tenant: params.tenant, model: 'm1234', run: 'r1234' } },
          ],
        },
      );
      if (given.end === 'fail') throw new TransientError('database-unavailable', 'Not now.');
      if (given.end === 'refuse') throw new TerminalError('not-ready', 'Not so.');
      return made;
    }),
    route(createSecret, async () => ({ secret: 'shown once' })),
  ];
  return answer(routes, gate, {
    method: 'POST',
    url: `/api/tenants/${tenant}/${path}`,
    headers: {
      authorization: 'Bearer x',
      'content-type': 'application/json',
      ...(key === null ? {} : { 'idempotency-key': key }),
    },
    body: Buffer.from(path === 'orders' ? JSON.stringify(body) : ''),
  });
}
