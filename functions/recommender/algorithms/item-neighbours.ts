import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { newestItems, toSparse, transpose, type Sparse } from '../data.ts';
import { itemItemModel, loadItemItem, makeRowCollector, refitItemItem } from '../item-item.ts';

const Options = z.strictObject({
  /**
   * How two items are likened. `graph`: by the two exponents below. `cosine`: customers all count the same, items by the root
   * of their buyers, whatever the exponents say. `bm25`: how often each customer bought counts, with diminishing returns, held
   * against how much the item is bought; customers of many items say less.
   */
  similarity: z.enum(['cosine', 'bm25', 'graph']).default('graph'),
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
 * α = β = ½ one pass of the graph filter of Park et al., "Turbo-CF", SIGIR 2024. With `bm25` an entry of R is weighted as a term
 * of a document, the item: Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
 */
export const itemNeighbours: Algorithm<Options> = {
  name: 'item-neighbours',
  title: 'Item neighbours',
  effort: 'heavy',
  slots: ['reorder', 'discover'],
  options: Options,
  trials: (config) => {
    const base = {
      similarity: 'graph' as const,
      customerExponent: 0,
      itemExponent: 0.5,
      neighbours: 200,
      halfLifeDays: null,
    };
    const graph = { ...base, customerExponent: 0.5 };
    return [
      base,
      graph,
      ...(config.halfLifeDays === null ? [] : [{ ...graph, halfLifeDays: config.halfLifeDays }]),
      { ...graph, neighbours: 50 },
      // The longest rows take longest.
      ...(config.preset === 'quick'
        ? []
        : [
            { ...graph, customerExponent: 0.35, itemExponent: 0.4, neighbours: 500 },
            { ...base, similarity: 'bm25' as const },
          ]),
    ];
  },
  fit: async (history, options, { signal, onProgress }) => {
    const newest = newestItems(history, ITEMS_PER_CUSTOMER);
    const purchases = { ...toSparse(newest, null), weight: newest.count };
    const matrix = await similarities(purchases, options, signal, onProgress);
    return itemItemModel(matrix, options.halfLifeDays, history.asOf);
  },
  // Pairs of items of each customer; some have many more than the mean.
  seconds: (_, { customers, pairs }) => (1e-7 * pairs ** 2) / Math.max(1, customers),
  refit: refitItemItem,
  load: loadItemItem,
};

async function similarities(
  purchases: Sparse,
  options: Options,
  signal?: AbortSignal,
  onProgress?: (share: number) => void,
): Promise<Sparse> {
  const byItem = transpose(purchases);
  const weights = weigh(purchases, byItem, options);
  const itemWeights = transpose({ ...purchases, weight: weights }).weight;
  const collector = makeRowCollector(byItem.rows, options.neighbours);
  const sums = new Float32Array(byItem.rows);
  const touched = new Int32Array(byItem.rows);
  for (let item = 0; item < byItem.rows; item++) {
    let count = 0;
    for (let p = byItem.indptr[item]!; p < byItem.indptr[item + 1]!; p++) {
      const customer = byItem.index[p]!;
      const w = itemWeights[p]!;
      for (let q = purchases.indptr[customer]!; q < purchases.indptr[customer + 1]!; q++) {
        const other = purchases.index[q]!;
        if (sums[other] === 0) touched[count++] = other;
        sums[other]! += w * weights[q]!;
      }
    }
    sums[item] = 0;
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

/** Saturation and length of BM25, as benfred/implicit found good on play counts. */
const [K1, B] = [100, 0.8];

/** What each purchase weighs on either side of the product, parallel to the entries of `purchases` (whose weights are counts). */
function weigh(purchases: Sparse, byItem: Sparse, options: Options): Float32Array {
  const { similarity } = options;
  const [alpha, beta] = similarity === 'cosine' ? [0, 0.5] : [options.customerExponent, options.itemExponent];
  const degree = (matrix: Sparse, row: number) => matrix.indptr[row + 1]! - matrix.indptr[row]!;
  const bought = new Float64Array(byItem.rows);
  purchases.index.forEach((item, p) => (bought[item]! += purchases.weight[p]!));
  const mean = bought.reduce((sum, units) => sum + units, 0) / Math.max(1, byItem.rows);
  const weights = new Float32Array(purchases.index.length);
  for (let c = 0; c < purchases.rows; c++)
    for (let p = purchases.indptr[c]!; p < purchases.indptr[c + 1]!; p++) {
      const item = purchases.index[p]!;
      const count = purchases.weight[p]!;
      const length = 1 - B + (B * bought[item]!) / mean;
      weights[p] =
        similarity === 'bm25'
          ? ((count * (K1 + 1)) / (K1 * length + count)) *
            // One more than the items there are, so that who bought all of them still says a little.
            Math.log((1 + byItem.rows) / degree(purchases, c))
          : degree(purchases, c) ** -alpha * degree(byItem, item) ** -beta;
    }
  return weights;
}
