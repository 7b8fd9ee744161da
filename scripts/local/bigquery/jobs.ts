/**
 * Jobs: accepted under an id that is used once and for all, run one connection each, and kept. A record is written when the job is
 * accepted and when it is done; one found unfinished on opening belongs to a killed process and reads as DONE with backendError,
 * so that its caller tries again under a new id.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection, DuckDBMaterializedResult } from '@duckdb/node-api';
import type { z } from 'zod';
import type { Catalog } from './catalog.ts';
import { copyTables, extractTable } from './copy-and-extract.ts';
import type { Database } from './database.ts';
import { Configuration, parseConfiguration as parse } from './job-configuration.ts';
import { LoadConfig, runLoad } from './load.ts';
import { CopyConfig, ExtractConfig, QueryConfig } from './requests.ts';
import { RestError, toProto, toRestError } from './rest-error.ts';
import type { ErrorProto } from './rest-error.ts';
import { queryStatistics } from './query-statistics.ts';
import { dryRun, estimate, runScript, writeRows } from './run-script.ts';
import type { Destination, ScriptInput, ScriptResult } from './run-script.ts';
import { selectOf } from './select-of.ts';
import type { OutputColumn } from './sql/scope.ts';
import { tableSql } from './sql/from-clause.ts';
import { quoteName, toField } from './sql/types.ts';
import { parameterExpr } from './values.ts';
import type { QueryParameter } from './values.ts';

/** A job as it is kept and answered. */
export interface JobRecord {
  readonly id: string;
  readonly location: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly state: 'RUNNING' | 'DONE';
  readonly error: ErrorProto | null;
  readonly creationTime: string;
  readonly endTime: string | null;
  readonly statistics: Readonly<Record<string, unknown>>;
}

/** Where a job was asked to run, and by whom: see `ScriptInput`. */
type RunBy = Pick<ScriptInput, 'location' | 'account'>;

/** The rows a query job answered, as long as they are kept. */
export interface QueryRows {
  readonly columns: readonly OutputColumn[];
  readonly rows: DuckDBMaterializedResult | null;
}

/** The answer itself, or the destination table that holds it: read only when somebody asks, as it is then. */
type KeptAnswer = QueryRows | { readonly columns: readonly OutputColumn[]; readonly lies: string };

/** What a query job came to: the numbers for its statistics, and its answer. */
interface Answered {
  readonly result: ScriptResult;
  readonly answer: KeptAnswer;
}

/** The longest that BigQuery lets a query run: six hours. */
const NO_TIMEOUT = 6 * 60 * 60 * 1000;

/** Results of this many finished queries stay readable; BigQuery keeps them for a day. */
const keptResults = 1000;

export class Jobs {
  readonly #database: Database;
  readonly #catalog: Catalog;
  readonly #storageDir: string;
  readonly #records = new Map<string, JobRecord>();
  readonly #running = new Map<
    string,
    { readonly done: Promise<void>; connection: DuckDBConnection | null; cancelled: boolean }
  >();
  readonly #results = new Map<string, KeptAnswer>();

  private constructor(database: Database, catalog: Catalog, storageDir: string) {
    this.#database = database;
    this.#catalog = catalog;
    this.#storageDir = storageDir;
  }

  static async open(database: Database, catalog: Catalog, storageDir: string): Promise<Jobs> {
    const jobs = new Jobs(database, catalog, storageDir);
    const rows = await database.with(async (connection) =>
      (await connection.run(`SELECT record FROM "$meta".records WHERE kind = 'job'`)).getRows(),
    );
    for (const [text] of rows) {
      // This class wrote the records.
      const record = JSON.parse(String(text)) as JobRecord;
      jobs.#records.set(record.id, record);
      if (record.state === 'DONE') continue;
      const message = 'The job was interrupted because the server ended; retry it under a new job id';
      await jobs.#save({
        ...record,
        state: 'DONE',
        endTime: String(catalog.clock().getTime()),
        error: { reason: 'backendError', message },
      });
    }
    return jobs;
  }

  list(): JobRecord[] {
    return [...this.#records.values()].sort((a, b) => Number(b.creationTime) - Number(a.creationTime));
  }

  /** The job; 404 where there is none, or where it is asked for in another location than it ran in. */
  need(id: string, location: string | null): JobRecord {
    const found = this.#records.get(id);
    if (found === undefined || (location !== null && location.toLowerCase() !== found.location.toLowerCase()))
      throw new RestError('notFound', `Not found: Job ${this.#catalog.projectId}:${location ?? 'US'}.${id}`);
    return found;
  }

  /** Resolves when the job is done or `ms` have passed. */
  async wait(id: string, ms: number): Promise<JobRecord> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      const timer = Promise.withResolvers<void>();
      const handle = setTimeout(timer.resolve, ms);
      await Promise.race([running.done, timer.promise]);
      clearTimeout(handle);
    }
    return this.need(id, null);
  }

  async result(id: string): Promise<QueryRows> {
    const kept = this.#results.get(id);
    if (kept === undefined)
      throw new RestError(
        'notFound',
        `Not found: results of job ${id} are no longer kept; run the query again`,
      );
    if (!('lies' in kept)) return kept;
    const { columns, lies } = kept;
    const list = columns.map((c) => quoteName(c.name)).join(', ');
    return this.#database.with(async (connection) => ({
      columns,
      rows: await connection.run(`SELECT ${list} FROM ${lies}`),
    }));
  }

  async cancel(id: string, location: string | null): Promise<JobRecord> {
    this.need(id, location);
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.cancelled = true;
      running.connection?.interrupt();
    }
    return this.need(id, location);
  }

  /** Accepts a job and starts it. A used id is refused with 409, also after a restart. */
  async start(
    reference: { jobId?: string | undefined; location?: string | undefined },
    configuration: unknown,
    account: string | null = null,
  ): Promise<JobRecord> {
    const config = parse(Configuration, configuration);
    if (account !== null && config.query === undefined)
      throw new RestError('accessDenied', `Access Denied: ${account} may only run queries`);
    const by = { account, location: reference.location ?? null };
    const id = reference.jobId ?? `job_${randomUUID()}`;
    if (!/^[A-Za-z0-9_-]{1,1024}$/.test(id))
      throw new RestError('invalid', `Invalid job ID "${id}": use letters, numbers, _ and -, at most 1024`);
    const location = reference.location ?? this.#locationOf(config);
    const name = `${this.#catalog.projectId}:${location}.${id}`;
    if (this.#records.has(id)) throw new RestError('duplicate', `Already Exists: Job ${name}`);
    await this.#catalog.sweep();
    const record: JobRecord = {
      id,
      location,
      configuration: {
        jobType: ['query', 'load', 'copy', 'extract'].find((kind) => kind in config)?.toUpperCase(),
        ...config,
      },
      state: 'RUNNING',
      error: null,
      creationTime: String(this.#catalog.clock().getTime()),
      endTime: null,
      statistics: {},
    };
    if (config.dryRun === true) return this.#dryRun(record, config, by);
    // Taken before the first await, so that of two requests at once one gets 409.
    this.#records.set(id, record);
    const done = Promise.withResolvers<void>();
    this.#running.set(id, { done: done.promise, connection: null, cancelled: false });
    await this.#save(record);
    const late = setTimeout(() => void this.cancel(id, null), config.jobTimeoutMs ?? NO_TIMEOUT);
    void this.#run(record, config, by)
      .finally(() => clearTimeout(late))
      .then(done.resolve, done.reject);
    return record;
  }

  /** Waits for what runs; called before the database is closed. */
  async settle(): Promise<void> {
    for (const running of this.#running.values()) {
      running.cancelled = true;
      running.connection?.interrupt();
    }
    await Promise.all([...this.#running.values()].map((r) => r.done));
  }

  #locationOf(config: z.infer<typeof Configuration>): string {
    // Where the first dataset lies that the job names; read defensively, the body is not checked yet.
    const names = [...JSON.stringify(config).matchAll(/"datasetId":"(\w+)"|[`.]?(\w+)`?\.`?\w+/g)].map(
      (m) => m[1] ?? m[2] ?? '',
    );
    const datasets = this.#catalog.datasets();
    return datasets.find((d) => names.includes(d.dataset))?.location ?? datasets[0]?.location ?? 'US';
  }

  #scriptInput(config: z.infer<typeof QueryConfig>, by: RunBy): ScriptInput {
    // The schema has checked the members that are read.
    const parameters = (config.queryParameters ?? []) as unknown as readonly QueryParameter[];
    const values = parameters.map((p) => ({
      name: p.name,
      expr: parameterExpr(p.parameterType, p.parameterValue),
    }));
    return {
      catalog: this.#catalog,
      storageDir: this.#storageDir,
      query: config.query,
      params: new Map(
        values.flatMap((v) => (v.name === undefined ? [] : [[v.name.toLowerCase(), v.expr] as const])),
      ),
      positional: values.filter((v) => v.name === undefined).map((v) => v.expr),
      defaultDataset: config.defaultDataset?.datasetId ?? null,
      ...by,
    };
  }

  async #dryRun(record: JobRecord, config: z.infer<typeof Configuration>, by: RunBy): Promise<JobRecord> {
    if (config.query === undefined) throw new RestError('invalid', 'dryRun is for query jobs');
    try {
      const result = await dryRun(this.#scriptInput(parse(QueryConfig, config.query), by));
      return { ...record, state: 'DONE', statistics: queryStatistics(this.#catalog.projectId, result) };
    } catch (error) {
      throw toRestError(error);
    }
  }

  async #run(record: JobRecord, config: z.infer<typeof Configuration>, by: RunBy): Promise<void> {
    let statistics: Readonly<Record<string, unknown>> = {};
    let error: ErrorProto | null = null;
    try {
      statistics = await this.#database.with(async (connection) => {
        const running = this.#running.get(record.id);
        if (running?.cancelled === true)
          throw new RestError('stopped', 'Job execution was cancelled: User requested cancellation');
        if (running !== undefined) running.connection = connection;
        try {
          return await this.#execute(connection, record, config, by);
        } finally {
          if (running !== undefined) running.connection = null;
        }
      });
    } catch (thrown) {
      error = toProto(toRestError(thrown));
    }
    const endTime = String(this.#catalog.clock().getTime());
    await this.#save({ ...record, state: 'DONE', error, endTime, statistics });
    this.#running.delete(record.id);
  }

  async #execute(
    connection: DuckDBConnection,
    record: JobRecord,
    config: z.infer<typeof Configuration>,
    by: RunBy,
  ): Promise<Record<string, unknown>> {
    if (config.query !== undefined)
      return this.#query(connection, record.id, parse(QueryConfig, config.query), by);
    if (config.load !== undefined) {
      const result = await runLoad(
        connection,
        this.#catalog,
        this.#storageDir,
        parse(LoadConfig, config.load),
      );
      return {
        load: {
          inputFiles: String(result.inputFiles),
          outputRows: String(result.outputRows),
          badRecords: '0',
        },
      };
    }
    if (config.copy !== undefined)
      return copyTables(connection, this.#catalog, parse(CopyConfig, config.copy));
    if (config.extract !== undefined) {
      const wanted = parse(ExtractConfig, config.extract);
      return extractTable(connection, this.#catalog, this.#storageDir, wanted);
    }
    throw new RestError('required', 'The job configuration has none of query, load, copy, extract');
  }

  async #query(
    connection: DuckDBConnection,
    id: string,
    config: z.infer<typeof QueryConfig>,
    by: RunBy,
  ): Promise<Record<string, unknown>> {
    const input = this.#scriptInput(config, by);
    if (config.maximumBytesBilled !== undefined) {
      const { bytes } = await dryRun(input);
      if (bytes > Number(config.maximumBytesBilled))
        throw new RestError(
          'invalid',
          `Query exceeded limit for bytes billed: ${config.maximumBytesBilled}. ${bytes} or higher required.`,
        );
    }
    const { result, answer } =
      config.destinationTable === undefined
        ? await this.#toCaller(connection, input)
        : await this.#toDestination(connection, config, config.destinationTable, input);
    this.#results.set(id, answer);
    for (const old of this.#results.keys()) if (this.#results.size > keptResults) this.#results.delete(old);
    return queryStatistics(this.#catalog.projectId, result);
  }

  async #toCaller(connection: DuckDBConnection, input: ScriptInput): Promise<Answered> {
    const result = await runScript(connection, input);
    return { result, answer: { columns: result.columns, rows: result.rows } };
  }

  async #toDestination(
    connection: DuckDBConnection,
    config: z.infer<typeof QueryConfig>,
    table: { datasetId: string; tableId: string },
    input: ScriptInput,
  ): Promise<Answered> {
    const { plan, tables } = selectOf(input);
    await this.#catalog.history.keep(connection, (record) => this.#catalog.info(record));
    const to: Destination = {
      dataset: table.datasetId,
      table: table.tableId,
      writeDisposition: config.writeDisposition ?? 'WRITE_EMPTY',
      createDisposition: config.createDisposition ?? 'CREATE_IF_NEEDED',
    };
    const settings = {
      ...(config.timePartitioning ? { timePartitioning: config.timePartitioning } : {}),
      ...(config.clustering ? { clustering: config.clustering } : {}),
    };
    const fields = plan.columns.map((c) => toField(c.name, c.type));
    const bytes = await estimate(this.#catalog, tables);
    const { record } = await writeRows(connection, this.#catalog, to, fields, plan.plain, settings);
    const { statementType, columns } = plan;
    return {
      result: { statementType, columns, rows: null, dmlRows: null, bytes, tables, target: null },
      answer: { columns, lies: tableSql(this.#catalog.info(record)) },
    };
  }

  async #save(record: JobRecord): Promise<void> {
    await this.#database.with((connection) =>
      connection.run(`INSERT OR REPLACE INTO "$meta".records VALUES ('job', $1, $2)`, [
        record.id,
        JSON.stringify(record),
      ]),
    );
    this.#records.set(record.id, record);
  }
}
