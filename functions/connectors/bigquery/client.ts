/** The calls of the connector, each worded and parsed. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TerminalError, TransientError } from '#core/errors';
import { TIMEOUT_REMEDY } from '../source-errors.ts';
import { type ApiQuestion, type BigQueryApi, isApiError } from './api.ts';
import { type Asked, refusal, toSourceError } from './errors.ts';
import { Dataset, Job, RowsPage, TableList, TableResource } from './resources.ts';

/** Tries of one query, each under an id of its own. */
const MAX_QUERIES = 3;
/** The longest that one call waits for an answer; a query may take many. */
const WAIT_MS = 20_000;
/** Telling a job to stop may take so long. */
const CANCEL_MS = 3000;
const LIST_PAGE = 1000;

/** Reasons of a job that was ended before it was done. */
const CUT_SHORT: readonly string[] = ['stopped', 'timeout'];

/** A query that has succeeded, whose rows may be read for about a day. */
export interface Answer {
  readonly jobId: string;
  readonly rows: number;
}

/** One data set, as one account. When `signal` fires its reason is thrown. */
export interface BigQueryClient {
  readonly api: BigQueryApi;
  /** `shop.sales` */
  readonly name: string;
  /** Where the data set is. */
  location(): Promise<string>;
  /** Every table with its type, by name. */
  tables(): Promise<readonly { readonly name: string; readonly type: string }[]>;
  /** Null where there is none. */
  table(name: string): Promise<TableResource | null>;
  /** Whether a table (no view) has a row: free of charge. */
  hasRow(table: string): Promise<boolean>;
  /** Bytes that the statement would read: what its account pays for. Runs nothing. */
  bytesOf(sql: string, table: string): Promise<number>;
  /**
   * Runs the statement, or finds that somebody has: the same for everybody who gives the same `key`, so that all read the
   * same rows in the same order.
   */
  run(key: string, sql: string, table: string): Promise<Answer>;
  /** Rows of an answer from `start`, as many as fit in a page of at most `count`. */
  page(answer: Answer, start: number, count: number): Promise<RowsPage['rows']>;
}

/** The client of `project.dataset`, whose queries are given up by BigQuery after `statementMs`. */
export function openClient(
  api: BigQueryApi,
  { project, dataset }: { readonly project: string; readonly dataset: string },
  statementMs: number,
  signal: AbortSignal,
): BigQueryClient {
  const name = `${project}.${dataset}`;
  const part = encodeURIComponent;
  const datasetPath = `projects/${part(project)}/datasets/${part(dataset)}`;
  const jobs = `projects/${part(api.jobProject)}`;
  const asked = (table?: string): Asked => ({
    what: table === undefined ? name : `${name}.${table}`,
    account: api.account,
  });
  const ask = async (question: Omit<ApiQuestion, 'signal'>, about: Asked): Promise<unknown> => {
    try {
      return await api.ask({ ...question, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw toSourceError(error, about);
    }
  };
  const get = (path: string, about: Asked, query: Readonly<Record<string, string>> = {}) =>
    ask({ method: 'GET', path, query }, about);

  let known: Promise<string> | undefined;
  const location = (): Promise<string> =>
    (known ??= get(datasetPath, asked()).then((found) => Dataset.parse(found).location));

  /** Starts the job unless its id is used. */
  const start = async (jobId: string, sql: string, about: Asked): Promise<void> => {
    const body = {
      jobReference: { projectId: api.jobProject, jobId, location: await location() },
      configuration: { jobTimeoutMs: String(statementMs), query: { query: sql, useLegacySql: false } },
    };
    try {
      await api.ask({ method: 'POST', path: `${jobs}/jobs`, body, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!isApiError(error) || error.status !== 409) throw toSourceError(error, about);
    }
  };
  const gone = (cause?: Error) =>
    new TransientError('snapshot-gone', `The rows that BigQuery read of ${name} are kept no longer.`, {
      remedy: 'They are read anew.',
      ...(cause === undefined ? {} : { cause }),
    });
  const results = async (jobId: string, about: Asked, query: Readonly<Record<string, string>>) => {
    const path = `${jobs}/queries/${jobId}`;
    const form = { location: await location(), 'formatOptions.useInt64Timestamp': 'true', ...query };
    try {
      return RowsPage.parse(await api.ask({ method: 'GET', path, query: form, signal }));
    } catch (error) {
      signal.throwIfAborted();
      // The job was there: what is not found is its answer, which is kept for a day.
      throw isApiError(error) && error.status === 404 ? gone(error) : toSourceError(error, about);
    }
  };
  const outcome = async (jobId: string, about: Asked) =>
    Job.parse(await get(`${jobs}/jobs/${jobId}`, about, { location: await location() }));

  /** Waits for the end of the job, or a while; what it failed of is told by the job itself. Nobody pays for what nobody waits for. */
  const waitFor = async (jobId: string): Promise<void> => {
    const query = { location: await location(), timeoutMs: String(WAIT_MS), maxResults: '0' };
    try {
      await api.ask({ method: 'GET', path: `${jobs}/queries/${jobId}`, query, signal });
    } catch {
      if (signal.aborted)
        await api
          .ask({
            method: 'POST',
            path: `${jobs}/jobs/${jobId}/cancel`,
            query: { location: query.location },
            signal: AbortSignal.timeout(CANCEL_MS),
          })
          .catch(() => undefined);
      signal.throwIfAborted();
      await sleep(1000, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  };

  return {
    api,
    name,
    location,

    async tables() {
      const found: { name: string; type: string }[] = [];
      for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
        const query = { maxResults: String(LIST_PAGE), ...(pageToken === '' ? {} : { pageToken }) };
        const page = TableList.parse(await get(`${datasetPath}/tables`, asked(), query));
        for (const { tableReference, type } of page.tables)
          found.push({ name: tableReference.tableId, type });
        pageToken = page.nextPageToken;
      }
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async table(table) {
      try {
        return TableResource.parse(
          await api.ask({ method: 'GET', path: `${datasetPath}/tables/${part(table)}`, signal }),
        );
      } catch (error) {
        signal.throwIfAborted();
        if (isApiError(error) && error.status === 404) return null;
        throw toSourceError(error, asked(table));
      }
    },

    async hasRow(table) {
      const page = await get(`${datasetPath}/tables/${part(table)}/data`, asked(table), { maxResults: '1' });
      return Number(Object(page).totalRows) > 0;
    },

    async bytesOf(sql, table) {
      const body = {
        jobReference: { projectId: api.jobProject, location: await location() },
        configuration: { dryRun: true, query: { query: sql, useLegacySql: false } },
      };
      const job = Job.parse(await ask({ method: 'POST', path: `${jobs}/jobs`, body }, asked(table)));
      return job.statistics.totalBytesProcessed;
    },

    async run(key, sql, table) {
      const about = asked(table === '' ? undefined : table);
      const id = createHash('sha256').update(`${name}\n${key}\n${sql}`).digest('hex').slice(0, 40);
      for (let attempt = 1; ; attempt++) {
        const jobId = `tradewind_${id}_${attempt}`;
        await start(jobId, sql, about);
        let job = await outcome(jobId, about);
        while (job.status.state !== 'DONE') {
          await waitFor(jobId);
          job = await outcome(jobId, about);
        }
        const { errorResult } = job.status;
        if (errorResult === undefined) {
          const { totalRows } = await results(jobId, about, { maxResults: '0' });
          return { jobId, rows: totalRows };
        }
        // Told by the clock: its words for it are those of a cancellation.
        const { creationTime, endTime } = job.statistics;
        const late = CUT_SHORT.includes(errorResult.reason) && endTime - creationTime >= statementMs;
        const error = late
          ? new TerminalError(
              'statement-timeout',
              `Reading ${about.what} took longer than ${statementMs / 60_000} minutes, so BigQuery ended it: ${errorResult.message}`,
              { remedy: TIMEOUT_REMEDY },
            )
          : refusal(errorResult.reason, errorResult.message, about);
        if (!(error instanceof TransientError) || attempt === MAX_QUERIES) throw error;
      }
    },

    async page({ jobId, rows }, start, count) {
      const query = { startIndex: String(start), maxResults: String(count) };
      const page = await results(jobId, asked(), query);
      if (page.jobComplete && page.totalRows === rows && page.rows.length > 0) return page.rows;
      throw gone();
    },
  };
}
