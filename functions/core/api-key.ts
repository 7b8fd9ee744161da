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

/** What a key is worth at `now` (a Moment). */
export function keyState(
  key: Pick<ApiKey, 'expiresAt' | 'revokedAt'>,
  now: string,
): 'active' | 'expired' | 'revoked' {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active';
}
