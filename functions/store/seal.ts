import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/*
 * Envelope encryption, AES-256-GCM throughout. Each tenant has a data key, made at random and stored wrapped by the
 * installation's key; each secret is encrypted by its tenant's data key and bound (as additional data) to the tenant and
 * to the record it belongs to, so that a ciphertext moved elsewhere does not open.
 */
const Sealed = z.object({ v: z.literal(1), iv: z.base64(), tag: z.base64(), data: z.base64() });
type Sealed = z.infer<typeof Sealed>;

const NONCE_BYTES = 12;

/** Encrypts `text` for `tenant`, bound to `about` (the path of the record it belongs to), and stores it. */
export async function seal(
  store: Store,
  installationKey: Uint8Array,
  tenant: string,
  about: string,
  text: string,
): Promise<void> {
  const key = await tenantKeyOf(store, installationKey, tenant);
  const data = encrypt(key, store.random(NONCE_BYTES), `${tenant}\n${about}`, Buffer.from(text, 'utf8'));
  await store.db.commit([{ kind: 'set', path: paths.sealed(sealedId(about)), data: { tenant, ...data } }]);
}

/** The secret sealed for `about`, or null. @throws TerminalError `secret-unreadable` if it was tampered with or moved. */
export async function unseal(
  store: Store,
  installationKey: Uint8Array,
  tenant: string,
  about: string,
): Promise<string | null> {
  return open(store, () => tenantKeyOf(store, installationKey, tenant), tenant, about);
}

/**
 * The secret sealed for `about`, or null, where only the tenant's own key is known: in a container.
 * @throws TerminalError `secret-unreadable` also where the secret is another tenant's.
 */
export async function unsealWith(
  store: Pick<Store, 'db'>,
  tenantKey: Uint8Array,
  tenant: string,
  about: string,
): Promise<string | null> {
  return open(store, async () => tenantKey, tenant, about);
}

async function open(
  store: Pick<Store, 'db'>,
  key: () => Promise<Uint8Array>,
  tenant: string,
  about: string,
): Promise<string | null> {
  const found = await store.db.get(paths.sealed(sealedId(about)));
  if (found === null) return null;
  return decrypt(await key(), `${tenant}\n${about}`, Sealed.parse(found.data)).toString('utf8');
}

function sealedId(about: string): string {
  return about.replaceAll('/', '~');
}

/** The tenant's data key, 32 bytes, made where there is none yet: what a container of this tenant may be given. */
export async function tenantKeyOf(
  store: Store,
  installationKey: Uint8Array,
  tenant: string,
): Promise<Uint8Array> {
  const path = paths.sealed(`key~${tenant}`);
  const wrapping = new Uint8Array(hkdfSync('sha256', installationKey, '', 'tradewind tenant key', 32));
  const found = await store.db.get(path);
  if (found !== null) return decrypt(wrapping, `key\n${tenant}`, Sealed.parse(found.data));
  const key = store.random(32);
  const wrapped = encrypt(wrapping, store.random(NONCE_BYTES), `key\n${tenant}`, key);
  try {
    await store.db.commit([{ kind: 'create', path, data: wrapped }]);
    return key;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    // Somebody else made the tenant's key first: theirs is the one.
    const winner = await store.db.get(path);
    if (winner === null) throw unreadable();
    return decrypt(wrapping, `key\n${tenant}`, Sealed.parse(winner.data));
  }
}

function encrypt(key: Uint8Array, nonce: Uint8Array, bound: string, plain: Uint8Array): Sealed {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound, 'utf8'));
  const data = Buffer.concat([cipher.update(plain), cipher.final()]);
  return {
    v: 1,
    iv: Buffer.from(nonce).toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
}

function decrypt(key: Uint8Array, bound: string, sealed: Sealed): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.iv, 'base64'))
      .setAAD(Buffer.from(bound, 'utf8'))
      .setAuthTag(Buffer.from(sealed.tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]);
  } catch {
    // The cause says nothing more and could only help an attacker.
    throw unreadable();
  }
}

function unreadable(): TerminalError {
  return new TerminalError(
    'secret-unreadable',
    'A sealed secret does not open with this installation’s key.',
    {
      remedy: 'Set the credentials again; check that the installation’s key has not been changed.',
    },
  );
}
