/** From the source to the published table: the API, the runner's containers and the warehouse of a local cloud. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEtl, getEtlRun } from '#core/api/etl';
import { openAccount } from '#tests/account';
import { setup, teardown } from '#tests/local-cloud';
import { containersOf } from '#tests/runner-processes';
import type { Lines } from './databases.ts';
import { type Finding, median, round } from './findings.ts';

/** How often a run is looked at. */
const LOOK_MS = 100;
const PATIENCE_SECONDS = 540;

interface Loaded {
  readonly seconds: number;
  /** After the last row was read: load job, checks, publication. */
  readonly warehouseSeconds: number;
  readonly peakRssMiB: number;
}

/** Loads the lines into a new model `rounds` times, in turns with the server's own client. */
export async function endToEnd(lines: Lines, rows: number, rounds: number): Promise<Finding[]> {
  const { client } = lines;
  await setup();
  try {
    const account = await openAccount();
    const { tables } = await account.addSource('Shop', lines.settings, lines.credentials);
    for (const table of tables) await account.choose(table, { enabled: table.name === lines.tables.lines });
    const theirs: number[] = [];
    const loads: Loaded[] = [];
    for (let n = 0; n < rounds; n++) {
      if (client !== null) theirs.push(await client.run());
      loads.push(await load(account, rows));
    }
    const seconds = median(loads.map((one) => one.seconds));
    const warehouse = median(loads.map((one) => one.warehouseSeconds));
    const peakRssMiB = Math.max(...loads.map((one) => one.peakRssMiB));
    const common = { peakRssMiB, n: rows };
    return [
      {
        name: 'postgres-end-to-end-rate',
        value: Math.round(rows / seconds),
        unit: 'rows/s',
        reference: client && { name: client.name, value: Math.round(rows / median(theirs)) },
        ratio: client && round(median(theirs) / seconds),
        ...common,
      },
      {
        name: 'postgres-end-to-end-warehouse-seconds',
        value: round(warehouse),
        unit: 's',
        reference: { name: 'the whole run', value: round(seconds) },
        ratio: round(warehouse / seconds),
        ...common,
      },
    ];
  } finally {
    await teardown();
  }
}

async function load(account: Awaited<ReturnType<typeof openAccount>>, rows: number): Promise<Loaded> {
  const began = performance.now();
  const { id } = await account.call(startEtl, { params: account.params });
  let peakRssMiB = 0;
  let read = 0;
  for (;;) {
    await sleep(LOOK_MS);
    const run = await account.call(getEtlRun, { params: { ...account.params, run: id } });
    const now = performance.now();
    for (const pid of containersOf(id)) peakRssMiB = Math.max(peakRssMiB, peakOf(pid));
    if (
      read === 0 &&
      (run.status === 'publishing' || run.perTable.some(({ status }) => status === 'publishing'))
    )
      read = now;
    if (run.finishedAt !== null) {
      if (run.status !== 'succeeded' || run.counts.rows !== rows)
        throw new Error(`the run ${run.status} with ${run.counts.rows} rows: ${run.failure?.message ?? ''}`);
      return { seconds: (now - began) / 1000, warehouseSeconds: (now - (read || now)) / 1000, peakRssMiB };
    }
    if (now - began > PATIENCE_SECONDS * 1000) throw new Error('the run did not end');
  }
}

/** The most memory that a process ever had (Linux). */
function peakOf(pid: number): number {
  try {
    const found = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Math.round(Number(found?.[1] ?? 0) / 1024);
  } catch {
    // It has ended.
    return 0;
  }
}
