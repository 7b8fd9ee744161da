/* All stories: which there are, in lanes of some at a time, and what they come to. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { openFiles } from '#cloud/storage';
import { toError } from '#core/errors';
import { BUNDLING } from '#scripts/bundling';
import { startLocalCloud } from '#scripts/local/cloud';
import { openWorkerPool } from './containers.ts';
import { openBigQueryWorld, type Surroundings } from './bigquery-world.ts';
import { openFilesWorld } from './files-world.ts';
import type { Points } from './loads.ts';
import { makeDice } from './random.ts';
import { openMariadbWorld, openPostgresWorld, type Servers, startServers } from './servers.ts';
import { openSqlServerWorld } from './sqlserver-world.ts';
import { tell, type Told } from './story.ts';
import { isFile, nameOf, type Plan, planStories, type Wanted } from './traits.ts';
import type { Habit, World, WorldOptions } from './world.ts';

export interface Report {
  readonly seed: number;
  readonly seconds: number;
  readonly stories: number;
  readonly loads: number;
  readonly kills: number;
  readonly faults: number;
  readonly rowsCompared: number;
  readonly looks: number;
  readonly halves: readonly string[];
  readonly wrong: readonly string[];
  /** How often what went wrong, by name. */
  readonly byFault: Readonly<Record<string, number>>;
  /** Why loads failed, in the product's words without numbers, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** How loads ended, by kind and way. */
  readonly ends: Readonly<Record<string, readonly string[]>>;
}

/** Tells the stories; `said` hears of each. */
export async function loadUnderFaults(wanted: Wanted, said: (line: string) => void): Promise<Report> {
  const plans = planStories(wanted);
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-faults-'));
  const stateDir = join(folder, 'cloud');
  const cloud = await startLocalCloud({
    stateDir,
    only: ['firestore', 'storage', 'bigquery'],
    env: { TRADEWIND_ALLOWED_HOSTS: '127.0.0.1' },
  });
  Object.assign(process.env, cloud.env);
  const servers = await startServers();
  const pool = openWorkerPool(
    await bundleWorker(folder),
    { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
    wanted.lanes,
  );
  const begun = performance.now();
  const byFault: Record<string, number> = {};
  const ends: Record<string, string[]> = {};
  const failures: Record<string, number> = {};
  const sums = { stories: 0, loads: 0, rowsCompared: 0, looks: 0 };
  const [wrong, halves]: string[][] = [[], []];
  const points = new Map<string, Points>();
  let deaths = wanted.seed;
  /** MariaDB's transactions are seen by all of its databases: one story at a time. */
  let mariadbBusy = false;

  const take = (): Plan | undefined => {
    const at = plans.findIndex(({ kind }) => kind !== 'mysql' || !mariadbBusy);
    return at < 0 ? undefined : plans.splice(at, 1)[0];
  };
  const story = async (plan: Plan): Promise<void> => {
    const { kind, way, traits, runs, seed } = plan;
    const name = nameOf(plan);
    const dice = makeDice(seed);
    const row = `${kind}/${way}${traits.includes('together') ? ' together' : ''}`;
    const own = points.get(row) ?? { most: 20, turn: () => ++deaths };
    points.set(row, own);
    const told = (fault: string) => void (byFault[fault] = (byFault[fault] ?? 0) + 1);
    const options: WorldOptions = {
      dice,
      habit: habitOf(plan),
      twins: traits.includes('together'),
      misfits: traits.includes('nulled') || traits.includes('rejected'),
      told,
    };
    let result: Told;
    try {
      result = await tell({
        plan,
        dice,
        pool,
        env: cloud.env,
        points: own,
        told,
        open: (tenant, uploads, warehouse) =>
          open(plan, { tenant, cloud, stateDir, warehouse }, uploads, servers, options),
      });
    } catch (error) {
      const why = toError(error).stack ?? '';
      result = { ends: [], failures: [], rowsCompared: 0, looks: 0, halves: [], wrong: [why], said: [] };
    }
    sums.stories++;
    sums.loads += result.ends.length;
    sums.rowsCompared += result.rowsCompared;
    sums.looks += result.looks;
    for (const why of result.failures) {
      const same = why.replace(/[0-9a-f]{12,}|\d+/g, '…');
      failures[same] = (failures[same] ?? 0) + 1;
    }
    (ends[`${kind}/${way}`] ??= []).push(...result.ends);
    const again = `--seed ${seed} --only ${name} --runs ${runs}`;
    wrong?.push(...result.wrong.map((line) => `${name} (${again}): ${line}`));
    halves?.push(...result.halves.map((line) => `${name} (${again}): ${line}`));
    const bad = result.wrong.length + result.halves.length;
    said(`${name.padEnd(40)} ${bad === 0 ? 'ok   ' : 'WRONG'} ${result.ends.join(', ')}`);
    if (bad === 0) return;
    for (const line of [...result.wrong, ...result.halves]) said(`    ${line}`);
    const log = join(tmpdir(), `etl-faults-${seed}.log`);
    writeFileSync(log, result.said.join(''));
    said(`    ${again}; what its processes said is in ${log}`);
  };
  const lane = async (): Promise<void> => {
    while (plans.length > 0) {
      const plan = take();
      if (plan === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        continue;
      }
      if (plan.kind === 'mysql') mariadbBusy = true;
      await story(plan);
      if (plan.kind === 'mysql') mariadbBusy = false;
    }
  };
  try {
    await Promise.all(Array.from({ length: wanted.lanes }, lane));
  } finally {
    pool.close();
    await servers.stop();
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  const kills = Object.entries(byFault).filter(([fault]) => fault.startsWith('killed'));
  const total = Object.values(byFault).reduce((sum, n) => sum + n, 0);
  const killed = kills.reduce((sum, [, n]) => sum + n, 0);
  return {
    seed: wanted.seed,
    seconds: Math.round((performance.now() - begun) / 1000),
    ...sums,
    kills: killed,
    faults: total - killed,
    halves: halves ?? [],
    wrong: wrong ?? [],
    byFault,
    failures,
    ends,
  };
}

function habitOf({ kind, way }: Plan): Habit {
  if (way === 'append') return 'adds';
  // A row that a file has no more is no change that a file's own notion of "new" would show.
  return way === 'merge-cursor' && isFile(kind) ? 'changes' : 'deletes';
}

async function open(
  { kind }: Plan,
  surroundings: Surroundings,
  uploads: string,
  servers: Servers,
  options: WorldOptions,
): Promise<World> {
  switch (kind) {
    case 'postgres':
      return openPostgresWorld(servers.postgres, options);
    case 'mysql':
      return openMariadbWorld(servers.mariadb, options);
    case 'sqlserver':
      return openSqlServerWorld(options);
    case 'bigquery-copied':
      return openBigQueryWorld('copied', surroundings, options);
    case 'bigquery-queried':
      return openBigQueryWorld('queried', surroundings, options);
    default:
      return openFilesWorld(kind, openFiles(surroundings.cloud.projectId), uploads, options);
  }
}

/** The worker as one file: it starts in a fifth of the time. */
async function bundleWorker(folder: string): Promise<string> {
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outfile: join(folder, 'worker.cjs'),
    ...BUNDLING,
  });
  return join(folder, 'worker.cjs');
}
