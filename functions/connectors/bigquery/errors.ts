/** BigQuery's refusals in our words. */
import { TerminalError, toError, TransientError } from '#core/errors';
import { isApiError } from './api.ts';

/** Reasons after which BigQuery's documentation says to try again, whatever status they come with. */
const PASSING: readonly string[] = [
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'rateLimitExceeded',
  'tableUnavailable',
  'timeout',
  'stopped',
];

/** What was asked, for messages. */
export interface Asked {
  /** `shop.sales`, `shop.sales.orders`. */
  readonly what: string;
  readonly account: string;
}

/** What is said of a refusal. */
interface Saying {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What to say of a refusal, given its reason. */
const SAYINGS: Readonly<Record<string, (asked: Asked, said: string) => Saying>> = {
  accessDenied: ({ account }, said) => ({
    code: 'permission-denied',
    message: `${account} is refused by BigQuery: ${said}`,
    remedy:
      'Give the service account the role BigQuery Data Viewer on the data set, and BigQuery Job User on its own project.',
  }),
  notFound: ({ what }, said) => ({
    code: 'not-found-in-bigquery',
    message: `BigQuery does not find ${what}: ${said}`,
    remedy: 'Check the names of the project, the data set and the table, and that the account may see them.',
  }),
  quotaExceeded: ({ what }, said) => ({
    code: 'quota-exceeded',
    message: `A quota ends what is read of ${what}: ${said}`,
    remedy: 'Raise the quota of the project that the key is of, or load less at a time.',
  }),
  responseTooLarge: ({ what }, said) => ({
    code: 'answer-too-large',
    message: `BigQuery keeps no answer as large as all of ${what}: ${said}`,
    remedy:
      'Load fewer of its columns or rows, or label the data set and add it as a source without a key, so that it is copied.',
  }),
  billingNotEnabled: (_, said) => ({
    code: 'billing-disabled',
    message: `The key’s project cannot run queries: ${said}`,
    remedy: 'Enable billing in the project of the service account.',
  }),
  invalidQuery: ({ what }, said) => ({
    code: 'query-refused',
    message: `BigQuery cannot read ${what}: ${said}`,
    remedy: 'If the message names a column, leave that column out; a view may be broken by itself.',
  }),
};

/** `thrown` in our words; what is ours already passes unchanged. */
export function toSourceError(thrown: unknown, asked: Asked): Error {
  if (thrown instanceof TerminalError || thrown instanceof TransientError) return thrown;
  const cause = toError(thrown);
  if (!isApiError(cause)) return cause;
  return refusal(cause.reason === '' ? byStatus(cause.status) : cause.reason, cause.message, asked, cause);
}

/** The failure of a job that ended with `reason`. */
export function refusal(reason: string, said: string, asked: Asked, cause?: Error): Error {
  const about = cause === undefined ? {} : { cause };
  const sentence = said.replaceAll(/\s+/g, ' ').slice(0, 600);
  if (PASSING.includes(reason))
    return new TransientError('source-unreachable', `BigQuery cannot read ${asked.what} now: ${sentence}`, {
      remedy: 'It is tried again; see whether Google Cloud reports a disturbance.',
      ...about,
    });
  const say = SAYINGS[reason] ?? (reason === 'invalid' ? SAYINGS['invalidQuery'] : undefined);
  const { code, message, remedy } = say?.(asked, sentence) ?? {
    code: 'source-error',
    message: `BigQuery said of ${asked.what}: ${reason || 'no reason'}: ${sentence}`,
    remedy: 'Look the message up in BigQuery’s documentation of errors.',
  };
  return new TerminalError(code, message, { remedy, ...about });
}

function byStatus(status: number): string {
  if (status === 403) return 'accessDenied';
  if (status === 404) return 'notFound';
  return status >= 500 ? 'backendError' : 'invalid';
}
