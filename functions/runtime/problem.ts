import type { Problem } from '#core/api/contract';
import { explainCode, helpPath } from '#core/error-codes';
import { BusyError, type Failure, TerminalError, toFailure, TransientError } from '#core/errors';

/** HTTP status by error code; codes not listed are 400 (terminal) or 503 (transient). */
const STATUS: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  'tenant-suspended': 403,
  'role-too-high': 403,
  'email-unverified': 403,
  'invitation-not-yours': 403,
  'quota-exceeded': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'in-use': 409,
  'not-possible': 409,
  'model-archived': 409,
  'confirmation-needed': 409,
  'deployment-over': 409,
  'deployment-under-way': 409,
  'idempotency-in-flight': 409,
  'not-answering': 409,
  'nothing-to-restore': 409,
  'not-replayable': 409,
  'run-active': 409,
  'run-over': 409,
  'nothing-to-retry': 409,
  'last-owner': 409,
  'already-invited': 409,
  'already-member': 409,
  'invitation-used': 409,
  'invitation-revoked': 409,
  'invitation-expired': 409,
  'invitation-void': 409,
  'key-over': 409,
  'channel-gone': 409,
  'tenant-going': 409,
  'tenant-not-empty': 409,
  'cursor-gone': 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  'invalid-input': 422,
  'idempotency-mismatch': 422,
  'rate-limited': 429,
  'too-many-at-once': 429,
  'record-unreadable': 500,
  'configuration-invalid': 500,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request cannot be done',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Invalid input',
  429: 'Too many requests',
  500: 'Something failed',
  503: 'Not available right now',
};

/** What `thrown` looks like to a caller: RFC 9457, with a stable code and never a stack. */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const failure = failureOf(thrown);
  const passes = thrown instanceof TransientError || thrown instanceof BusyError;
  const status = STATUS[failure.code] ?? (thrown instanceof TerminalError ? 400 : passes ? 503 : 500);
  return {
    // A page of the site: relative to the address that was asked.
    type: helpPath(failure.code),
    title: TITLES[status] ?? 'Error',
    status,
    code: failure.code,
    detail: failure.message,
    remedy: failure.remedy ?? explainCode(failure.code)?.remedy ?? null,
    requestId,
    ...(thrown instanceof InputError ? { issues: [...thrown.issues] } : {}),
  };
}

/** A caller has no message to be acknowledged: to it what is busy is what may be tried again. */
function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof BusyError)) return toFailure(thrown);
  const { code, message, remedy, cause } = thrown;
  return toFailure(new TransientError(code, message, { remedy: remedy ?? 'Try again in a moment.', cause }));
}

/** An answer as the transport takes it. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer of `body` that nobody keeps or takes for anything but its `type`. */
export function reply(status: number, body: string, requestId: string, type: string): RawAnswer {
  return {
    status,
    headers: {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': requestId,
    },
    body,
  };
}

/** Seconds after which to try again what failed for a reason that may pass, where the error does not say. */
const RETRY_SECONDS = 5;

/** The answer to a request that failed with `error`. What may be tried again says when (`retry-after`). */
export function refusal(error: unknown, requestId: string): RawAnswer {
  const problem = toProblem(error, requestId);
  const answered = reply(problem.status, JSON.stringify(problem), requestId, 'application/problem+json');
  const said = error instanceof TransientError ? error.details?.['retryAfterSeconds'] : undefined;
  const seconds = said ?? (problem.status === 503 ? RETRY_SECONDS : undefined);
  return seconds === undefined
    ? answered
    : { ...answered, headers: { ...answered.headers, 'retry-after': String(seconds) } };
}

/** Input that does not fit its contract: which parts, and why. */
export class InputError extends TerminalError {
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  constructor(where: string, issues: readonly { readonly path: string; readonly message: string }[]) {
    const list = issues
      .map((one) => (one.path === '' ? one.message : `${one.path}: ${one.message}`))
      .join('; ');
    const named = [...new Set(issues.flatMap(({ path }) => (path === '' ? [] : [`"${path}"`])))];
    const parts =
      named.length > 3 ? `${named.slice(0, 3).join(', ')} and ${named.length - 3} more` : named.join(', ');
    super('invalid-input', `The ${where} is not valid: ${list}.`, {
      remedy: `Correct ${parts === '' ? `the ${where}` : parts} and send it again.`,
    });
    this.issues = issues;
  }
}
