/** Webhook secrets and the signatures made by them. */
import { createHmac } from 'node:crypto';

/** Bytes of a secret that are random. */
const SECRET_BYTES = 32;

/** A new secret: `twhs_` and 43 characters. `random`: `n` random bytes. */
export function makeSecret(random: (n: number) => Uint8Array): string {
  return `twhs_${Buffer.from(random(SECRET_BYTES)).toString('base64url')}`;
}

/**
 * `t=<seconds since the epoch>,v1=<hex>`, a `v1` for each secret: HMAC-SHA-256 of `<t>.<body>`. The time is signed, so that
 * a receiver can refuse what is played to it again later.
 */
export function signatureOf(body: string, secrets: readonly string[], millis: number): string {
  const t = Math.floor(millis / 1000);
  const signed = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${t}.${body}`, 'utf8').digest('hex')}`,
  );
  return [`t=${t}`, ...signed].join(',');
}
