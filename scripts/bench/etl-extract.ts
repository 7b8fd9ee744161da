/**
 * How fast order lines come out of a database as Parquet, beside the same rows thrown away by the database's own client
 * (where it is installed, else by reading the socket alone), of PostgreSQL and of MariaDB.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openMariadbLines } from './extract/mariadb-lines.ts';
import { type Finding, measure } from './extract/measure.ts';
import { openPostgresLines } from './extract/postgres-lines.ts';

const SUBJECTS = { postgres: openPostgresLines, mariadb: openMariadbLines };

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  const names = Object.keys(SUBJECTS).join('|');
  console.log(
    `npm run bench -- etl-extract [--rows 1000000] [--rounds 3] [--only ${names}] [--report FILE.json]`,
  );
  process.exit(0);
}
const rows = Number(options.rows);
const results: Finding[] = [];
for (const [name, open] of Object.entries(SUBJECTS)) {
  if (options.only !== undefined && options.only !== name) continue;
  const subject = await open(rows);
  try {
    results.push(...(await measure(subject, rows, Number(options.rounds))));
  } finally {
    await subject.close();
  }
}
if (options.report !== undefined) {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  await writeFile(options.report, JSON.stringify({ bench: 'etl-extract', machine, results }, null, 2));
}
