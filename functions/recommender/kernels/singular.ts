import { gaussian, type Random } from '../random.ts';
import { findBasis, makeBasis, turnRows } from './als-basis.ts';
import type { Arena } from './arena.ts';
import { spread, type GraphSpace } from './graph.ts';
import type { Pool } from './pool.ts';
import { orthonormalise } from './tall.ts';

/** The largest singular values of R̃ with their vectors over the items. */
export interface Singular {
  readonly rank: number;
  /** Falling. */
  readonly values: Float64Array;
  /** Items × rank, row-major, columns orthonormal. */
  readonly vectors: Float32Array;
}

/**
 * A singular value decomposition by random projection: a random block is passed through R̃ᵀR̃ `iterations` times, each
 * time made orthonormal, and the small problem that is left is solved exactly. Where the spectrum falls slowly it takes
 * more passes or a wider block (`oversampling` columns more than `rank`). The same random stream gives the same result,
 * whatever the number of threads. Time: (2·iterations + 3) · edges · d + rows · d², d = rank + oversampling. Source:
 * Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 2011, algorithms 4.4 and 5.1.
 */
export async function randomizedSingular(
  graph: GraphSpace,
  wanted: { readonly rank: number; readonly oversampling: number; readonly iterations: number },
  random: Random,
  pool: Pool,
  arena: Arena,
  signal?: AbortSignal,
): Promise<Singular> {
  const { customers, items } = graph;
  const rank = Math.min(wanted.rank, customers, items);
  const d = Math.ceil((rank + wanted.oversampling) / 8) * 8;
  const [block, image] = [arena.floats(items * d), arena.floats(customers * d)];
  const basis = makeBasis(arena, d, Math.max(items, customers));
  for (let n = 0; n < block.length; n++) block[n] = gaussian(random);
  const forth = () =>
    spread({ graph, to: 'customers', x: block.byteOffset, y: image.byteOffset, k: d }, pool);
  const back = () => spread({ graph, to: 'items', x: image.byteOffset, y: block.byteOffset, k: d }, pool);
  for (let pass = 0; pass <= wanted.iterations; pass++) {
    await forth();
    await back();
    await orthonormalise(block, basis, pool);
    signal?.throwIfAborted();
  }
  // Once more: what rounding left of other columns goes.
  await orthonormalise(block, basis, pool);
  await forth();
  const squares = arena.floats(d);
  if (!(await findBasis(image, squares, 1, basis, pool)))
    throw new RangeError(
      `The graph of ${customers} customers and ${items} items has a scale that is not finite.`,
    );
  await turnRows(block, basis, pool);
  const kept = new Float32Array(items * rank);
  for (let i = 0; i < items; i++) kept.set(block.subarray(i * d, i * d + rank), i * rank);
  return {
    rank,
    values: Float64Array.from({ length: rank }, (_, j) => Math.sqrt(squares[j]!)),
    vectors: kept,
  };
}
