import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { toError } from '#core/errors';
import { describeExit } from './containers.ts';
import type { ContainerExit, ContainerHost, RunningContainer } from './containers.ts';
import type { ExecutionRecord, OpenJournal, TaskRecord } from './journal.ts';
import { idOf } from './rpc.ts';

/**
 * Runs the tasks of Cloud Run jobs.
 *
 *   task:  pending → running → succeeded
 *                      │ ├──→ running (next attempt, while attempts < maxRetries)
 *                      │ └──→ failed
 *                      └────→ cancelled
 *
 * Like Cloud Run: a task that fails for good does not stop the others; the execution ends when every task has.
 */
export interface Executions {
  /** Starts running a new record's tasks. */
  run(execution: ExecutionRecord): void;
  /** Ends its tasks; they count as cancelled. */
  cancel(execution: ExecutionRecord): void;
  /** Where the attempts of an execution write what they print. */
  logFolder(name: string): string;
}

/** Between SIGTERM and SIGKILL, as on Cloud Run. */
const GRACE_MS = 10_000;
const RETRY_PAUSE_MS = 100;
const STOPPED_WITH_CLOUD = 'The container was stopped when the local cloud stopped.';

/**
 * Opens the runner and takes up the executions that were running when the last control plane ended.
 * @param stopping aborted before the containers are ended with the local cloud: that is no failure of theirs
 */
export function openExecutions(
  open: OpenJournal,
  containers: ContainerHost,
  logs: string,
  stopping: AbortSignal,
): Executions {
  const { journal, save } = open;
  const active = new Map<TaskRecord, RunningContainer>();
  const logFolder = (name: string): string => join(logs, 'executions', idOf(name));

  async function runTask(execution: ExecutionRecord, index: number): Promise<void> {
    const task = execution.tasks[index];
    if (task === undefined) return;
    for (;;) {
      if (execution.cancelRequested) return settle(task, 'cancelled');
      const exit = await attempt(execution, task, index);
      if (exit === null) return; // the local cloud is stopping: its next start decides
      if (exit.code === 0 && !exit.timedOut) return settle(task, 'succeeded');
      if (execution.cancelRequested) return settle(task, 'cancelled');
      task.exit = exit;
      if (task.attempt >= execution.maxRetries) return settle(task, 'failed');
      task.attempt++;
      save();
      await sleep(RETRY_PAUSE_MS);
    }
  }

  async function attempt(execution: ExecutionRecord, task: TaskRecord, index: number) {
    const { image, args, env } = execution.container;
    const numbered = {
      CLOUD_RUN_JOB: idOf(execution.job),
      CLOUD_RUN_EXECUTION: idOf(execution.name),
      CLOUD_RUN_TASK_INDEX: String(index),
      CLOUD_RUN_TASK_COUNT: String(execution.tasks.length),
      CLOUD_RUN_TASK_ATTEMPT: String(task.attempt),
    };
    let container: RunningContainer;
    try {
      const log = join(logFolder(execution.name), `task-${index}-attempt-${task.attempt}.log`);
      container = containers.start({ image, args, env: { ...env, ...numbered } }, log);
    } catch (thrown) {
      if (stopping.aborted) return null;
      return { code: 127, signal: 0, message: toError(thrown).message, timedOut: false };
    }
    task.state = 'running';
    task.startTime ??= Date.now();
    active.set(task, container);
    save();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      void container.stop(GRACE_MS);
    }, execution.timeoutMs);
    const exit: ContainerExit = await container.exited;
    clearTimeout(timer);
    active.delete(task);
    if (stopping.aborted) return null;
    const message = timedOut
      ? `The task was stopped after its timeout of ${execution.timeoutMs / 1000} s.`
      : describeExit(exit);
    return { ...exit, message, timedOut };
  }

  function settle(task: TaskRecord, state: 'succeeded' | 'failed' | 'cancelled'): void {
    task.state = state;
    task.completionTime = Date.now();
    if (state === 'succeeded') delete task.exit;
    save();
  }

  async function runAll(execution: ExecutionRecord): Promise<void> {
    const waiting = execution.tasks.flatMap((task, index) => (task.state === 'pending' ? [index] : []));
    const lane = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift())
        await runTask(execution, index);
    };
    await Promise.all(Array.from({ length: Math.min(execution.parallelism, waiting.length) }, lane));
    if (stopping.aborted) return;
    execution.completionTime = Date.now();
    save();
  }

  const executions: Executions = {
    run: (execution) => void runAll(execution),
    cancel(execution) {
      execution.cancelRequested = true;
      save();
      for (const task of execution.tasks) void active.get(task)?.stop(GRACE_MS);
    },
    logFolder,
  };
  for (const execution of Object.values(journal.executions)) {
    if (execution.completionTime !== undefined) continue;
    for (const task of execution.tasks) planResume(execution, task);
    executions.run(execution);
  }
  save();
  return executions;
}

/** What becomes of a task whose control plane died: another attempt where it has one left. */
export function planResume(execution: ExecutionRecord, task: TaskRecord): void {
  if (task.state !== 'running') return;
  if (execution.cancelRequested) task.state = 'cancelled';
  else if (task.attempt < execution.maxRetries) {
    task.state = 'pending';
    task.attempt++;
  } else {
    task.state = 'failed';
    task.exit = { code: 137, signal: 9, message: STOPPED_WITH_CLOUD };
  }
}
