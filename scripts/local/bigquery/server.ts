/**
 * BigQuery on this machine: the REST calls that production makes through the official client (@google-cloud/bigquery with
 * `apiEndpoint`), on DuckDB. Every other call is answered 501 and names itself.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ZodError } from 'zod';
import { KEEP_ALIVE_MS } from '../proxy.ts';
import { Accounts, checkQuestion } from './accounts.ts';
import { Catalog } from './catalog.ts';
import { openDatabase } from './database.ts';
import { Jobs } from './jobs.ts';
import type { JobRecord } from './jobs.ts';
import { RestError, errorBody, toRestError } from './rest-error.ts';
import { toField } from './sql/types.ts';
import {
  createDataset,
  createTable,
  datasetResource,
  insertAll,
  listRows,
  patchTable,
  tableResource,
} from './table-routes.ts';
import type { Warehouse } from './table-routes.ts';
import { toCell } from './values.ts';

/** A running server. */
export interface LocalBigQuery {
  /** The value for BIGQUERY_ENDPOINT, e.g. `http://127.0.0.1:9050`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What the calls are answered from. */
interface Service extends Warehouse {
  readonly jobs: Jobs;
  readonly accounts: Accounts;
}

/** Serves the warehouse under `dir`; `storageDir` is the folder of the local Cloud Storage, whose objects loads read and extracts write. */
export async function startLocalBigQuery(options: {
  readonly dir: string;
  readonly storageDir: string;
  readonly port?: number;
  readonly projectId?: string;
  readonly clock?: () => Date;
}): Promise<LocalBigQuery> {
  const { dir, storageDir, port = 0, projectId = 'demo-tradewind', clock = () => new Date() } = options;
  const database = await openDatabase(dir);
  const catalog = await Catalog.open(database, projectId, clock);
  await catalog.sweep();
  const jobs = await Jobs.open(database, catalog, storageDir);
  const accounts = new Accounts(dir, clock);
  const service: Service = { database, catalog, jobs, accounts, insertIds: new Set() };
  const server = createServer((request, response) => void answer(service, request, response));
  // As at Google: a client that was busy for a while finds its connection still there (Node's own limit is 5 s).
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  // A listening TCP server has an address with a port.
  const bound = (server.address() as AddressInfo).port;
  const close = async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await jobs.settle();
    database.close();
  };
  return { url: `http://127.0.0.1:${bound}`, port: bound, close };
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, body: unknown) =>
    response
      .writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
      .end(JSON.stringify(body));
  try {
    const url = new URL(request.url ?? '/', 'http://local');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    if (url.pathname === '/token') {
      const { status, body } = service.accounts.token(text);
      return void send(status, body);
    }
    const account = service.accounts.caller(request.headers.authorization);
    const isJson = String(request.headers['content-type'] ?? '').includes('json') || text.startsWith('{');
    // An object is all that the routes read from; each member they read is checked.
    const body = (text !== '' && isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
    const result = await route(service, request.method ?? 'GET', url, body, account);
    if (result === null) response.writeHead(204).end();
    else send(200, result);
  } catch (thrown) {
    const issue = thrown instanceof ZodError ? thrown.issues[0] : undefined;
    const error =
      issue === undefined
        ? toRestError(thrown)
        : new RestError('invalid', `Invalid value for ${issue.path.join('.')}: ${issue.message}`, thrown);
    send(error.status, errorBody(error));
  }
}

async function route(
  service: Service,
  method: string,
  url: URL,
  body: Record<string, unknown>,
  account: string | null,
): Promise<unknown> {
  const path = /^(?:\/bigquery\/v2)?\/projects\/([^/]+)\/(.*?)\/?$/.exec(url.pathname);
  const unknown = new RestError(
    'notImplemented',
    `not supported by the local BigQuery: ${method} ${url.pathname}`,
  );
  // Cloud SQL's interface is sent here, too, so that nobody asks Google for an instance.
  if (url.pathname.startsWith('/sql/'))
    throw new RestError('notFound', 'the local cloud has no instances of Cloud SQL');
  if (path === null) throw unknown;
  const { catalog } = service;
  const project = decodeURIComponent(path[1] ?? '');
  if (project !== catalog.projectId)
    throw new RestError(
      'notFound',
      `Not found: Project ${project}; the local BigQuery has only ${catalog.projectId}`,
    );
  const [noun = '', id = '', sub = '', table = '', verb = ''] = (path[2] ?? '')
    .split('/')
    .map(decodeURIComponent);
  const question = `${method} ${[noun, id && '*', sub, table && '*', verb].filter((part) => part !== '').join('/')}`;
  checkQuestion(catalog, account, question, id, table);
  switch (question) {
    case 'GET datasets':
      return {
        kind: 'bigquery#datasetList',
        datasets: catalog.datasets().map((d) => datasetResource(catalog, d)),
      };
    case 'POST datasets':
      return createDataset(service, body);
    case 'GET datasets/*':
      return datasetResource(catalog, catalog.dataset(id));
    case 'PATCH datasets/*':
      return datasetResource(catalog, await catalog.changeDataset(id, body));
    case 'DELETE datasets/*':
      await catalog.dropDataset(id, url.searchParams.get('deleteContents') === 'true');
      return null;
    case 'GET datasets/*/tables': {
      const tables = catalog.tables(id);
      return {
        kind: 'bigquery#tableList',
        totalItems: tables.length,
        tables: await Promise.all(tables.map((t) => tableResource(service, t, false))),
      };
    }
    case 'POST datasets/*/tables':
      return createTable(service, id, body);
    case 'GET datasets/*/tables/*':
      return tableResource(service, catalog.need(id, table), true);
    case 'PATCH datasets/*/tables/*':
      return patchTable(service, id, table, body);
    case 'DELETE datasets/*/tables/*':
      catalog.need(id, table);
      await catalog.dropTable(id, table);
      return null;
    case 'GET datasets/*/tables/*/data':
      return listRows(service, id, table, url.searchParams);
    case 'POST datasets/*/tables/*/insertAll':
      return insertAll(service, id, table, body);
    case 'GET jobs':
      return {
        kind: 'bigquery#jobList',
        jobs: service.jobs
          .list()
          .slice(0, Number(url.searchParams.get('maxResults') ?? 1000))
          .map((j) => jobResource(catalog.projectId, j)),
      };
    case 'POST jobs': {
      // Read as text below; a member of another kind is as good as absent.
      const reference = (body['jobReference'] ?? {}) as { jobId?: string; location?: string };
      return jobResource(
        catalog.projectId,
        await service.jobs.start(reference, body['configuration'], account),
      );
    }
    case 'GET jobs/*':
      return jobResource(catalog.projectId, service.jobs.need(id, url.searchParams.get('location')));
    case 'POST jobs/*/cancel':
      return {
        kind: 'bigquery#jobCancelResponse',
        job: jobResource(catalog.projectId, await service.jobs.cancel(id, url.searchParams.get('location'))),
      };
    case 'POST queries':
      return runQuery(service, body, account);
    case 'GET queries/*':
      service.jobs.need(id, url.searchParams.get('location'));
      return queryResponse(service, id, url.searchParams);
    default:
      throw unknown;
  }
}

/** Members of a jobs.query request that belong to the query's configuration. */
const queryMembers = [
  'query',
  'useLegacySql',
  'queryParameters',
  'parameterMode',
  'defaultDataset',
  'maximumBytesBilled',
  'useQueryCache',
  'destinationTable',
  'writeDisposition',
  'createDisposition',
];

async function runQuery(
  service: Service,
  body: Record<string, unknown>,
  account: string | null,
): Promise<unknown> {
  const query = Object.fromEntries(
    queryMembers.filter((name) => name in body).map((name) => [name, body[name]]),
  );
  // jobs.query takes legacy SQL for its default; the official client always sends false.
  const configuration = {
    query,
    ...(body['labels'] === undefined ? {} : { labels: body['labels'] }),
    ...(body['dryRun'] === true ? { dryRun: true } : {}),
  };
  const location = typeof body['location'] === 'string' ? { location: body['location'] } : {};
  const record = await service.jobs.start(location, configuration, account);
  if (body['dryRun'] === true)
    return {
      kind: 'bigquery#queryResponse',
      jobComplete: true,
      jobReference: reference(service, record),
      totalBytesProcessed: record.statistics['totalBytesProcessed'],
    };
  const options = new URLSearchParams({
    timeoutMs: typeof body['timeoutMs'] === 'number' ? String(body['timeoutMs']) : '10000',
  });
  if (typeof body['maxResults'] === 'number') options.set('maxResults', String(body['maxResults']));
  const format = body['formatOptions'];
  if (typeof format === 'object' && format !== null && 'useInt64Timestamp' in format)
    options.set('formatOptions.useInt64Timestamp', String(format.useInt64Timestamp));
  return queryResponse(service, record.id, options);
}

const reference = (service: Service, record: JobRecord) => ({
  projectId: service.catalog.projectId,
  jobId: record.id,
  location: record.location,
});

/** One page of a query's rows, once it is done; its failure as an HTTP error. Pages hold at most 20,000 rows. */
async function queryResponse(service: Service, id: string, options: URLSearchParams): Promise<unknown> {
  const record = await service.jobs.wait(id, Math.min(Number(options.get('timeoutMs') ?? 10_000), 60_000));
  const kind = 'bigquery#queryResponse';
  if (record.state !== 'DONE') return { kind, jobComplete: false, jobReference: reference(service, record) };
  if (record.error !== null)
    throw new RestError(
      record.error.reason === 'stopped' ? 'invalid' : record.error.reason,
      record.error.message,
    );
  const { columns, rows } = await service.jobs.result(id);
  const start = Number(options.get('pageToken') ?? options.get('startIndex') ?? 0);
  const limit = Math.min(Number(options.get('maxResults') ?? 20_000), 20_000);
  const int64 = options.get('formatOptions.useInt64Timestamp') === 'true';
  const total = rows?.rowCount ?? 0;
  const page: unknown[] = [];
  // Chunks of a materialized result hold 2,048 rows, the last one fewer; sizes are added up rather than relied on.
  let before = 0;
  for (let index = 0; page.length < limit; index += 1) {
    if (rows === null || index >= rows.chunkCount) break;
    const chunk = rows.getChunk(index);
    if (before + chunk.rowCount > start) {
      const from = Math.max(0, start - before);
      for (let row = from; row < chunk.rowCount && page.length < limit; row += 1)
        page.push({
          f: columns.map((c, i) => ({ v: toCell(chunk.getColumnVector(i).getItem(row), c.type, int64) })),
        });
    }
    before += chunk.rowCount;
  }
  const statistics = record.statistics['query'];
  const affected =
    typeof statistics === 'object' && statistics !== null && 'numDmlAffectedRows' in statistics
      ? { numDmlAffectedRows: statistics.numDmlAffectedRows }
      : {};
  return {
    kind,
    jobComplete: true,
    jobReference: reference(service, record),
    schema: { fields: columns.map((c) => toField(c.name, c.type)) },
    totalRows: String(total),
    rows: page,
    cacheHit: false,
    totalBytesProcessed: record.statistics['totalBytesProcessed'],
    ...affected,
    ...(start + page.length < total ? { pageToken: String(start + page.length) } : {}),
  };
}

function jobResource(projectId: string, record: JobRecord): unknown {
  const { id, location, configuration, state, error, creationTime, endTime, statistics } = record;
  return {
    kind: 'bigquery#job',
    id: `${projectId}:${location}.${id}`,
    jobReference: { projectId, jobId: id, location },
    configuration,
    status: { state, ...(error === null ? {} : { errorResult: error, errors: [error] }) },
    statistics: {
      creationTime,
      startTime: creationTime,
      ...(endTime === null ? {} : { endTime }),
      ...statistics,
    },
  };
}
