import type { Arena, Room } from './arena.ts';
import { spreadTo, type GraphSpace } from './graph.ts';
import type { Kernel } from './kernel.ts';
import { makeLargest } from './largest.ts';
import type { Kernels } from './wasm.ts';

/**
 * A graph filter for many profiles at once: the columns of a block. With P = R̃ᵀR̃ and a profile r,
 *
 *   score = Σ_t c_t Pᵗ⁺¹ r  +  spread · (gatherᵀ r)
 *
 * where `gather` and `spread` (items × rank) hold the low pass, its weight and sharpening already within `spread`.
 */
export interface FilterSpace {
  readonly graph: GraphSpace;
  /** c₀ … */
  readonly coefficients: readonly number[];
  /** 0: no low pass. */
  readonly rank: number;
  /** Items × rank. */
  readonly gather: number;
  /** Packed by four rows, negated: for `subtractPanels`. */
  readonly spread: number;
  readonly room: Room;
}

/** Profiles in a block: what a row of the graph's edges brings into the cache serves all of them. */
export const BLOCK = 64;

const padded = (items: number) => Math.ceil(items / 4) * 4;

/** Bytes that a thread needs for itself. */
export function filterRoom({ customers, items }: { customers: number; items: number }, rank: number): number {
  return (3 * padded(items) + customers + rank) * BLOCK * 4;
}

/** `spread` as `FilterSpace` wants it, in `arena`: its address. */
export function packSpread(spread: Float32Array, items: number, rank: number, arena: Arena): number {
  const packed = arena.floats(padded(items) * rank);
  for (let i = 0; i < items; i++)
    for (let t = 0; t < rank; t++) packed[((i >> 2) * rank + t) * 4 + (i & 3)] = -spread[i * rank + t]!;
  return packed.byteOffset;
}

/**
 * Filters one block. `each` calls its argument once per entry of a profile: column, item, weight; called twice, with the
 * same answer. Gives the address of the scores, items × BLOCK, in this thread's room, where they lie until the next block.
 */
export function filterBlock(
  kernels: Kernels,
  space: FilterSpace,
  own: number,
  each: (entry: (column: number, item: number, weight: number) => void) => void,
): number {
  const { graph, coefficients, rank } = space;
  const floats = new Float32Array(kernels.memory.buffer);
  const wide = padded(graph.items) * BLOCK;
  let [power, next] = [own, own + wide * 4];
  const scores = own + 2 * wide * 4;
  const middle = own + 3 * wide * 4;
  const code = middle + graph.customers * BLOCK * 4;
  floats.fill(0, power / 4, power / 4 + wide);
  floats.fill(0, scores / 4, scores / 4 + wide);
  each((column, item, weight) => (floats[power / 4 + item * BLOCK + column] = weight));
  for (const coefficient of coefficients) {
    spreadTo('customers', kernels, graph, power, middle, BLOCK);
    spreadTo('items', kernels, graph, middle, next, BLOCK);
    kernels.addScaled(scores, next, coefficient, graph.items * BLOCK);
    [power, next] = [next, power];
  }
  if (rank > 0) {
    floats.fill(0, code / 4, code / 4 + rank * BLOCK);
    each((column, item, weight) => {
      const panel = code / 4 + (column >> 3) * rank * 8 + (column & 7);
      const row = space.gather / 4 + item * rank;
      for (let t = 0; t < rank; t++) floats[panel + t * 8]! += weight * floats[row + t]!;
    });
    for (let i = 0; i < graph.items; i += 4)
      kernels.subtractPanels(
        space.spread + i * rank * 4,
        code,
        scores + i * BLOCK * 4,
        BLOCK * 4,
        BLOCK / 8,
        rank,
      );
  }
  return scores;
}

interface NeighboursJob {
  readonly space: FilterSpace;
  /** Entries kept per item. */
  readonly keep: number;
  /** Items × keep: the items, ascending, -1 behind the last; and their weights. */
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Unit n: for BLOCK items what a purchase of each says of all others, its `keep` largest entries. */
export const filterRowsKernel: Kernel<NeighboursJob> = {
  name: 'filter-rows',
  work: ({ space, keep, index, weight }, from, to, thread) => {
    const { items } = space.graph;
    const kernels = thread.kernels(space.graph.arena);
    const row = new Float32Array(items);
    const largest = makeLargest(items);
    for (let unit = from; unit < to; unit++) {
      const first = unit * BLOCK;
      const columns = Math.min(BLOCK, items - first);
      const scores = filterBlock(kernels, space, thread.own(space.room), (entry) => {
        for (let column = 0; column < columns; column++) entry(column, first + column, 1);
      });
      const floats = new Float32Array(kernels.memory.buffer);
      for (let column = 0; column < columns; column++) {
        const item = first + column;
        for (let i = 0; i < items; i++) row[i] = floats[scores / 4 + i * BLOCK + column]!;
        row[item] = 0;
        largest(row, keep, index, weight, item * keep);
      }
    }
  },
};
