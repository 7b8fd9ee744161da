/** BigQuery's REST API by itself, for data sets that are not the installation's: as its own account, or as that of a key. */
import { type GoogleAccount, openAccount } from './google-account.ts';

/** Reading alone; a key that may more is not asked for more. `bigquery` and no narrower, for jobs are started with it. */
const SCOPE = 'https://www.googleapis.com/auth/bigquery';
const ADDRESS = 'https://bigquery.googleapis.com';

/** One call. `path` is below `/bigquery/v2/`. */
export interface RestCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** Who calls. */
export interface BigQueryCaller extends Pick<GoogleAccount, 'email' | 'projectId' | 'signIn'> {
  /** What BigQuery answered. @throws GoogleRefusal; TerminalError `sign-in-refused`; TransientError `source-unreachable` */
  call(question: RestCall): Promise<unknown>;
}

/**
 * BigQuery at `endpoint` (its public address where undefined) as the account of `keyFile`, or as the installation's own. An
 * endpoint in plain text is on this machine: it is asked without a token of the installation's, and gives out those for keys.
 * @throws TerminalError `key-invalid`
 */
export function openBigQueryApi(endpoint: string | undefined, keyFile: string | null): BigQueryCaller {
  const { email, projectId, signIn, call } = openAccount(endpoint, keyFile, SCOPE);
  return {
    email,
    projectId,
    signIn,
    // Every call may be made twice: reads, and jobs by an id of the caller's.
    call({ path, query = {}, ...question }) {
      const url = new URL(`/bigquery/v2/${path}`, endpoint ?? ADDRESS);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      return call({ ...question, url });
    },
  };
}
