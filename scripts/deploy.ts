/** Deploys an installation to a real Google Cloud project, or says what that takes: see deploy/plan.ts. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { listDeployables, readDeploy, ROOT } from './deployables.ts';
import { applyStep, runProcess, StepError } from './deploy/apply.ts';
import { DEPLOY_HELP, readDeployOptions } from './deploy/options.ts';
import { type Phase, planDeployment } from './deploy/plan.ts';
import { printPlan } from './deploy/print.ts';
import type { Program } from './deploy/programs.ts';
import { reachesSources } from './deploy/reach.ts';

/** What the build says of each bundle. */
const BUILD_REPORT = 'dist/functions/build.json';

const read = readDeployOptions(process.argv.slice(2));
if ('problem' in read) {
  console.error(`${read.problem}\n\n${DEPLOY_HELP}`);
  process.exitCode = 2;
} else if (read.options.help) console.log(DEPLOY_HELP);
else process.exitCode = await deploy(read.options);

/** @returns the exit code. */
async function deploy(options: Extract<typeof read, { options: unknown }>['options']): Promise<number> {
  if (options.apply) build();
  const phases = planDeployment(options.installation, await programs(), webHash());
  if (!options.apply) {
    console.log(
      options.json
        ? JSON.stringify({ installation: options.installation, phases }, null, 2)
        : printPlan(phases),
    );
    return 0;
  }
  const total = phases.flatMap(({ steps }) => steps).length;
  if (!options.yes && !(await agreed(options.installation.project, total))) {
    console.error('Nothing was done.');
    return 2;
  }
  return applyAll(phases);
}

async function applyAll(phases: readonly Phase[]): Promise<number> {
  const counts = { made: 0, changed: 0, there: 0 };
  try {
    for (const { title, steps } of phases) {
      console.log(`\n${title}`);
      for (const step of steps) {
        const came = await applyStep(step, runProcess);
        counts[came] += 1;
        console.log(`  ${came.padEnd(8)}${step.id}`);
      }
    }
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(`\n${error.message}`);
    return 1;
  } finally {
    console.log(`\n${counts.made} made, ${counts.changed} changed, ${counts.there} as they should be.`);
  }
  console.log('What only the real project can show is listed in scripts/deploy/CHECKLIST.md.');
  return 0;
}

/** Bundles everything and builds the site: what is deployed is what is in this folder. */
function build(): void {
  const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  node('scripts/build.ts', '--report', BUILD_REPORT);
  node('node_modules/vite/bin/vite.js', 'build', '--config', 'web/vite.config.ts', '--logLevel', 'warn');
}

/** The deployables with the hash of their bundles, where they have been built. */
async function programs(): Promise<Program[]> {
  const report = join(ROOT, BUILD_REPORT);
  // Written by our own build.
  const built = existsSync(report)
    ? (JSON.parse(readFileSync(report, 'utf8')) as { name: string; sha256: string }[])
    : [];
  return Promise.all(
    listDeployables().map(async (one) => ({
      name: one.name,
      deploy: await readDeploy(one),
      reachesSources: reachesSources(ROOT, one.file),
      sha256: built.find(({ name }) => name === one.name)?.sha256 ?? '',
    })),
  );
}

function webHash(): string {
  const files = globSync('dist/web/**/*.*', { cwd: ROOT }).sort();
  if (files.length === 0) return '';
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

async function agreed(project: string, steps: number): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('This is no terminal to ask at: add --yes to apply without asking.');
    return false;
  }
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await ask.question(
    `Bring ${steps} resources about in project ${project}? Type its name to go on: `,
  );
  ask.close();
  return answer.trim() === project;
}
