/** Looks for secrets in whatever bytes there are, in every form that text is carried in. */
import { gunzipSync } from 'node:zlib';

/** Something that was kept or sent. `kind`: where such things are, e.g. `document`. */
export interface Artefact {
  readonly kind: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A secret in an artefact. */
export interface Leak {
  readonly secret: string;
  readonly encoding: Encoding;
  readonly kind: string;
  readonly name: string;
}

const each = (bytes: Buffer, show: (byte: number) => string) => [...bytes].map(show).join('');
const hex2 = (byte: number) => byte.toString(16).padStart(2, '0');

/** How a secret's bytes look in each form. Of base64 three, for it depends on where in a text the secret begins. */
export const ENCODINGS = {
  raw: (secret) => [secret],
  base64: (secret) => [0, 1, 2].map((before) => base64Within(secret, before, 'base64')),
  base64url: (secret) => [0, 1, 2].map((before) => base64Within(secret, before, 'base64url')),
  hex: (secret) => [secret.toString('hex'), secret.toString('hex').toUpperCase()],
  url: (secret) => [
    encodeURIComponent(secret.toString('latin1')),
    each(secret, (byte) => `%${hex2(byte)}`),
    each(secret, (byte) => `%${hex2(byte).toUpperCase()}`),
  ],
  json: (secret) => [
    JSON.stringify(secret.toString('latin1')).slice(1, -1),
    // JSON within JSON.
    JSON.stringify(JSON.stringify(secret.toString('latin1')).slice(1, -1)).slice(1, -1),
    each(secret, (byte) => `\\u00${hex2(byte)}`),
  ],
  utf16: (secret) => [Buffer.from(secret.toString('latin1'), 'utf16le')],
} as const satisfies Record<string, (secret: Buffer) => readonly (string | Buffer)[]>;
export type Encoding = keyof typeof ENCODINGS;

/** Every form of a secret: what to search for. A form that is the same as a plainer one is named by that. */
export function formsOf(secret: Uint8Array): { readonly encoding: Encoding; readonly form: Buffer }[] {
  const seen = new Set<string>();
  return Object.entries(ENCODINGS).flatMap(([name, encode]) =>
    encode(Buffer.from(secret)).flatMap((text) => {
      const form = Buffer.from(text);
      if (seen.has(form.toString('latin1'))) return [];
      seen.add(form.toString('latin1'));
      // One of ENCODINGS.
      return [{ encoding: name as Encoding, form }];
    }),
  );
}

/** Every secret in every artefact; what is gzip is looked into as well. */
export function findLeaks(
  artefacts: readonly Artefact[],
  secrets: Readonly<Record<string, Uint8Array>>,
): { readonly leaks: Leak[]; readonly bytes: number } {
  const forms = Object.entries(secrets).flatMap(([secret, bytes]) =>
    formsOf(bytes).map((form) => ({ secret, ...form })),
  );
  const leaks: Leak[] = [];
  let bytes = 0;
  for (const { kind, name, bytes: outer } of artefacts)
    for (const layer of layersOf(Buffer.from(outer.buffer, outer.byteOffset, outer.byteLength))) {
      bytes += layer.length;
      for (const { secret, encoding, form } of forms)
        if (layer.includes(form)) leaks.push({ secret, encoding, kind, name });
    }
  return { leaks, bytes };
}

function layersOf(bytes: Buffer): Buffer[] {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return [bytes];
  try {
    return [bytes, gunzipSync(bytes)];
  } catch {
    return [bytes];
  }
}

/** The characters that are the same whatever stands around the secret, `before` bytes (modulo 3) after the beginning. */
function base64Within(secret: Buffer, before: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), secret])
    .toString(encoding)
    .replaceAll('=', '');
  const whole = Math.floor(((before + secret.length) * 8) / 6);
  return text.slice(Math.ceil((before * 8) / 6), whole);
}
