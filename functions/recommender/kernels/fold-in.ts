import { kernelOf, workFloats } from './als-rows.ts';
import { makeArena } from './arena.ts';
import { kernelsOver, sharedMemory } from './wasm.ts';

/** What a row is folded in against: the fixed side of its system (kernels/wasm.ts). */
export interface FoldSide {
  readonly d: number;
  /** Rows × d. */
  readonly factors: Float32Array;
  readonly spectrum: Float32Array;
  readonly regularization: number;
  /** α · rows of the fixed side. */
  readonly unobserved: number;
}

/** One row's room, by d; one for the process, as a fold-in is done before the next begins. */
interface Desk {
  readonly capacity: number;
  readonly rows: Float32Array;
  readonly weight: Float32Array;
  readonly spectrum: Float32Array;
  readonly out: Float32Array;
  readonly solve: (entries: number, side: FoldSide) => void;
}
const desks = new Map<number, Desk>();

function makeDesk(d: number, entries: number): Desk {
  const arena = makeArena(0, 1);
  const capacity = Math.max(64, 2 ** Math.ceil(Math.log2(entries)));
  const [rows, weight] = [arena.floats(capacity * d), arena.floats(capacity)];
  const [spectrum, out, indptr] = [arena.floats(d), arena.floats(d), arena.ints(2)];
  // The rows are copied in the order of the entries.
  const index = arena.ints(capacity);
  for (let n = 0; n < capacity; n++) index[n] = n;
  const work = arena.floats(workFloats(d, { name: 'exact' })).byteOffset;
  const [solveExact, most] = kernelOf(arena.kernels, { name: 'exact' }, d);
  return {
    capacity,
    rows,
    weight,
    spectrum,
    out,
    solve: (count, { regularization, unobserved }) => {
      indptr[1] = count;
      solveExact(
        out.byteOffset,
        rows.byteOffset,
        indptr.byteOffset,
        index.byteOffset,
        weight.byteOffset,
        1,
        d,
        spectrum.byteOffset,
        regularization,
        unobserved,
        most,
        work,
      );
    },
  };
}

/**
 * The factor of a row with entries `index` (rows of `side.factors`), each with its weight: by the very kernel that training
 * solves its rows with. Zeros where there is no entry. About 10 µs for 20 entries and d = 128.
 */
export function foldIn(side: FoldSide, index: Int32Array, weight: Float32Array): Float32Array {
  const { d, factors, spectrum } = side;
  let desk = desks.get(d);
  if (!desk || desk.capacity < index.length) {
    desk = makeDesk(d, index.length);
    desks.set(d, desk);
  }
  for (let n = 0; n < index.length; n++)
    desk.rows.set(factors.subarray(index[n]! * d, (index[n]! + 1) * d), n * d);
  desk.weight.set(weight);
  desk.spectrum.set(spectrum);
  desk.solve(index.length, side);
  return new Float32Array(desk.out);
}

/** Scores of all rows of `factors` (d numbers each) against a vector, by SIMD; the rows are copied once, at the first call. */
export function makeScorer(
  factors: Float32Array,
  d: number,
): (vector: Float32Array, scores: Float32Array) => void {
  let score: ((vector: Float32Array, scores: Float32Array) => void) | null = null;
  const prepare = () => {
    const count = factors.length / d;
    const bytes = (factors.length + d + count) * 4;
    const memory = sharedMemory(bytes, bytes);
    const kernels = kernelsOver(memory);
    const [at, out] = [factors.length * 4, (factors.length + d) * 4];
    new Float32Array(memory.buffer, 0, factors.length).set(factors);
    const query = new Float32Array(memory.buffer, at, d);
    const result = new Float32Array(memory.buffer, out, count);
    return (vector: Float32Array, scores: Float32Array) => {
      query.set(vector);
      kernels.dotRows(0, count, d, at, out);
      scores.set(result);
    };
  };
  return (vector, scores) => (score ??= prepare())(vector, scores);
}
