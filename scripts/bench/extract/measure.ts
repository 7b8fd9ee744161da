import { spawn } from 'node:child_process';
import { makeTableWriter } from '#columnar/table-writer';
import type { Connector, ConnectorContext } from '#connectors/connector';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import type { Credentials, SourceSettings } from '#core/source';

/** A database with order lines in it, and the ways of getting them out. */
export interface Subject {
  /** Of the results: `<name>-rate`, `<name>-cpu`. */
  readonly name: string;
  /** Extracts the lines as a run does, into nowhere; the bytes of Parquet. */
  extract(): Promise<number>;
  /** Reads the same answer from the socket and decodes nothing of it. */
  readSocket(): Promise<unknown>;
  /** The server's own client, which throws the same rows away; null where it is not installed. */
  readonly client: { readonly name: string; run(): Promise<void> } | null;
  close(): Promise<void>;
}

/** What is told of a subject, and written to the report. */
export interface Finding {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference?: { readonly name: string; readonly value: number };
  readonly ratio?: number;
  readonly peakRssMiB: number;
  readonly n: number;
}

const SOCKET = 'socket read, not decoded';

/** Measures a subject of `rows` lines; the ways are interleaved, the best of `rounds` counts. Prints a table. */
export async function measure(subject: Subject, rows: number, rounds: number): Promise<Finding[]> {
  const best = { ours: Infinity, client: Infinity, socket: Infinity };
  let bytes = 0;
  let cpuMicros = Infinity;
  for (let round = 0; round < rounds; round++) {
    best.socket = Math.min(best.socket, await seconds(() => subject.readSocket()));
    const { client } = subject;
    if (client !== null) best.client = Math.min(best.client, await seconds(() => client.run()));
    const cpuBefore = process.cpuUsage();
    best.ours = Math.min(best.ours, await seconds(async () => (bytes = await subject.extract())));
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMicros = Math.min(cpuMicros, (user + system) / rows);
  }
  const reference = subject.client === null ? best.socket : best.client;
  const name = subject.client?.name ?? SOCKET;
  const rate = (time: number): number => Math.round(rows / time);
  const peakRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${subject.name}: ${rows} order lines of 12 columns, ${(bytes / 1e6).toFixed(1)} MB of Parquet, ${round2(cpuMicros)} µs of our CPU a row, peak ${peakRssMiB} MiB`,
  );
  console.table({
    'to Parquet': { 'rows/s': rate(best.ours), ratio: round2(reference / best.ours) },
    [SOCKET]: { 'rows/s': rate(best.socket), ratio: round2(reference / best.socket) },
    [name]: { 'rows/s': rate(reference), ratio: 1 },
  });
  return [
    {
      name: `${subject.name}-rate`,
      value: rate(best.ours),
      unit: 'rows/s',
      reference: { name, value: rate(reference) },
      ratio: round2(reference / best.ours),
      peakRssMiB,
      n: rows,
    },
    { name: `${subject.name}-cpu`, value: round2(cpuMicros), unit: 'µs/row', peakRssMiB, n: rows },
  ];
}

/** A database source opens no objects. */
function noObjects(): never {
  throw new Error('no objects here');
}

/** Extracts `table` of a source on this machine as a run does, into nowhere; the bytes of Parquet. */
export async function extractTable(
  connector: Connector,
  settings: SourceSettings,
  credentials: Credentials,
  table: string,
): Promise<number> {
  const context: ConnectorContext = {
    hosts: makeHostGuard(parseAllowedHosts('127.0.0.1')),
    objects: {
      stat: async () => null,
      open: noObjects,
      range: noObjects,
      list: noObjects,
    },
    now: () => performance.now(),
  };
  const signal = new AbortController().signal;
  const session = await connector.connect({ settings, credentials }, context, signal);
  await session.openSnapshot();
  const { columns } = await session.describe(table);
  let bytes = 0;
  for (const unit of await session.planUnits(table, { targetBytes: 128 * 1024 * 1024 })) {
    const writer = makeTableWriter(columns, { write: async () => undefined });
    const reject = (): never => {
      throw new Error('a row was rejected');
    };
    await session.extract({ unit, columns, writer, reject, signal });
    bytes += (await writer.close()).bytes;
  }
  await session.close();
  return bytes;
}

/** The exit code of a command whose output goes nowhere; −1 when it cannot be started. */
export async function exitCode(command: string, args: readonly string[]): Promise<number> {
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
