/* All stories: which there are, in lanes of some at a time, and what they come to. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { openFiles } from '#cloud/storage';
import { toError } from '#core/errors';
import { BUNDLING } from '#scripts/bundling';
import { type LocalCloud, startLocalCloud } from '#scripts/local/cloud';
import { openWorkerPool } from './containers.ts';
import { openFilesWorld } from './files-world.ts';
import { WAYS, type Way } from './guarantees.ts';
import { makeDice } from './random.ts';
import { openMariadbWorld, openPostgresWorld, type Servers, startServers } from './servers.ts';
import { openSqlServerWorld } from './sqlserver-world.ts';
import { tell, type Told } from './story.ts';
import type { Habit, World, WorldOptions } from './world.ts';

const KINDS = ['postgres', 'mysql', 'sqlserver', 'csv', 'parquet'] as const;
type Kind = (typeof KINDS)[number];

/** Loads of one story, before the one in peace. */
const RUNS = 5;

/** Files are told by themselves what is new, so they are never read whole to be merged. */
const FILE_WAYS: readonly Way[] = ['replace', 'append', 'merge-cursor'];

interface Plan {
  readonly kind: Kind;
  readonly way: Way;
  readonly runs: number;
  readonly seed: number;
}

/** What is wanted. `only`: a kind, a way, or `kind/way`; '' for all. */
export interface Wanted {
  readonly runs: number;
  readonly seed: number;
  readonly lanes: number;
  readonly only: string;
}

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
  /** How loads ended, by kind and way. */
  readonly ends: Readonly<Record<string, readonly string[]>>;
}

/** The stories, kinds and ways in turn, until there are `runs` loads. */
export function planStories({ runs, seed, only }: Wanted): Plan[] {
  const all = WAYS.flatMap((way) =>
    KINDS.filter((kind) => !['csv', 'parquet'].includes(kind) || FILE_WAYS.includes(way)).map((kind) => ({
      kind,
      way,
    })),
  ).filter(({ kind, way }) => only === '' || only === kind || only === way || only === `${kind}/${way}`);
  if (all.length === 0) throw new RangeError(`there is nothing like "${only}"`);
  const plans: Plan[] = [];
  for (let left = runs, n = 0; left > 0; n++) {
    // Where it begins follows from the seed, so that short runs of several seeds come to all of them.
    const one = all[(n + seed) % all.length];
    if (one === undefined) break;
    plans.push({ ...one, runs: Math.min(RUNS, left), seed: seed + 1000 * n });
    left -= RUNS;
  }
  return plans;
}

/** Tells the stories; `said` hears of each. */
export async function loadUnderFaults(wanted: Wanted, said: (line: string) => void): Promise<Report> {
  const plans = planStories(wanted);
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-faults-'));
  const cloud = await startLocalCloud({
    stateDir: join(folder, 'cloud'),
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
  const sums = { stories: 0, loads: 0, rowsCompared: 0, looks: 0 };
  const [wrong, halves]: string[][] = [[], []];
  const points = new Map<string, { next: number; most: number }>();
  /** MariaDB's transactions are seen by all of its databases: one story at a time. */
  let mariadbBusy = false;

  const take = (): Plan | undefined => {
    const at = plans.findIndex(({ kind }) => kind !== 'mysql' || !mariadbBusy);
    return at < 0 ? undefined : plans.splice(at, 1)[0];
  };
  const story = async (plan: Plan): Promise<void> => {
    const { kind, way, runs, seed } = plan;
    const name = `${kind}/${way}`;
    const dice = makeDice(seed);
    const own = points.get(name) ?? { next: dice.whole(0, 20), most: 20 };
    points.set(name, own);
    const told = (fault: string) => void (byFault[fault] = (byFault[fault] ?? 0) + 1);
    let result: Told;
    try {
      result = await tell({
        kind,
        way,
        runs,
        dice,
        pool,
        env: cloud.env,
        points: own,
        told,
        open: (place) => open(kind, place, cloud, servers, { dice, habit: habitOf(kind, way), told }),
      });
    } catch (error) {
      result = {
        kind,
        way,
        ends: [],
        rowsCompared: 0,
        looks: 0,
        halves: [],
        wrong: [toError(error).stack ?? ''],
        said: [],
      };
    }
    sums.stories++;
    sums.loads += result.ends.length;
    sums.rowsCompared += result.rowsCompared;
    sums.looks += result.looks;
    (ends[name] ??= []).push(...result.ends);
    const again = `--seed ${seed} --only ${name} --runs ${runs}`;
    wrong?.push(...result.wrong.map((line) => `${name} (${again}): ${line}`));
    halves?.push(...result.halves.map((line) => `${name} (${again}): ${line}`));
    const bad = result.wrong.length + result.halves.length;
    said(`${name.padEnd(24)} ${bad === 0 ? 'ok   ' : 'WRONG'} ${result.ends.join(', ')}`);
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
    ends,
  };
}

function habitOf(kind: Kind, way: Way): Habit {
  if (way === 'append') return 'adds';
  // A row that a file has no more is no change that a file's own notion of "new" would show.
  return way === 'merge-cursor' && (kind === 'csv' || kind === 'parquet') ? 'changes' : 'deletes';
}

async function open(
  kind: Kind,
  folder: string,
  cloud: LocalCloud,
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
    default:
      return openFilesWorld(kind, openFiles(cloud.projectId), folder, options);
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
