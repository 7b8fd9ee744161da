/** The parts of the benchmark that read a database into Parquet which goes nowhere. */
import type { Lines, Tables } from './databases.ts';
import { type Finding, median, round } from './findings.ts';
import { type Read, readTable } from './readers.ts';
import { openThrottle } from './throttle.ts';

/** What each connection gets where it is throttled: 20 MB a second. */
const THROTTLED = 20_000_000;

/** Reads the lines in turns with the server's own client: the rate, and the processor time a row. */
export async function parquetRate(
  name: string,
  lines: Lines,
  rows: number,
  rounds: number,
): Promise<Finding[]> {
  const { client } = lines;
  const ours: Read[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Whoever goes second may find a busier or a quieter machine: they take turns in that, too.
    if (client !== null && round % 2 === 0) theirs.push(await client.run());
    ours.push(await readAll(lines, 'lines', rows));
    if (client !== null && round % 2 === 1) theirs.push(await client.run());
  }
  const seconds = ours.map((one) => one.seconds);
  const peakRssMiB = Math.max(...ours.map((one) => one.peakRssMiB));
  const reference = client && { name: client.name, value: Math.round(rows / median(theirs)) };
  const ratio = client && round(median(theirs) / median(seconds));
  const cpu = round(median(ours.map((one) => one.cpuMicros)));
  return [
    {
      name: `${name}-parquet-rate`,
      value: Math.round(rows / median(seconds)),
      unit: 'rows/s',
      reference,
      ratio,
      peakRssMiB,
      n: rows,
    },
    {
      name: `${name}-parquet-cpu`,
      value: cpu,
      unit: 'µs/row',
      reference: null,
      ratio: null,
      peakRssMiB,
      n: rows,
    },
  ];
}

/** The memory that four times the lines, and values of 8 MB, take. */
export async function memory(name: string, lines: Lines, rows: number): Promise<Finding[]> {
  const finding = (part: string, { peakRssMiB, rows: n }: Read): Finding => ({
    name: `${name}-${part}-rss`,
    value: peakRssMiB,
    unit: 'MiB',
    reference: { name: 'limit', value: 300 },
    ratio: round(peakRssMiB / 300),
    peakRssMiB,
    n,
  });
  return [
    finding('fourfold', await readAll(lines, 'fourfold', rows * 4)),
    finding('documents', await readAll(lines, 'documents', 4032)),
  ];
}

/** Two tasks beside one, each connection throttled and not. */
export async function twoTasks(name: string, lines: Lines, rows: number, rounds: number): Promise<Finding[]> {
  const throttle = await openThrottle(lines.settings.port, THROTTLED);
  try {
    const { credentials, tables } = lines;
    const settings = { ...lines.settings, port: throttle.port };
    const throttled = { settings, credentials, table: tables.lines };
    return [
      await compare(`${name}-two-tasks-rate`, 'one task, 20 MB/s each', throttled, rows, 1),
      await compare(
        `${name}-two-tasks-unthrottled-rate`,
        'one task',
        { ...throttled, settings: lines.settings },
        rows,
        rounds,
      ),
    ];
  } finally {
    await throttle.close();
  }
}

async function compare(
  name: string,
  reference: string,
  what: Parameters<typeof readTable>[0],
  rows: number,
  rounds: number,
): Promise<Finding> {
  const one: number[] = [];
  const two: Read[] = [];
  for (let round = 0; round < rounds; round++) {
    one.push((await readTable(what)).seconds);
    two.push(await readTable(what, 2));
  }
  const seconds = median(two.map((read) => read.seconds));
  return {
    name,
    value: Math.round(rows / seconds),
    unit: 'rows/s',
    reference: { name: reference, value: Math.round(rows / median(one)) },
    ratio: round(median(one) / seconds),
    peakRssMiB: Math.max(...two.map((read) => read.peakRssMiB)),
    n: rows,
  };
}

async function readAll(lines: Lines, table: keyof Tables, rows: number): Promise<Read> {
  const { settings, credentials, tables } = lines;
  const read = await readTable({ settings, credentials, table: tables[table] });
  if (read.rows !== rows) throw new Error(`${read.rows} rows of ${tables[table]} instead of ${rows}`);
  return read;
}
