import { z } from 'zod';
import { ApiError } from '#core/api/client';
import { toFailure, TerminalError, TransientError } from '#core/errors';

/** An error as a person reads it. */
export interface Explained {
  readonly what: string;
  readonly remedy: string | null;
  /** The code that is explained by a page of its own; null where there is none. */
  readonly code: string | null;
  /** To quote to support. */
  readonly requestId: string | null;
  /** Which inputs were wrong, by their path in the request. */
  readonly issues: readonly { readonly path: string; readonly message: string }[];
}

// An unknown address and a wrong password read the same: who has an account is nobody's business.
const AUTH: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  'auth/invalid-credential': ['E-mail and password do not match.', 'Check both, or reset the password.'],
  'auth/wrong-password': ['E-mail and password do not match.', 'Check both, or reset the password.'],
  'auth/user-not-found': ['E-mail and password do not match.', 'Check both, or reset the password.'],
  'auth/invalid-email': ['That is not an e-mail address.', 'Write it like name@company.com.'],
  'auth/missing-password': ['The password is missing.', 'Enter your password.'],
  'auth/email-already-in-use': ['There is an account with this e-mail address.', 'Sign in instead.'],
  'auth/weak-password': ['The password is too short.', 'Use at least 6 characters; a few words are best.'],
  'auth/too-many-requests': ['Too many attempts for now.', 'Wait a few minutes, or reset the password.'],
  'auth/user-disabled': ['This account is switched off.', 'Ask the owner of your company’s account.'],
  'auth/network-request-failed': [
    'The sign-in service cannot be reached.',
    'Check the connection and try again.',
  ],
};

const FIRESTORE: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  'permission-denied': [
    'You may not see this.',
    'Ask an owner of the company’s account to add you; then reload the page.',
  ],
  unavailable: ['The live connection is down.', 'It comes back by itself; or try again now.'],
};

/** Any thrown value as sentences: the only place where errors become words. */
export function explain(error: unknown): Explained {
  if (error instanceof ApiError) {
    const { detail, remedy, code, requestId, issues } = error.problem;
    // Without a request id it is no answer of the API's: nothing was reached.
    return requestId === ''
      ? { what: detail, remedy, code: null, requestId: null, issues: issues ?? [] }
      : { what: detail, remedy, code, requestId, issues: issues ?? [] };
  }
  const known = codeOf(error);
  const said = known === null ? undefined : (AUTH[known] ?? FIRESTORE[known]);
  if (said !== undefined) return plain(said[0], said[1]);
  if (known !== null) return plain(`The service refused (${known}).`, 'Try again in a moment.');
  if (error instanceof TerminalError || error instanceof TransientError)
    return plain(error.message, error.remedy ?? null);
  if (error instanceof z.ZodError)
    return plain(
      'The answer is not what this page expects.',
      'Reload the page: a newer version may be waiting.',
    );
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message))
    return plain('The server cannot be reached.', 'Check the connection and try again.');
  return plain(toFailure(error).message, 'Try again; if it happens again, reload the page.');
}

/** Firebase errors carry a `code`; its classes differ between the packages. */
function codeOf(error: unknown): string | null {
  return error instanceof Error &&
    error.name === 'FirebaseError' &&
    'code' in error &&
    typeof error.code === 'string'
    ? error.code
    : null;
}

function plain(what: string, remedy: string | null): Explained {
  return { what, remedy, code: null, requestId: null, issues: [] };
}
