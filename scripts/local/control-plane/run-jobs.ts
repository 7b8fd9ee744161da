import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { protos } from '@google-cloud/run';
import { containerSpec, environment } from './containers.ts';
import type { Executions } from './executions.ts';
import type { ExecutionRecord, Job, OpenJournal, TaskRecord } from './journal.ts';
import type { Operations } from './operations.ts';
import {
  RpcError,
  found,
  idOf,
  invalid,
  milliseconds,
  notFound,
  page,
  parentOf,
  timestamp,
  unary,
} from './rpc.ts';

type V2 = typeof protos.google.cloud.run.v2;
type ListRequest = { parent: string; pageSize?: number | null; pageToken?: string | null };
type Named = { name: string };
type RunJobRequest = protos.google.cloud.run.v2.IRunJobRequest & Named;
type Execution = protos.google.cloud.run.v2.IExecution;
type Task = protos.google.cloud.run.v2.ITask;
type Condition = protos.google.cloud.run.v2.ICondition;
type ConditionState = keyof V2['Condition']['State'];

const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_MAX_RETRIES = 3;

/**
 * The gRPC services Jobs, Executions and Tasks of Cloud Run.
 * @param deployed makes the jobs of the deployables; called before anything is done with jobs
 */
export function jobServices(
  open: OpenJournal,
  executions: Executions,
  operations: Operations,
  deployed: () => Promise<void>,
): {
  jobs: UntypedServiceImplementation;
  executions: UntypedServiceImplementation;
  tasks: UntypedServiceImplementation;
} {
  const { journal, save } = open;
  const execution = (name: string): ExecutionRecord => found(journal.executions[name], name);

  return {
    jobs: {
      createJob: unary(async ({ parent, jobId, job }: { parent: string; jobId: string; job: Job }) => {
        await deployed();
        const name = `${parent}/jobs/${jobId}`;
        if (journal.jobs[name] !== undefined) throw alreadyExists(name);
        storeJob(open, name, job);
        return operations.create({ kind: 'job', name });
      }),
      updateJob: unary(async ({ job, allowMissing }: { job: Job; allowMissing?: boolean }) => {
        await deployed();
        const name = job.name ?? '';
        if (journal.jobs[name] === undefined && allowMissing !== true) throw notFound(name);
        storeJob(open, name, job);
        return operations.create({ kind: 'job', name });
      }),
      getJob: unary(async ({ name }: Named) => {
        await deployed();
        return found(journal.jobs[name], name);
      }),
      listJobs: unary(async (request: ListRequest) => {
        await deployed();
        const below = Object.values(journal.jobs).filter((job) =>
          job.name?.startsWith(`${request.parent}/jobs/`),
        );
        const { items, nextPageToken } = page(below, request);
        return { jobs: items, nextPageToken };
      }),
      deleteJob: unary(async ({ name }: Named) => {
        await deployed();
        const job = found(journal.jobs[name], name);
        delete journal.jobs[name];
        save();
        return operations.create({ kind: 'deleted', type: 'job', resource: job });
      }),
      runJob: unary(async (request: RunJobRequest) => {
        await deployed();
        const job = found(journal.jobs[request.name], request.name);
        const record = planExecution(
          job,
          request,
          `${request.name}/executions/${idOf(request.name)}-${shortId()}`,
          Date.now(),
        );
        journal.executions[record.name] = record;
        job.executionCount = (job.executionCount ?? 0) + 1;
        job.latestCreatedExecution = { name: record.name, createTime: timestamp(record.createTime) };
        save();
        executions.run(record);
        return operations.create({ kind: 'execution', name: record.name });
      }),
    },
    executions: {
      getExecution: unary(({ name }: Named) => toExecution(execution(name), executions.logFolder(name))),
      listExecutions: unary((request: ListRequest) => {
        // Newest first, as the service answers. A job of "-" means every job.
        const below = Object.values(journal.executions)
          .filter(
            ({ job }) =>
              job === request.parent ||
              (idOf(request.parent) === '-' && parentOf(job) === parentOf(request.parent)),
          )
          .toReversed();
        const { items, nextPageToken } = page(below, request);
        return {
          executions: items.map((one) => toExecution(one, executions.logFolder(one.name))),
          nextPageToken,
        };
      }),
      cancelExecution: unary(({ name }: Named) => {
        const record = execution(name);
        if (record.completionTime !== undefined) throw invalid(`Execution '${name}' has already completed.`);
        executions.cancel(record);
        return operations.create({ kind: 'execution', name });
      }),
      deleteExecution: unary(({ name }: Named) => {
        const record = execution(name);
        if (record.completionTime === undefined) executions.cancel(record);
        delete journal.executions[name];
        save();
        const resource = toExecution(record, executions.logFolder(name));
        return operations.create({ kind: 'deleted', type: 'execution', resource });
      }),
    },
    tasks: {
      getTask: unary(({ name }: Named) => {
        const record = execution(parentOf(name));
        const index = record.tasks.findIndex((_, at) => taskName(record, at) === name);
        return toTask(record, found(record.tasks[index], name), index);
      }),
      listTasks: unary((request: ListRequest) => {
        const record = execution(request.parent);
        const { items, nextPageToken } = page(
          record.tasks.map((task, index) => toTask(record, task, index)),
          request,
        );
        return { tasks: items, nextPageToken };
      }),
    },
  };
}

/** Makes or replaces a job. */
export function storeJob({ journal, save }: OpenJournal, name: string, job: Job): void {
  containerSpec(job.template?.template?.containers); // refused here, not when it first runs
  const former = journal.jobs[name];
  journal.jobs[name] = {
    ...job,
    name,
    uid: former?.uid ?? randomUUID(),
    generation: Number(former?.generation ?? 0) + 1,
    observedGeneration: Number(former?.generation ?? 0) + 1,
    createTime: former?.createTime ?? timestamp(Date.now()),
    updateTime: timestamp(Date.now()),
    executionCount: former?.executionCount ?? 0,
    terminalCondition: condition('Ready', 'CONDITION_SUCCEEDED'),
    reconciling: false,
  };
  save();
}

/** The record of a new execution: the job's template with the request's overrides. @throws RpcError INVALID_ARGUMENT */
export function planExecution(
  job: Job,
  { overrides }: RunJobRequest,
  name: string,
  now: number,
): ExecutionRecord {
  const template = job.template;
  const spec = containerSpec(template?.template?.containers);
  const [over, ...others] = overrides?.containerOverrides ?? [];
  if (others.length > 0) throw invalid('overrides.containerOverrides: there is one container to override.');
  const taskCount = overrides?.taskCount || template?.taskCount || 1;
  const args = over?.clearArgs === true ? [] : (over?.args ?? []).length > 0 ? (over?.args ?? []) : spec.args;
  return {
    name,
    job: job.name ?? '',
    createTime: now,
    cancelRequested: false,
    parallelism: template?.parallelism || taskCount,
    maxRetries: template?.template?.maxRetries ?? DEFAULT_MAX_RETRIES,
    timeoutMs: milliseconds(overrides?.timeout ?? template?.template?.timeout, DEFAULT_TIMEOUT_MS),
    container: { image: spec.image, args, env: { ...spec.env, ...environment(over?.env) } },
    tasks: Array.from({ length: taskCount }, () => ({ state: 'pending', attempt: 0 })),
  };
}

/** An execution as the service shows it. */
export function toExecution(record: ExecutionRecord, logFolder: string): Execution {
  const { name, job, tasks, createTime, completionTime } = record;
  const count = (state: TaskRecord['state']): number => tasks.filter((task) => task.state === state).length;
  const started = tasks.map(({ startTime }) => startTime).filter((time) => time !== undefined);
  return {
    name,
    job,
    uid: name,
    createTime: timestamp(createTime),
    updateTime: timestamp(completionTime ?? Date.now()),
    ...(started.length === 0 ? {} : { startTime: timestamp(Math.min(...started)) }),
    ...(completionTime === undefined ? {} : { completionTime: timestamp(completionTime) }),
    template: {
      containers: [
        {
          image: record.container.image,
          args: [...record.container.args],
          env: Object.entries(record.container.env).map(([key, value]) => ({ name: key, value })),
        },
      ],
    },
    taskCount: tasks.length,
    parallelism: record.parallelism,
    runningCount: count('running'),
    succeededCount: count('succeeded'),
    failedCount: count('failed'),
    cancelledCount: count('cancelled'),
    retriedCount: tasks.reduce((sum, { attempt }) => sum + attempt, 0),
    reconciling: completionTime === undefined,
    conditions: [
      completed(record),
      started.length > 0
        ? condition('Started', 'CONDITION_SUCCEEDED', '', Math.min(...started))
        : condition('Started', 'CONDITION_RECONCILING', '', createTime),
    ],
    logUri: `file://${logFolder}`,
  };
}

/** Why an execution that has ended did not succeed; null for one that did, or has not ended. */
export function executionFailure(
  record: ExecutionRecord,
): { reason: 'CANCELLED' | 'NON_ZERO_EXIT_CODE'; message: string } | null {
  if (record.completionTime === undefined) return null;
  const failed = record.tasks.findIndex((task) => task.state === 'failed');
  if (record.tasks.some((task) => task.state === 'cancelled'))
    return { reason: 'CANCELLED', message: 'Execution was cancelled.' };
  if (failed === -1) return null;
  const why = record.tasks[failed]?.exit?.message ?? '';
  return {
    reason: 'NON_ZERO_EXIT_CODE',
    message: `Task ${taskName(record, failed)} failed with message: ${why}`,
  };
}

function completed(record: ExecutionRecord): Condition {
  const failure = executionFailure(record);
  const { completionTime, createTime } = record;
  if (completionTime === undefined) return condition('Completed', 'CONDITION_RECONCILING', '', createTime);
  if (failure === null) return condition('Completed', 'CONDITION_SUCCEEDED', '', completionTime);
  return {
    ...condition('Completed', 'CONDITION_FAILED', failure.message, completionTime),
    executionReason: failure.reason,
  };
}

function toTask(record: ExecutionRecord, task: TaskRecord, index: number): Task {
  const state: ConditionState =
    task.state === 'succeeded'
      ? 'CONDITION_SUCCEEDED'
      : task.state === 'failed' || task.state === 'cancelled'
        ? 'CONDITION_FAILED'
        : 'CONDITION_RECONCILING';
  return {
    name: taskName(record, index),
    job: record.job,
    execution: record.name,
    index,
    retried: task.attempt,
    maxRetries: record.maxRetries,
    createTime: timestamp(record.createTime),
    ...(task.startTime === undefined ? {} : { startTime: timestamp(task.startTime) }),
    ...(task.completionTime === undefined ? {} : { completionTime: timestamp(task.completionTime) }),
    conditions: [
      condition(
        'Completed',
        state,
        task.exit?.message,
        task.completionTime ?? task.startTime ?? record.createTime,
      ),
    ],
    ...(task.exit === undefined
      ? {}
      : {
          lastAttemptResult: {
            status: { code: 2, message: task.exit.message },
            exitCode: task.exit.code,
            termSignal: task.exit.signal,
          },
        }),
  };
}

function taskName({ name }: ExecutionRecord, index: number): string {
  return `${name}/tasks/${idOf(name)}-task${index}`;
}

/** A condition as Cloud Run shows it. */
export function condition(
  type: string,
  state: ConditionState,
  message = '',
  sinceMs = Date.now(),
): Condition {
  return { type, state, lastTransitionTime: timestamp(sinceMs), ...(message === '' ? {} : { message }) };
}

function alreadyExists(name: string) {
  return new RpcError(status.ALREADY_EXISTS, `Resource '${name}' already exists.`);
}

/** Five letters and digits, as Cloud Run ends the names it makes. */
export function shortId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 5);
}
