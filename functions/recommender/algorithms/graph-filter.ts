import { z } from 'zod';
import type { Algorithm, FitContext, Model } from '../algorithm.ts';
import { newestItems, toSparse, type Sparse } from '../data.ts';
import { graphModel, loadGraphModel, type GraphFilter, type GraphModel } from '../graph-model.ts';
import { itemItemModel, loadItemItem, refitItemItem } from '../item-item.ts';
import type { Arena } from '../kernels/arena.ts';
import { BLOCK, filterRoom, filterRowsKernel, packSpread, type FilterSpace } from '../kernels/filter-rows.ts';
import { makeGraph, placeFloats, placeGraph, spread, type Graph, type GraphSpace } from '../kernels/graph.ts';
import { randomizedSingular } from '../kernels/singular.ts';

const Options = z.strictObject({
  /** Singular vectors of the low pass; at most as many as there are items or customers. */
  rank: z.int().min(8).max(1024).default(128),
  /** Weight of the low pass beside the linear filter; 0: none (then `rank` plays no part). */
  lowPass: z.number().min(0).max(2).default(0.3),
  /** How long the scores are sharpened, against what smoothing blurred; 0: not at all. */
  sharpening: z.number().min(0).max(5).default(0),
  /** Terms of the exponential series that sharpening takes: 1 is one step of Euler, 4 one of Runge and Kutta. */
  sharpeningOrder: z.int().min(1).max(4).default(4),
  /** Adds what the linear filter said before it was sharpened. */
  keepBlurred: z.boolean().default(false),
  /**
   * The largest entries kept per item of the filter as an item × item matrix, quick to score; null: the filter is computed
   * whenever it is asked, exactly, in memory that does not grow with the items' square.
   */
  neighbours: z.int().min(5).max(5000).nullable().default(500),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/** Of customers with very many items only the newest bought are edges: one buyer of everything says nothing. */
const ITEMS_PER_CUSTOMER = 3000;
/** Beyond it the item × item matrix would be larger than the graph, and cutting it would lose too much. */
const MOST_ROWS = 12_000;

/**
 * Filters on the graph of customers and items: what is bought spreads along its edges (linear filter), what most of the
 * graph agrees on is added (ideal low pass), and the result sharpened again. Without low pass and sharpening it is one pass
 * of Turbo-CF; with the low pass GF-CF; with all three BSPM. Any profile is scored alike; nothing is learned but the graph
 * and its singular vectors. Sources: Shen et al., "How Powerful is Graph Convolution for Recommendation?" (GF-CF), CIKM
 * 2021; Choi et al., "Blurring-Sharpening Process Models for Collaborative Filtering", SIGIR 2023; Park et al.,
 * "Turbo-CF", SIGIR 2024.
 */
export const graphFilter: Algorithm<Options> = {
  name: 'graph-filter',
  title: 'Graph filter',
  effort: 'heavy',
  slots: ['discover'],
  options: Options,
  trials: (config, { customers, items }) => {
    // Half of what there is would be no low pass any more.
    const most = Math.floor(Math.min(customers, items) / 16) * 8;
    const rank = Math.max(8, Math.min(config.preset === 'quick' ? 128 : 448, most));
    const base = {
      rank,
      lowPass: 0.3,
      sharpening: 0,
      sharpeningOrder: 4,
      keepBlurred: false,
      neighbours: items > MOST_ROWS ? null : 1000,
      halfLifeDays: null,
    };
    const bspm = { ...base, lowPass: 0.2, sharpening: 2.5 };
    // Without a low pass nothing but the cut keeps chance pairs out: fewer neighbours.
    const few = base.neighbours === null ? null : 100;
    const turbo = { ...base, lowPass: 0, sharpening: 0.9, sharpeningOrder: 1, neighbours: few };
    const ages = (options: typeof base) => [
      options,
      ...(config.halfLifeDays === null ? [] : [{ ...options, halfLifeDays: config.halfLifeDays }]),
    ];
    if (config.preset === 'quick') return ages(base);
    return [
      ...ages(base),
      ...ages(bspm),
      ...ages(turbo),
      { ...base, sharpening: 1.2, sharpeningOrder: 1, keepBlurred: true },
    ];
  },
  fit: async (history, options, context) => {
    const graph = makeGraph(toSparse(newestItems(history, ITEMS_PER_CUSTOMER), null));
    return context.pool.withArena(async (arena): Promise<Model> => {
      const space = placeGraph(graph, arena);
      const filter = await makeFilter(graph, space, options, context, arena);
      if (options.neighbours === null) return graphModel(filter, options.halfLifeDays, history.asOf);
      const matrix = await largestEntries(filter, space, options.neighbours, context, arena);
      return itemItemModel(matrix, options.halfLifeDays, history.asOf);
    });
  },
  refit: (fitted, former, options) => {
    if (options.neighbours !== null) return refitItemItem(fitted, former, options);
    if (JSON.stringify({ ...former, halfLifeDays: 0 }) !== JSON.stringify({ ...options, halfLifeDays: 0 }))
      return null;
    const { filter, asOf }: Model & Partial<GraphModel> = fitted;
    return filter === undefined || asOf === undefined ? null : graphModel(filter, options.halfLifeDays, asOf);
  },
  load: (reader, items) =>
    reader.value('shape', Kind).kind === 'graph'
      ? loadGraphModel(reader, items)
      : loadItemItem(reader, items),
};

/** Which of its two forms a saved model has. */
const Kind = z.object({ kind: z.string().optional() });

/** Coefficients of e^(-time·x) up to the power `order`. */
export function sharpeningSeries(time: number, order: number): number[] {
  if (time === 0) return [1];
  const series = [1];
  for (let t = 1; t <= order; t++) series.push((series[t - 1]! * -time) / t);
  return series;
}

async function makeFilter(
  graph: Graph,
  space: GraphSpace,
  options: Options,
  context: FitContext,
  arena: Arena,
): Promise<GraphFilter> {
  const { pool, random, signal } = context;
  const series = sharpeningSeries(options.sharpening, options.sharpeningOrder);
  const coefficients = series.map((c, t) => (t === 0 && options.keepBlurred ? c + 1 : c));
  if (options.lowPass === 0)
    return { graph, coefficients, rank: 0, gather: new Float32Array(), spread: new Float32Array() };
  const wanted = { rank: options.rank, oversampling: Math.max(16, options.rank >> 2), iterations: 3 };
  const { rank, vectors } = await randomizedSingular(space, wanted, random, pool, arena, signal);
  context.onProgress?.(0.5);
  // Rows a multiple of four long, as the kernels want them; what was added is zero.
  const k = Math.ceil(rank / 4) * 4;
  const gather = new Float32Array(graph.items * k);
  const start = arena.floats(graph.items * k);
  for (let i = 0; i < graph.items; i++) {
    const scale = graph.itemScale[i]!;
    for (let t = 0; t < rank; t++) {
      const value = vectors[i * rank + t]!;
      gather[i * k + t] = value * scale;
      start[i * k + t] = scale === 0 ? 0 : (options.lowPass * value) / scale;
    }
  }
  const spread = await applySeries(series, start, k, space, context, arena);
  return { graph, coefficients, rank: k, gather, spread };
}

/** Σ c_t Pᵗ x for x of items × k, which is used up. */
async function applySeries(
  series: readonly number[],
  x: Float32Array,
  k: number,
  graph: GraphSpace,
  { pool, signal }: FitContext,
  arena: Arena,
): Promise<Float32Array> {
  const sum = x.map((value) => series[0]! * value);
  const middle = arena.floats(graph.customers * k).byteOffset;
  for (const coefficient of series.slice(1)) {
    await spread({ graph, to: 'customers', x: x.byteOffset, y: middle, k }, pool);
    await spread({ graph, to: 'items', x: middle, y: x.byteOffset, k }, pool);
    for (let n = 0; n < sum.length; n++) sum[n]! += coefficient * x[n]!;
    signal?.throwIfAborted();
  }
  return sum;
}

/** The filter as a matrix, row i what a purchase of item i says of the others, cut to the `keep` largest of each. */
async function largestEntries(
  { coefficients, rank, gather, spread: low }: GraphFilter,
  graph: GraphSpace,
  keep: number,
  { pool, signal }: FitContext,
  arena: Arena,
): Promise<Sparse> {
  const { items } = graph;
  const space: FilterSpace = {
    graph,
    coefficients,
    rank,
    gather: placeFloats(gather, arena),
    spread: packSpread(low, items, rank, arena),
    room: arena.perThread(filterRoom(graph, rank)),
  };
  const most = Math.min(keep, items);
  const [index, weight] = [arena.ints(items * most), arena.floats(items * most)];
  await pool.run(filterRowsKernel, { space, keep: most, index, weight }, Math.ceil(items / BLOCK), 1);
  signal?.throwIfAborted();
  return withoutGaps(index, weight, items, most);
}

/** Rows of fixed width, -1 behind the last entry, as a sparse matrix. */
function withoutGaps(index: Int32Array, weight: Float32Array, items: number, width: number): Sparse {
  const indptr = new Int32Array(items + 1);
  let length = 0;
  for (let i = 0; i < items; i++) {
    for (let p = i * width; p < (i + 1) * width && index[p]! >= 0; p++) length++;
    indptr[i + 1] = length;
  }
  const kept = { index: new Int32Array(length), weight: new Float32Array(length) };
  for (let i = 0; i < items; i++) {
    const [from, to] = [i * width, i * width + indptr[i + 1]! - indptr[i]!];
    kept.index.set(index.subarray(from, to), indptr[i]);
    kept.weight.set(weight.subarray(from, to), indptr[i]);
  }
  return { rows: items, columns: items, indptr, ...kept };
}
