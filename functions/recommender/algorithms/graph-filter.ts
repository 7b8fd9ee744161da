import { z } from 'zod';
import type { Algorithm, FitContext, Model } from '../algorithm.ts';
import { newestItems, toSparse, type Sparse } from '../data.ts';
import { graphModel, loadGraphModel, type GraphFilter, type GraphModel } from '../graph-model.ts';
import { itemItemModel, loadItemItem, refitItemItem } from '../item-item.ts';
import type { Arena } from '../kernels/arena.ts';
import { BLOCK, filterRoom, filterRowsKernel, packSpread, type FilterSpace } from '../kernels/filter-rows.ts';
import { makeGraph, placeFloats, placeGraph, spread, type Graph, type GraphSpace } from '../kernels/graph.ts';
import { randomizedSingular, type Singular } from '../kernels/singular.ts';
import { graphTrials } from './graph-trials.ts';

const Options = z.strictObject({
  /** Singular vectors of the low pass; at most as many as there are items or customers. */
  rank: z.int().min(8).max(1024).default(128),
  /** Weight of the low pass beside the linear filter; 0: none (then `rank` plays no part). */
  lowPass: z.number().min(0).max(2).default(0.3),
  /** How long the scores are sharpened, against what smoothing blurred; 0: not at all. */
  sharpening: z.number().min(0).max(5).default(0),
  /** Terms of the exponential series that sharpening takes: 1 is one step of Euler, 4 one of Runge and Kutta. */
  sharpeningOrder: z.int().min(1).max(4).default(4),
  /**
   * What sharpening goes over beside the low pass: the `graph`, exactly, in as many passes per request as it has terms; or the
   * `vectors`, exactly, and what is left of the graph by one factor for all, in one pass.
   */
  sharpenBy: z.enum(['graph', 'vectors']).default('graph'),
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
  trials: graphTrials,
  seconds: (options, { customers, items, pairs }) => {
    const d = options.lowPass === 0 ? 0 : sketchOf(options.rank, { customers, items });
    const vectors = 7e-9 * pairs * d + 6e-11 * (items + customers) * d ** 2;
    const rows = items * (options.sharpeningOrder + 1) * (2e-9 * pairs + 2e-10 * items * options.rank);
    return vectors + (options.neighbours === null ? 0 : rows / BLOCK);
  },
  fit: (history, options, context) =>
    fitOn(makeGraph(toSparse(newestItems(history, ITEMS_PER_CUSTOMER), null)), null, options, {
      ...context,
      asOf: history.asOf,
    }),
  refit: async (fitted, former, options, history, context) => {
    const from = origins.get(fitted);
    if (from === undefined) return null;
    const { filter }: Model & Partial<GraphModel> = fitted;
    const again =
      JSON.stringify({ ...former, halfLifeDays: 0 }) !== JSON.stringify({ ...options, halfLifeDays: 0 })
        ? null
        : filter === undefined
          ? await refitItemItem(fitted, former, options)
          : graphModel(filter, options.halfLifeDays, history.asOf);
    if (again !== null) {
      origins.set(again, from);
      return again;
    }
    if (options.lowPass > 0 && from.vectors?.wanted !== sketchFor(options.rank).most) return null;
    return fitOn(from.graph, from.vectors, options, { ...context, asOf: history.asOf });
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

/** The largest singular vectors of a graph, and how many were wanted. */
type Vectors = Singular & { readonly wanted: number };

/** What each fitted model was made from: other settings on the same history are made from it too. */
interface Origin {
  readonly graph: Graph;
  /** Null: its setting had no low pass. */
  readonly vectors: Vectors | null;
}
const origins = new WeakMap<Model, Origin>();

/**
 * Vectors are found so many at a time, whatever the rank wanted, so that those of a lower rank are the first of them; the
 * random block is wider, since spectra fall slowly.
 */
const SKETCHES = [
  { most: 128, width: 160 },
  { most: 256, width: 320 },
  { most: 448, width: 560 },
  { most: 1024, width: 1280 },
] as const;

const sketchFor = (rank: number) => SKETCHES.find(({ most }) => rank <= most) ?? SKETCHES.at(-1)!;

/** Columns of the random block for `rank` vectors of a graph. */
function sketchOf(rank: number, { customers, items }: { customers: number; items: number }): number {
  const { width } = sketchFor(rank);
  // More columns than there are dimensions only depend on each other.
  return Math.min(width, Math.ceil(Math.min(customers, items) / 8) * 8 + 16);
}

async function fitOn(
  graph: Graph,
  known: Vectors | null,
  options: Options,
  context: FitContext & { readonly asOf: number },
): Promise<Model> {
  const { pool, random, signal, asOf } = context;
  return pool.withArena(async (arena) => {
    const space = placeGraph(graph, arena);
    let vectors = known;
    if (options.lowPass > 0 && known?.wanted !== sketchFor(options.rank).most) {
      const rank = sketchFor(options.rank).most;
      const oversampling = sketchOf(rank, graph) - Math.min(rank, graph.customers, graph.items);
      const wanted = { rank, oversampling, iterations: 3 };
      const singular = await randomizedSingular(space, wanted, random, pool, arena, signal);
      vectors = { ...singular, wanted: rank };
      context.onProgress?.(0.5);
    }
    const filter = await makeFilter(graph, space, vectors, options, context, arena);
    const model =
      options.neighbours === null
        ? graphModel(filter, options.halfLifeDays, asOf)
        : itemItemModel(
            await largestEntries(filter, space, options.neighbours, context, arena),
            options.halfLifeDays,
            asOf,
          );
    origins.set(model, { graph, vectors });
    return model;
  });
}

async function makeFilter(
  graph: Graph,
  space: GraphSpace,
  singular: Vectors | null,
  options: Options,
  context: FitContext,
  arena: Arena,
): Promise<GraphFilter> {
  const series = sharpeningSeries(options.sharpening, options.sharpeningOrder);
  const coefficients = series.map((c, t) => (t === 0 && options.keepBlurred ? c + 1 : c));
  if (options.lowPass === 0 || singular === null)
    return { graph, coefficients, rank: 0, gather: new Float32Array(), spread: new Float32Array() };
  const { vectors, values, rank: found } = singular;
  const rank = Math.min(options.rank, found);
  const level = (value: number) => coefficients.reduceRight((sum, c) => sum * value + c, 0);
  // The sharpened graph is Σ g(λ) v vᵀ over all its eigenvalues λ: of those that are known g is exact, of the others it is
  // taken as in their middle.
  const apart = options.sharpenBy === 'vectors' && options.sharpening > 0;
  const own = apart ? Math.ceil(rank * KNOWN) : 0;
  const rest = level(values[Math.max(0, own - 1)]! ** 2 * REST);
  // Rows a multiple of four long, as the kernels want them; what was added is zero.
  const [k, wide] = [Math.ceil(rank / 4) * 4, Math.ceil((rank + own) / 4) * 4];
  const start = arena.floats(graph.items * k);
  for (let i = 0; i < graph.items; i++) {
    const scale = graph.itemScale[i]!;
    for (let t = 0; t < rank; t++)
      start[i * k + t] = scale === 0 ? 0 : (options.lowPass * vectors[i * found + t]!) / scale;
  }
  const low = await applySeries(series, start, k, space, context, arena);
  const [gather, spread] = [new Float32Array(graph.items * wide), new Float32Array(graph.items * wide)];
  const gains = Float64Array.from(
    { length: own },
    (_, t) => (level(values[t]! ** 2) - rest) * values[t]! ** 2,
  );
  for (let i = 0; i < graph.items; i++) {
    const at = i * wide;
    for (let t = 0; t < rank; t++) {
      gather[at + t] = vectors[i * found + t]! * graph.itemScale[i]!;
      spread[at + t] = low[i * k + t]!;
    }
    for (let t = 0; t < own; t++) {
      gather[at + rank + t] = vectors[i * found + t]!;
      spread[at + rank + t] = gains[t]! * vectors[i * found + t]!;
    }
  }
  return { graph, coefficients: apart ? [rest] : coefficients, rank: wide, gather, spread };
}

/** Of the low pass's vectors the share that is sharpened each by its own: more measured no better and are twice as large. */
const KNOWN = 0.5;
/** Of the last such eigenvalue, where the middle of those beyond it is taken to be. */
const REST = 0.5;

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
