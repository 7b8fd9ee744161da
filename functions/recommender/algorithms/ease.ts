import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { Algorithm, FitContext } from '../algorithm.ts';
import { toSparse, transpose, type History, type Sparse } from '../data.ts';
import { itemItemModel, loadItemItem, makeRowCollector, refitItemItem } from '../item-item.ts';
import type { Arena } from '../kernels/arena.ts';
import { makeSweepMemory, sweep } from '../kernels/inverse.ts';

const Options = z.strictObject({
  /** Weight of the penalty: higher trusts rare pairs less. */
  regularization: z.number().min(0.1).max(1e6).default(300),
  /** Weights kept per item, the largest by size. */
  neighbours: z.int().min(5).max(5000).default(300),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/** Memory is 4 bytes × items² (WebAssembly ends at 4 GiB) and time items³: 5 s at this size on two cores. */
const MOST_ITEMS = 8000;

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
    const ages = config.halfLifeDays === null ? [null] : [null, config.halfLifeDays];
    const base = { neighbours: 300 };
    return [300, 1000, 100].flatMap((regularization) =>
      ages.map((halfLifeDays) => ({ ...base, regularization, halfLifeDays })),
    );
  },
  fit: async (history, options, context) => {
    const matrix = await weights(history, options, context);
    return itemItemModel(matrix, options.halfLifeDays, history.asOf);
  },
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
  return context.pool.withArena(async (arena) => invert(arena, sold, history, options, context));
}

async function invert(
  arena: Arena,
  sold: Int32Array,
  history: History,
  options: Options,
  context: FitContext,
): Promise<Sparse> {
  const space = makeSweepMemory(arena, sold.length);
  const a = space.values;
  addCounts(a, space.size, toSparse(history, null), sold);
  for (let i = 0; i < space.size; i++) a[i * space.size + i]! += i < sold.length ? options.regularization : 1;
  await sweep(space, context.pool, context.signal);
  const collector = makeRowCollector(history.items, options.neighbours);
  const values = new Float32Array(history.items);
  for (let item = 0, i = 0; item < history.items; item++) {
    if (sold[i] !== item) {
      collector.add(sold, 0, values);
      continue;
    }
    for (let j = 0; j < sold.length; j++) {
      const entry = i <= j ? a[i * space.size + j]! : a[j * space.size + i]!;
      values[sold[j]!] = i === j ? 0 : -entry / a[j * space.size + j]!;
    }
    collector.add(sold, sold.length, values);
    if (i++ % 256 === 255) await setImmediate();
  }
  return collector.matrix();
}

/** Adds the upper half of XᵀX over the `sold` items. */
function addCounts(a: Float32Array, size: number, purchases: Sparse, sold: Int32Array): void {
  const compact = new Int32Array(purchases.columns).fill(-1);
  sold.forEach((item, i) => (compact[item] = i));
  const byItem = transpose(purchases);
  for (let i = 0; i < sold.length; i++)
    for (let p = byItem.indptr[sold[i]!]!; p < byItem.indptr[sold[i]! + 1]!; p++) {
      const customer = byItem.index[p]!;
      for (let q = purchases.indptr[customer]!; q < purchases.indptr[customer + 1]!; q++) {
        const j = compact[purchases.index[q]!]!;
        if (j >= i) a[i * size + j]!++;
      }
    }
}
