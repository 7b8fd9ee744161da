/**
 * How fast order lines come out of a database as Parquet, in how much memory, and from the source to the published table;
 * beside the same rows thrown away by the database's own client.
 */
import { parseArgs } from 'node:util';
import { type Lines, openMariadb, openPostgres } from './etl/databases.ts';
import { endToEnd } from './etl/end-to-end.ts';
import { type Finding, report, show } from './etl/findings.ts';
import { memory, parquetRate, twoTasks } from './etl/parts.ts';

type Part = (name: string, lines: Lines, rows: number, rounds: number) => Promise<Finding[]>;

/** The parts of each database, in the order they are measured. */
const PARTS: Readonly<Record<string, Readonly<Record<string, Part>>>> = {
  postgres: {
    rate: parquetRate,
    memory,
    tasks: twoTasks,
    'end-to-end': (_, lines, rows, rounds) => endToEnd(lines, rows, rounds),
  },
  mariadb: { rate: parquetRate, memory },
};
const OPEN = { postgres: openPostgres, mariadb: openMariadb };

const HELP = `npm run bench -- etl [--rows 5000000] [--rounds 5] [--only postgres|mariadb] [--parts rate,memory,tasks,end-to-end] [--report FILE]

Seeds order lines in a PostgreSQL and a MariaDB of its own and reads them as a task of a run does, in processes of their own.
rate        rows a second to Parquet, in turns with psql COPY and mariadb --quick to /dev/null; medians of --rounds
memory      peak memory of four times the lines, and of values of 8 MB
tasks       two tasks beside one, each connection throttled to 20 MB a second, and unthrottled
end-to-end  from the source to the published table of a local cloud, and what of that is the warehouse's
--report    writes {bench, machine, results}; for …-rate, ratio is ours to the reference, for …-rss the peak to 300 MiB`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    parts: { type: 'string' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const wanted = values.parts?.split(',') ?? null;
const known = [...new Set(Object.values(PARTS).flatMap((parts) => Object.keys(parts)))];
const unknown = wanted?.find((part) => !known.includes(part));

if (values.help === true) console.log(HELP);
else if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(rounds) || rounds < 1)
  refuse('--rows and --rounds must be whole numbers above 0.');
else if (values.only !== undefined && !(values.only in OPEN))
  refuse(`There is no database "${values.only}".`);
else if (unknown !== undefined) refuse(`There is no part "${unknown}".`);
else await run();

function refuse(why: string): void {
  console.error(`${why}\n\n${HELP}`);
  process.exitCode = 2;
}

async function run(): Promise<void> {
  const findings: Finding[] = [];
  for (const [name, open] of Object.entries(OPEN)) {
    const parts = Object.entries(PARTS[name] ?? {}).filter(([part]) => wanted?.includes(part) ?? true);
    if (parts.length === 0 || (values.only ?? name) !== name) continue;
    console.log(`seeding ${rows} order lines in ${name} …`);
    const lines = await open(rows);
    try {
      for (const [, part] of parts) {
        const found = await part(name, lines, rows, rounds);
        show(found);
        findings.push(...found);
        // What is measured first is kept where a later part fails.
        if (values.report !== undefined) await report('etl', findings, values.report);
      }
    } finally {
      await lines.close();
    }
  }
}
