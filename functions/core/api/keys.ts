import { z } from 'zod';
import { KeyScope } from '../access.ts';
import { ApiKey, KeyState } from '../api-key.ts';
import { Id, Moment, Name } from '../ids.ts';
import { contract, listQuery, pageOf } from './contract.ts';

/** A key as people who manage keys see it. */
export const ApiKeyView = ApiKey.extend({ status: KeyState });
export type ApiKeyView = z.infer<typeof ApiKeyView>;

/** A new key with its token, which is shown this once and kept nowhere. */
const KeyWithToken = z.object({ key: ApiKeyView, token: z.string() });

export const createKey = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/keys',
  access: 'manage-keys',
  summary: 'Make an API key; the answer shows its token this once.',
  body: z.strictObject({
    name: Name,
    scopes: z.array(KeyScope).min(1).max(10),
    model: Id.nullable().default(null).describe('The one model it is for; null: all of the tenant.'),
    expiresAt: Moment.nullable().default(null),
  }),
  answer: KeyWithToken,
  status: 201,
  secretAnswer: true,
});

export const listKeys = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/keys',
  access: 'manage-keys',
  summary: 'The tenant’s API keys, without their tokens.',
  query: listQuery(
    { model: Id.optional(), createdBy: z.string().max(128).describe('The uid of its maker.').optional() },
    ['createdAt', 'name'],
  ).omit({ deleted: true }),
  answer: pageOf(ApiKeyView),
});

export const getKey = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/keys/{key}',
  access: 'manage-keys',
  summary: 'One API key.',
  answer: ApiKeyView,
});

export const updateKey = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/keys/{key}',
  access: 'manage-keys',
  summary:
    'Rename an API key, or disable it for a while: at once here, within a minute at deployed models. What it may do never changes: make another for that.',
  body: z.strictObject({ name: Name.optional(), disabled: z.boolean().optional() }),
  answer: ApiKeyView,
});

export const rollKey = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/keys/{key}/roll',
  access: 'manage-keys',
  summary: 'A new key with the same rights; the old one keeps working for the overlap.',
  body: z.strictObject({ overlapDays: z.number().min(0).max(7).default(1) }),
  answer: KeyWithToken.extend({ replaced: ApiKeyView }),
  status: 201,
  secretAnswer: true,
});

export const revokeKey = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/keys/{key}',
  access: 'manage-keys',
  summary: 'Revoke an API key, for good: at once here, within a minute at deployed models.',
  answer: ApiKeyView,
});
