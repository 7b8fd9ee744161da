import { type App, getApps, initializeApp } from 'firebase-admin/app';
import { getAuth } from 'firebase-admin/auth';
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

/** Firebase Auth of `projectId`; the emulator where FIREBASE_AUTH_EMULATOR_HOST says so. */
export function openIdentities(projectId: string): Identities {
  const app: App = getApps().find((one) => one.name === projectId) ?? initializeApp({ projectId }, projectId);
  return {
    async verify(token) {
      try {
        // Revocation is asked for: a signed-out or disabled user is refused at the next request, not an hour later.
        const decoded = await getAuth(app).verifyIdToken(token, true);
        return { uid: decoded.uid, email: decoded.email ?? null };
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (code === 'auth/internal-error' || code === 'app/network-error')
          throw new TransientError('auth-unavailable', 'The sign-in service did not answer.', {
            cause: error,
          });
        throw new TerminalError('unauthenticated', 'The sign-in is missing, expired or not valid here.', {
          remedy: 'Sign in again.',
          cause: error,
        });
      }
    },
  };
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
