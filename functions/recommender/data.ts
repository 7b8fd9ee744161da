/**
 * The data a model learns from: purchase lines in columns, and from them every customer's history as a sparse matrix.
 * Customers and items are dense ids, 0 … count-1, as the vocabulary stage gave them.
 */

/** Purchase lines in columns, in any order; all arrays have the same length. */
export interface Interactions {
  readonly customer: Int32Array;
  readonly item: Int32Array;
  /** Milliseconds since 1970. */
  readonly time: Float64Array;
  readonly quantity: Float32Array | Float64Array;
  /** Money; NaN where unknown. */
  readonly value: Float32Array | Float64Array;
  /** Lines with the same number were bought together; -1 where unknown (then one customer's day is one basket). */
  readonly basket: Int32Array;
}

/** Customers or items by dense id. */
export interface Catalogue {
  /** The company's own key of each. */
  readonly keys: readonly string[];
  readonly names: readonly (string | null)[];
  /** Items only. */
  readonly categories?: readonly (string | null)[];
  readonly brands?: readonly (string | null)[];
  /** Customers only: what kind of customer each is. */
  readonly segments?: readonly (string | null)[];
}

/** Which segment each customer is of. */
export interface Segments {
  /** By customer, a place in `segments`; -1 where none is known. Absent where none is known of anybody. */
  readonly segment?: Int32Array;
  /** Their names, each once, in the order of their characters. */
  readonly segments?: readonly string[];
}

/** How many customers and items there are, and which segment each customer is of. */
export interface HistorySize extends Segments {
  readonly customers: number;
  readonly items: number;
}

/** What one holder bought: the row of a `History`, or a basket made up on the fly. Items ascend; arrays are parallel. */
export interface Profile {
  readonly items: Int32Array;
  /** Baskets that held the item, ≥ 1. */
  readonly count: Float32Array;
  /** First and last purchase, days since 1970 (fractions kept). */
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** Units bought in all. */
  readonly quantity: Float32Array;
  /** Number of the holder's segment in the history's `segments`; absent or -1 where unknown. */
  readonly segment?: number;
}

/** All profiles as one compressed sparse row matrix, customers × items, seen at the moment `asOf`. */
export interface History extends HistorySize {
  /** Days since 1970: nothing later is known. */
  readonly asOf: number;
  /** Row c lies at indptr[c] … indptr[c+1]-1. */
  readonly indptr: Int32Array;
  readonly item: Int32Array;
  readonly count: Float32Array;
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly quantity: Float32Array;
  /** Different customers that bought each item. */
  readonly buyers: Int32Array;
}

export const DAY_MS = 86_400_000;

/** Row `customer` of `history`, sharing its memory. */
export function profileOf(history: History, customer: number): Profile {
  const from = history.indptr[customer] ?? 0;
  const to = history.indptr[customer + 1] ?? from;
  return {
    items: history.item.subarray(from, to),
    count: history.count.subarray(from, to),
    first: history.first.subarray(from, to),
    last: history.last.subarray(from, to),
    quantity: history.quantity.subarray(from, to),
    ...(history.segment ? { segment: history.segment[customer] ?? -1 } : {}),
  };
}

/** The size of a history over these catalogues. The same customers give the same numbers of segments. */
export function sizeOf(customers: Catalogue, items: Catalogue): HistorySize {
  return {
    customers: customers.keys.length,
    items: items.keys.length,
    ...numberSegments(customers.segments ?? []),
  };
}

function numberSegments(names: readonly (string | null)[]): Segments {
  const segments = [...new Set(names.flatMap((name) => name ?? []))].filter((name) => name !== '').sort();
  if (segments.length === 0) return {};
  const numbers = new Map(segments.map((name, number) => [name, number]));
  return { segments, segment: Int32Array.from(names, (name) => numbers.get(name ?? '') ?? -1) };
}

/** A profile of items just put together: each once, now. Repeats and unknown ids are left out. */
export function basketProfile(items: Iterable<number>, history: Pick<History, 'items' | 'asOf'>): Profile {
  const known = Int32Array.from(new Set(items))
    .filter((item) => item >= 0 && item < history.items)
    .sort();
  return {
    items: known,
    count: new Float32Array(known.length).fill(1),
    first: new Float64Array(known.length).fill(history.asOf),
    last: new Float64Array(known.length).fill(history.asOf),
    quantity: new Float32Array(known.length).fill(1),
  };
}

/** Lines that cannot be learned from, by reason. */
export interface LeftOut {
  /** Quantity ≤ 0 or not a number: a return that the data set's cleaning let through. */
  notPositive: number;
  /** Ids outside the catalogues. */
  unknownId: number;
  /** Times that are no dates. */
  noTime: number;
}

/**
 * The history of all lines with `from <= time < until` (milliseconds), as seen at `until` (or the newest line where
 * `until` is Infinity). Two lines of one item in one basket count once.
 */
export function buildHistory(
  lines: Interactions,
  size: HistorySize,
  window: { from?: number; until?: number } = {},
): { history: History; leftOut: LeftOut } {
  const { from = -Infinity, until = Infinity } = window;
  const leftOut: LeftOut = { notPositive: 0, unknownId: 0, noTime: 0 };
  const kept = new Int32Array(lines.item.length);
  let count = 0;
  let newest = -Infinity;
  for (let n = 0; n < lines.item.length; n++) {
    const time = lines.time[n]!;
    const customer = lines.customer[n]!;
    const item = lines.item[n]!;
    if (!Number.isFinite(time)) leftOut.noTime++;
    else if (!(customer >= 0 && customer < size.customers && item >= 0 && item < size.items))
      leftOut.unknownId++;
    else if (!(lines.quantity[n]! > 0)) leftOut.notPositive++;
    else if (time >= from && time < until) {
      kept[count++] = n;
      if (time > newest) newest = time;
    }
  }
  // Two arrays of line numbers in all: the second sorting writes over what the first read.
  const chosen = kept.subarray(0, count);
  const byItem = countingSort(chosen, lines.item, size.items, new Int32Array(count));
  const order = countingSort(byItem, lines.customer, size.customers, chosen);
  return { history: gather(lines, order, size, Number.isFinite(until) ? until : newest), leftOut };
}

/** Line numbers in the order of their key, equal keys as they were, into `sorted`: two passes give customer, then item. */
function countingSort(order: Int32Array, key: Int32Array, keys: number, sorted: Int32Array): Int32Array {
  const start = new Int32Array(keys + 1);
  for (const n of order) start[key[n]! + 1]!++;
  for (let k = 0; k < keys; k++) start[k + 1]! += start[k]!;
  for (const n of order) sorted[start[key[n]!]!++] = n;
  return sorted;
}

function gather(lines: Interactions, order: Int32Array, size: HistorySize, asOfMs: number): History {
  const indptr = new Int32Array(size.customers + 1);
  const buyers = new Int32Array(size.items);
  let pairs = 0;
  for (let n = 0; n < order.length; n++) if (startsPair(lines, order, n)) pairs++;
  const item = new Int32Array(pairs);
  const count = new Float32Array(pairs);
  const first = new Float64Array(pairs);
  const last = new Float64Array(pairs);
  const quantity = new Float32Array(pairs);
  let p = -1;
  const baskets = makeDistinct();
  for (let n = 0; n < order.length; n++) {
    const line = order[n]!;
    const day = lines.time[line]! / DAY_MS;
    if (startsPair(lines, order, n)) {
      p++;
      item[p] = lines.item[line]!;
      first[p] = day;
      last[p] = day;
      buyers[item[p]!]!++;
      indptr[lines.customer[line]! + 1]!++;
      baskets.clear();
    }
    // Baskets without a number are the customer's days; negative so that they never meet a number.
    const basket = lines.basket[line]! >= 0 ? lines.basket[line]! : -1 - Math.floor(day);
    if (baskets.add(basket)) count[p]!++;
    first[p] = Math.min(first[p]!, day);
    last[p] = Math.max(last[p]!, day);
    quantity[p]! += lines.quantity[line]!;
  }
  for (let c = 0; c < size.customers; c++) indptr[c + 1]! += indptr[c]!;
  const asOf = Number.isFinite(asOfMs) ? asOfMs / DAY_MS : 0;
  return { ...size, asOf, indptr, item, count, first, last, quantity, buyers };
}

/** A set of numbers for few of them: most pairs have a handful of baskets, and there are as many pairs as lines. */
function makeDistinct() {
  const few = new Float64Array(16);
  let count = 0;
  let many: Set<number> | null = null;
  return {
    clear(): void {
      count = 0;
      many = null;
    },
    /** Whether it is new. */
    add(value: number): boolean {
      if (many !== null) return many.size !== many.add(value).size;
      for (let n = 0; n < count; n++) if (few[n] === value) return false;
      if (count < few.length) few[count++] = value;
      else many = new Set(few).add(value);
      return true;
    },
  };
}

function startsPair(lines: Interactions, order: Int32Array, n: number): boolean {
  const before = order[n - 1];
  const line = order[n]!;
  return (
    before === undefined ||
    lines.customer[before] !== lines.customer[line] ||
    lines.item[before] !== lines.item[line]
  );
}

/**
 * The part of `history` that algorithms learn from: customers with at least `perCustomer` different items and items
 * with at least `perItem` buyers; the others' rows and columns are empty. Sizes and ids stay the same.
 */
export function learnable(history: History, perCustomer: number, perItem: number): History {
  const keep = new Int32Array(history.item.length);
  let kept = 0;
  const indptr = new Int32Array(history.customers + 1);
  for (let c = 0; c < history.customers; c++) {
    const from = history.indptr[c]!;
    const to = history.indptr[c + 1]!;
    if (to - from >= perCustomer)
      for (let p = from; p < to; p++) {
        const item = history.item[p]!;
        if (history.buyers[item]! < perItem) continue;
        keep[kept++] = p;
      }
    indptr[c + 1] = kept;
  }
  return gatherPairs(history, keep.subarray(0, kept), indptr);
}

/** `history` with only the `most` newest items of each customer (of equal days the smaller ids). Sizes and ids stay the same. */
export function newestItems(history: History, most: number): History {
  const { indptr, last } = history;
  const rows = Array.from({ length: history.customers }, (_, c) => {
    const row = Int32Array.from({ length: indptr[c + 1]! - indptr[c]! }, (__, n) => indptr[c]! + n);
    if (row.length <= most) return row;
    const newest = row.sort((p, q) => last[q]! - last[p]! || p - q).subarray(0, most);
    return newest.sort();
  });
  const starts = new Int32Array(history.customers + 1);
  rows.forEach((row, c) => (starts[c + 1] = starts[c]! + row.length));
  const chosen = new Int32Array(starts.at(-1) ?? 0);
  rows.forEach((row, c) => chosen.set(row, starts[c]));
  return gatherPairs(history, chosen, starts);
}

/** The pairs at the places `chosen`, whose rows begin at `indptr`. */
function gatherPairs(history: History, chosen: Int32Array, indptr: Int32Array): History {
  const kept = chosen.length;
  const item = pick(history.item, chosen, new Int32Array(kept));
  const buyers = new Int32Array(history.items);
  for (const each of item) buyers[each]!++;
  return {
    ...history,
    indptr,
    buyers,
    item,
    count: pick(history.count, chosen, new Float32Array(kept)),
    first: pick(history.first, chosen, new Float64Array(kept)),
    last: pick(history.last, chosen, new Float64Array(kept)),
    quantity: pick(history.quantity, chosen, new Float32Array(kept)),
  };
}

function pick<T extends Int32Array | Float32Array | Float64Array>(from: T, places: Int32Array, to: T): T {
  for (let n = 0; n < places.length; n++) to[n] = from[places[n]!]!;
  return to;
}

/** A compressed sparse matrix with a weight per entry, rows × columns. */
export interface Sparse {
  readonly rows: number;
  readonly columns: number;
  readonly indptr: Int32Array;
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** `matrix` with rows and columns exchanged; row entries ascend. */
export function transpose(matrix: Sparse): Sparse {
  const indptr = new Int32Array(matrix.columns + 1);
  for (const column of matrix.index) indptr[column + 1]!++;
  for (let c = 0; c < matrix.columns; c++) indptr[c + 1]! += indptr[c]!;
  const next = indptr.slice();
  const index = new Int32Array(matrix.index.length);
  const weight = new Float32Array(matrix.index.length);
  for (let row = 0; row < matrix.rows; row++)
    for (let p = matrix.indptr[row]!; p < matrix.indptr[row + 1]!; p++) {
      const to = next[matrix.index[p]!]!++;
      index[to] = row;
      weight[to] = matrix.weight[p]!;
    }
  return { rows: matrix.columns, columns: matrix.rows, indptr, index, weight };
}

/** `history` as customers × items, each purchase weighted by its age (`recencyWeight`). */
export function toSparse(history: History, halfLifeDays: number | null): Sparse {
  const weight = new Float32Array(history.last.length);
  for (let p = 0; p < weight.length; p++)
    weight[p] = recencyWeight(history.asOf - history.last[p]!, halfLifeDays);
  return {
    rows: history.customers,
    columns: history.items,
    indptr: history.indptr,
    index: history.item,
    weight,
  };
}

/** 1 for a purchase now, ½ after `halfLifeDays`, ¼ after twice that …; always 1 where null. */
export function recencyWeight(ageDays: number, halfLifeDays: number | null): number {
  return halfLifeDays === null ? 1 : 2 ** (-Math.max(0, ageDays) / halfLifeDays);
}
