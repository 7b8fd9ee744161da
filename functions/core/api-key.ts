import { z } from 'zod';
import { KeyScope } from './access.ts';
import { Id, Moment, Name } from './ids.ts';

/**
 * A machine's right to call: `tenants/{t}/apiKeys/{k}`. The token itself is shown once and kept nowhere; of it there is
 * only `keyHashes/{hash}`, which leads from a token to this document (store/api-keys.ts).
 */
export const ApiKey = z.object({
  id: Id,
  name: Name,
  scopes: z.array(KeyScope).min(1),
  /** The one model the key is for; null: all of the tenant. */
  model: Id.nullable(),
  /** The person who made it. */
  createdBy: z.string(),
  createdAt: Moment,
  /** From then on it opens nothing. A key that was rolled keeps working until here. */
  expiresAt: Moment.nullable(),
  revokedAt: Moment.nullable(),
  /** Since when it opens nothing until it is enabled again; null where it is enabled. */
  disabledAt: Moment.nullable().default(null),
  /** At most a minute behind. */
  lastUsedAt: Moment.nullable(),
  /** The key that was made to take its place. */
  replacedBy: Id.nullable(),
  /** The beginning of the token, by which people tell keys apart: `tw_<id>`. */
  prefix: z.string(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** `keyHashes/{hash}`: whose key a token is. */
export const KeyHash = z.object({ tenant: Id, key: Id });
export type KeyHash = z.infer<typeof KeyHash>;

export const KeyState = z.enum(['active', 'disabled', 'expired', 'revoked']);
export type KeyState = z.infer<typeof KeyState>;

/** What a key is worth at `now` (a Moment): only an active one opens anything. */
export function keyState(
  { revokedAt, expiresAt, disabledAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt' | 'disabledAt'>,
  now: string,
): KeyState {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt !== null && expiresAt <= now) return 'expired';
  return disabledAt === null ? 'active' : 'disabled';
}
