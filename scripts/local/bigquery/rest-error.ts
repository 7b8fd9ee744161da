/** A refusal in BigQuery's form: HTTP status, reason word, sentence; as an HTTP answer or kept on a job. */
import { SqlError } from './sql/sql-error.ts';

const statusOf: Readonly<Record<string, number>> = {
  invalidQuery: 400,
  invalid: 400,
  required: 400,
  authError: 401,
  accessDenied: 403,
  notFound: 404,
  duplicate: 409,
  notImplemented: 501,
  stopped: 200,
  backendError: 503,
  resourceInUse: 400,
};

export class RestError extends Error {
  override readonly name = 'RestError';
  readonly reason: string;
  constructor(reason: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
  get status(): number {
    return statusOf[this.reason] ?? 500;
  }
}

/** One entry of a job's `errors`. */
export interface ErrorProto {
  readonly reason: string;
  readonly message: string;
  readonly location?: string;
}

export const toProto = (error: RestError): ErrorProto => ({
  reason: error.reason,
  message: error.message,
  ...(error.reason === 'invalidQuery' ? { location: 'query' } : {}),
});

/** The HTTP body of an error. */
export function errorBody(error: RestError): unknown {
  return {
    error: {
      code: error.status,
      message: error.message,
      errors: [{ ...toProto(error), domain: 'global' }],
      status: error.reason,
    },
  };
}

/** DuckDB's words for two writers at one row. */
export const isConflict = (message: string): boolean =>
  /conflict|Transaction(Context)? Error: .*(concurrent|altered)/i.test(message);

/** Any failure of a job as BigQuery would say it. DuckDB's own messages lose their prefix; what it refuses is the query's fault. */
export function toRestError(thrown: unknown): RestError {
  if (thrown instanceof RestError) return thrown;
  if (thrown instanceof SqlError) return new RestError(thrown.reason, thrown.message, thrown);
  // Not `instanceof Error`: native errors may come from another realm.
  const text =
    typeof thrown === 'object' && thrown !== null && 'message' in thrown
      ? String(thrown.message)
      : String(thrown);
  if (text.startsWith('INTERRUPT'))
    return new RestError('stopped', 'Job execution was cancelled: User requested cancellation', thrown);
  const missing = /NOT NULL constraint failed: (?:\S+\.)?(\S+)/.exec(text);
  if (missing) return new RestError('invalid', `Required field ${missing[1]} cannot be null`, thrown);
  if (isConflict(text))
    return new RestError('invalidQuery', `Transaction is aborted due to concurrent update: ${text}`, thrown);
  const ungrouped = /column "?([^"]+)"? must appear in the GROUP BY clause/.exec(text);
  if (ungrouped)
    return new RestError(
      'invalidQuery',
      `SELECT list expression references column ${ungrouped[1]} which is neither grouped nor aggregated`,
      thrown,
    );
  const match =
    /^(Invalid Input|Conversion|Out of Range|Binder|Parser|Catalog|Constraint|Not implemented|Invalid|IO|Invalid Type) Error: ([\s\S]*)$/.exec(
      text,
    );
  if (match)
    return new RestError('invalidQuery', (match[2] ?? text).replace(/\n\nLINE[\s\S]*$/, '').trim(), thrown);
  return new RestError('backendError', text, thrown);
}
