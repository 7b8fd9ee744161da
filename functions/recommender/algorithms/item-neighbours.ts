import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { newestItems, toSparse, transpose, type Sparse } from '../data.ts';
import { itemItemModel, loadItemItem, makeRowCollector, refitItemItem } from '../item-item.ts';

const Options = z.strictObject({
  /** How much a customer of many items says less about each, 0 … 1. 0: every customer counts the same (cosine). */
  customerExponent: z.number().min(0).max(1).default(0),
  /** How much an item bought by many is held back, 0 … 1. ½: cosine. */
  itemExponent: z.number().min(0).max(1).default(0.5),
  /** Neighbours kept per item. */
  neighbours: z.int().min(5).max(2000).default(200),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/** Of customers with very many items only so many take part, the newest bought: work grows with their square. */
const ITEMS_PER_CUSTOMER = 3000;

/**
 * Items bought by the same customers: S = Dᵢ^-β Rᵀ Dᵤ^-2α R Dᵢ^-β without its diagonal. α = 0, β = ½ is the cosine;
 * α = β = ½ one pass of the graph filter of Park et al., "Turbo-CF", SIGIR 2024.
 */
export const itemNeighbours: Algorithm<Options> = {
  name: 'item-neighbours',
  title: 'Item neighbours',
  effort: 'heavy',
  slots: ['reorder', 'discover'],
  options: Options,
  trials: (config) => {
    const base = { customerExponent: 0, itemExponent: 0.5, neighbours: 200, halfLifeDays: null };
    const graph = { ...base, customerExponent: 0.5 };
    return [
      base,
      graph,
      ...(config.halfLifeDays === null ? [] : [{ ...graph, halfLifeDays: config.halfLifeDays }]),
      { ...graph, neighbours: 50 },
      // The longest rows take longest.
      ...(config.preset === 'quick'
        ? []
        : [{ ...graph, customerExponent: 0.35, itemExponent: 0.4, neighbours: 500 }]),
    ];
  },
  fit: async (history, options, { signal, onProgress }) => {
    const purchases = toSparse(newestItems(history, ITEMS_PER_CUSTOMER), null);
    const matrix = await similarities(purchases, options, signal, onProgress);
    return itemItemModel(matrix, options.halfLifeDays, history.asOf);
  },
  refit: refitItemItem,
  load: loadItemItem,
};

async function similarities(
  purchases: Sparse,
  { customerExponent, itemExponent, neighbours }: Options,
  signal?: AbortSignal,
  onProgress?: (share: number) => void,
): Promise<Sparse> {
  const byItem = transpose(purchases);
  const degree = (matrix: Sparse, row: number) => matrix.indptr[row + 1]! - matrix.indptr[row]!;
  const customerWeight = Float32Array.from({ length: purchases.rows }, (_, c) => {
    const n = degree(purchases, c);
    return n > 0 ? n ** (-2 * customerExponent) : 0;
  });
  const itemWeight = Float32Array.from({ length: byItem.rows }, (_, i) => {
    const n = degree(byItem, i);
    return n > 0 ? n ** -itemExponent : 0;
  });
  const collector = makeRowCollector(byItem.rows, neighbours);
  const sums = new Float32Array(byItem.rows);
  const touched = new Int32Array(byItem.rows);
  for (let item = 0; item < byItem.rows; item++) {
    let count = 0;
    for (let p = byItem.indptr[item]!; p < byItem.indptr[item + 1]!; p++) {
      const customer = byItem.index[p]!;
      const w = customerWeight[customer]!;
      for (let q = purchases.indptr[customer]!; q < purchases.indptr[customer + 1]!; q++) {
        const other = purchases.index[q]!;
        if (sums[other] === 0) touched[count++] = other;
        sums[other]! += w;
      }
    }
    sums[item] = 0;
    for (let n = 0; n < count; n++) sums[touched[n]!]! *= itemWeight[item]! * itemWeight[touched[n]!]!;
    collector.add(touched, count, sums);
    for (let n = 0; n < count; n++) sums[touched[n]!] = 0;
    if (item % 256 === 255) {
      await setImmediate();
      signal?.throwIfAborted();
      onProgress?.(item / byItem.rows);
    }
  }
  return collector.matrix();
}
