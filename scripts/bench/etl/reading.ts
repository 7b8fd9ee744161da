/**
 * A process that reads a table as one task of a run does, with nothing else in it: its memory and processor time are the
 * extraction's. It connects, says so, and begins when it is told to.
 */
import { performance } from 'node:perf_hooks';
import { collectLessOften } from '#columnar/free-memory';
import { makeTableWriter } from '#columnar/table-writer';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { connectors } from '#connectors/registry';
import type { Credentials, SourceSettings } from '#core/source';

/** What is to be read: the units of `table` that `task` gets, of `tasks` that each take the next one when they are free. */
export interface Reading {
  readonly settings: SourceSettings;
  readonly credentials: Credentials;
  readonly table: string;
  readonly task: number;
  readonly tasks: number;
  /** Source bytes of a unit. */
  readonly unitBytes: number;
}

/** What came of it; moments are milliseconds since 1970. */
export interface ReadingResult {
  readonly began: number;
  readonly ended: number;
  readonly rows: number;
  readonly parquetBytes: number;
  readonly cpuMicros: number;
  readonly peakRssMiB: number;
}

const nothing = (): never => {
  throw new Error('no objects here');
};

async function read({
  settings,
  credentials,
  table,
  task,
  tasks,
  unitBytes,
}: Reading): Promise<ReadingResult> {
  collectLessOften();
  const signal = new AbortController().signal;
  const context = {
    hosts: makeHostGuard(parseAllowedHosts('127.0.0.1')),
    objects: { stat: async () => null, open: nothing, range: nothing, list: nothing },
    bigQuery: nothing,
    cloudSql: nothing,
    now: () => performance.now(),
  };
  const session = await connectors[settings.kind].connect({ settings, credentials }, context, signal);
  // Each task has a snapshot of its own here, because nobody writes; in a run they share one.
  await session.openSnapshot();
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));
  const cpu = process.cpuUsage();
  const began = performance.timeOrigin + performance.now();
  const { columns } = await session.describe(table);
  const units = await session.planUnits(table, { targetBytes: unitBytes, tasks });
  let rows = 0;
  let parquetBytes = 0;
  const taken = Array.from({ length: tasks }, () => 0);
  for (const unit of units) {
    // Whoever has read least is free first: all processes see the same.
    const free = taken.indexOf(Math.min(...taken));
    taken[free]! += unit.estimatedBytes ?? 1;
    if (free !== task) continue;
    const writer = makeTableWriter(columns, { write: async () => undefined });
    const reject = ({ message }: { readonly message: string }): never => {
      throw new Error(`a row was rejected: ${message}`);
    };
    await session.extract({ unit, columns, writer, reject, signal });
    const tally = await writer.close();
    rows += tally.rows;
    parquetBytes += tally.bytes;
  }
  const ended = performance.timeOrigin + performance.now();
  const { user, system } = process.cpuUsage(cpu);
  await session.close();
  const peakRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  return { began, ended, rows, parquetBytes, cpuMicros: user + system, peakRssMiB };
}

// What our own parent gives.
const result = await read(JSON.parse(process.argv[2] ?? '{}') as Reading);
process.send?.(result);
process.disconnect();
