import type { Arena, Room } from './arena.ts';
import type { Kernels } from './wasm.ts';

/** What a thread brings to its work. */
export interface Thread {
  /** 0 … threads-1. */
  readonly index: number;
  /** The compiled kernels over the arena of that number. */
  kernels(arena: Arena['id']): Kernels;
  /** The address of this thread's part of `room`. */
  own(room: Room): number;
}

/**
 * A kind of work that threads share in units; listed in jobs.ts, where a thread finds it by name. A job is sent as it is:
 * numbers, addresses in an arena, arrays on shared memory. What a unit computes must not depend on the thread, nor on
 * what it did before.
 */
export interface Kernel<Job> {
  readonly name: string;
  /** Does units [from, to) of `job`. */
  work(job: Job, from: number, to: number, thread: Thread): void;
}
