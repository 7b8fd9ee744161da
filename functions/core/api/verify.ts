import { z } from 'zod';
import { SlotName } from '../slot.ts';
import { OFFLINE_CUSTOMERS, OFFLINE_LIST_LENGTH, OfflineLists } from '../training-result.ts';
import { contract } from './contract.ts';

/*
 * How a deployment asks its new revision for lists before anybody else may: the recommender's second kind of caller.
 *
 * Each deployment has a key of its own (32 bytes, derived from the installation's key and the deployment's id, so it is
 * kept nowhere); the revision gets it in TRADEWIND_VERIFY_KEY. A request is signed for its exact body and for a minute:
 *
 *   Authorization: Bearer twv1.<expires, ms since 1970>.<base64url of HMAC-SHA-256(key, "twv1\n<deployment>\n<expires>\n" + body)>
 *
 * A leaked token can only repeat the same read for a minute; a leaked key reads one version's lists.
 */

/** The lists of many customers at once, exactly as `/v1/recommend` would list them with default filters. */
export const verifyLists = contract({
  method: 'POST',
  path: '/v1/verify',
  access: 'verifier',
  summary: 'For the deployment’s smoke test alone: lists of many customers at once.',
  body: z.strictObject({
    lists: z
      .array(z.strictObject({ customer: z.string().min(1).max(300), slot: SlotName }))
      .min(1)
      .max(OFFLINE_CUSTOMERS * 2),
    limit: z.int().min(1).max(OFFLINE_LIST_LENGTH).default(OFFLINE_LIST_LENGTH),
  }),
  answer: z.object({ version: z.string(), lists: OfflineLists }),
});

/** How long a signature may lie ahead: a verifier's minute, and a little for clocks that differ. */
const LONGEST_MS = 90_000;
const TOKEN = /^twv1\.(\d{13})\.([\w-]{43})$/;

/** The bearer token that lets `body` through to `deployment` until `expires` (milliseconds since 1970). */
export async function signVerification(
  key: Uint8Array,
  deployment: string,
  expires: number,
  body: Uint8Array,
): Promise<string> {
  const mac = await crypto.subtle.sign(
    'HMAC',
    await importKey(key, 'sign'),
    signedBytes(deployment, expires, body),
  );
  return `twv1.${expires}.${toBase64Url(new Uint8Array(mac))}`;
}

/** Whether `token` was signed with `key` for this deployment and body, and is not over. Compares in constant time. */
export async function checkVerification(
  key: Uint8Array,
  deployment: string,
  token: string,
  body: Uint8Array,
  now: number,
): Promise<boolean> {
  const parts = TOKEN.exec(token);
  if (parts?.[1] === undefined || parts[2] === undefined) return false;
  const expires = Number(parts[1]);
  if (expires < now || expires > now + LONGEST_MS) return false;
  return crypto.subtle.verify(
    'HMAC',
    await importKey(key, 'verify'),
    fromBase64Url(parts[2]),
    signedBytes(deployment, expires, body),
  );
}

function importKey(key: Uint8Array, use: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new Uint8Array(key), { name: 'HMAC', hash: 'SHA-256' }, false, [use]);
}

function signedBytes(deployment: string, expires: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`twv1\n${deployment}\n${expires}\n`);
  const all = new Uint8Array(head.length + body.length);
  all.set(head);
  all.set(body, head.length);
  return all;
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
}
