import { factorPositive, substitute } from './cholesky.ts';
import type { Arena } from './arena.ts';
import type { Kernel } from './kernel.ts';
import type { Pool } from './pool.ts';
import type { Kernels } from './wasm.ts';

/**
 * The inverse of a large symmetric positive definite matrix by the blocked sweep operator, in place and in single
 * precision: n³ multiply-adds / 2, all in the WebAssembly tile. For one block column k at a time:
 *
 *   P = A_kk⁻¹,  V_i = P·A_ki,  A_ij -= V_iᵀ·A_kj,  A_ik = V_iᵀ,  A_kk = -P      (after all blocks: A = -A⁻¹)
 *
 * Only the upper half is kept. Source: Goodnight, "A Tutorial on the SWEEP Operator", 1979.
 */
export const BLOCK = 64;

/** A matrix in an arena with the panels that a sweep needs; `size` is a multiple of BLOCK. */
export interface SweepMemory {
  readonly arena: Arena['id'];
  readonly size: number;
  /** size × size, row-major, upper half. */
  readonly values: Float32Array;
  /** The addresses of these, and of what follows, in bytes. */
  readonly matrix: number;
  /** The block column, packed: size/8 panels of BLOCK × 8. */
  readonly column: number;
  /** Per row group of 4, BLOCK × 4 of V. */
  readonly scaled: number;
  /** P, BLOCK × BLOCK. */
  readonly pivot: number;
  /** -P, per row group of 4 BLOCK × 4. */
  readonly groups: number;
  /** Per block row BLOCK × BLOCK of V, by columns of the matrix. */
  readonly turned: number;
}

/** Room for an n × n matrix, zero; rows beyond n are to be made the identity by the caller. 4 n² bytes and a little. */
export function makeSweepMemory(arena: Arena, n: number): SweepMemory {
  const size = Math.ceil(n / BLOCK) * BLOCK;
  const panel = size * BLOCK;
  // One piece, whose buffer therefore reaches to the end of all of it.
  const all = arena.floats(size * size + 3 * panel + 2 * BLOCK * BLOCK);
  const matrix = all.byteOffset;
  const column = matrix + size * size * 4;
  return {
    arena: arena.id,
    size,
    values: all.subarray(0, size * size),
    matrix,
    column,
    scaled: column + panel * 4,
    turned: column + 2 * panel * 4,
    pivot: column + 3 * panel * 4,
    groups: column + (3 * panel + BLOCK * BLOCK) * 4,
  };
}

/** Unit n: the BLOCK rows of block row n, in the step of block column `block`. */
export const sweepKernel: Kernel<{ readonly space: SweepMemory; readonly block: number }> = {
  name: 'sweep',
  work: ({ space, block }, from, to, thread) => {
    for (let unit = from; unit < to; unit++) sweepRows(thread.kernels(space.arena), space, block, unit);
  },
};

/** Replaces the upper half of the matrix by that of minus its inverse. */
export async function sweep(space: SweepMemory, pool: Pool, signal?: AbortSignal): Promise<void> {
  const blocks = space.size / BLOCK;
  for (let block = 0; block < blocks; block++) {
    packColumn(space, block * BLOCK);
    invertPivot(space, block * BLOCK);
    await pool.run(sweepKernel, { space, block }, blocks, 1);
    signal?.throwIfAborted();
  }
}

/** Copies rows k … k+BLOCK of the symmetric matrix into the panels, and P's place its diagonal block. */
function packColumn({ values, size, matrix, column }: SweepMemory, k: number): void {
  const all = new Float32Array(values.buffer);
  const a = matrix / 4;
  const c = column / 4;
  // Along the rows of the matrix on either side of the diagonal.
  for (let i = 0; i < k + BLOCK; i++)
    for (let t = Math.max(0, i - k + 1); t < BLOCK; t++)
      all[c + ((i >> 3) * BLOCK + t) * 8 + (i & 7)] = all[a + i * size + k + t]!;
  for (let t = 0; t < BLOCK; t++)
    for (let i = k + t; i < size; i++)
      all[c + ((i >> 3) * BLOCK + t) * 8 + (i & 7)] = all[a + (k + t) * size + i]!;
}

function invertPivot({ values, column, pivot, groups }: SweepMemory, k: number): void {
  const all = new Float32Array(values.buffer);
  const block = new Float64Array(BLOCK * BLOCK);
  for (let t = 0; t < BLOCK; t++)
    for (let i = 0; i < BLOCK; i++)
      block[t * BLOCK + i] = all[column / 4 + (((k + i) >> 3) * BLOCK + t) * 8 + ((k + i) & 7)]!;
  factorPositive(block, BLOCK);
  const right = new Float64Array(BLOCK);
  for (let t = 0; t < BLOCK; t++) {
    right.fill(0);
    right[t] = 1;
    substitute(block, BLOCK, right);
    all.set(right, pivot / 4 + t * BLOCK);
    for (let s = 0; s < BLOCK; s++) all[groups / 4 + ((t >> 2) * BLOCK + s) * 4 + (t & 3)] = -right[s]!;
  }
}

function sweepRows(kernels: Kernels, space: SweepMemory, block: number, unit: number): void {
  const { values, size, matrix, column, scaled, pivot } = space;
  const all = new Float32Array(values.buffer);
  const k = block * BLOCK;
  const from = unit * BLOCK;
  if (unit === block) {
    for (let t = 0; t < BLOCK; t++)
      for (let i = t; i < BLOCK; i++)
        all[matrix / 4 + (k + t) * size + k + i] = -all[pivot / 4 + t * BLOCK + i]!;
    return;
  }
  scaleRows(kernels, all, space, from);
  for (let i = from; i < from + BLOCK; i += 4) {
    const left = scaled + i * BLOCK * 4;
    const row = matrix + i * size * 4;
    // Columns of this block row and right of it, but those of block k, which are written below.
    const spans = k > from ? [from, k, k + BLOCK, size] : [from, size];
    for (let s = 0; s < spans.length; s += 2) {
      const start = spans[s]!;
      const panels = (spans[s + 1]! - start) / 8;
      if (panels > 0)
        kernels.subtractPanels(left, column + start * BLOCK * 4, row + start * 4, size * 4, panels, BLOCK);
    }
  }
  writeBack(all, space, k, from);
}

/** A_ik = V_iᵀ, or in the upper half A_ki = V_i where the block row lies below block k; along the rows of A. */
function writeBack(all: Float32Array, { size, matrix, scaled }: SweepMemory, k: number, from: number): void {
  const v = (i: number, t: number) => all[scaled / 4 + ((i >> 2) * BLOCK + t) * 4 + (i & 3)]!;
  for (let outer = 0; outer < BLOCK; outer++) {
    const row = matrix / 4 + (k > from ? (from + outer) * size + k : (k + outer) * size + from);
    for (let inner = 0; inner < BLOCK; inner++)
      all[row + inner] = k > from ? v(from + outer, inner) : v(from + inner, outer);
  }
}

/** V = P · (block column) for BLOCK rows, packed by fours. */
function scaleRows(kernels: Kernels, all: Float32Array, space: SweepMemory, from: number): void {
  const { column, scaled, groups, turned } = space;
  const own = turned + from * BLOCK * 4;
  all.fill(0, own / 4, own / 4 + BLOCK * BLOCK);
  for (let t = 0; t < BLOCK; t += 4)
    kernels.subtractPanels(
      groups + t * BLOCK * 4,
      column + from * BLOCK * 4,
      own + t * BLOCK * 4,
      BLOCK * 4,
      BLOCK / 8,
      BLOCK,
    );
  for (let t = 0; t < BLOCK; t++)
    for (let i = 0; i < BLOCK; i++)
      all[scaled / 4 + (((from + i) >> 2) * BLOCK + t) * 4 + (i & 3)] = all[own / 4 + t * BLOCK + i]!;
}
