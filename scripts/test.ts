import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ROOT } from './deployables.ts';

const SUITES = ['unit', 'simulation', 'contract', 'rules', 'integration', 'e2e'] as const;
type Suite = (typeof SUITES)[number];
/**
 * What runs at once: one file of the simulation takes as long as all of it, on one core, and the two beside it wait for
 * servers most of the time. One after the other, the three take half as long again.
 */
const AT_ONCE: readonly Suite[] = ['simulation', 'contract', 'rules'];
/** What is one run on one local cloud: neither waits for the other's last file, and the cloud is started once. */
const ONE_CLOUD: readonly Suite[] = ['integration', 'e2e'];
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

/** What jest writes of a run, as far as it is told here: a file that could not be run has failed without an assertion. */
const JestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      startTime: z.number(),
      endTime: z.number(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});
type TestFile = z.infer<typeof JestReport>['testResults'][number];

/** Tests that wait for other processes half of the time: on two cores three of their workers end a quarter sooner. */
const WAITING: Readonly<Partial<Record<Suite, number>>> = { integration: 3 };

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

/** Runs suites as one: their files by turns, the long ones first. */
async function runSuites(names: readonly Suite[]): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-test-'));
  const report = join(folder, 'report.json');
  const workers = Math.max(...names.map((name) => WAITING[name] ?? 0));
  const code = await run(process.execPath, [
    '--no-warnings',
    join(ROOT, 'node_modules/jest/bin/jest.js'),
    '--selectProjects',
    ...names,
    '--json',
    `--outputFile=${report}`,
    ...(workers > 0 ? ['--maxWorkers', String(workers)] : []),
  ]);
  try {
    const { testResults } = JestReport.parse(JSON.parse(readFileSync(report, 'utf8')));
    const outcomes = names.map((name) =>
      outcomeOf(
        name,
        testResults.filter(
          (file) => file.name.includes(`/tests/${name}/`) || (name === 'unit' && isLoose(file)),
        ),
      ),
    );
    if (code === 0 || outcomes.some(({ failed }) => failed > 0)) return outcomes;
    return outcomes.map((one) => ({ ...one, failed: 1 }));
  } catch {
    // Jest ended before it could write: that is a failure, not a run without tests.
    return names.map((name) => ({ name, passed: 0, failed: 1, skipped: 0, seconds: 0 }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether a file lies beside the suites' folders: `unit` has it. */
const isLoose = ({ name }: TestFile) => /\/tests\/[^/]*$/.test(name);

/** Seconds: from the beginning of the suite's first file to the end of its last. */
function outcomeOf(name: string, files: readonly TestFile[]): Outcome {
  const count = (wanted: (status: string) => boolean) =>
    files.reduce(
      (sum, { assertionResults }) => sum + assertionResults.filter(({ status }) => wanted(status)).length,
      0,
    );
  const broken = files.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
  );
  const from = Math.min(...files.map(({ startTime }) => startTime));
  const to = Math.max(...files.map(({ endTime }) => endTime));
  return {
    name,
    passed: count((status) => status === 'passed'),
    failed: count((status) => status === 'failed') + broken.length,
    skipped: count((status) => status !== 'passed' && status !== 'failed'),
    seconds: files.length === 0 ? 0 : (to - from) / 1000,
  };
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
  const [atOnce, oneCloud] = [AT_ONCE, ONE_CLOUD].map((some) => chosen.filter((name) => some.includes(name)));
  for (const name of chosen) {
    if (name === atOnce?.[0])
      outcomes.push(...(await Promise.all(atOnce.map((one) => runSuites([one])))).flat());
    else if (name === oneCloud?.[0]) outcomes.push(...(await runSuites(oneCloud)));
    else if (!AT_ONCE.includes(name) && !ONE_CLOUD.includes(name))
      outcomes.push(...(await runSuites([name])));
  }
  print(outcomes);
  process.exitCode = outcomes.some((one) => one.failed > 0) ? 1 : 0;
}
