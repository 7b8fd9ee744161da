import { setTimeout as sleep } from 'node:timers/promises';
import { BigQuery, type Job } from '@google-cloud/bigquery';
import type { ColumnType } from '#core/column';
import { TerminalError, TransientError } from '#core/errors';
import { restOptions } from './endpoint.ts';
import { codeOf } from './error-code.ts';
import { refusedRows, type RefusedRow } from './refused-rows.ts';

/** A column of a warehouse table. */
export interface Field {
  readonly name: string;
  readonly type: ColumnType;
  readonly description?: string;
}

export interface TableRef {
  readonly dataset: string;
  readonly table: string;
}

export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;
export type Row = Readonly<Record<string, unknown>>;

/** What a job has come to. `rows`: of a load or query; `affected`: of DML. */
export interface JobOutcome {
  readonly state: 'running' | 'succeeded' | 'failed' | 'unknown';
  readonly message: string;
  readonly reason: string;
  readonly outputRows: number;
  /** Bytes that a query read; 0 of other jobs and where BigQuery does not say. */
  readonly bytesScanned?: number;
}

/** BigQuery in one project and location. Jobs have ids given by the caller: asked for twice, the same job is meant. */
export interface Warehouse {
  ensureDataset(dataset: string): Promise<void>;
  deleteDataset(dataset: string): Promise<void>;
  /** Names of the datasets that begin with `prefix`. */
  listDatasets(prefix: string): Promise<string[]>;
  /** Creates the table unless it is there. `expiresInHours`: it goes by itself. */
  ensureTable(
    ref: TableRef,
    fields: readonly Field[],
    options?: {
      readonly expiresInHours?: number;
      readonly partitionBy?: string;
      readonly clusterBy?: readonly string[];
    },
  ): Promise<void>;
  /** The table's fields and size; null where there is none. */
  describe(ref: TableRef): Promise<{ fields: Field[]; rows: number; bytes: number } | null>;
  addFields(ref: TableRef, fields: readonly Field[]): Promise<void>;
  /** The table goes by itself that many hours from now. */
  expireTable(ref: TableRef, hours: number): Promise<void>;
  deleteTable(ref: TableRef): Promise<void>;
  /** Starts a load of exactly these Parquet objects, replacing the table's content. */
  startLoad(jobId: string, ref: TableRef, uris: readonly string[], fields: readonly Field[]): Promise<void>;
  /** Starts a statement or script; with `into`, its result replaces that table. */
  startQuery(
    jobId: string,
    sql: string,
    options?: { readonly params?: Parameters; readonly into?: TableRef },
  ): Promise<void>;
  /**
   * Starts a copy of a table, of any project, as it was at `moment` (milliseconds since 1970), replacing `into`. What is no
   * table (a view, an external table) is refused; rows that were streamed in within the last minutes may be missing.
   */
  startCopy(
    jobId: string,
    from: TableRef & { readonly project: string; readonly moment: number },
    into: TableRef,
  ): Promise<void>;
  /** Starts an export to Parquet; `uri` may hold one `*`. */
  startExport(jobId: string, ref: TableRef, uri: string): Promise<void>;
  jobOutcome(jobId: string): Promise<JobOutcome>;
  /** Waits until the job ends, at most `seconds` and no longer once `signal` fires; `running` if it has not. */
  waitFor(jobId: string, seconds: number, signal?: AbortSignal): Promise<JobOutcome>;
  cancelJob(jobId: string): Promise<void>;
  /** Runs a query and returns its rows: for small answers. */
  query(sql: string, params?: Parameters, maximumBytesBilled?: number): Promise<Row[]>;
  /** Bytes the statement would read; its errors, without running it. */
  dryRun(sql: string, params?: Parameters): Promise<number>;
  /**
   * Streams rows in; `id` makes a repeated insert of a row harmless for about a minute. Rows that do not fit the table are
   * left out and returned, the others are written.
   * @throws TransientError where rows were left out for another reason: all are to be sent again
   */
  insert(
    ref: TableRef,
    rows: readonly { readonly id: string; readonly row: Row }[],
  ): Promise<readonly RefusedRow[]>;
}

interface Place {
  readonly projectId: string;
  readonly location: string;
  readonly endpoints: { readonly bigquery: string | undefined };
}

/** BigQuery of the place. */
export function openWarehouse(place: Place): Warehouse {
  const { location } = place;
  const client = new BigQuery({ ...restOptions(place.endpoints.bigquery, place.projectId), location });
  const table = (ref: TableRef) => client.dataset(ref.dataset).table(ref.table);
  const destination = (ref: TableRef) => ({
    projectId: place.projectId,
    datasetId: ref.dataset,
    tableId: ref.table,
  });

  const start = async (jobId: string, configuration: object): Promise<void> => {
    try {
      // The client makes an id of its own unless it is given here, whatever a jobReference says.
      await client.createJob({ configuration, jobId, location });
    } catch (error) {
      // 409: this job was asked for before; the caller goes on to watch it.
      if (codeOf(error) !== 409) throw translated(jobId, error);
    }
  };
  const outcome = async (jobId: string): Promise<JobOutcome> => {
    try {
      const [metadata] = await client.job(jobId, { location }).getMetadata();
      return toOutcome(metadata);
    } catch (error) {
      if (codeOf(error) === 404)
        return { state: 'unknown', message: 'no such job', reason: '', outputRows: 0 };
      throw translated(jobId, error);
    }
  };
  const unless = async (code: number, what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (codeOf(error) !== code) throw translated(what, error);
    }
  };

  return {
    ensureDataset: (dataset) => unless(409, dataset, () => client.createDataset(dataset, { location })),
    deleteDataset: (dataset) => unless(404, dataset, () => client.dataset(dataset).delete({ force: true })),
    listDatasets: (prefix) =>
      translate('datasets', async () =>
        (await client.getDatasets())[0].flatMap(({ id }) => (id?.startsWith(prefix) === true ? [id] : [])),
      ),
    ensureTable: (ref, fields, options = {}) =>
      unless(409, ref.table, () =>
        client.dataset(ref.dataset).createTable(ref.table, {
          schema: { fields: fields.map(toSchemaField) },
          ...(options.expiresInHours === undefined
            ? {}
            : { expirationTime: String(Date.now() + options.expiresInHours * 3_600_000) }),
          ...(options.partitionBy === undefined
            ? {}
            : { timePartitioning: { type: 'DAY', field: options.partitionBy } }),
          ...(options.clusterBy === undefined ? {} : { clustering: { fields: [...options.clusterBy] } }),
        }),
      ),
    async describe(ref) {
      try {
        const [metadata] = await table(ref).getMetadata();
        return {
          fields: toFields(metadata),
          rows: Number(metadata.numRows ?? 0),
          bytes: Number(metadata.numBytes ?? 0),
        };
      } catch (error) {
        if (codeOf(error) === 404) return null;
        throw translated(ref.table, error);
      }
    },
    addFields: (ref, fields) =>
      translate(ref.table, async () => {
        const [metadata] = await table(ref).getMetadata();
        const known = toFields(metadata);
        const added = fields.filter((one) => !known.some((old) => old.name === one.name));
        if (added.length > 0)
          await table(ref).setMetadata({ schema: { fields: [...known, ...added].map(toSchemaField) } });
      }),
    expireTable: (ref, hours) =>
      translate(ref.table, async () => {
        await table(ref).setMetadata({ expirationTime: String(Date.now() + hours * 3_600_000) });
      }),
    deleteTable: (ref) => unless(404, ref.table, () => table(ref).delete()),
    startLoad: (jobId, ref, uris, fields) =>
      start(jobId, {
        load: {
          sourceUris: [...uris],
          sourceFormat: 'PARQUET',
          destinationTable: destination(ref),
          schema: { fields: fields.map(toSchemaField) },
          writeDisposition: 'WRITE_TRUNCATE',
          autodetect: false,
          decimalTargetTypes: ['NUMERIC', 'BIGNUMERIC', 'STRING'],
        },
      }),
    startQuery: (jobId, sql, options = {}) =>
      start(jobId, {
        query: {
          query: sql,
          useLegacySql: false,
          ...(options.params === undefined
            ? {}
            : { parameterMode: 'NAMED', queryParameters: toQueryParameters(options.params) }),
          ...(options.into === undefined
            ? {}
            : { destinationTable: destination(options.into), writeDisposition: 'WRITE_TRUNCATE' }),
        },
      }),
    startCopy: (jobId, from, into) =>
      start(jobId, {
        copy: {
          sourceTable: {
            projectId: from.project,
            datasetId: from.dataset,
            tableId: `${from.table}@${Math.floor(from.moment)}`,
          },
          destinationTable: destination(into),
          writeDisposition: 'WRITE_TRUNCATE',
        },
      }),
    startExport: (jobId, ref, uri) =>
      start(jobId, {
        extract: {
          sourceTable: destination(ref),
          destinationUris: [uri],
          destinationFormat: 'PARQUET',
          compression: 'SNAPPY',
        },
      }),
    jobOutcome: outcome,
    async waitFor(jobId, seconds, signal) {
      const since = performance.now();
      for (;;) {
        const now = await outcome(jobId);
        const waited = performance.now() - since;
        // A fifth of what has passed: never much later than the job's end, and few questions about a long one.
        const pause = Math.min(Math.max(50, waited / 5), 1000);
        if (now.state !== 'running' || waited + pause > seconds * 1000 || signal?.aborted === true)
          return now;
        await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      }
    },
    cancelJob: (jobId) => unless(404, jobId, () => client.job(jobId, { location }).cancel()),
    query: (sql, params, maximumBytesBilled) =>
      translate('query', async () => {
        const [rows] = await client.query({
          query: sql,
          location,
          ...(params === undefined ? {} : { params }),
          ...(maximumBytesBilled === undefined ? {} : { maximumBytesBilled: String(maximumBytesBilled) }),
        });
        // The client types rows as any[]; they are plain objects by column name.
        return rows as Row[];
      }),
    dryRun: (sql, params) =>
      translate('query', async () => {
        const [job]: [Job, ...unknown[]] = await client.createQueryJob({
          query: sql,
          location,
          dryRun: true,
          ...(params === undefined ? {} : { params }),
        });
        return Number(job.metadata?.statistics?.totalBytesProcessed ?? 0);
      }),
    insert: async (ref, rows) => {
      // As the client's own `insert` asks, but as a text: it would copy every row, look in each value for the place of a
      // project's name, and put that there.
      const [answer] = await translate(ref.table, () =>
        table(ref).request({
          method: 'POST',
          uri: '/insertAll',
          headers: { 'content-type': 'application/json' },
          // Or one row that does not fit keeps all others of its request out.
          body: JSON.stringify({
            skipInvalidRows: true,
            rows: rows.map(({ id, row }) => ({ insertId: id, json: row })),
          }),
        }),
      );
      const refused = refusedRows(
        answer,
        rows.map(({ id }) => id),
      );
      if (refused !== null) return refused;
      throw new TransientError('warehouse-unavailable', `BigQuery did not take all rows of ${ref.table}.`);
    },
  };
}

function toSchemaField(field: Field) {
  return {
    name: field.name,
    type: field.type,
    mode: 'NULLABLE',
    ...(field.description === undefined ? {} : { description: field.description }),
  };
}

// The REST API answers with the legacy names of some types.
const MODERN: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL' };

function toFields(metadata: { schema?: { fields?: { name?: string; type?: string }[] } }): Field[] {
  return (metadata.schema?.fields ?? []).map((field) => ({
    name: field.name ?? '',
    // The tables described here were made by Tradewind, of ColumnType's types only.
    type: (MODERN[field.type ?? ''] ?? field.type ?? 'STRING') as ColumnType,
  }));
}

function toQueryParameters(params: Parameters) {
  const scalar = (value: string | number | boolean) =>
    typeof value === 'number'
      ? Number.isInteger(value)
        ? 'INT64'
        : 'FLOAT64'
      : typeof value === 'boolean'
        ? 'BOOL'
        : 'STRING';
  return Object.entries(params).map(([name, value]) =>
    typeof value === 'object'
      ? {
          name,
          parameterType: { type: 'ARRAY', arrayType: { type: 'STRING' } },
          parameterValue: { arrayValues: value.map((one) => ({ value: one })) },
        }
      : { name, parameterType: { type: scalar(value) }, parameterValue: { value: String(value) } },
  );
}

interface JobMetadata {
  status?: { state?: string; errorResult?: { message?: string; reason?: string } };
  statistics?: {
    totalBytesProcessed?: string;
    load?: { outputRows?: string };
    query?: { numDmlAffectedRows?: string };
  };
}

function toOutcome(metadata: JobMetadata): JobOutcome {
  const error = metadata.status?.errorResult;
  const outputRows = Number(
    metadata.statistics?.load?.outputRows ?? metadata.statistics?.query?.numDmlAffectedRows ?? 0,
  );
  // Loads and exports read nothing that is paid for, and say nothing here.
  const bytesScanned = Number(metadata.statistics?.totalBytesProcessed ?? 0);
  const facts = { outputRows, bytesScanned };
  if (metadata.status?.state !== 'DONE') return { state: 'running', message: '', reason: '', ...facts };
  return error
    ? { state: 'failed', message: error.message ?? '', reason: error.reason ?? '', ...facts }
    : { state: 'succeeded', message: '', reason: '', ...facts };
}

async function translate<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(what, error);
  }
}

/** Reasons after which BigQuery's documentation says to try again, whatever HTTP status they come with (often 403). */
const PASSING: readonly unknown[] = [
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'quotaExceeded',
  'rateLimitExceeded',
  'tableUnavailable',
  'timeout',
];

/** BigQuery's own word for the first thing that was wrong; undefined where the answer was not BigQuery's. */
function reasonOf(error: unknown): unknown {
  const errors: unknown = Object(error).errors;
  return Array.isArray(errors) ? Object(errors[0]).reason : undefined;
}

function translated(what: string, error: unknown): Error {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (PASSING.includes(reasonOf(error)))
    return new TransientError('warehouse-unavailable', `BigQuery cannot do ${what} now: ${message}`, {
      remedy: 'It is tried again; if it goes on, look at the project’s BigQuery quotas.',
      cause: error,
    });
  return [400, 401, 403, 404, 501].includes(code)
    ? new TerminalError('warehouse-refused', `BigQuery refused ${what}: ${message}`, {
        remedy: 'Check the table and column names, and that the installation may use the data set.',
        cause: error,
      })
    : new TransientError('warehouse-unavailable', `BigQuery did not answer for ${what}.`, { cause: error });
}
