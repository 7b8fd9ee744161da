import type { Kernel } from './kernel.ts';
import { makeLargest } from './largest.ts';

/** Rows of minus an inverse, P, and what becomes of them; all arrays on shared memory. */
interface EaseRowsJob {
  /** Rows from `first` on of -P, `stride` floats a row, n of them read. */
  readonly rows: Float32Array;
  readonly stride: number;
  readonly first: number;
  /** 1 / P_jj, n long. */
  readonly scale: Float32Array;
  /** Entries kept of each row. */
  readonly keep: number;
  /** Rows × keep: the columns, ascending, -1 behind the last; and their weights. */
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Unit r: of row first + r of -P·diag(1/diag P), without its diagonal, the `keep` largest entries. */
export const easeRowsKernel: Kernel<EaseRowsJob> = {
  name: 'ease-rows',
  work: ({ rows, stride, first, scale, keep, index, weight }, from, to) => {
    const n = scale.length;
    const values = new Float32Array(n);
    const largest = makeLargest(n);
    for (let r = from; r < to; r++) {
      const at = r * stride;
      for (let j = 0; j < n; j++) values[j] = rows[at + j]! * scale[j]!;
      values[first + r] = 0;
      largest(values, keep, index, weight, r * keep);
    }
  },
};
