import { parentPort } from 'node:worker_threads';
import { runChunk, type Job } from './jobs.ts';

/** A thread of the pool: takes chunks from the shared counter until none is left, then says so. */
export interface Order {
  readonly job: Job;
  readonly units: number;
  readonly chunk: number;
  readonly counter: Int32Array;
}

parentPort?.on('message', ({ job, units, chunk, counter }: Order) => {
  for (;;) {
    const from = Atomics.add(counter, 0, chunk);
    if (from >= units) break;
    runChunk(job, from, Math.min(units, from + chunk));
  }
  // A thread's parent has no origin to aim at.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage('done');
});
