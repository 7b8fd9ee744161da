/** BigQuery as one account: what the connector may ask of it. */

/** A question to BigQuery's REST API. */
export interface ApiQuestion {
  readonly method: 'GET' | 'POST';
  /** Below `/bigquery/v2/`, its parts encoded: `projects/shop/datasets/sales`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/**
 * BigQuery's REST API, as one account. With a customer's key that account may do whatever it may; the installation's own may
 * only look at data sets that are labelled for the tenant, their tables, and their rows by `tabledata.list`.
 */
export interface BigQueryApi {
  /** Who asks, for people. */
  readonly account: string;
  /** The installation's own account asks, which reads for all tenants. */
  readonly own: boolean;
  /** The project that jobs run in. */
  readonly jobProject: string;
  /** Where the warehouse is that the rows are for. */
  readonly warehouseLocation: string;
  /** Gets a token, and with it knows that the key is good. @throws TerminalError `sign-in-refused`, `key-invalid` */
  signIn(signal: AbortSignal): Promise<void>;
  /**
   * The answer as it came, to be parsed. Rejects with an `ApiError` where BigQuery refuses, with a TerminalError
   * `dataset-forbidden` where the installation does, and with a TransientError where nothing answers.
   */
  ask(question: ApiQuestion): Promise<unknown>;
}

/** What BigQuery refused with: HTTP status, its own word for why, its sentence. */
export interface ApiError extends Error {
  readonly status: number;
  readonly reason: string;
}

/** Whether `error` is BigQuery's refusal. */
export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && 'reason' in error;
}
