import { createHash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ApiKey, KeyHash, keyState } from '#core/api-key';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { read, type Stored } from './document.ts';
import { now, type Store } from './store.ts';

/*
 * The token of an API key: `tw_<key id>_<secret>_<checksum>`. The secret is 32 random bytes (256 bits) in base64url: 43
 * characters. The checksum, six characters, is no secret: by it a typing error, or text that only looks like a token, is
 * told apart without asking Firestore, and scanners of code and logs find real tokens.
 */

const TOKEN = /^(tw_([a-z][a-z0-9]{3,31})_[A-Za-z0-9_-]{43})_([0-9A-Za-z]{6})$/;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** How old the mark of a key's last use may become before it is written again. */
const USE_SECONDS = 60;

/** A key that a token opens, and the tenant it belongs to. */
export interface FoundKey {
  readonly tenant: string;
  readonly key: ApiKey;
  /** Guards the mark of its use. */
  readonly version: string;
}

/**
 * A new token for the key `keyId`, and what of it may be shown later. The token is for the person who asked, once.
 * @param random a cryptographically secure source of bytes
 */
export function makeKeyToken(
  keyId: string,
  random: (n: number) => Uint8Array,
): { readonly token: string; readonly prefix: string } {
  const prefix = `tw_${keyId}`;
  const body = `${prefix}_${Buffer.from(random(32)).toString('base64url')}`;
  return { token: `${body}_${checksum(body)}`, prefix };
}

/** The key id in `token`; null where it is no token: its form or its checksum is not right. */
export function parseKeyToken(token: string): { readonly keyId: string } | null {
  const [, body = '', keyId = '', sum = ''] = TOKEN.exec(token) ?? [];
  return body !== '' && checksum(body) === sum ? { keyId } : null;
}

/** Whether `text` was meant to be a key's token, right or wrong, rather than a sign-in. */
export function looksLikeKeyToken(text: string): boolean {
  return text.startsWith('tw_');
}

/**
 * What is kept of a token: its SHA-256, in hex. Plain, without salt, pepper or stretching: those help where a secret can
 * be guessed, and nobody guesses 256 random bits, whatever a guess costs. And the recommender's containers verify keys
 * too, which never get a secret of the installation to pepper with.
 */
export function hashOfToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The key that `token` opens now; null where it is none, was revoked, or has expired. Two reads; none for no token. */
export async function findKey(store: Pick<Store, 'db' | 'clock'>, token: string): Promise<FoundKey | null> {
  const parsed = parseKeyToken(token);
  if (parsed === null) return null;
  const known = await read(store, paths.keyHash(hashOfToken(token)), KeyHash);
  if (known === null || !sameText(known.value.key, parsed.keyId)) return null;
  const { tenant, key: id } = known.value;
  const found: Stored<ApiKey> | null = await read(store, paths.apiKey(tenant, id), ApiKey);
  if (found === null || keyState(found.value, toMoment(store.clock())) !== 'active') return null;
  return { tenant, key: found.value, version: found.version };
}

/** When this process last marked a key as used. */
const marked = new Map<string, number>();
const MARKED = 10_000;

/**
 * Marks that a key was used: at most once a minute, whoever else marks it too. Never fails: a request must not, because
 * its mark did.
 */
export async function noteUse(store: Store, found: FoundKey): Promise<void> {
  const { key, tenant, version } = found;
  const at = store.clock();
  const recently = at - USE_SECONDS * 1000;
  if (key.lastUsedAt !== null && Date.parse(key.lastUsedAt) > recently) return;
  // A service remembers keys as it found them: without this every call of the next minute would try in vain.
  if ((marked.get(key.id) ?? 0) > recently) return;
  if (marked.size >= MARKED) marked.clear();
  marked.set(key.id, at);
  const data = { lastUsedAt: now(store) };
  await store.db
    // Guarded: where somebody has marked it since it was read, that is mark enough.
    .commit([{ kind: 'update', path: paths.apiKey(tenant, key.id), data, version }])
    .catch(() => undefined);
}

/** CRC-32 in base 62, six characters. */
function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < 6; place++) {
    text = (BASE62[rest % 62] ?? '') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
