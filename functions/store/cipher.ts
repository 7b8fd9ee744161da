import { createCipheriv, createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import { TerminalError } from '#core/errors';

/** AES-256-GCM: nonce, authentication tag and text, each in base64. */
export const Ciphertext = z.object({ iv: z.base64(), tag: z.base64(), data: z.base64() });
export type Ciphertext = z.infer<typeof Ciphertext>;

/** Length of a nonce. Drawn at random for each encryption: a tenant's key encrypts far fewer than 2^32 texts. */
export const NONCE_BYTES = 12;

/** Encrypts `plain` so that it opens only by `key` and where `bound` is the same. */
export function encrypt(key: Uint8Array, nonce: Uint8Array, bound: string, plain: Uint8Array): Ciphertext {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound, 'utf8'));
  const data = Buffer.concat([cipher.update(plain), cipher.final()]);
  return {
    iv: Buffer.from(nonce).toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
}

/** What was encrypted. @throws TerminalError `secret-unreadable`: another key, another binding, or tampered with. */
export function decrypt(key: Uint8Array, bound: string, sealed: Ciphertext): Buffer {
  const tag = Buffer.from(sealed.tag, 'base64');
  const nonce = Buffer.from(sealed.iv, 'base64');
  // Node would take a shorter tag, which is easier to guess.
  if (tag.length !== 16 || nonce.length !== NONCE_BYTES) throw unreadable();
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce)
      .setAAD(Buffer.from(bound, 'utf8'))
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]);
  } catch {
    // The cause says nothing more and could only help an attacker.
    throw unreadable();
  }
}

/** The refusal to open a secret. */
export function unreadable(): TerminalError {
  return new TerminalError(
    'secret-unreadable',
    'A sealed secret does not open with this installation’s key.',
    {
      remedy: 'Set the credentials again; check that the installation’s key has not been changed.',
    },
  );
}
