import { gaussian, type Random } from '../random.ts';
import type { Arena } from './arena.ts';
import { symmetricEigen } from './eigen.ts';
import { spread, type GraphSpace } from './graph.ts';
import type { Pool } from './pool.ts';
import { orthonormalise, tallGram, tallRotate, type Tall } from './tall.ts';

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
  const block: Tall = { rows: items, d, values: arena.floats(items * d) };
  const image: Tall = { rows: customers, d, values: arena.floats(customers * d) };
  for (let n = 0; n < block.values.length; n++) block.values[n] = gaussian(random);
  const forth = () =>
    spread({ graph, to: 'customers', x: block.values.byteOffset, y: image.values.byteOffset, k: d }, pool);
  const back = () =>
    spread({ graph, to: 'items', x: image.values.byteOffset, y: block.values.byteOffset, k: d }, pool);
  for (let pass = 0; pass <= wanted.iterations; pass++) {
    await forth();
    await back();
    await orthonormalise(block, pool, arena);
    signal?.throwIfAborted();
  }
  // Once more: what rounding left of other columns goes.
  await orthonormalise(block, pool, arena);
  await forth();
  const { values, vectors } = symmetricEigen(await tallGram(image, pool, arena), d);
  // Columns in falling order of their values.
  const turn = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) turn[i * d + j] = vectors[(d - 1 - j) * d + i]!;
  await tallRotate(block, turn, pool, arena);
  const kept = new Float32Array(items * rank);
  for (let i = 0; i < items; i++) kept.set(block.values.subarray(i * d, i * d + rank), i * rank);
  return {
    rank,
    values: Float64Array.from({ length: rank }, (_, j) => Math.sqrt(Math.max(0, values[d - 1 - j]!))),
    vectors: kept,
  };
}
