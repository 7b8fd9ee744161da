import { ConflictError } from '#cloud/firestore';
import { paths } from '#core/paths';
import { openText, SealedSecret, sealedPath, sealText } from './seal.ts';
import type { Store } from './store.ts';
import type { TenantKeys } from './tenant-keys.ts';

/**
 * The key under which a tenant's columns of personal data are hashed: 32 bytes, made when one is hashed first and never
 * changed, for then no hash would be what it was. Sealed as the tenant's other secrets are, so it survives the rotation of
 * the data keys, and goes with the tenant.
 * @throws TerminalError `secret-unreadable`
 */
export async function hashingKey(store: Store, keys: TenantKeys, tenant: string): Promise<Uint8Array> {
  const about = `${paths.tenant(tenant)}/hashing-key`;
  const path = sealedPath(about);
  for (;;) {
    const found = await store.db.get(path);
    if (found !== null)
      return Buffer.from(openText(keys, tenant, about, SealedSecret.parse(found.data)), 'base64');
    const key = Buffer.from(store.random(32));
    const data = sealText(store, keys, tenant, about, key.toString('base64'));
    try {
      await store.db.commit([{ kind: 'create', path, data }]);
      return key;
    } catch (error) {
      // Another task made it first: theirs is the one.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}
