/**
 * How fast order lines come out of PostgreSQL as Parquet, beside the same COPY thrown away: by `psql` where it is
 * installed, else by reading the socket alone. Runs are interleaved, the best of each counts.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { makeTableWriter } from '#columnar/table-writer';
import type { ConnectorContext } from '#connectors/connector';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { readCopy } from '#connectors/postgres/copy-reader';
import { postgres } from '#connectors/postgres/postgres';
import { startPostgres } from '#scripts/demo/postgres';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  console.log(`npm run bench -- etl-extract [--rows 1000000] [--rounds 3] [--report FILE.json]`);
  process.exit(0);
}
const rows = Number(options.rows);
const never = new AbortController().signal;
const nowhere = { frame: () => undefined, full: false, drain: async () => undefined };

const TABLE = `
  CREATE TABLE order_lines AS SELECT n::int8 AS id, (n / 5)::int8 AS order_id, (n::int8 * 7919 % 20000)::int4 AS customer_id,
    'SKU-' || lpad((n::int8 * 104729 % 30000)::text, 6, '0') AS product_id, (n % 40 + 1)::int4 AS qty,
    ((n::int8 * 31 % 100000) / 100.0)::numeric(12,2) AS unit_price, ((n % 30) / 7.0)::numeric(38,28) AS discount,
    CASE n % 10 WHEN 0 THEN 'USD' ELSE 'EUR' END AS currency,
    timestamptz '2024-01-01' + n * interval '7 seconds' AS created_at,
    timestamptz '2024-01-02' + n * interval '7.000123 seconds' AS updated_at,
    (ARRAY['open','picked','shipped','invoiced'])[n % 4 + 1] AS status,
    jsonb_build_object('channel', n % 3, 'note', 'line ' || n, 'weights', ARRAY[n % 5, n % 7]) AS attrs
  FROM generate_series(1, $ROWS) n`;
const COPY = 'COPY (SELECT * FROM public.order_lines) TO STDOUT (FORMAT binary)';

const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-bench-'));
const server = await startPostgres({ dir, database: 'shop', user: 'owner', password: 'bench' });
try {
  const client = new Client({ connectionString: server.url });
  client.on('error', () => undefined); // the server's end, when something else failed
  await client.connect();
  await client.query(TABLE.replace('$ROWS', String(rows)));
  await client.query('VACUUM ANALYZE order_lines');

  const reference = (await hasPsql()) ? 'psql COPY binary > /dev/null' : 'socket read, not decoded';
  const best = { ours: Infinity, reference: Infinity, socket: Infinity };
  let bytes = 0;
  let cpuMicros = Infinity;
  for (let round = 0; round < Number(options.rounds); round++) {
    best.socket = Math.min(best.socket, await seconds(() => readCopy(client, COPY, nowhere, never)));
    if (await hasPsql()) best.reference = Math.min(best.reference, await seconds(runPsql));
    const cpuBefore = process.cpuUsage();
    best.ours = Math.min(best.ours, await seconds(async () => (bytes = await extract(server.port))));
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMicros = Math.min(cpuMicros, (user + system) / rows);
  }
  await client.end();
  if (best.reference === Infinity) best.reference = best.socket;
  const rate = (time: number): number => Math.round(rows / time);
  const peakRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${rows} order lines of 12 columns, ${(bytes / 1e6).toFixed(1)} MB of Parquet, ${round2(cpuMicros)} µs of our CPU a row, peak ${peakRssMiB} MiB`,
  );
  console.table({
    'to Parquet': { 'rows/s': rate(best.ours), ratio: round2(best.reference / best.ours) },
    'socket read, not decoded': { 'rows/s': rate(best.socket), ratio: round2(best.reference / best.socket) },
    [reference]: { 'rows/s': rate(best.reference), ratio: 1 },
  });
  if (options.report !== undefined) {
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
    const result = {
      name: 'postgres-to-parquet-rate',
      value: rate(best.ours),
      unit: 'rows/s',
      reference: { name: reference, value: rate(best.reference) },
      ratio: round2(best.reference / best.ours),
      peakRssMiB,
      n: rows,
    };
    const cpu = {
      name: 'postgres-to-parquet-cpu',
      value: round2(cpuMicros),
      unit: 'µs/row',
      peakRssMiB,
      n: rows,
    };
    await writeFile(
      options.report,
      JSON.stringify({ bench: 'etl-extract', machine, results: [result, cpu] }, null, 2),
    );
  }
} finally {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

/** A database source opens no objects. */
function noObjects(): never {
  throw new Error('no objects here');
}

/** Extracts the table as a run does, into nowhere; the bytes of Parquet. */
async function extract(port: number): Promise<number> {
  const context: ConnectorContext = {
    hosts: makeHostGuard(parseAllowedHosts('127.0.0.1')),
    objects: { stat: noObjects, open: noObjects, range: noObjects, list: noObjects },
    now: () => performance.now(),
  };
  const settings = {
    kind: 'postgres' as const,
    host: '127.0.0.1',
    port,
    database: 'shop',
    user: 'owner',
    sslMode: 'disable' as const,
  };
  const session = await postgres.connect({ settings, credentials: { password: 'bench' } }, context, never);
  await session.openSnapshot();
  const table = 'public.order_lines';
  const { columns } = await session.describe(table);
  let bytes = 0;
  for (const unit of await session.planUnits(table, { targetBytes: 128 * 1024 * 1024 })) {
    const writer = makeTableWriter(columns, { write: async () => undefined });
    const fail = (): never => {
      throw new Error('a row was rejected');
    };
    await session.extract({ unit, columns, writer, reject: fail, signal: never });
    bytes += (await writer.close()).bytes;
  }
  await session.close();
  return bytes;
}

async function hasPsql(): Promise<boolean> {
  return (await run('psql', ['--version'])) === 0;
}

async function runPsql(): Promise<void> {
  if ((await run('psql', [server.url, '-qAtX', '-c', COPY])) !== 0) throw new Error('psql failed');
}

/** The exit code of a command whose output goes nowhere; −1 when it cannot be started. */
async function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.once('error', () => resolve(-1)).once('exit', (code) => resolve(code ?? -1));
  });
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
