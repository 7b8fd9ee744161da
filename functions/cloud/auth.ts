import { type App, getApps, initializeApp } from 'firebase-admin/app';
import { type DecodedIdToken, getAuth, type UserRecord } from 'firebase-admin/auth';
import { GoogleAuth } from 'google-auth-library';
import { TerminalError, TransientError } from '#core/errors';

/** Who is calling. */
export interface Identity {
  readonly uid: string;
  readonly email: string | null;
}

/** Verifies Firebase ID tokens of one project. */
export interface Identities {
  /** @throws TerminalError `unauthenticated`: expired, revoked, of another project, or no token at all. */
  verify(token: string): Promise<Identity>;
}

/** What is wrong with a token or its user, in the library's codes. All others are of the service, not of who calls. */
const OF_THE_CALLER: readonly string[] = [
  'auth/argument-error',
  'auth/id-token-expired',
  'auth/id-token-revoked',
  'auth/invalid-uid',
  'auth/user-disabled',
  'auth/user-not-found',
];
/** Seconds by which the clock of whoever signs tokens may be ahead of this one. */
const CLOCKS_DIFFER = 300;

/** Firebase Auth of `projectId`; the emulator where FIREBASE_AUTH_EMULATOR_HOST says so. */
export function openIdentities(projectId: string, clock: () => number = Date.now): Identities {
  const app = appOf(projectId);
  return {
    async verify(token) {
      let decoded: DecodedIdToken;
      try {
        // Revocation is asked for: a signed-out or disabled user is refused at once, not an hour later.
        decoded = await getAuth(app).verifyIdToken(token, true);
      } catch (error) {
        if (!isOfTheCaller(error)) throw unavailable(error);
        throw unauthenticated(error);
      }
      // The library does not look at these, and a sign-in of the future would outlive its revocation.
      const latest = clock() / 1000 + CLOCKS_DIFFER;
      if (!(decoded.iat <= latest && decoded.auth_time <= latest)) throw unauthenticated();
      return { uid: decoded.uid, email: decoded.email ?? null };
    },
  };
}

/** What is thrown without a code is about a token that cannot even be read. */
function isOfTheCaller(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  if (code === null) return true;
  // Keys that cannot be fetched come under the code of a bad token; only the library's own words begin like this.
  const keysMissing =
    error instanceof Error && /^(Error fetching public keys|Error while making request)/.test(error.message);
  return OF_THE_CALLER.includes(code) && !keysMissing;
}

function unauthenticated(cause?: unknown): TerminalError {
  return new TerminalError('unauthenticated', 'The sign-in is missing, expired or not valid here.', {
    remedy: 'Sign in again.',
    cause,
  });
}

function unavailable(cause: unknown): TransientError {
  return new TransientError('auth-unavailable', 'The sign-in service did not answer.', { cause });
}

/** An account as the sign-in service knows it now; a token's claims are as old as the token. */
export interface Person extends Identity {
  /** Whether whoever signs in has shown that the address is theirs. */
  readonly emailVerified: boolean;
}

/** Accounts of one project. */
export interface People {
  byUid(uid: string): Promise<Person | null>;
  byEmail(email: string): Promise<Person | null>;
}

/** The accounts of Firebase Auth of `projectId`. Errors are TransientError `auth-unavailable`. */
export function openPeople(projectId: string): People {
  const auth = getAuth(appOf(projectId));
  const found = async (look: () => Promise<UserRecord>): Promise<Person | null> => {
    try {
      const { uid, email, emailVerified, disabled } = await look();
      return disabled ? null : { uid, email: email ?? null, emailVerified };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (['auth/user-not-found', 'auth/invalid-uid', 'auth/invalid-email'].includes(code)) return null;
      throw unavailable(error);
    }
  };
  return {
    byUid: (uid) => found(() => auth.getUser(uid)),
    byEmail: (email) => found(() => auth.getUserByEmail(email)),
  };
}

function appOf(projectId: string): App {
  return getApps().find((one) => one.name === projectId) ?? initializeApp({ projectId }, projectId);
}

/**
 * Headers by which this process's service account may call a Cloud Run service that is not open to the public: its
 * identity token for `url`. Beside it the service's own `Authorization` stays free. None for a plain-text address, which
 * can only be on the same machine.
 */
export async function invokerHeaders(url: string): Promise<Record<string, string>> {
  const { protocol, origin } = new URL(url);
  if (protocol === 'http:') return {};
  try {
    const client = await new GoogleAuth().getIdTokenClient(origin);
    return { 'x-serverless-authorization': `Bearer ${await client.idTokenProvider.fetchIdToken(origin)}` };
  } catch (error) {
    throw new TransientError('identity-unavailable', `No identity token could be had for ${origin}.`, {
      cause: error,
    });
  }
}
