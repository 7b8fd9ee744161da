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

/** Rows [from, to) of customers × k: R̃ · x for x of items × k. Addresses; k is a multiple of 4. */
export function toCustomers(
  kernels: Kernels,
  graph: GraphSpace,
  x: number,
  y: number,
  k: number,
  from = 0,
  to = graph.customers,
): void {
  const { byCustomer, customerScale, itemScale } = graph;
  kernels.spreadRows(y, x, k, byCustomer.indptr, byCustomer.index, customerScale, itemScale, from, to);
}

/** Rows [from, to) of items × k: R̃ᵀ · x for x of customers × k. */
export function toItems(
  kernels: Kernels,
  graph: GraphSpace,
  x: number,
  y: number,
  k: number,
  from = 0,
  to = graph.items,
): void {
  const { byItem, customerScale, itemScale } = graph;
  kernels.spreadRows(y, x, k, byItem.indptr, byItem.index, itemScale, customerScale, from, to);
}

interface SpreadJob {
  readonly graph: GraphSpace;
  readonly to: 'customers' | 'items';
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

/** Unit n: row n of the product. */
export const spreadKernel: Kernel<SpreadJob> = {
  name: 'spread',
  work: ({ graph, to: side, x, y, k }, from, to, thread) => {
    const spread = side === 'customers' ? toCustomers : toItems;
    spread(thread.kernels(graph.arena), graph, x, y, k, from, to);
  },
};

/** y = R̃ · x (`customers`) or R̃ᵀ · x (`items`) over all rows, shared among the threads. */
export async function spread(job: SpreadJob, pool: Pool): Promise<void> {
  await pool.run(spreadKernel, job, job.to === 'customers' ? job.graph.customers : job.graph.items, 64);
}
