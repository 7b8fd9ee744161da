import { z } from 'zod';
import { paths } from '#core/paths';
import type { InstallationKeys } from '#core/installation-keys';
import { Ciphertext, decrypt, encrypt, NONCE_BYTES, unreadable } from './cipher.ts';
import type { Store } from './store.ts';
import { type TenantKeys, tenantKeysOf } from './tenant-keys.ts';

/*
 * Envelope encryption, AES-256-GCM throughout. Each tenant has data keys of its own (tenant-keys.ts); each secret is
 * encrypted by its tenant's newest and bound (as additional data) to the tenant, to the record it belongs to and to the
 * key's number, so that a ciphertext moved elsewhere does not open.
 */
/** `sealed/<path of the record with slashes turned to ~>`. `key`: number of the tenant's data key. */
export const SealedSecret = Ciphertext.extend({ tenant: z.string(), about: z.string(), key: z.int().min(1) });
export type SealedSecret = z.infer<typeof SealedSecret>;

/** Encrypts `text` for `tenant`, bound to `about` (the path of the record it belongs to), and stores it. */
export async function seal(
  store: Store,
  installation: InstallationKeys,
  tenant: string,
  about: string,
  text: string,
): Promise<void> {
  const keys = await tenantKeysOf(store, installation, tenant);
  const data = sealText(store, keys, tenant, about, text);
  await store.db.commit([{ kind: 'set', path: sealedPath(about), data }]);
}

/** The secret sealed for `about`, or null. @throws TerminalError `secret-unreadable` if it was tampered with or moved. */
export async function unseal(
  store: Store,
  installation: InstallationKeys,
  tenant: string,
  about: string,
): Promise<string | null> {
  const found = await store.db.get(sealedPath(about));
  if (found === null) return null;
  return openText(
    await tenantKeysOf(store, installation, tenant),
    tenant,
    about,
    SealedSecret.parse(found.data),
  );
}

/**
 * The secret sealed for `about`, or null, where only the tenant's own keys are known: in a container.
 * @throws TerminalError `secret-unreadable` also where the secret is another tenant's.
 */
export async function unsealWith(
  store: Pick<Store, 'db'>,
  keys: TenantKeys,
  tenant: string,
  about: string,
): Promise<string | null> {
  const found = await store.db.get(sealedPath(about));
  return found === null ? null : openText(keys, tenant, about, SealedSecret.parse(found.data));
}

/** Where the secret of a record lies. */
export function sealedPath(about: string): string {
  return paths.sealed(about.replaceAll('/', '~'));
}

/** `text` under the tenant's newest key. */
export function sealText(
  store: Pick<Store, 'random'>,
  { current, keys }: TenantKeys,
  tenant: string,
  about: string,
  text: string,
): SealedSecret {
  const key = keys.get(current);
  if (key === undefined) throw unreadable();
  const sealed = encrypt(
    key,
    store.random(NONCE_BYTES),
    boundTo(tenant, about, current),
    Buffer.from(text, 'utf8'),
  );
  return { tenant, about, key: current, ...sealed };
}

/** The text of a secret. @throws TerminalError `secret-unreadable` */
export function openText({ keys }: TenantKeys, tenant: string, about: string, sealed: SealedSecret): string {
  const key = keys.get(sealed.key);
  if (key === undefined) throw unreadable();
  return decrypt(key, boundTo(tenant, about, sealed.key), sealed).toString('utf8');
}

function boundTo(tenant: string, about: string, key: number): string {
  return `${tenant}\n${about}\n${key}`;
}
