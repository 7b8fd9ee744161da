/** Loads tables that change meanwhile, again and again, while everything goes wrong, and compares the warehouse row by row. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadUnderFaults } from './faults/faults.ts';
import { killsTold } from './faults/write-kinds.ts';

const HELP = `npm run bench -- etl-faults [--runs 300] [--seed 1] [--lanes 4] [--only KIND/WAY] [--report FILE]

Starts a local cloud, PostgreSQL, MariaDB and the tests' SQL Server, and loads tables of them, of BigQuery (copied, and queried
with a key) and of CSV and Parquet files by every way (replace, append, merge, merge-cursor, merge-mark, merge-sweep), --runs
times, while others write to them (long transactions, late commits, rollbacks, updates, deletes). Some stories publish two tables
together, filter rows, read again (anew, or from a value on), or have values that are rejected or made null. Meanwhile the
processes of the runner are ended by SIGKILL, at each of their writes in turn and at random moments, messages come twice, late
and in any order, connections to the source and the warehouse break, answers are lost, jobs fail, tables are locked, runs are
cancelled. After each load the warehouse is compared with the source row by row, by what the way promises; every sixth is in
peace and must have brought everything; and somebody reads the tables all the time, who must never see a half, or some tables of
those that are published together. --only keeps to one kind or way, or both, with exactly the named traits where there are any
("postgres/append", "append", "mysql/merge+together+filtered"). A story that goes wrong prints its seed; --seed SEED --only
KIND/WAY --runs 5 tells it again.`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '4' },
    only: { type: 'string' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [runs, seed, lanes] = [values.runs, values.seed, values.lanes].map(Number);
if (values.help === true) console.log(HELP);
else if ([runs, seed, lanes].some((one) => !Number.isInteger(one) || one === undefined || one < 0)) {
  console.error(`--runs, --seed and --lanes must be whole numbers.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  const report = await loadUnderFaults(
    { runs: runs ?? 0, seed: seed ?? 0, lanes: lanes ?? 0, only: values.only ?? '' },
    (line) => console.log(line),
  );
  const { seconds, loads, kills, faults, rowsCompared, looks, halves, wrong } = report;
  console.log(`
${loads} loads in ${report.stories} stories, ${seconds} s
${kills} processes killed, ${faults} other faults
${killsTold(report.byFault)}
${Object.entries(report.failures)
  .map(([why, times]) => `${times} failed: ${why}\n`)
  .join('')}${rowsCompared} rows compared; ${wrong.length} wrong
${looks} looks of a reader; ${halves.length} at something half-published`);
  for (const line of [...wrong, ...halves].slice(0, 40)) console.error(`  ${line}`);
  if (values.report !== undefined)
    writeFileSync(values.report, `${JSON.stringify({ bench: 'etl-faults', ...report }, null, 2)}\n`);
  process.exitCode = wrong.length + halves.length === 0 ? 0 : 1;
}
