import { TerminalError } from '#core/errors';
import type { Arena, Room } from './arena.ts';
import type { Kernel } from './kernel.ts';

/** The Gram matrix of one side's factors, its eigenvectors, and the turn of factors into their basis. Addresses in an arena. */
interface BasisJob {
  readonly arena: Arena['id'];
  readonly d: number;
}

/** Rows that are worth a part of their own in a Gram matrix. */
export const GRAM_ROWS = 256;

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

/** TerminalError `factors-diverged` where `eigenKernel` found no finite matrix. */
export function requireEigen(state: Int32Array): void {
  if (state[0] !== 1)
    throw new TerminalError(
      'factors-diverged',
      'The factors of implicit ALS are no finite numbers any more.',
      {
        remedy: 'Raise the regularization, or look for extreme weights in the data.',
      },
    );
}

/** Unit n: row n turned. */
export const rotateKernel: Kernel<
  BasisJob & { readonly factors: number; readonly rotation: number; readonly room: Room }
> = {
  name: 'als-rotate',
  work: ({ arena, d, factors, rotation, room }, from, to, thread) =>
    thread.kernels(arena).rotateRows(factors, from, to, d, rotation, thread.own(room)),
};
