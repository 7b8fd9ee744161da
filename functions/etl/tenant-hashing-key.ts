import { TerminalError } from '#core/errors';
import { hashingKey } from '#store/hashing-key';
import type { Scope } from './scope.ts';

/**
 * The key under which the tenant's columns of personal data are hashed.
 * @throws TerminalError `secret-unreadable`
 */
export function tenantHashingKey({
  store,
  config,
  key,
}: Pick<Scope, 'store' | 'config' | 'key'>): Promise<Uint8Array> {
  const { tenantKeys } = config;
  if (tenantKeys === undefined)
    throw new TerminalError('secret-unreadable', 'This container was not told the tenant’s keys.');
  return hashingKey(store, tenantKeys, key.tenant);
}
