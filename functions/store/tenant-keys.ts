import { createHash, hkdfSync } from 'node:crypto';
import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import type { InstallationKeys } from '#core/installation-keys';
import { Moment } from '#core/ids';
import { paths } from '#core/paths';
import { Ciphertext, decrypt, encrypt, NONCE_BYTES, unreadable } from './cipher.ts';
import { now, type Store } from './store.ts';

/*
 * A tenant's data keys: random, each under a number, stored wrapped by the installation's key. Secrets are encrypted by
 * the newest; older ones stay until no secret needs them. `wrappedBy` names the installation's key that wrapped one.
 */
const WrappedKey = Ciphertext.extend({ wrappedBy: z.string(), addedAt: Moment });
/** `sealed/key~<tenant>`. */
export const TenantKeyDocument = z.object({
  tenant: z.string(),
  current: z.int().min(1),
  keys: z.record(z.string(), WrappedKey),
});
export type TenantKeyDocument = z.infer<typeof TenantKeyDocument>;

/** A tenant's data keys by number, 32 bytes each, and the number that new secrets are encrypted by. */
export interface TenantKeys {
  readonly current: number;
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

/** Where a tenant's data keys are kept. */
export function tenantKeyPath(tenant: string): string {
  return paths.sealed(`key~${tenant}`);
}

/** What an installation's key is called in what it has wrapped. */
export function keyName(installationKey: Uint8Array): string {
  return createHash('sha256')
    .update('tradewind key name\n')
    .update(installationKey)
    .digest('hex')
    .slice(0, 16);
}

/** The tenant's data keys, the first made where there is none yet: what a container of this tenant may be given. */
export async function tenantKeysOf(
  store: Store,
  installation: InstallationKeys,
  tenant: string,
): Promise<TenantKeys> {
  const path = tenantKeyPath(tenant);
  const found = await store.db.get(path);
  if (found !== null) return unwrapAll(installation, TenantKeyDocument.parse(found.data));
  const document: TenantKeyDocument = {
    tenant,
    current: 1,
    keys: { 1: wrap(store, installation, tenant, 1, store.random(32)) },
  };
  try {
    await store.db.commit([{ kind: 'create', path, data: document }]);
    return unwrapAll(installation, document);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    // Somebody else made the tenant's key first: theirs is the one.
    const winner = await store.db.get(path);
    if (winner === null) throw unreadable();
    return unwrapAll(installation, TenantKeyDocument.parse(winner.data));
  }
}

/** `keys` as a container's variable: `<current>;<number>:<base64>,…`. Read by `parseTenantKeys`. */
export function formatTenantKeys({ current, keys }: TenantKeys): string {
  return `${current};${[...keys].map(([number, key]) => `${number}:${Buffer.from(key).toString('base64')}`).join(',')}`;
}

/** A data key wrapped by the installation's newest key, bound to its tenant and number. */
export function wrap(
  store: Store,
  installation: InstallationKeys,
  tenant: string,
  number: number,
  key: Uint8Array,
): z.infer<typeof WrappedKey> {
  return {
    ...encrypt(wrappingKey(installation.current), store.random(NONCE_BYTES), boundTo(tenant, number), key),
    wrappedBy: keyName(installation.current),
    addedAt: now(store),
  };
}

/** The data key of this number. @throws TerminalError `secret-unreadable` where the installation has no such key (any more). */
export function unwrap(
  installation: InstallationKeys,
  { tenant, keys }: TenantKeyDocument,
  number: number,
): Uint8Array {
  const wrapped = keys[String(number)];
  const by = [installation.current, ...installation.former].find(
    (key) => keyName(key) === wrapped?.wrappedBy,
  );
  if (wrapped === undefined || by === undefined) throw unreadable();
  return decrypt(wrappingKey(by), boundTo(tenant, number), wrapped);
}

function unwrapAll(installation: InstallationKeys, document: TenantKeyDocument): TenantKeys {
  const numbers = Object.keys(document.keys).map(Number);
  return {
    current: document.current,
    keys: new Map(numbers.map((number) => [number, unwrap(installation, document, number)])),
  };
}

/** The installation's key itself encrypts nothing: each purpose has a key derived from it. */
function wrappingKey(installationKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', installationKey, '', 'tradewind tenant key', 32));
}

function boundTo(tenant: string, number: number): string {
  return `key\n${tenant}\n${number}`;
}
