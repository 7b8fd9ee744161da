import { parentPort, workerData } from 'node:worker_threads';
import { kernelNamed } from './jobs.ts';
import type { Kernel } from './kernel.ts';
import { makeThread } from './thread.ts';

/** A thread of the pool: takes chunks from the shared counter until none is left, then says so. */
export interface Order {
  readonly kernel: string;
  readonly job: unknown;
  readonly units: number;
  readonly chunk: number;
  readonly counter: Int32Array;
}

/** Memory that orders will name by its number. */
export interface Attachment {
  readonly arena: number;
  readonly memory: WebAssembly.Memory;
}

const arenas = new Map<number, WebAssembly.Memory>();

const thread = makeThread(Number(workerData), (arena) => {
  const memory = arenas.get(arena);
  if (!memory) throw new Error(`No arena has the number ${arena}.`);
  return memory;
});

parentPort?.on('message', (message: Order | Attachment) => {
  if ('memory' in message) {
    arenas.set(message.arena, message.memory);
    return;
  }
  const { job, units, chunk, counter } = message;
  // The pool's `run` took the job and the kernel together, so they fit.
  const kernel = kernelNamed(message.kernel) as Kernel<unknown>;
  for (;;) {
    const from = Atomics.add(counter, 0, chunk);
    if (from >= units) break;
    kernel.work(job, from, Math.min(units, from + chunk), thread);
  }
  // A thread's parent has no origin to aim at.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage('done');
});
