import type { Identities, Identity } from '#cloud/auth';
import type { Access } from '#core/access';
import { TerminalError } from '#core/errors';
import { type FoundKey, looksLikeKeyToken } from '#store/api-keys';
import { header, type RawRequest } from './request.ts';

/** A signed-in person. `actor`: how the audit names them, their uid. */
export interface Person extends Identity {
  readonly kind: 'person';
  readonly actor: string;
}

/** An API key. `actor`: `key:<id>`. */
export interface KeyCaller {
  readonly kind: 'key';
  readonly id: string;
  readonly actor: string;
  readonly found: FoundKey;
}

/** The deployment that made a revision, asking it before anybody else may (api/verify.ts). */
export interface VerifierCaller {
  readonly kind: 'verifier';
  readonly actor: string;
}

/** Who calls. */
export type Caller = Person | KeyCaller | VerifierCaller;

/** How callers are known. */
export interface Identification {
  readonly identities: Identities;
  /** The key that a token opens now; absent where no keys are taken. */
  readonly findKey?: (token: string) => Promise<FoundKey | null>;
  /** Whether `token` is the verifier's signature of `body`; absent where no contract asks for one. */
  readonly verifier?: (token: string, body: Uint8Array) => Promise<boolean>;
}

/**
 * Who sends the request: by `Authorization: Bearer` (a Firebase ID token or an API key) or `X-Api-Key` (an API key).
 * @throws TerminalError `unauthenticated`. Of a key it is not said whether it never was, was revoked or has expired.
 */
export async function identify(gate: Identification, access: Access, request: RawRequest): Promise<Caller> {
  const token = credential(request);
  if (access === 'verifier') return verify(gate, token, request);
  if (!looksLikeKeyToken(token)) {
    const identity = await gate.identities.verify(token);
    return { ...identity, kind: 'person', actor: identity.uid };
  }
  const found = (await gate.findKey?.(token)) ?? null;
  if (found === null)
    throw new TerminalError('unauthenticated', 'The API key is not valid here, or no longer.', {
      remedy: 'Check that it is copied whole; a person who manages keys can make a new one.',
    });
  return { kind: 'key', id: found.key.id, actor: `key:${found.key.id}`, found };
}

async function verify(gate: Identification, token: string, request: RawRequest): Promise<VerifierCaller> {
  if ((await gate.verifier?.(token, request.body)) !== true)
    throw new TerminalError('unauthenticated', 'The signature does not fit this request.', {
      remedy: 'Only the deployment that made this revision may ask, and only for a minute.',
    });
  return { kind: 'verifier', actor: 'verifier' };
}

function credential(request: RawRequest): string {
  const authorization = header(request, 'authorization');
  const apiKey = header(request, 'x-api-key');
  if (authorization !== undefined && apiKey !== undefined)
    throw new TerminalError('unauthenticated', 'The request carries two sign-ins.', {
      remedy: 'Send either "Authorization: Bearer …" or "X-Api-Key: …".',
    });
  // A key stays a key in either header, and only a key may come in the second.
  if (apiKey !== undefined && looksLikeKeyToken(apiKey)) return apiKey;
  if (apiKey !== undefined)
    throw new TerminalError('unauthenticated', 'The value of X-Api-Key is no API key.', {
      remedy:
        'Check that it is copied whole: a key begins with "tw_". An ID token goes into "Authorization: Bearer …".',
    });
  const found = /^Bearer ([\w.~+/=-]+)$/.exec(authorization ?? '');
  if (found?.[1] === undefined)
    throw new TerminalError('unauthenticated', 'The request carries no sign-in.', {
      remedy:
        'Send the Firebase ID token or an API key as "Authorization: Bearer …", or the key as "X-Api-Key: …".',
    });
  return found[1];
}
