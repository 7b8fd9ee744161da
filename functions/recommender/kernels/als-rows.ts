import type { Arena, Room } from './arena.ts';
import type { Kernel } from './kernel.ts';
import { sharedInts, type SharedSparse } from './pairs.ts';
import type { Kernels, RowSolver } from './wasm.ts';

/** How a side's rows are solved for. */
export type Solver =
  | { readonly name: 'exact' }
  | { readonly name: 'cg'; readonly steps: number }
  | { readonly name: 'ials++'; /** A multiple of 8. */ readonly blockSize: number };

/** Entries up to which the exact solver takes the n × n system: beyond, the d × d one is cheaper. A multiple of 8. */
export const mostShort = (d: number) => Math.max(8, Math.floor((d * 0.75) / 8) * 8);

/** Floats that a thread needs for its work, whatever solver, besides one per entry of a row. */
export function workFloats(d: number, solver: Solver): number {
  const most = mostShort(d);
  const exact = d + most + d * Math.max(64, most) + Math.max(d, most) ** 2;
  const width = solver.name === 'ials++' ? solver.blockSize : 0;
  return Math.max(exact, 5 * d, width * width + 129 * width);
}

/** A solver's kernel and its setting. */
export function kernelOf(kernels: Kernels, solver: Solver, d: number): readonly [RowSolver, number] {
  if (solver.name === 'cg') return [kernels.solveConjugate, solver.steps];
  if (solver.name === 'ials++') return [kernels.solveBlocks, solver.blockSize];
  return [kernels.solveExact, mostShort(d)];
}

/** A thread's room: rows' bounds, entries, and the solver's work, in that order. */
export interface RowsRoom {
  readonly room: Room;
  /** Entries copied at a time, at least the longest row's. */
  readonly capacity: number;
}

/** Rows that a thread takes at a time. */
const BATCH = 16;
const COPIED_AT_ONCE = 16_384;

/** Room for rows of up to `longest` entries. */
export function makeRowsRoom(arena: Arena, d: number, solver: Solver, longest: number): RowsRoom {
  const capacity = Math.ceil(Math.max(longest, COPIED_AT_ONCE) / 16) * 16;
  return {
    room: arena.perThread(placesOf(0, capacity).work + (workFloats(d, solver) + capacity) * 4),
    capacity,
  };
}

const placesOf = (at: number, capacity: number) => ({
  indptr: at,
  index: at + (BATCH + 16) * 4,
  weight: at + (BATCH + 16 + capacity) * 4,
  work: at + (BATCH + 16 + 2 * capacity) * 4,
});

/**
 * The batches of `matrix`'s rows, those with most work first, so that at the end no thread waits for another's long rows: on
 * shared memory.
 */
export function longestFirst({ rows, indptr }: Pick<SharedSparse, 'rows' | 'indptr'>, d: number): Int32Array {
  const batches = Math.ceil(rows / BATCH);
  const work = new Float64Array(batches);
  for (let row = 0; row < rows; row++) {
    const n = indptr[row + 1]! - indptr[row]!;
    work[Math.floor(row / BATCH)]! += n * Math.min(n, d);
  }
  const order = sharedInts(batches);
  order.set(Array.from(work.keys()).sort((a, b) => work[b]! - work[a]! || a - b));
  return order;
}

/**
 * Unit n: the rows of batch order[n] of `out`. The entries lie outside the kernels' memory, which so holds factors alone: they
 * are copied in, a few rows at a time.
 */
export const rowsKernel: Kernel<{
  readonly arena: Arena['id'];
  readonly matrix: {
    readonly indptr: Int32Array;
    readonly index: Int32Array;
    readonly weight: Float32Array | null;
  };
  readonly rows: number;
  /** As `longestFirst` gives it; there are as many units. */
  readonly order: Int32Array;
  readonly d: number;
  readonly fixed: number;
  readonly spectrum: number;
  readonly out: number;
  readonly regularization: number;
  readonly unobserved: number;
  readonly solver: Solver;
  readonly room: RowsRoom;
}> = {
  name: 'als-rows',
  work: (job, from, to, thread) => {
    const { matrix, d, solver, order } = job;
    const { indptr } = matrix;
    const { capacity, room } = job.room;
    const kernels = thread.kernels(job.arena);
    const places = placesOf(thread.own(room), capacity);
    const [solve, setting] = kernelOf(kernels, solver, d);
    const solveRows = (start: number, end: number) => {
      copyEntries(kernels.memory.buffer, matrix, start, end, places);
      solve(
        job.out + start * d * 4,
        job.fixed,
        places.indptr,
        places.index,
        matrix.weight ? places.weight : 0,
        end - start,
        d,
        job.spectrum,
        job.regularization,
        job.unobserved,
        setting,
        places.work,
      );
    };
    for (let unit = from; unit < to; unit++) {
      const last = Math.min((order[unit]! + 1) * BATCH, job.rows);
      for (let start = order[unit]! * BATCH; start < last;) {
        let end = start + 1;
        while (end < last && indptr[end + 1]! - indptr[start]! <= capacity) end++;
        solveRows(start, end);
        start = end;
      }
    }
  },
};

function copyEntries(
  buffer: ArrayBuffer,
  { indptr, index, weight }: { indptr: Int32Array; index: Int32Array; weight: Float32Array | null },
  start: number,
  end: number,
  places: ReturnType<typeof placesOf>,
): void {
  const [first, last] = [indptr[start]!, indptr[end]!];
  const bounds = new Int32Array(buffer, places.indptr, end - start + 1);
  for (let row = start; row <= end; row++) bounds[row - start] = indptr[row]! - first;
  new Int32Array(buffer, places.index, last - first).set(index.subarray(first, last));
  if (weight) new Float32Array(buffer, places.weight, last - first).set(weight.subarray(first, last));
}
