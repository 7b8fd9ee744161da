import { setImmediate } from 'node:timers/promises';
import { TerminalError } from '#core/errors';
import { gaussian, type Random } from '../random.ts';
import { findBasis, makeBasis, turnRows, type Basis } from './als-basis.ts';
import { longestFirst, makeRowsRoom, rowsKernel, type Solver } from './als-rows.ts';
import type { Arena } from './arena.ts';
import type { Pairs, SharedSparse } from './pairs.ts';
import type { Pool } from './pool.ts';

/**
 * Alternating least squares on implicit data: the customers' factors are solved for given the items', then the items' given
 * the customers', and again. Before each solve the fixed side is turned into the basis in which its Gram matrix is diagonal:
 * scores x·y do not change by it, and a row with n entries then costs n²d + n³/3 instead of nd² + d³/3. The systems are
 * written out in kernels/wasm.ts.
 */
export interface AlsSettings {
  /** Length of the factors, a multiple of 8. */
  readonly d: number;
  /** α, the weight of every pair that is not observed. */
  readonly unobservedWeight: number;
  readonly regularization: number;
  readonly solver: Solver;
  /** Epochs to do; an epoch solves both sides. */
  readonly epochs: number;
}

/** What training leaves, and can go on from: item factors in the basis of their own Gram matrix. */
export interface AlsState {
  /** Items × d. */
  readonly items: Float32Array;
  /** The diagonal of α·(items' Gram matrix), d numbers, descending. */
  readonly spectrum: Float32Array;
}

export interface AlsContext {
  readonly pool: Pool;
  readonly signal?: AbortSignal;
  /** Epochs done so far, halves too. */
  readonly onProgress?: (epochs: number) => void;
}

/** Item factors to begin with: small and random, the same for the same `random`. `used` of each item's d numbers are not zero. */
export function randomItems(items: number, d: number, used: number, random: Random): Float32Array {
  const factors = new Float32Array(items * d);
  const scale = 0.1 / Math.sqrt(used);
  for (let item = 0; item < items; item++)
    for (let k = 0; k < used; k++) factors[item * d + k] = scale * gaussian(random);
  return factors;
}

/**
 * Trains on `pairs` from the item factors `from`. With the exact solver, so many epochs and then more give, bit for bit, what
 * all of them at once give; the other two solvers begin each call with an exact solve of the customers. Results do not depend
 * on the number of threads. An abort rejects with the signal's reason. TerminalErrors: `memory-exceeded`.
 */
export async function trainAls(
  pairs: Pairs,
  settings: AlsSettings,
  from: Pick<AlsState, 'items'> & Partial<AlsState>,
  context: AlsContext,
): Promise<AlsState> {
  return context.pool.withArena(async (arena) => {
    const world = await makeWorld(arena, pairs, settings, from, context);
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      await world.solveCustomers(epoch === 0);
      context.onProgress?.(epoch + 0.5);
      await world.solveItems();
      context.onProgress?.(epoch + 1);
    }
    return { items: new Float32Array(world.items), spectrum: new Float32Array(world.itemSpectrum) };
  });
}

async function makeWorld(
  arena: Arena,
  { byRow, byColumn }: Pairs,
  settings: AlsSettings,
  from: Pick<AlsState, 'items'> & Partial<AlsState>,
  { pool, signal }: AlsContext,
) {
  const { d, solver } = settings;
  const [customers, items] = [arena.floats(byRow.rows * d), arena.floats(byColumn.rows * d)];
  const basis = makeBasis(arena, d, Math.max(byRow.rows, byColumn.rows));
  const room = makeRowsRoom(arena, d, solver, Math.max(longestRow(byRow), longestRow(byColumn)));
  const itemSpectrum = arena.floats(d);
  const customerSpectrum = arena.floats(d);
  // Only solvers that improve what is there need it in the basis of the other side.
  const turned = solver.name === 'exact' ? () => [] : (other: Float32Array) => [other];
  const diagonalise = (of: Float32Array, spectrum: Float32Array, others: Float32Array[]) =>
    turnToBasis(of, spectrum, others, settings.unobservedWeight, basis, pool, signal);
  const solve = (
    { matrix, order }: { readonly matrix: SharedSparse; readonly order: Int32Array },
    [fixed, spectrum, out]: readonly [Float32Array, Float32Array, Float32Array],
    by: Solver,
  ) =>
    pool.run(
      rowsKernel,
      {
        arena: arena.id,
        matrix: { indptr: matrix.indptr, index: matrix.index, weight: matrix.weight },
        rows: matrix.rows,
        order,
        d,
        fixed: fixed.byteOffset,
        spectrum: spectrum.byteOffset,
        out: out.byteOffset,
        regularization: settings.regularization,
        unobserved: settings.unobservedWeight * matrix.columns,
        solver: by,
        room,
      },
      order.length,
      1,
    );
  const sideOf = (matrix: SharedSparse) => ({ matrix, order: longestFirst(matrix, d) });
  const [rowSide, columnSide] = [sideOf(byRow), sideOf(byColumn)];
  items.set(from.items);
  if (from.spectrum) itemSpectrum.set(from.spectrum);
  else await diagonalise(items, itemSpectrum, []);
  return {
    items,
    itemSpectrum,
    solveCustomers: async (first: boolean) => {
      await solve(rowSide, [items, itemSpectrum, customers], first ? { name: 'exact' } : solver);
      signal?.throwIfAborted();
      await diagonalise(customers, customerSpectrum, turned(items));
    },
    solveItems: async () => {
      await solve(columnSide, [customers, customerSpectrum, items], solver);
      signal?.throwIfAborted();
      await diagonalise(items, itemSpectrum, turned(customers));
      // A small fit never waits for anything: others get their turn here.
      await setImmediate();
      signal?.throwIfAborted();
    },
  };
}

function longestRow({ rows, indptr }: SharedSparse): number {
  let longest = 0;
  for (let row = 0; row < rows; row++) longest = Math.max(longest, indptr[row + 1]! - indptr[row]!);
  return longest;
}

/**
 * Turns `of` into the basis of its own Gram matrix, whose diagonal times α becomes `spectrum`, and `others` with it.
 * TerminalError `factors-diverged`.
 */
async function turnToBasis(
  of: Float32Array,
  spectrum: Float32Array,
  others: readonly Float32Array[],
  unobservedWeight: number,
  basis: Basis,
  pool: Pool,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!(await findBasis(of, spectrum, unobservedWeight, basis, pool)))
    throw new TerminalError(
      'factors-diverged',
      'The factors of implicit ALS are no finite numbers any more.',
      { remedy: 'Raise the regularization, or look for extreme weights in the data.' },
    );
  for (const factors of [of, ...others]) {
    signal?.throwIfAborted();
    await turnRows(factors, basis, pool);
  }
}
