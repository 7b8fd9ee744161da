import {
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  closeSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { buildHistory } from '../../functions/recommender/data.ts';
import { readSnapshot } from '../../functions/recommender/snapshot.ts';
import type { Part } from '../../functions/recommender/snapshot-parts.ts';
import { cpuSeconds, makeResult, writeReport } from './report/results.ts';

const HELP = `npm run bench -- snapshot [--rows N] [--folder PATH] [--report FILE]

Reads a snapshot of N order lines (made once, in row groups of 1,000,000 lines, as the warehouse exports it) into memory and
makes the history of it: lines a second, and the most memory it took, in bytes a line. The bound that the code states is
28 bytes a line for the lines, one row group and 20 to 40 bytes a basket while reading; 8 bytes a line and 28 a pair for
the history.
--folder  where the files are made, and kept (default: below the temporary folder)`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    rows: { type: 'string', default: '1000000' },
    folder: { type: 'string' },
    report: { type: 'string' },
    make: { type: 'boolean', default: false },
  },
});

const CATALOGUE_ROWS = { customers: 200, items: 1000 };
const FILES = 8;

/** Customers and items of N lines: as many lines each as in the demo, within sense. */
function sizes(rows: number) {
  return {
    customers: Math.max(1000, Math.min(1_000_000, Math.round(rows / CATALOGUE_ROWS.customers))),
    items: Math.max(1000, Math.min(200_000, Math.round(rows / CATALOGUE_ROWS.items))),
  };
}

async function make(folder: string, rows: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { customers, items } = sizes(rows);
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '4GB' });
  const connection = await instance.connect();
  const copy = (sql: string, name: string) =>
    connection.run(
      `COPY (${sql}) TO '${join(folder, name)}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 1000000)`,
    );
  await copy(
    `SELECT n::BIGINT AS id, 'c' || n AS key, 'Customer ' || n AS name FROM range(${customers}) t(n)`,
    'customers-0.parquet',
  );
  await copy(
    `SELECT n::BIGINT AS id, 'i' || n AS key, 'Item ' || n AS name, 'k' || n % 50 AS category FROM range(${items}) t(n)`,
    'items-0.parquet',
  );
  const share = Math.ceil(rows / FILES);
  for (let file = 0; file < FILES; file++)
    // Orders of five lines; an item is the likelier the smaller its number.
    await copy(
      `SELECT (hash(n // 5) % ${customers})::BIGINT AS customer,
        (floor(${items} * pow((hash(n) % 1000003) / 1000003.0, 3)))::BIGINT AS item,
        TIMESTAMPTZ '2023-01-01' + INTERVAL ((hash(n // 5 + 1) % 63072000)) SECOND AS time,
        (1 + hash(n + 7) % 12)::DOUBLE AS quantity, ((hash(n + 9) % 10000) / 100.0)::DOUBLE AS value,
        ((hash(n // 5) // 2)::BIGINT - 4611686018427387904)::BIGINT AS basket
       FROM range(${file * share}, ${Math.min(rows, (file + 1) * share)}) t(n)`,
      `interactions-${file}.parquet`,
    );
  connection.closeSync();
  instance.closeSync();
  writeFileSync(join(folder, 'complete'), '');
}

function partsOf(folder: string, table: string): Part[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${table}-`))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      return {
        name,
        bytes: statSync(path).size,
        read: async (start, end) => {
          const bytes = Buffer.allocUnsafeSlow(end - start);
          const file = openSync(path, 'r');
          for (let at = 0; at < bytes.length;) at += readSync(file, bytes, at, bytes.length - at, start + at);
          closeSync(file);
          return bytes;
        },
      };
    });
}

const rss = () => process.resourceUsage().maxRSS * 1024;

async function main(): Promise<void> {
  const rows = Number(values.rows);
  const folder = values.folder ?? join(tmpdir(), `tradewind-snapshot-${rows}`);
  if (values.make) {
    rmSync(folder, { recursive: true, force: true });
    await make(folder, rows);
    return;
  }
  if (!readdirSafe(folder).includes('complete')) {
    // In a process of its own: what DuckDB takes is no part of the measurement.
    spawnSync(
      process.execPath,
      [...process.execArgv, import.meta.filename, ...process.argv.slice(2), '--make'],
      {
        stdio: 'inherit',
      },
    );
  }
  const before = rss();
  const cpu = cpuSeconds();
  const began = performance.now();
  const snapshot = await readSnapshot({
    customers: partsOf(folder, 'customers'),
    items: partsOf(folder, 'items'),
    interactions: partsOf(folder, 'interactions'),
  });
  const read = { seconds: (performance.now() - began) / 1000, bytes: rss() - before };
  const { history } = buildHistory(snapshot.interactions, {
    customers: snapshot.customers.keys.length,
    items: snapshot.items.keys.length,
  });
  const all = { seconds: (performance.now() - began) / 1000, bytes: rss() - before };
  const used = cpuSeconds() - cpu;
  const pairs = history.item.length;
  console.log(
    `${rows} lines, ${history.customers} customers, ${history.items} items, ${pairs} pairs
read     ${Math.round(rows / read.seconds)} lines/s   peak ${(read.bytes / 2 ** 20).toFixed()} MiB, ${(read.bytes / rows).toFixed(1)} bytes a line
history  ${Math.round(rows / (all.seconds - read.seconds))} lines/s   peak ${(all.bytes / 2 ** 20).toFixed()} MiB, ${(all.bytes / rows).toFixed(1)} bytes a line with it
${used.toFixed(1)} CPU s`,
  );
  const peakRssMiB = Math.round(all.bytes / 2 ** 20);
  const result = (name: string, value: number, unit: string) =>
    makeResult(name, unit, rows, value, null, peakRssMiB);
  const results = [
    result('snapshot-read-rate', rows / read.seconds, 'lines/s'),
    result('snapshot-history-rate', rows / (all.seconds - read.seconds), 'lines/s'),
    result('snapshot-peak-bytes-per-line', all.bytes / rows, 'bytes'),
  ];
  writeReport('snapshot', values.report, results);
}

function readdirSafe(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

if (values.help === true) console.log(HELP);
else await main();
