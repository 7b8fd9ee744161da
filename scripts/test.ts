import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ROOT } from './deployables.ts';

const SUITES = ['unit', 'simulation', 'contract', 'rules', 'integration', 'e2e'] as const;
/**
 * What runs at once: one file of the simulation takes as long as all of it, on one core, and the two beside it wait for
 * servers most of the time. One after the other, the three take half as long again.
 */
const AT_ONCE: readonly (typeof SUITES)[number][] = ['simulation', 'contract', 'rules'];
const CHECKS = {
  types: ['tsc'],
  lint: ['oxlint', '--type-aware', '--deny-warnings'],
  format: ['prettier', '--check', '--log-level=warn', '.'],
};

/** The pages that browsers are shown. */
const BUILD_WEB = {
  'build web': ['vite', 'build', '--config', 'web/vite.config.ts', '--logLevel', 'warn'],
};

const HELP = `npm test [-- SUITE …]

Checks types, lint and format, builds the site, then runs the suites: ${SUITES.join(', ')}. Naming suites runs only
those, without the checks. Everything a suite needs (emulators, PostgreSQL, MariaDB, Chromium) is started by it and ended by it.

  --help   this text
One file: npm run jest -- tests/unit/core/life-cycle.test.ts`;

/** What jest writes of a run, as far as it is told here. */
const JestReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numRuntimeErrorTestSuites: z.int(),
});

/** Tests that wait for other processes half of the time: on two cores three of their workers end a quarter sooner. */
const WAITING: ReadonlySet<string> = new Set(['integration']);

interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** Runs a program of node_modules/.bin; resolves to its exit code. */
function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env });
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);

async function runSuite(name: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-test-'));
  const report = join(folder, 'report.json');
  const begun = performance.now();
  const code = await run(process.execPath, [
    '--no-warnings',
    join(ROOT, 'node_modules/jest/bin/jest.js'),
    '--selectProjects',
    name,
    '--json',
    `--outputFile=${report}`,
    ...(WAITING.has(name) ? ['--maxWorkers', '3'] : []),
  ]);
  const seconds = (performance.now() - begun) / 1000;
  try {
    const told = JestReport.parse(JSON.parse(readFileSync(report, 'utf8')));
    const broken = told.numRuntimeErrorTestSuites + (code !== 0 && told.numFailedTests === 0 ? 1 : 0);
    return {
      name,
      passed: told.numPassedTests,
      failed: told.numFailedTests + broken,
      skipped: told.numPendingTests,
      seconds,
    };
  } catch {
    // Jest ended before it could write: that is a failure, not a run without tests.
    return { name, passed: 0, failed: 1, skipped: 0, seconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function check(name: string, [program = '', ...args]: readonly string[]): Promise<Outcome> {
  const begun = performance.now();
  const failed = (await run(bin(program), args)) === 0 ? 0 : 1;
  return { name, passed: 1 - failed, failed, skipped: 0, seconds: (performance.now() - begun) / 1000 };
}

function print(outcomes: readonly Outcome[]): void {
  console.log(`\n${'suite'.padEnd(12)} passed  failed  skipped  seconds`);
  for (const one of outcomes) {
    const cells = [one.passed, one.failed, one.skipped].map((value) => String(value).padStart(6)).join('  ');
    console.log(`${one.name.padEnd(12)} ${cells}  ${one.seconds.toFixed(1).padStart(8)}`);
  }
  const sum = (key: 'passed' | 'failed') => outcomes.reduce((total, one) => total + one[key], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' } },
});
const unknown = positionals.filter((name) => !SUITES.some((suite) => suite === name));
if (values.help === true) {
  console.log(HELP);
} else if (unknown.length > 0) {
  console.error(`There is no suite ${unknown.join(', ')}. There are: ${SUITES.join(', ')}.`);
  process.exitCode = 2;
} else {
  const chosen = positionals.length === 0 ? SUITES : SUITES.filter((suite) => positionals.includes(suite));
  const outcomes: Outcome[] = [];
  const checks: Readonly<Record<string, readonly string[]>> = {
    ...(positionals.length === 0 ? CHECKS : {}),
    ...(chosen.includes('e2e') ? BUILD_WEB : {}),
  };
  // At once: one of them uses one core only, for longer than each of the others takes.
  outcomes.push(
    ...(await Promise.all(Object.entries(checks).map(([name, command]) => check(name, command)))),
  );
  const together = AT_ONCE.filter((name) => chosen.includes(name));
  for (const name of chosen) {
    if (name === together[0]) outcomes.push(...(await Promise.all(together.map(runSuite))));
    else if (!together.includes(name)) outcomes.push(await runSuite(name));
  }
  print(outcomes);
  process.exitCode = outcomes.some((one) => one.failed > 0) ? 1 : 0;
}
