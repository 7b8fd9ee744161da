import { transpose, type Sparse } from '../data.ts';
import type { Arena } from './arena.ts';
import type { Kernel } from './kernel.ts';
import type { Pool } from './pool.ts';
import type { Kernels } from './wasm.ts';

/**
 * The graph of customers and items, every edge weighing 1 / √(customer's edges · item's edges): the matrix R̃ of the graph
 * filters (algorithms/graph-filter.ts). R̃ᵀR̃ has its eigenvalues within 0 … 1.
 */
export interface Graph {
  readonly customers: number;
  readonly items: number;
  /** Customers × items, rows of ascending items; weights are not read. */
  readonly byCustomer: Pick<Sparse, 'indptr' | 'index'>;
  readonly byItem: Pick<Sparse, 'indptr' | 'index'>;
  /** 1 / √edges; 0 where there is none. */
  readonly customerScale: Float32Array;
  readonly itemScale: Float32Array;
}

/** The graph whose edges are the entries of `purchases`. */
export function makeGraph(purchases: Sparse): Graph {
  const byItem = transpose(purchases);
  return {
    customers: purchases.rows,
    items: purchases.columns,
    byCustomer: purchases,
    byItem,
    customerScale: inverseRoots(purchases.indptr),
    itemScale: inverseRoots(byItem.indptr),
  };
}

const inverseRoots = (indptr: Int32Array) =>
  Float32Array.from({ length: indptr.length - 1 }, (_, row) => {
    const edges = indptr[row + 1]! - indptr[row]!;
    return edges > 0 ? 1 / Math.sqrt(edges) : 0;
  });

/** A graph in an arena: addresses, so that jobs can be sent. */
export interface GraphSpace {
  readonly arena: Arena['id'];
  readonly customers: number;
  readonly items: number;
  readonly byCustomer: { readonly indptr: number; readonly index: number };
  readonly byItem: { readonly indptr: number; readonly index: number };
  readonly customerScale: number;
  readonly itemScale: number;
}

/** Copies `graph` into `arena`. */
export function placeGraph(graph: Graph, arena: Arena): GraphSpace {
  const ints = (values: Int32Array) => {
    const placed = arena.ints(values.length);
    placed.set(values);
    return placed.byteOffset;
  };
  const rows = ({ indptr, index }: Graph['byItem']) => ({ indptr: ints(indptr), index: ints(index) });
  return {
    arena: arena.id,
    customers: graph.customers,
    items: graph.items,
    byCustomer: rows(graph.byCustomer),
    byItem: rows(graph.byItem),
    customerScale: placeFloats(graph.customerScale, arena),
    itemScale: placeFloats(graph.itemScale, arena),
  };
}

/** A copy of `values` in `arena`: its address. */
export function placeFloats(values: Float32Array, arena: Arena): number {
  const placed = arena.floats(values.length);
  placed.set(values);
  return placed.byteOffset;
}

/** Which side's rows a product has: R̃ · x of `customers` × k, x of items × k; R̃ᵀ · x of `items` × k, x of customers × k. */
type Side = 'customers' | 'items';

/** Rows [from, until) of a product (all by default). Addresses; k is a multiple of 4. */
export function spreadTo(
  side: Side,
  kernels: Kernels,
  graph: GraphSpace,
  x: number,
  y: number,
  k: number,
  from = 0,
  until = graph[side],
): void {
  const { byCustomer, byItem, customerScale, itemScale } = graph;
  const [rows, rowScale, columnScale] =
    side === 'customers' ? [byCustomer, customerScale, itemScale] : [byItem, itemScale, customerScale];
  kernels.spreadRows(y, x, k, rows.indptr, rows.index, rowScale, columnScale, from, until);
}

interface SpreadJob {
  readonly graph: GraphSpace;
  readonly to: Side;
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

/** Unit n: row n of the product. */
export const spreadKernel: Kernel<SpreadJob> = {
  name: 'spread',
  work: ({ graph, to, x, y, k }, from, until, thread) => {
    spreadTo(to, thread.kernels(graph.arena), graph, x, y, k, from, until);
  },
};

/** y = R̃ · x (`customers`) or R̃ᵀ · x (`items`) over all rows, shared among the threads. */
export async function spread(job: SpreadJob, pool: Pool): Promise<void> {
  await pool.run(spreadKernel, job, job.graph[job.to], 64);
}
