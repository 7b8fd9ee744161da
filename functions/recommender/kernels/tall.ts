import type { Arena, Room } from './arena.ts';
import type { Kernel } from './kernel.ts';
import type { Pool } from './pool.ts';

/** A matrix of many rows and few columns in an arena: rows × d floats, row-major, d a multiple of 8. */
export interface Tall {
  readonly rows: number;
  readonly d: number;
  readonly values: Float32Array;
}

/** Rows whose outer products are added at a time: their panels stay in the nearest caches. */
const DEPTH = 128;
/** Parts in which XᵀX is summed: fixed, so that the number of threads does not change the sum. */
const PARTS = 16;

interface GramJob extends Addresses {
  /** PARTS × d × d, zero. */
  readonly sums: number;
}
interface RotateJob extends Addresses {
  /** The d × d factor, packed in panels of 8 columns, negated. */
  readonly panels: number;
}
interface Addresses {
  readonly arena: Arena['id'];
  readonly values: number;
  readonly rows: number;
  readonly d: number;
  readonly room: Room;
}

/** Unit n: the upper half of XᵀX over its part of the rows. */
export const tallGramKernel: Kernel<GramJob> = {
  name: 'tall-gram',
  work: ({ arena, values, rows, d, room, sums }, from, to, thread) => {
    const kernels = thread.kernels(arena);
    const floats = new Float32Array(kernels.memory.buffer);
    const left = thread.own(room);
    const right = left + d * DEPTH * 4;
    for (let part = from; part < to; part++) {
      const end = Math.floor((rows * (part + 1)) / PARTS);
      for (let start = Math.floor((rows * part) / PARTS); start < end; start += DEPTH) {
        const depth = Math.min(DEPTH, end - start);
        for (let t = 0; t < depth; t++)
          for (let k = 0; k < d; k++) {
            const value = floats[values / 4 + (start + t) * d + k]!;
            floats[left / 4 + ((k >> 2) * depth + t) * 4 + (k & 3)] = -value;
            floats[right / 4 + ((k >> 3) * depth + t) * 8 + (k & 7)] = value;
          }
        // Of each four rows only the columns from their diagonal on.
        for (let i = 0; i < d; i += 4)
          kernels.subtractPanels(
            left + i * depth * 4,
            right + (i >> 3) * depth * 32,
            sums + (part * d * d + i * d + (i >> 3) * 8) * 4,
            d * 4,
            (d >> 3) - (i >> 3),
            depth,
          );
      }
    }
  },
};

/** Unit n: four rows of X·Q, in place. */
export const tallRotateKernel: Kernel<RotateJob> = {
  name: 'tall-rotate',
  work: ({ arena, values, rows, d, room, panels }, from, to, thread) => {
    const kernels = thread.kernels(arena);
    const floats = new Float32Array(kernels.memory.buffer);
    const left = thread.own(room);
    const result = left + d * 16;
    for (let unit = from; unit < to; unit++) {
      const first = values / 4 + unit * 4 * d;
      const count = Math.min(4, rows - unit * 4);
      for (let r = 0; r < 4; r++)
        for (let k = 0; k < d; k++) floats[left / 4 + k * 4 + r] = r < count ? floats[first + r * d + k]! : 0;
      floats.fill(0, result / 4, result / 4 + 4 * d);
      kernels.subtractPanels(left, panels, result, d * 4, d >> 3, d);
      floats.copyWithin(first, result / 4, result / 4 + count * d);
    }
  },
};

/** XᵀX, d × d, both halves, summed in fixed parts. */
export async function tallGram({ rows, d, values }: Tall, pool: Pool, arena: Arena): Promise<Float64Array> {
  const sums = arena.floats(PARTS * d * d);
  const room = arena.perThread(2 * d * DEPTH * 4);
  const job = { arena: arena.id, values: values.byteOffset, rows, d, room, sums: sums.byteOffset };
  await pool.run(tallGramKernel, job, PARTS, 1);
  const gram = new Float64Array(d * d);
  for (let i = 0; i < d; i++)
    for (let j = i; j < d; j++) {
      let sum = 0;
      for (let part = 0; part < PARTS; part++) sum += sums[(part * d + i) * d + j]!;
      gram[i * d + j] = gram[j * d + i] = sum;
    }
  return gram;
}

/** X ← X·Q for a d × d factor Q, row-major. */
export async function tallRotate(
  { rows, d, values }: Tall,
  factor: Float64Array,
  pool: Pool,
  arena: Arena,
): Promise<void> {
  const panels = arena.floats(d * d);
  for (let t = 0; t < d; t++)
    for (let k = 0; k < d; k++) panels[((k >> 3) * d + t) * 8 + (k & 7)] = -factor[t * d + k]!;
  const room = arena.perThread(8 * d * 4);
  const job = { arena: arena.id, values: values.byteOffset, rows, d, room, panels: panels.byteOffset };
  await pool.run(tallRotateKernel, job, Math.ceil(rows / 4), 64);
}

/**
 * Makes the columns of X orthonormal by Cholesky's factor of XᵀX (CholeskyQR). A column that depends on the others, up
 * to rounding, becomes zero. Source: Yamamoto et al., "Roundoff error analysis of the CholeskyQR2 algorithm", 2015.
 */
export async function orthonormalise(x: Tall, pool: Pool, arena: Arena): Promise<void> {
  await tallRotate(x, inverseOfFactor(await tallGram(x, pool, arena), x.d), pool, arena);
}

/** Below this share of its length a column is rounding: single precision sums carry seven digits, squared. */
const DEPENDENT = 1e-5;

/** R⁻¹ for RᵀR = gram, upper triangular, columns of dependent ones zero. Overwrites `gram`. */
export function inverseOfFactor(gram: Float64Array, d: number): Float64Array {
  const lengths = Float64Array.from({ length: d }, (_, i) => gram[i * d + i]!);
  for (let k = 0; k < d; k++) {
    const pivot = gram[k * d + k]!;
    const scale = pivot > DEPENDENT * lengths[k]! && pivot > 0 ? 1 / Math.sqrt(pivot) : 0;
    for (let j = k; j < d; j++) gram[k * d + j]! *= scale;
    for (let i = k + 1; i < d; i++) {
      const m = gram[k * d + i]!;
      if (m !== 0) for (let j = i; j < d; j++) gram[i * d + j]! -= m * gram[k * d + j]!;
    }
  }
  const inverse = new Float64Array(d * d);
  for (let j = 0; j < d; j++) {
    if (gram[j * d + j] === 0) continue;
    inverse[j * d + j] = 1 / gram[j * d + j]!;
    for (let i = j - 1; i >= 0; i--) {
      if (gram[i * d + i] === 0) continue;
      let sum = 0;
      for (let m = i + 1; m <= j; m++) sum += gram[i * d + m]! * inverse[m * d + j]!;
      inverse[i * d + j] = -sum / gram[i * d + i]!;
    }
  }
  return inverse;
}
