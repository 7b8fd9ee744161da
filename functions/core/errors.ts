import { redactText } from './redact.ts';

/**
 * The two kinds of failure, and the whole retry policy.
 *
 * - `TerminalError`: trying again cannot help (wrong password, unknown column). Recorded on the run, acknowledged.
 * - `TransientError`: trying again may help (connection reset, quota). Retried with back-off, then dead-lettered.
 *
 * Every error says what happened (`message`, naming the value), what to do (`remedy`), and has a stable `code`.
 */
export interface ErrorOptions {
  /** What the reader should do next, one sentence. */
  readonly remedy?: string;
  readonly cause?: unknown;
  /** Values the caller may show beside the message; never secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

abstract class CodedError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean | null>> | undefined;
  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details;
  }
}

/** A failure that will not go away by itself. */
export class TerminalError extends CodedError {
  override readonly name = 'TerminalError';
}

/** A failure worth another try. */
export class TransientError extends CodedError {
  override readonly name = 'TransientError';
}

/**
 * Somebody else is at this work right now. Not a failure of the message that asked for it: whoever holds the work, or the
 * next look of the watchdog, goes on with it, so the message is acknowledged and no attempt is counted.
 */
export class BusyError extends CodedError {
  override readonly name = 'BusyError';
}

/** Any thrown value as an Error, its original kept as `cause` where it was not one. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown), { cause: thrown });
}

/** Errors of other realms (workers, vm contexts) are errors too, and no `instanceof` of ours. */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]';
}

/** The facts of a failure that are kept on a run and shown to people: no stack, no cause. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** What to keep of `thrown`, without secrets: coded errors speak for themselves, anything else is `internal`. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof TerminalError || thrown instanceof TransientError)
    return {
      code: thrown.code,
      message: redactText(thrown.message),
      remedy: thrown.remedy === undefined ? null : redactText(thrown.remedy),
    };
  return {
    code: 'internal',
    message: 'Something failed that Tradewind did not expect.',
    remedy: 'Try again; if it happens again, send the request id to support.',
  };
}
