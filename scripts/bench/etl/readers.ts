/** Runs the readers of a table, each a process of its own, and other programs beside them. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { TUNING } from '../../../functions/etl/scope.ts';
import type { Reading, ReadingResult } from './reading.ts';

/** What all readers of a table came to. */
export interface Read {
  /** From the beginning of the first to the end of the last. */
  readonly seconds: number;
  readonly rows: number;
  readonly parquetBytes: number;
  /** Processor time of all, in microseconds a row. */
  readonly cpuMicros: number;
  /** Of the largest. */
  readonly peakRssMiB: number;
}

/** Reads `what` by `tasks` processes that begin together. */
export async function readTable(
  what: Omit<Reading, 'task' | 'tasks' | 'unitBytes'>,
  tasks = 1,
): Promise<Read> {
  const { unitBytes } = TUNING;
  const children = Array.from({ length: tasks }, (_, task) =>
    fork(
      path.join(import.meta.dirname, 'reading.ts'),
      [JSON.stringify({ ...what, task, tasks, unitBytes })],
      {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      },
    ),
  );
  try {
    await Promise.all(children.map((child) => messageOf(child)));
    const results = children.map((child) => messageOf(child));
    for (const child of children) child.send('go');
    // Of our own process: what it sends is a result.
    const all = (await Promise.all(results)) as ReadingResult[];
    const rows = all.reduce((sum, one) => sum + one.rows, 0);
    const milliseconds =
      Math.max(...all.map(({ ended }) => ended)) - Math.min(...all.map(({ began }) => began));
    return {
      seconds: milliseconds / 1000,
      rows,
      parquetBytes: all.reduce((sum, one) => sum + one.parquetBytes, 0),
      cpuMicros: all.reduce((sum, one) => sum + one.cpuMicros, 0) / Math.max(rows, 1),
      peakRssMiB: Math.max(...all.map((one) => one.peakRssMiB)),
    };
  } finally {
    for (const child of children) child.kill();
  }
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  child.once('exit', (code) => ended.abort(new Error(`a reader ended with code ${code}`)));
  const [message] = (await once(child, 'message', { signal: ended.signal }).catch((error: unknown) => {
    throw ended.signal.aborted ? ended.signal.reason : error;
  })) as unknown[];
  return message;
}

/** Seconds that a command takes whose output goes nowhere. @throws Error when it fails */
export async function secondsOf(command: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  const code = await exitCode(command, args);
  if (code !== 0) throw new Error(`${command} ended with code ${code}`);
  return (performance.now() - began) / 1000;
}

/** Whether a program is installed. */
export async function isInstalled(command: string): Promise<boolean> {
  return (await exitCode(command, ['--version'])) === 0;
}

/** The exit code of a command whose output goes nowhere; −1 when it cannot be started. */
function exitCode(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.once('error', () => resolve(-1)).once('exit', (code) => resolve(code ?? -1));
  });
}
