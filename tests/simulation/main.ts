/*
 * node tests/simulation/main.ts FROM [TO]            lives the worlds of these seeds
 *                               FROM TO --bugs N/M   likewise with each planted bug, until one finds it: of M parts the Nth
 *                               SEED --trace         tells everything that happens
 *
 * Prints a report as one line of JSON.
 */
import { parseArgs } from 'node:util';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { loadProduction } from './production.ts';
import type { BugReport, SeedsReport } from './report.ts';
import { live } from './world.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { trace: { type: 'boolean', default: false }, bugs: { type: 'string' } },
});
const [from = 1, to = from] = positionals.map(Number);
// Nobody reads the stacks of errors that are thrown on purpose, and they take a tenth of the time.
if (!values.trace) Error.stackTraceLimit = 0;

async function liveAll(): Promise<SeedsReport> {
  const production = await loadProduction();
  const begun = process.cpuUsage();
  const faults: Record<string, number> = {};
  const ends: Record<string, number> = {};
  const failed: { seed: number; violations: SeedsReport['failed'][number]['violations'] }[] = [];
  let steps = 0;
  for (let seed = from; seed <= to; seed++) {
    const report = await live(production, seed, values.trace ? (line) => console.log(line) : undefined);
    steps += report.steps;
    for (const [kind, times] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + times;
    for (const [end, times] of Object.entries(report.ends)) ends[end] = (ends[end] ?? 0) + times;
    if (report.violations.length > 0) failed.push({ seed, violations: [...report.violations] });
  }
  return { from, to, seconds: since(begun), steps, faults, ends, failed };
}

async function findBugs(part: string): Promise<BugReport[]> {
  const [nth = 1, parts = 1] = part.split('/').map(Number);
  const found: BugReport[] = [];
  for (const [at, { name, change, violates }] of PLANTED_BUGS.entries()) {
    if (at % parts !== nth - 1) continue;
    const begun = process.cpuUsage();
    const production = await loadProduction([change]);
    let caught: BugReport['caught'] = null;
    for (let seed = from; seed <= to && caught === null; seed++) {
      const [violation] = (await live(production, seed)).violations;
      if (violation !== undefined) caught = { seed, ...violation };
    }
    found.push({ name, violates, caught, seconds: since(begun) });
  }
  return found;
}

function since(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1e6;
}

console.log(JSON.stringify(values.bugs === undefined ? await liveAll() : await findBugs(values.bugs)));
