/*
 * A process in which the tasks of containers run, one after the other: `node worker.js`, told what to do by its parent. It is
 * ended by SIGKILL, by itself at the write it was told, or by its parent at any moment.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import timers from 'node:timers/promises';
import { syncBuiltinESMExports } from 'node:module';
import { openDatabase } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import { toError } from '#core/errors';
import { readConfig } from '#runtime/config';
import { makeLog } from '#runtime/log';
import { watchWrites } from '#tests/watch-writes';
import { runEtl } from '../../../functions/etl/run-etl.ts';

/** A task of a container. */
export interface Task {
  readonly env: Readonly<Record<string, string>>;
  readonly task: number;
  readonly tasks: number;
  readonly attempt: number;
  readonly unitBytes: number;
  /** 2n-1, 2n: the process ends before, after its nth write; 0: it does not. */
  readonly point: number;
}

/** What the parent says: a task, or how many milliseconds all clocks are ahead. */
export type Order = { readonly task: Task } | { readonly ahead: number };

/** What the process says: which write it will not survive, or that its task is done, and after how many writes. */
export type Word = { readonly dies: string } | { readonly done: boolean; readonly writes: number };

/** Waits of a second and more are as much shorter: the faults are many, and nothing is proved by waiting. */
const FASTER = 6;

let ahead = 0;
let writes = 0;
let point = 0;

const say = (word: Word): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(word, () => resolve());
  });

function die(what: string): void {
  // Written before it returns: a pipe takes so little at once.
  process.send?.({ dies: what } satisfies Word);
  process.kill(process.pid, 'SIGKILL');
}

watchWrites((what) => {
  writes += 1;
  if (point === 2 * writes - 1) die(`before ${what}`);
  return point === 2 * writes ? () => die(`after ${what}`) : undefined;
});

const wait = timers.setTimeout;
// It takes what its original takes.
timers.setTimeout = ((milliseconds?: number, ...rest: unknown[]) =>
  Reflect.apply(wait, timers, [
    (milliseconds ?? 0) >= 1000 ? (milliseconds ?? 0) / FASTER : milliseconds,
    ...rest,
  ])) as typeof timers.setTimeout;
syncBuiltinESMExports();

/** Containers publish nothing by themselves but what the outbox keeps. */
const silent: Bus = {
  publish: () => Promise.reject(new Error('no bus')),
  close: () => Promise.resolve(),
};

async function work(task: Task): Promise<void> {
  Object.assign(process.env, task.env);
  const config = readConfig(process.env);
  const db = openDatabase(config.projectId);
  [writes, point] = [0, task.point];
  const clock = () => Date.now() + ahead;
  let done = true;
  try {
    await runEtl(
      {
        config,
        store: { db, bus: silent, clock, random: (n) => randomBytes(n) },
        log: makeLog('etl-runner', clock, () => undefined),
        env: process.env,
        signal: new AbortController().signal,
        task: task.task,
        tasks: task.tasks,
        attempt: task.attempt,
        holder: `etl-runner-${randomUUID()}`,
      },
      { unitBytes: task.unitBytes },
    );
  } catch (error) {
    done = error instanceof Error && error.name === 'TerminalError';
    console.error(toError(error).stack);
  }
  point = 0;
  await db.close();
  await say({ done, writes });
}

process.on('message', (order: Order) => {
  if ('ahead' in order) ahead = order.ahead;
  else void work(order.task);
});
process.on('disconnect', () => process.exit());
