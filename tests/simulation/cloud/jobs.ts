/* Cloud Run jobs and Vertex AI custom jobs: containers as processes, tried again by the platform where it promises to. */
import type { Kernel } from '../kernel.ts';
import { codedError, GRPC } from '../kernel.ts';
import type { Process } from '../processes.ts';

/** A container's program: resolves to its exit code. */
export type Program = (signal: AbortSignal) => Promise<number>;

/** One run of a container until it is over for good. */
export interface Execution {
  readonly name: string;
  /** The deployable that runs in it. */
  readonly deployable: string;
  readonly env: Readonly<Record<string, string>>;
  state: 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly processes: Process[];
}

export interface SimulatedJobs {
  readonly executions: readonly Execution[];
  /** As JobsClient, ExecutionsClient and JobServiceClient answer; only what production code reads. */
  readonly runJob: (request: RunJob) => Promise<[{ metadata: { name: string } }]>;
  listExecutions(request: { parent: string }): Promise<[object[]]>;
  getExecution(request: { name: string }): Promise<[object]>;
  cancelExecution(request: { name: string }): Promise<[object]>;
  listCustomJobs(request: { filter: string }): Promise<[{ name: string; displayName: string }[]]>;
  createCustomJob(request: CreateCustomJob): Promise<[{ name: string }]>;
  getCustomJob(request: { name: string }): Promise<[{ state: string }]>;
  cancelCustomJob(request: { name: string }): Promise<[object]>;
}

interface EnvEntry {
  readonly name: string;
  readonly value: string;
}
interface RunJob {
  readonly name: string;
  readonly overrides: {
    readonly containerOverrides: readonly { readonly env: readonly EnvEntry[] }[];
    readonly taskCount?: number;
  };
}
interface CreateCustomJob {
  readonly customJob: {
    readonly displayName: string;
    readonly jobSpec: {
      readonly workerPoolSpecs: readonly {
        readonly containerSpec: { readonly env: readonly EnvEntry[] };
      }[];
    };
  };
}

/** How often the platform tries a task again: etl/runner.job.ts says so. */
const RUNNER_RETRIES = 3;
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 10_000;

/** Both platforms. `programs`: each deployable's program. */
export function makeJobs(kernel: Kernel, programs: Readonly<Record<string, Program>>): SimulatedJobs {
  const { scheduler, random, processes } = kernel;
  const executions: Execution[] = [];
  const customJobs: (Execution & { readonly displayName: string })[] = [];
  const stops = new Map<Execution, AbortController[]>();
  const fail = () => codedError(GRPC.unavailable, 'the service did not answer');
  const call = <T>(what: string, reads: boolean, effect: () => T) =>
    processes.call(what, effect, { fail, reads });
  const envOf = (entries: readonly EnvEntry[]) =>
    Object.fromEntries(entries.map(({ name, value }) => [name, value]));

  const begin = (execution: Execution, tasks: number, retries: number) => {
    executions.push(execution);
    const program = programs[execution.deployable];
    if (program === undefined) throw new Error(`no program ${execution.deployable}`);
    let open = tasks;
    const run = (task: number, attempt: number) => {
      if (execution.state !== 'running') return;
      const stop = new AbortController();
      stops.set(execution, [...(stops.get(execution) ?? []), stop]);
      const process = processes.spawn({
        name: execution.deployable,
        tenant: execution.env['TRADEWIND_TENANT'] ?? null,
        env: {
          ...execution.env,
          CLOUD_RUN_TASK_INDEX: String(task),
          CLOUD_RUN_TASK_COUNT: String(tasks),
          CLOUD_RUN_TASK_ATTEMPT: String(attempt),
        },
        work: () => program(stop.signal),
        onEnd(ending, code) {
          if (execution.state !== 'running') return;
          if (ending === 'done' && code === 0) {
            if (--open === 0) execution.state = 'succeeded';
          } else if (attempt < retries) {
            scheduler.at(scheduler.now() + random.between(1000, 20_000), () => run(task, attempt + 1));
          } else execution.state = 'failed';
        },
      });
      execution.processes.push(process);
    };
    for (let task = 0; task < tasks; task++)
      scheduler.at(scheduler.now() + random.between(500, 30_000), () => run(task, 0));
  };
  const cancel = (execution: Execution) => {
    if (execution.state !== 'running') return;
    execution.state = 'cancelled';
    for (const stop of stops.get(execution) ?? []) stop.abort(new Error('stopped by SIGTERM'));
    scheduler.at(scheduler.now() + GRACE_MS, () => execution.processes.forEach(processes.kill));
  };
  const find = <T extends Execution>(all: readonly T[], name: string): T => {
    const found = all.find((one) => one.name === name);
    if (found === undefined) throw codedError(GRPC.notFound, `there is no ${name}`);
    return found;
  };

  return {
    executions,
    runJob: (request) =>
      call('runJob', false, () => {
        const execution: Execution = {
          name: `${request.name}/executions/e${executions.length + 1}`,
          deployable: request.name.slice(request.name.lastIndexOf('/') + 1),
          env: envOf(request.overrides.containerOverrides[0]?.env ?? []),
          state: 'running',
          processes: [],
        };
        begin(execution, request.overrides.taskCount ?? 1, RUNNER_RETRIES);
        return [{ metadata: { name: execution.name } }];
      }),
    listExecutions: ({ parent }) =>
      call('listExecutions', true, () => [
        executions
          .map((one, index) => ({ ...one, createTime: { seconds: index } }))
          .filter(({ name }) => name.startsWith(`${parent}/executions/`))
          // Newest first, as the service answers.
          .toReversed()
          .map(({ name, env, createTime }) => ({
            name,
            createTime,
            template: {
              containers: [{ env: Object.entries(env).map(([key, value]) => ({ name: key, value })) }],
            },
          })),
      ]),
    getExecution: ({ name }) =>
      call('getExecution', true, () => {
        const { state } = find(executions, name);
        return [
          {
            completionTime: state === 'running' ? null : {},
            conditions: [{ type: 'Completed', message: state }],
            cancelledCount: state === 'cancelled' ? 1 : 0,
            failedCount: state === 'failed' ? 1 : 0,
          },
        ];
      }),
    cancelExecution: ({ name }) =>
      call('cancelExecution', false, () => {
        cancel(find(executions, name));
        return [{}];
      }),
    listCustomJobs: ({ filter }) =>
      call('listCustomJobs', true, () => [
        customJobs
          .filter((job) => filter === `display_name="${job.displayName}"`)
          .map(({ name, displayName }) => ({ name, displayName })),
      ]),
    createCustomJob: ({ customJob }) =>
      call('createCustomJob', false, () => {
        const job = {
          name: `customJobs/j${customJobs.length + 1}`,
          displayName: customJob.displayName,
          deployable: 'pipelines-trainer',
          env: envOf(customJob.jobSpec.workerPoolSpecs[0]?.containerSpec.env ?? []),
          state: 'running' as const,
          processes: [],
        };
        customJobs.push(job);
        begin(job, 1, 0);
        return [{ name: job.name }];
      }),
    getCustomJob: ({ name }) =>
      call('getCustomJob', true, () => [
        { state: `JOB_STATE_${find(customJobs, name).state.toUpperCase()}` },
      ]),
    cancelCustomJob: ({ name }) =>
      call('cancelCustomJob', false, () => {
        cancel(find(customJobs, name));
        return [{}];
      }),
  };
}
