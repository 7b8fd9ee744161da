import type { Arena, Room } from './arena.ts';
import type { Kernel } from './kernel.ts';
import type { Pool } from './pool.ts';

/** The Gram matrix of one side's factors, its eigenvectors, and the turn of factors into their basis. Addresses in an arena. */
interface BasisJob {
  readonly arena: Arena['id'];
  readonly d: number;
}

/** Rows that are worth a part of their own in a Gram matrix. */
const GRAM_ROWS = 256;

/** Unit n: the Gram matrix of the share n of the rows, d × d doubles at its place of `grams`. */
export const gramKernel: Kernel<
  BasisJob & {
    readonly rows: number;
    readonly factors: number;
    readonly parts: number;
    readonly grams: number;
    readonly room: Room;
  }
> = {
  name: 'als-gram',
  work: ({ arena, d, rows, factors, parts, grams, room }, from, to, thread) => {
    const share = (part: number) => Math.floor((rows * part) / parts);
    for (let part = from; part < to; part++)
      thread
        .kernels(arena)
        .gramOfRows(factors, share(part), share(part + 1), d, grams + part * d * d * 8, thread.own(room));
  },
};

/**
 * The one unit: from the sum of the parts to the turn of rows (`rotation`, d × d floats) into the eigenvectors' basis, largest
 * eigenvalue first, and `spectrum`, the eigenvalues times `scale`. `state` becomes 1, or -1 where the sum is not finite.
 */
export const eigenKernel: Kernel<
  BasisJob & {
    readonly parts: number;
    readonly grams: number;
    readonly matrix: number;
    /** 2 · d doubles: the eigenvalues, and room for the work. */
    readonly values: number;
    readonly rotation: number;
    readonly spectrum: number;
    readonly scale: number;
    readonly state: Int32Array;
  }
> = {
  name: 'als-eigen',
  work: (job, _from, _to, thread) => {
    const { d, parts, state } = job;
    const kernels = thread.kernels(job.arena);
    const { buffer } = kernels.memory;
    const grams = new Float64Array(buffer, job.grams, parts * d * d);
    const matrix = new Float64Array(buffer, job.matrix, d * d);
    for (let i = 0; i < d; i++)
      for (let j = i; j < d; j++) {
        let sum = 0;
        for (let part = 0; part < parts; part++) sum += grams[part * d * d + i * d + j]!;
        matrix[i * d + j] = sum;
        matrix[j * d + i] = sum;
      }
    state[0] = kernels.eigenSymmetric(job.matrix, d, job.values, job.values + d * 8) === 1 ? 1 : -1;
    const values = new Float64Array(buffer, job.values, d);
    const order = Array.from({ length: d }, (_, k) => k).sort((a, b) => values[b]! - values[a]! || a - b);
    const spectrum = new Float32Array(buffer, job.spectrum, d);
    const rotation = new Float32Array(buffer, job.rotation, d * d);
    order.forEach((vector, j) => {
      // A Gram matrix has no negative eigenvalue but by rounding.
      spectrum[j] = job.scale * Math.max(0, values[vector]!);
      for (let k = 0; k < d; k++) rotation[k * d + j] = matrix[vector * d + k]!;
    });
  },
};

/** Unit n: row n turned. */
export const rotateKernel: Kernel<
  BasisJob & { readonly factors: number; readonly rotation: number; readonly room: Room }
> = {
  name: 'als-rotate',
  work: ({ arena, d, factors, rotation, room }, from, to, thread) =>
    thread.kernels(arena).rotateRows(factors, from, to, d, rotation, thread.own(room)),
};

/** Where the Gram matrix of tall matrices of d columns is summed, and its eigenvectors are found. */
export interface Basis {
  readonly arena: Arena['id'];
  readonly d: number;
  /** In how many parts sums are made at most: by the number of rows, never of threads, so that they are always the same. */
  readonly parts: number;
  readonly grams: Float64Array;
  readonly matrix: number;
  readonly values: number;
  /** d × d, row-major: what `turnRows` multiplies by. */
  readonly rotation: Float32Array;
  readonly state: Int32Array;
  readonly room: Room;
}

/** Room for matrices of d columns, a multiple of 8, and up to `mostRows` rows: at most 17 · 8 · d² bytes and a little. */
export function makeBasis(arena: Arena, d: number, mostRows: number): Basis {
  const parts = Math.max(1, Math.min(16, Math.ceil(mostRows / GRAM_ROWS)));
  return {
    arena: arena.id,
    d,
    parts,
    grams: arena.doubles(parts * d * d),
    matrix: arena.doubles(d * d).byteOffset,
    values: arena.doubles(2 * d).byteOffset,
    rotation: arena.floats(d * d),
    state: arena.ints(1),
    room: arena.perThread(d * Math.max(d, 8) * 4),
  };
}

/** Leaves the Gram matrix of `x` (rows of d, in the arena), its upper half, in the first parts of `basis.grams`; how many. */
export async function sumGrams(x: Float32Array, basis: Basis, pool: Pool): Promise<number> {
  const { arena, d, room } = basis;
  const rows = x.length / d;
  const parts = Math.min(basis.parts, Math.max(1, Math.ceil(rows / GRAM_ROWS)));
  const [factors, grams] = [x.byteOffset, basis.grams.byteOffset];
  await pool.run(gramKernel, { arena, d, room, rows, factors, parts, grams }, parts, 1);
  return parts;
}

/**
 * Finds the basis in which the Gram matrix of `x` is diagonal: leaves its turn in `basis.rotation`, and the diagonal, falling,
 * times `scale` in `spectrum` (in the arena). False where `x` is not finite.
 */
export async function findBasis(
  x: Float32Array,
  spectrum: Float32Array,
  scale: number,
  basis: Basis,
  pool: Pool,
): Promise<boolean> {
  const parts = await sumGrams(x, basis, pool);
  const { arena, d, grams, matrix, values, rotation, state } = basis;
  const places = { grams: grams.byteOffset, rotation: rotation.byteOffset, spectrum: spectrum.byteOffset };
  await pool.run(eigenKernel, { arena, d, parts, matrix, values, state, scale, ...places }, 1, 1);
  return state[0] === 1;
}

/** x ← x · `basis.rotation`, row by row. */
export function turnRows(x: Float32Array, basis: Basis, pool: Pool): Promise<void> {
  const { arena, d, room, rotation } = basis;
  const job = { arena, d, room, factors: x.byteOffset, rotation: rotation.byteOffset };
  return pool.run(rotateKernel, job, x.length / d, 256);
}
