import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { Algorithm, FitContext } from '../algorithm.ts';
import { toSparse, transpose, type History, type Sparse } from '../data.ts';
import { itemItemModel, loadItemItem, refitItemItem } from '../item-item.ts';
import { easeRowsKernel } from '../kernels/ease-rows.ts';
import { sharedFloats, sharedInts } from '../kernels/pairs.ts';
import { withInverse, type Inverse } from '../kernels/positive-inverse.ts';
import { findOnnx } from '../onnx/runtime.ts';

const Options = z.strictObject({
  /** Weight of the penalty: higher trusts rare pairs less. */
  regularization: z.number().min(0.1).max(1e6).default(300),
  /** Weights kept per item, the largest by size. */
  neighbours: z.int().min(5).max(5000).default(300),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/**
 * Memory is 2 bytes × items² and a few panels (twice that without ONNX Runtime), 1.2 GB at this size, and time items³: a
 * minute or two on two cores.
 */
const MOST_ITEMS = 20_000;
/** items³ done per second by two cores with ONNX Runtime: 16.5 seconds of one processor at 10,000 items. */
const CUBES_PER_SECOND = 1.2e11;

/**
 * EASE: the item × item weights that best rebuild every purchase from the customer's others, in closed form.
 * B = I - P·diag(1/diag P), P = (XᵀX + λI)⁻¹. Source: Steck, "Embarrassingly Shallow Autoencoders", WWW 2019.
 */
export const ease: Algorithm<Options> = {
  name: 'ease',
  title: 'EASE',
  effort: 'heavy',
  slots: ['discover'],
  options: Options,
  trials: (config, size) => {
    if (size.items > MOST_ITEMS) return [];
    // Half of the time may go into fits; half-lives need none of their own.
    const fits = Math.floor((config.seconds / 2) * (CUBES_PER_SECOND / Math.max(1, size.items) ** 3));
    const ages = config.halfLifeDays === null ? [null] : [null, config.halfLifeDays];
    const base = { neighbours: 300 };
    return [300, 1000, 100]
      .slice(0, fits)
      .flatMap((regularization) => ages.map((halfLifeDays) => ({ ...base, regularization, halfLifeDays })));
  },
  // One step on where the best of those tried lies at their end.
  further: (options) =>
    options.regularization >= 1000
      ? [{ ...options, regularization: 3 * options.regularization }]
      : options.regularization <= 100
        ? [{ ...options, regularization: Math.max(1, options.regularization / 3) }]
        : [],
  fit: async (history, options, context) => {
    const matrix = await weights(history, options, context);
    return itemItemModel(matrix, options.halfLifeDays, history.asOf);
  },
  seconds: (_, { customers, items, pairs }) =>
    items ** 3 / CUBES_PER_SECOND + (5e-9 * pairs ** 2) / Math.max(1, customers),
  refit: refitItemItem,
  load: loadItemItem,
};

async function weights(history: History, options: Options, context: FitContext): Promise<Sparse> {
  // Items that nobody bought would only make the matrix larger.
  const sold = Int32Array.from({ length: history.items }, (_, item) => item).filter(
    (item) => history.buyers[item]! > 0,
  );
  if (sold.length > MOST_ITEMS)
    throw new TerminalError('too-many-items', `EASE was asked to learn ${sold.length} items.`, {
      remedy: `It takes up to ${MOST_ITEMS}: leave it out, or raise minInteractionsPerItem.`,
    });
  const onnx = context.onnx === undefined ? await findOnnx() : context.onnx;
  const counts = makeCounts(toSparse(history, null), sold);
  const fill = (i: number, row: Float32Array) => {
    counts(i, row);
    row[i]! += options.regularization;
  };
  return withInverse(sold.length, fill, { ...context, onnx }, (inverse) =>
    strongest(inverse, sold, history.items, options, context),
  );
}

/** B = I - P·diag(1/diag P) without its diagonal, cut to the strongest of each row. */
async function strongest(
  inverse: Inverse,
  sold: Int32Array,
  items: number,
  { neighbours }: Options,
  { pool, signal }: FitContext,
): Promise<Sparse> {
  const { height, stride } = inverse;
  const n = sold.length;
  const keep = Math.min(neighbours, n);
  const rows = sharedFloats(height * stride);
  const found = { index: sharedInts(height * keep), weight: sharedFloats(height * keep) };
  const scale = sharedFloats(n);
  for (let i = 0; i < n; i++) scale[i] = 1 / inverse.entry(i);
  const kept = makeKept(sold, items, keep);
  for (let first = 0; first < n; first += height) {
    inverse.negativeRows(first, rows);
    const count = Math.min(height, n - first);
    await pool.run(easeRowsKernel, { rows, stride, first, scale, keep, ...found }, count, 32);
    signal?.throwIfAborted();
    for (let r = 0; r < count; r++) kept.add(found, r);
  }
  return kept.matrix();
}

/** Rows of fixed width over the items `sold`, -1 behind the last entry, as a sparse matrix over all items. */
function makeKept(sold: Int32Array, items: number, keep: number) {
  const indptr = new Int32Array(items + 1);
  const [index, weight] = [new Int32Array(sold.length * keep), new Float32Array(sold.length * keep)];
  let [length, row] = [0, 0];
  return {
    /** The row of the next item sold: row r of `found`. */
    add: (found: { readonly index: Int32Array; readonly weight: Float32Array }, r: number): void => {
      const item = sold[row++]!;
      for (let p = r * keep; p < (r + 1) * keep && found.index[p]! >= 0; p++) {
        index[length] = sold[found.index[p]!]!;
        weight[length++] = found.weight[p]!;
      }
      indptr[item + 1] = length;
    },
    matrix: (): Sparse => {
      for (let item = 0; item < items; item++) indptr[item + 1] = Math.max(indptr[item]!, indptr[item + 1]!);
      return {
        rows: items,
        columns: items,
        indptr,
        index: index.slice(0, length),
        weight: weight.slice(0, length),
      };
    },
  };
}

/** Adds to a row, from its diagonal on, how many customers bought both items: the upper half of XᵀX over `sold`. */
function makeCounts(purchases: Sparse, sold: Int32Array): (i: number, row: Float32Array) => void {
  const compact = new Int32Array(purchases.columns).fill(-1);
  sold.forEach((item, i) => (compact[item] = i));
  const byItem = transpose(purchases);
  return (i, row) => {
    for (let p = byItem.indptr[sold[i]!]!; p < byItem.indptr[sold[i]! + 1]!; p++) {
      const customer = byItem.index[p]!;
      for (let q = purchases.indptr[customer]!; q < purchases.indptr[customer + 1]!; q++) {
        const j = compact[purchases.index[q]!]!;
        if (j >= i) row[j]!++;
      }
    }
  };
}
