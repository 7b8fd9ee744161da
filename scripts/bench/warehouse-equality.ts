/**
 * The same order lines loaded twice through the whole product: as a CSV file, and out of a PostgreSQL that read the file
 * by itself. Says how long each took, and proves that both warehouse tables hold the same rows as often.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { BigQuery } from '@google-cloud/bigquery';
import { PassThroughClient } from 'google-auth-library';
import { Client } from 'pg';
import { makeClient } from '#core/api/client';
import { datasetNames } from '#core/model';
import { copyFrom } from '#scripts/demo/copy-in';
import { startPostgres } from '#scripts/demo/postgres';
import { type LocalCloud, startLocalCloud } from '#scripts/local/cloud';
import { load } from '#scripts/start/runs';
import { openModel, type Session } from '#scripts/start/session';
import { DEMO_USER, signIn } from '#scripts/start/sign-in';
import { parseSourceUrl } from '#scripts/start/source-url';
import { chooseTables, discover, openSource, type SourcePlan, uploadOrders } from '#scripts/start/source';

const DESIGN =
  'InvoiceNo text, StockCode text, Description text, Quantity numeric(12,0), InvoiceDate timestamp, UnitPrice numeric(12,4), CustomerID numeric(9,0), Country text';

const { values: options } = parseArgs({
  options: {
    orders: { type: 'string' },
    table: { type: 'string', default: DESIGN },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help || options.orders === undefined) {
  console.log(`npm run bench -- warehouse-equality --orders FILE.csv[.gz] [--table COLUMNS] [--report FILE.json]

  --table  the columns of the PostgreSQL table, as SQL without quotes, in the file's order; by default
           ${DESIGN}
Ends with 1 where a row differs.`);
  process.exit(options.help ? 0 : 2);
}

const columns = options.table.split(/, (?=\w+ \w)/).map((each) => {
  const [name = '', ...type] = each.trim().split(' ');
  return { name, type: type.join(' ') };
});
const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-equality-'));
const server = await startPostgres({
  dir: path.join(dir, 'postgres'),
  database: 'orders',
  user: 'owner',
  password: 'equal',
});
let cloud: LocalCloud | null = null;
try {
  await fillDatabase(server.url, options.orders);
  cloud = await startLocalCloud({
    stateDir: path.join(dir, 'state'),
    env: { TRADEWIND_ALLOWED_HOSTS: `127.0.0.1:${server.port}` },
  });
  const file = await loadBy(cloud, 'File', (session) =>
    uploadOrders(session, { file: options.orders ?? '', encoding: 'utf-8' }, dir),
  );
  const database = await loadBy(cloud, 'Database', async () => ({
    name: 'Orders',
    ...parseSourceUrl(`${server.url}?sslmode=disable`),
  }));
  const [counted] = await rows(
    cloud,
    `SELECT (SELECT COUNT(*) FROM ${file.table}) AS file, (SELECT COUNT(*) FROM ${database.table}) AS db`,
  );
  const onlyFile = await surplus(cloud, file.table, database.table);
  const onlyDatabase = await surplus(cloud, database.table, file.table);
  console.table({
    'CSV file': { rows: counted?.['file'], seconds: file.seconds, 'rows the other has not': onlyFile },
    PostgreSQL: { rows: counted?.['db'], seconds: database.seconds, 'rows the other has not': onlyDatabase },
  });
  const equal = onlyFile === 0 && onlyDatabase === 0 && counted?.['file'] === counted?.['db'];
  console.log(equal ? 'The same rows, each as often.' : 'The tables differ.');
  if (options.report !== undefined) {
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
    const result = (name: string, value: number) => ({ name, value, unit: 's', reference: file.seconds });
    const results = [
      { ...result('file-load-seconds', file.seconds), ratio: 1 },
      { ...result('database-load-seconds', database.seconds), ratio: database.seconds / file.seconds },
    ];
    const report = { bench: 'warehouse-equality', machine, equal, rows: counted, results };
    await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
  }
  process.exitCode = equal ? 0 : 1;
} finally {
  await cloud?.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

/** PostgreSQL reads the file by its own COPY; text becomes numbers and moments by its own casts. */
async function fillDatabase(url: string, file: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const quoted = columns.map(({ name }) => `"${name}"`);
    await client.query(`CREATE TEMP TABLE lines (${quoted.map((name) => `${name} text`).join(', ')})`);
    const bytes = createReadStream(file);
    const text = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
    await copyFrom(client, 'COPY lines FROM STDIN WITH (FORMAT csv, HEADER true)', text);
    await client.query(
      `CREATE TABLE orders (${columns.map(({ type }, i) => `${quoted[i]} ${type}`).join(', ')})`,
    );
    const casts = columns.map(({ type }, i) =>
      /int|numeric/.test(type) ? `${quoted[i]}::numeric::${type}` : `${quoted[i]}::${type}`,
    );
    await client.query(`INSERT INTO orders SELECT ${casts.join(', ')} FROM lines`);
  } finally {
    await client.end();
  }
}

/** Loads one source into a model of its own, by the public API. */
async function loadBy(
  { urls }: LocalCloud,
  model: string,
  plan: (session: Session) => Promise<SourcePlan>,
): Promise<{ readonly table: string; readonly seconds: number }> {
  const call = makeClient({ baseUrl: urls.web, token: await signIn(urls.web, DEMO_USER, Date.now), fetch });
  const at = await openModel(call, 'Equality', model);
  const session = { call, at, signal: new AbortController().signal };
  const source = await openSource(session, await plan(session));
  const tables = await discover(session, source);
  await chooseTables(session, source, new Set(tables.map(({ id }) => id)));
  const begin = performance.now();
  await load(session, () => undefined);
  const { raw } = datasetNames({ datasetPrefix: 'tw_' }, at.tenant, at.model);
  return {
    table: `${raw}.${tables[0]?.destination}`,
    seconds: Math.round((performance.now() - begin) / 100) / 10,
  };
}

/** How many rows `one` has more often than `other`, or alone. */
async function surplus(on: LocalCloud, one: string, other: string): Promise<number> {
  const names = columns.map(({ name }) => `\`${name}\``).join(', ');
  const counted = (table: string) => `SELECT ${names}, COUNT(*) AS copies FROM ${table} GROUP BY ${names}`;
  const [row] = await rows(
    on,
    `SELECT COUNT(*) AS n FROM (${counted(one)} EXCEPT DISTINCT ${counted(other)})`,
  );
  return Number(row?.['n']);
}

async function rows({ env, projectId, location }: LocalCloud, sql: string) {
  const apiEndpoint = env['BIGQUERY_ENDPOINT'] ?? '';
  const client = new BigQuery({ projectId, apiEndpoint, authClient: new PassThroughClient() });
  const [found] = await client.query({ query: sql, location });
  // The client types rows as any[]; they are plain objects by column name.
  return found as Record<string, unknown>[];
}
