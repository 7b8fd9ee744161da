/**
 * The same order lines loaded through the whole product from every kind of source: the CSV file itself, Parquet that DuckDB
 * has made of it, a PostgreSQL and a MariaDB that have read it by their own means, and BigQuery that has loaded it, copied by
 * the warehouse and read with a key. Says how long each took, and proves that all warehouse tables hold the same rows as
 * often.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeClient } from '#core/api/client';
import { datasetNames } from '#core/model';
import { startPostgres } from '#scripts/demo/postgres';
import { type LocalCloud, startLocalCloud } from '#scripts/local/cloud';
import { load } from '#scripts/start/runs';
import { openModel, type Session } from '#scripts/start/session';
import { DEMO_USER, signIn } from '#scripts/start/sign-in';
import { parseSourceUrl } from '#scripts/start/source-url';
import { chooseTables, discover, openSource, type SourcePlan, uploadOrders } from '#scripts/start/source';
import { registerAccount } from '#tests/bigquery';
import { startTestMariadb } from '#tests/mariadb';
import { DESIGN, parseColumns } from './equality/columns.ts';
import { fillMariadb, fillPostgres } from './equality/databases.ts';
import { fillBigQuery, rowsOf, surplus, writeParquet } from './equality/warehouse.ts';

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

  --table  the columns of the order lines, as PostgreSQL declares them, without quotes, in the file's order; by default
           ${DESIGN}
Loads the file, and what PostgreSQL, MariaDB, DuckDB (Parquet) and BigQuery have read of it by themselves.
Ends with 1 where a row differs.`);
  process.exit(options.help ? 0 : 2);
}

/** A warehouse table, and how long it took to load. */
interface Loaded {
  readonly source: string;
  readonly table: string;
  readonly seconds: number;
}

const READER = 'reader@demo-tradewind.iam.gserviceaccount.com';
const orders = options.orders;
const columns = parseColumns(options.table);
const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-equality-'));
const stateDir = path.join(dir, 'state');
const postgres = await startPostgres({
  dir: path.join(dir, 'postgres'),
  database: 'orders',
  user: 'owner',
  password: 'equal',
});
const mariadb = await startTestMariadb();
let cloud: LocalCloud | null = null;
try {
  await fillPostgres(postgres.url, orders, columns);
  await fillMariadb(mariadb.port, orders, columns);
  const parquet = path.join(dir, 'orders.parquet');
  await writeParquet(orders, parquet, columns);
  cloud = await startLocalCloud({
    stateDir,
    env: { TRADEWIND_ALLOWED_HOSTS: `127.0.0.1:${postgres.port},127.0.0.1:${mariadb.port}` },
  });
  const tables = await loadAll(cloud, parquet);
  const differences = await compareAll(cloud, tables);
  const equal = Object.values(differences).every(({ less, more }) => less === 0 && more === 0);
  console.log(equal ? 'The same rows, each as often, in every table.' : 'The tables differ.');
  if (options.report !== undefined) await report(options.report, tables, differences, equal);
  process.exitCode = equal ? 0 : 1;
} finally {
  await cloud?.stop();
  await mariadb.stop();
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
}

/** Loads every source, each into a model of its own. */
async function loadAll(on: LocalCloud, parquet: string): Promise<Loaded[]> {
  const upload = (file: string) => (session: Session) =>
    uploadOrders(session, { file, encoding: 'utf-8' }, dir);
  const dataset = { kind: 'bigquery', project: on.projectId, dataset: 'orders_of_a_customer' } as const;
  let uri = '';
  const fromParquet = async (session: Session): Promise<SourcePlan> => {
    const plan = await upload(parquet)(session);
    if ('uris' in plan.settings) uri = plan.settings.uris[0] ?? '';
    return plan;
  };
  const copied = async ({ at: { tenant } }: Session): Promise<SourcePlan> => {
    await fillBigQuery(on, { dataset: dataset.dataset, uri, tenant, reader: READER }, columns);
    return { name: 'Data set', settings: dataset };
  };
  const place = { host: '127.0.0.1', port: mariadb.port, database: 'shop', user: 'owner' };
  const plans: readonly [string, (session: Session) => Promise<SourcePlan>][] = [
    ['CSV', upload(orders)],
    ['Parquet', fromParquet],
    ['PostgreSQL', async () => ({ name: 'Orders', ...parseSourceUrl(`${postgres.url}?sslmode=disable`) })],
    [
      'MariaDB',
      async () => ({
        name: 'Orders',
        settings: { kind: 'mysql', ...place, sslMode: 'disable' },
        credentials: { password: 'owner secret' },
      }),
    ],
    ['BigQuery, copied', copied],
    [
      'BigQuery, by key',
      async () => ({
        name: 'Data set',
        settings: dataset,
        credentials: { key: registerAccount(path.join(stateDir, 'bigquery'), READER) },
      }),
    ],
  ];
  const loaded: Loaded[] = [];
  for (const [source, plan] of plans) loaded.push(await loadBy(on, source, plan));
  return loaded;
}

/** Loads one source into a model of its own, by the public API. */
async function loadBy(
  { urls }: LocalCloud,
  source: string,
  plan: (session: Session) => Promise<SourcePlan>,
): Promise<Loaded> {
  const call = makeClient({ baseUrl: urls.web, token: await signIn(urls.web, DEMO_USER, Date.now), fetch });
  const at = await openModel(call, 'Equality', source);
  const session = { call, at, signal: new AbortController().signal };
  const made = await openSource(session, await plan(session));
  const tables = await discover(session, made);
  await chooseTables(session, made, new Set(tables.map(({ id }) => id)));
  const begin = performance.now();
  await load(session, () => undefined);
  const seconds = Math.round((performance.now() - begin) / 100) / 10;
  const { raw } = datasetNames({ datasetPrefix: 'tw_' }, at.tenant, at.model);
  return { source, table: `${raw}.${tables[0]?.destination}`, seconds };
}

/** Rows of each table, and how many the first has alone or more often (`less`), or the other (`more`). */
async function compareAll(
  on: LocalCloud,
  tables: readonly Loaded[],
): Promise<Record<string, { rows: number; seconds: number; less: number; more: number }>> {
  const [first] = tables;
  if (first === undefined) throw new RangeError('nothing was loaded');
  const found: Record<string, { rows: number; seconds: number; less: number; more: number }> = {};
  for (const { source, table, seconds } of tables) {
    const [counted] = await rowsOf(on, `SELECT COUNT(*) AS n FROM ${table}`);
    const less = await surplus(on, first.table, table, columns);
    const more = await surplus(on, table, first.table, columns);
    found[source] = { rows: Number(counted?.['n']), seconds, less, more };
  }
  console.table(
    Object.fromEntries(
      Object.entries(found).map(([source, { rows, seconds, less, more }]) => [
        source,
        { rows, seconds, 'rows that only CSV has': less, 'rows that CSV has not': more },
      ]),
    ),
  );
  return found;
}

async function report(
  file: string,
  tables: readonly Loaded[],
  rows: Awaited<ReturnType<typeof compareAll>>,
  equal: boolean,
): Promise<void> {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  const reference = tables[0]?.seconds ?? 0;
  const results = tables.map(({ source, seconds }) => ({
    name: `${source.toLowerCase().replaceAll(/\W+/g, '-')}-load-seconds`,
    value: seconds,
    unit: 's',
    reference,
    ratio: seconds / reference,
  }));
  const all = { bench: 'warehouse-equality', machine, equal, rows, results };
  await writeFile(file, `${JSON.stringify(all, null, 2)}\n`);
}
