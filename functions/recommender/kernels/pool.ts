import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runChunk, type Job } from './jobs.ts';
import type { Order } from './worker.ts';

/** Threads that share the dense work of a fit. */
export interface Pool {
  readonly threads: number;
  /** Does units 0 … units-1 of `job`, `chunk` at a time. The event loop stays free. One job at a time. */
  run(job: Job, units: number, chunk: number): Promise<void>;
}

/** Floats that threads can share. */
export function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4));
}
/** Doubles that threads can share. */
export function sharedDoubles(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * 8));
}
/** `values` where threads can share them: a copy. */
export function sharedCopy<T extends Int32Array | Float32Array>(values: T): T {
  const memory = new SharedArrayBuffer(values.byteLength);
  const copy = values instanceof Int32Array ? new Int32Array(memory) : new Float32Array(memory);
  copy.set(values);
  // The two branches above keep the kind of `values`, which the compiler cannot follow.
  return copy as T;
}

/** The pool of one: works in this thread, letting the event loop breathe between chunks. */
export const inThread: Pool = {
  threads: 1,
  run: async (job, units, chunk) => {
    for (let from = 0; from < units; from += chunk) {
      runChunk(job, from, Math.min(units, from + chunk));
      if ((from / chunk) % 16 === 15) await setImmediate();
    }
  },
};

/** Gives `use` a pool of `threads` (one: this thread alone); the threads end when it settles. */
export async function withPool<T>(threads: number, use: (pool: Pool) => Promise<T>): Promise<T> {
  if (threads <= 1) return use(inThread);
  // In a bundle the worker lies beside it, bundled by itself.
  const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  const workers = Array.from({ length: threads }, () => new Worker(new URL(file, import.meta.url)));
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const run: Pool['run'] = async (job, units, chunk) => {
    counter[0] = 0;
    const order: Order = { job, units, chunk, counter };
    // `once` also rejects on the worker's 'error', so a crash in a kernel fails the fit.
    await Promise.all(
      workers.map((worker) => {
        const done = once(worker, 'message');
        // A worker thread has no origin to aim at.
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        worker.postMessage(order);
        return done;
      }),
    );
  };
  try {
    return await use({ threads, run });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
