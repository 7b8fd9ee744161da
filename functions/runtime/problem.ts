import type { Problem } from '#core/api/contract';
import { TerminalError, toFailure, TransientError } from '#core/errors';

/** HTTP status by error code; codes not listed are 400 (terminal) or 503 (transient). */
const STATUS: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  'tenant-suspended': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'in-use': 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  'invalid-input': 422,
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
  500: 'Something failed',
  503: 'Not available right now',
};

/** What `thrown` looks like to a caller: RFC 9457, with a stable code and never a stack. */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const failure = toFailure(thrown);
  const status =
    STATUS[failure.code] ??
    (thrown instanceof TerminalError ? 400 : thrown instanceof TransientError ? 503 : 500);
  return {
    type: `https://tradewind.dev/problems/${failure.code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code: failure.code,
    detail: failure.message,
    remedy: failure.remedy,
    requestId,
    ...(thrown instanceof InputError ? { issues: [...thrown.issues] } : {}),
  };
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

/** The answer to a request that failed with `error`. */
export function refusal(error: unknown, requestId: string): RawAnswer {
  const problem = toProblem(error, requestId);
  return reply(problem.status, JSON.stringify(problem), requestId, 'application/problem+json');
}

/** Input that does not fit its contract: which parts, and why. */
export class InputError extends TerminalError {
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  constructor(where: string, issues: readonly { readonly path: string; readonly message: string }[]) {
    const list = issues
      .map((one) => (one.path === '' ? one.message : `${one.path}: ${one.message}`))
      .join('; ');
    super('invalid-input', `The ${where} is not valid: ${list}.`, {
      remedy: 'Correct the parts named and send it again.',
    });
    this.issues = issues;
  }
}
