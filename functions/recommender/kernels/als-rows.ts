import type { Arena, Room } from './arena.ts';
import type { Kernel } from './kernel.ts';
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

const MOST_ROWS = 1024;
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
  index: at + (MOST_ROWS + 16) * 4,
  weight: at + (MOST_ROWS + 16 + capacity) * 4,
  work: at + (MOST_ROWS + 16 + 2 * capacity) * 4,
});

/**
 * Unit n: row n of `out`. The entries lie outside the kernels' memory, which so holds factors alone: they are copied in, a few
 * rows at a time.
 */
export const rowsKernel: Kernel<{
  readonly arena: Arena['id'];
  readonly matrix: {
    readonly indptr: Int32Array;
    readonly index: Int32Array;
    readonly weight: Float32Array | null;
  };
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
    const { matrix, d, solver } = job;
    const { indptr } = matrix;
    const { capacity, room } = job.room;
    const kernels = thread.kernels(job.arena);
    const places = placesOf(thread.own(room), capacity);
    const [solve, setting] = kernelOf(kernels, solver, d);
    for (let start = from; start < to;) {
      let end = start + 1;
      while (end < to && end - start < MOST_ROWS && indptr[end + 1]! - indptr[start]! <= capacity) end++;
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
      start = end;
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
