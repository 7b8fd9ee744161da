/*
 * One world: a seed, the production code, clouds, people. First everything goes wrong that its seed lets go wrong; then
 * nothing does any more, and the watchdogs have the time they need until all is quiet.
 */
import { makeDatabase } from './cloud/database.ts';
import { makeFiles } from './cloud/files.ts';
import { makeJobs } from './cloud/jobs.ts';
import { makeMessages } from './cloud/messages.ts';
import { makeServices } from './cloud/services.ts';
import { makeWarehouse } from './cloud/warehouse.ts';
import type { FaultKind } from './faults.ts';
import { makeWatcher, RUN } from './invariants.ts';
import { makeKernel, type Kernel, type Violation } from './kernel.ts';
import { letPeopleAsk } from './people.ts';
import type { Production } from './production.ts';
import { checkQuiet } from './quiet.ts';
import { setScene } from './scene.ts';

/** What became of a world. */
export interface WorldReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** How often each fault fired. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** How many runs of each kind ended how, e.g. `etlRuns succeeded`. */
  readonly ends: Readonly<Record<string, number>>;
  /** Things that happened: the same for the same seed and code. */
  readonly steps: number;
  readonly deadLetters: number;
}

/** People ask within so many minutes; faults cease a little later. */
const ASKING_MINUTES = 3;
const FAULTY_MINUTES = 5;
/** After faults have ceased all must be quiet within this. */
const QUIET_MINUTES = 180;
const MINUTE = 60_000;

/** Lives the world of `seed` to its end. `told` gets a line for everything that happens in it. */
export async function live(
  production: Production,
  seed: number,
  told?: (line: string) => void,
): Promise<WorldReport> {
  const kernel = makeKernel(seed, production.errors, told);
  const { scheduler, random, processes, faults } = kernel;
  const database = makeDatabase(kernel, (process, changes) => watcher.committed(process, changes));
  const watcher = makeWatcher(kernel, database.look);
  const files = makeFiles(kernel);
  const warehouse = makeWarehouse(kernel, files);
  const services = makeServices(kernel, files, (service) => watcher.serviceChanged(service));
  const messages = makeMessages(kernel, production.subscribers);
  const jobs = makeJobs(kernel, production.programs);
  const unanswered = new Map<string, number>();
  production.enter(
    {
      database: database.client,
      bus: messages.client,
      files: files.client,
      warehouse: warehouse.client,
      services,
      jobs: { ...jobs, runJob: countUnanswered(jobs.runJob, unanswered) },
      bytes: random.bytes,
      between: random.between,
      chance: random.chance,
      pause: (milliseconds, signal) => pause(kernel, milliseconds, signal),
    },
    {
      now: scheduler.now,
      process: processes.current,
      later: processes.later,
      fetch: (url) => services.fetch(url),
    },
  );
  const models = setScene(random, database.seed, files.put);
  const people = letPeopleAsk(kernel, production, messages, models, ASKING_MINUTES);

  const beginning = scheduler.now();
  let over = false;
  const tick = (minute: number) =>
    scheduler.at(beginning + minute * MINUTE, () => {
      if (minute === FAULTY_MINUTES) faults.stop();
      const busy =
        people.asking() +
        messages.waiting() +
        processes.running().length +
        jobs.executions.filter(isRunning).length;
      const settled = [...database.all()].every(([path]) => !/^(watch|outbox)\//.test(path));
      over = minute > FAULTY_MINUTES && busy === 0 && settled;
      if (minute === FAULTY_MINUTES + QUIET_MINUTES) {
        const left = [...database.all()].flatMap(([path]) => (/^(watch|outbox)\//.test(path) ? [path] : []));
        kernel.violated('quiet', `${busy} messages, requests and processes are left; ${left.join(', ')}`);
        over = true;
      }
      if (over) return;
      messages.send('tick', {});
      tick(minute + 1);
    });
  tick(1);
  const steps = await scheduler.run(() => over || kernel.violations.length > 0);
  const documents = new Map(database.all());
  if (kernel.violations.length === 0)
    checkQuiet(
      {
        documents,
        executions: jobs.executions,
        services: services.all,
        accepted: people.accepted,
        published: warehouse.published(),
        messages: messages.published,
        unanswered,
      },
      kernel.violated,
    );
  const ends: Record<string, number> = {};
  for (const [path, data] of documents) {
    const kind = RUN.exec(path)?.[3];
    if (kind === undefined) continue;
    const end = `${kind} ${String(data['status'])}`;
    ends[end] = (ends[end] ?? 0) + 1;
  }
  for (const process of processes.running()) processes.kill(process);
  return {
    seed,
    violations: kernel.violations,
    faults: faults.fired,
    ends,
    steps,
    deadLetters: messages.dead.length,
  };
}

function pause({ processes }: Kernel, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const stop = processes.later(milliseconds, resolve);
    signal?.addEventListener('abort', () => {
      stop();
      reject(signal.reason);
    });
  });
}

const isRunning = ({ state }: { readonly state: string }) => state === 'running';

type RunJob = ReturnType<typeof makeJobs>['runJob'];

/** Notes each call for a container that comes to no answer: whether it started one its caller cannot know. */
function countUnanswered(runJob: RunJob, unanswered: Map<string, number>): RunJob {
  return async (request) => {
    const env = Object.fromEntries(
      (request.overrides.containerOverrides[0]?.env ?? []).map(({ name, value }) => [name, value]),
    );
    const run = `tenants/${env['TRADEWIND_TENANT']}/models/${env['TRADEWIND_MODEL']}/etlRuns/${env['TRADEWIND_RUN']}`;
    unanswered.set(run, (unanswered.get(run) ?? 0) + 1);
    const answer = await runJob(request);
    unanswered.set(run, (unanswered.get(run) ?? 0) - 1);
    return answer;
  };
}
