import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { makeArena, type Arena, type OwnedArena } from './arena.ts';
import type { Kernel } from './kernel.ts';
import { makeThread } from './thread.ts';
import type { Attachment, Order } from './worker.ts';

/** Threads that share the dense work of a fit. */
export interface Pool {
  readonly threads: number;
  /** Does units 0 … units-1 of `job`, `chunk` at a time. The event loop stays free. One job at a time. */
  run<Job>(kernel: Kernel<Job>, job: Job, units: number, chunk: number): Promise<void>;
  /** Gives `use` an arena of its own, empty; what lies in it is gone when `use` settles, so results are copied out. */
  withArena<T>(use: (arena: Arena) => Promise<T>): Promise<T>;
}

/** Arenas that take turns: one that was given back serves the next fit, so that memory is claimed once. */
function arenaKeeper(threads: number, attach: (attachment: Attachment) => void) {
  const all: OwnedArena[] = [];
  const spare: OwnedArena[] = [];
  const withArena: Pool['withArena'] = async (use) => {
    let arena = spare.pop();
    if (!arena) {
      arena = makeArena(all.length, threads);
      all.push(arena);
      attach({ arena: arena.id, memory: arena.memory });
    }
    try {
      return await use(arena);
    } finally {
      arena.reset();
      spare.push(arena);
    }
  };
  return { withArena, memoryOf: (id: number) => all[id]!.memory };
}

function poolOfOne(): Pool {
  const { withArena, memoryOf } = arenaKeeper(1, () => undefined);
  const thread = makeThread(0, memoryOf);
  return {
    threads: 1,
    run: async (kernel, job, units, chunk) => {
      for (let from = 0; from < units; from += chunk) {
        kernel.work(job, from, Math.min(units, from + chunk), thread);
        if ((from / chunk) % 16 === 15) await setImmediate();
      }
    },
    withArena,
  };
}

/** The pool of one: works in this thread, letting the event loop breathe between chunks. */
export const inThread: Pool = poolOfOne();

/** Gives `use` a pool of `threads` (one: this thread alone); the threads end when it settles. */
export async function withPool<T>(threads: number, use: (pool: Pool) => Promise<T>): Promise<T> {
  if (threads <= 1) return use(poolOfOne());
  // In a bundle the worker lies beside it, bundled by itself.
  const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  const workers = Array.from(
    { length: threads },
    (_, index) => new Worker(new URL(file, import.meta.url), { workerData: index }),
  );
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const tellAll = (message: Order | Attachment) => {
    // A worker thread has no origin to aim at.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    for (const worker of workers) worker.postMessage(message);
  };
  const { withArena } = arenaKeeper(threads, tellAll);
  const run: Pool['run'] = async (kernel, job, units, chunk) => {
    counter[0] = 0;
    // `once` also rejects on the worker's 'error', so a crash in a kernel fails the fit.
    const done = Promise.all(workers.map((worker) => once(worker, 'message')));
    tellAll({ kernel: kernel.name, job, units, chunk, counter });
    await done;
  };
  try {
    return await use({ threads, run, withArena });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
