/** Google's REST interfaces for accounts that customers give by a key, and for the installation's own. */
import { createSign } from 'node:crypto';
import { GoogleAuth } from 'google-auth-library';
import { z } from 'zod';
import { TerminalError, toError, TransientError } from '#core/errors';
import { readServiceAccountKey, type ServiceAccountKey } from '#core/service-account-key';

/** Never the address in a key file. */
const TOKEN_ADDRESS = 'https://oauth2.googleapis.com/token';
/** A token is asked for anew so long before its end. */
const EARLY_MS = 5 * 60_000;
/** One answer. */
const ANSWER_MS = 120_000;
const TRIES = 4;

const Token = z.object({ access_token: z.string(), expires_in: z.number() });
const Refused = z.object({ error: z.string(), error_description: z.string().optional() });

const Failed = z.object({
  error: z.object({
    message: z.string().default(''),
    errors: z.array(z.object({ reason: z.string().default('') })).default([]),
  }),
});

/** What an interface answered in place of a success. */
export class GoogleRefusal extends Error {
  readonly status: number;
  /** Its own word: `notFound`, `accessDenied`, `accessNotConfigured`, …; '' where it gave none. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** A token of now. @throws TerminalError `key-invalid`, `sign-in-refused`; TransientError `source-unreachable` */
type Bearer = (signal: AbortSignal) => Promise<string>;

/** One call of an interface. */
export interface GoogleCall {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** An account that may ask a Google interface. */
export interface GoogleAccount {
  /** The account's address; null for the installation's own. */
  readonly email: string | null;
  /** The project of the account's key; null for the installation's own. */
  readonly projectId: string | null;
  /** @throws TerminalError `sign-in-refused`; TransientError `source-unreachable` */
  readonly signIn: (signal: AbortSignal) => Promise<void>;
  /**
   * What was answered; calls that fail for a moment are made again. @throws GoogleRefusal; TerminalError `sign-in-refused`;
   * TransientError `source-unreachable`
   */
  readonly call: (question: GoogleCall) => Promise<unknown>;
}

/**
 * The account of `keyFile`, or the installation's own, for what `scope` allows. An endpoint in plain text is on this machine:
 * it is asked without a token of the installation's, and gives out those for keys.
 * @throws TerminalError `key-invalid`
 */
export function openAccount(
  endpoint: string | undefined,
  keyFile: string | null,
  scope: string,
): GoogleAccount {
  const local = endpoint?.startsWith('http:') === true ? endpoint : null;
  const key = keyFile === null ? null : mustRead(keyFile);
  const own = local === null ? ownToken(scope) : null;
  const token = key === null ? own : keyToken(key, scope, local === null ? TOKEN_ADDRESS : `${local}/token`);
  return {
    email: key?.email ?? null,
    projectId: key?.projectId ?? null,
    async signIn(signal) {
      await token?.(signal);
    },
    async call({ method, url, body, signal }) {
      for (let attempt = 1; ; attempt++) {
        const bearer = await token?.(signal);
        const headers = {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        };
        const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
        const { status, text } = await exchange(url, init, signal);
        if (status < 300) return text === '' ? {} : JSON.parse(text);
        if (![429, 500, 502, 503, 504].includes(status) || attempt === TRIES) throw refusal(status, text);
        await rest(200 * 4 ** (attempt - 1), signal);
      }
    },
  };
}

function mustRead(keyFile: string): ServiceAccountKey {
  const read = readServiceAccountKey(keyFile);
  if ('key' in read) return read.key;
  throw new TerminalError('key-invalid', `The service account’s key is not one: ${read.problem}.`, {
    remedy: 'Make a new key (JSON) of the service account, and set it for this source.',
  });
}

function ownToken(scope: string): Bearer {
  const auth = new GoogleAuth({ scopes: [scope] });
  return async () => {
    const token = await auth.getAccessToken().catch((error: unknown) => {
      throw unreachable('The sign-in of the installation’s own account', error);
    });
    if (typeof token === 'string') return token;
    throw new TransientError('source-unreachable', 'The installation’s own account has no token now.');
  };
}

/** Signs in as RFC 7523 has it, kept until shortly before it ends. */
function keyToken(key: ServiceAccountKey, scope: string, address: string): Bearer {
  let kept: { readonly token: string; readonly until: number } | null = null;
  return async (signal) => {
    if (kept !== null && kept.until > Date.now()) return kept.token;
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: assertion(key, scope, Math.floor(Date.now() / 1000)),
    });
    const { status, text } = await exchange(new URL(address), { method: 'POST', body: form }, signal);
    if (status >= 500) throw unreachable('Google’s sign-in', new Error(`it answered ${status}`));
    if (status !== 200) throw signInRefused(key, text);
    const { access_token, expires_in } = Token.parse(JSON.parse(text));
    kept = { token: access_token, until: Date.now() + expires_in * 1000 - EARLY_MS };
    return access_token;
  };
}

/** Who asks for what, for an hour, signed. The audience is Google's, whoever is asked. */
function assertion(key: ServiceAccountKey, scope: string, seconds: number): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { iss: key.email, scope, aud: TOKEN_ADDRESS, iat: seconds, exp: seconds + 3600 };
  const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: key.keyId })}.${encode(claims)}`;
  try {
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key.privateKey, 'base64url')}`;
  } catch (cause) {
    // Not as the cause: OpenSSL's words may hold parts of what it could not read.
    throw new TerminalError(
      'key-invalid',
      `The private key of ${key.email} cannot be read (${nameOf(cause)}).`,
      {
        remedy: 'Make a new key (JSON) of the service account, and set it for this source.',
      },
    );
  }
}

function signInRefused({ email, keyId }: ServiceAccountKey, text: string): TerminalError {
  const parsed = Refused.safeParse(parseJson(text));
  const said = parsed.success ? (parsed.data.error_description ?? parsed.data.error) : 'no reason given';
  return new TerminalError(
    'sign-in-refused',
    `Google refused the key ${keyId.slice(0, 8)}… of ${email}: ${said.slice(0, 300)}.`,
    {
      remedy:
        'See that the service account is there and enabled and that the key was not deleted; otherwise make a new key and set it for this source.',
    },
  );
}

async function exchange(
  url: URL,
  init: RequestInit,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  for (let attempt = 1; ; attempt++) {
    try {
      const ends = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      // Google's interfaces send nobody elsewhere.
      const response = await fetch(url, { ...init, redirect: 'error', signal: ends });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === TRIES) throw unreachable(url.host, error);
      await rest(200 * 4 ** (attempt - 1), signal);
    }
  }
}

function unreachable(what: string, error: unknown): TransientError {
  return new TransientError('source-unreachable', `${what} did not answer: ${toError(error).message}.`, {
    remedy: 'It is tried again; see whether Google Cloud reports a disturbance.',
    cause: error,
  });
}

function refusal(status: number, text: string): GoogleRefusal {
  const parsed = Failed.safeParse(parseJson(text));
  if (!parsed.success) return new GoogleRefusal(status, '', `it answered ${status}`);
  const { message, errors } = parsed.data.error;
  return new GoogleRefusal(status, errors[0]?.reason ?? '', message);
}

/** What is in `text`; null where it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'it is no PEM text';
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
  signal.throwIfAborted();
}
