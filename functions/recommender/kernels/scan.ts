import { kernelsOver, sharedMemory } from './wasm.ts';
import type { Bits } from '../bits.ts';

/**
 * The exact top k of an inner product over many items. Items are held as bytes (a scale for each), a query as 16-bit numbers:
 * a pass over the bytes gives an item a range in which its true score must lie, by Cauchy–Schwarz on what rounding dropped.
 * Who cannot be among the k is out; the few others are scored in double precision from the factors themselves. So the list is
 * the one that scoring everything would give. The longest items lie first, for they score highest: the pass ends where no
 * item is long enough any more, which with most models is early.
 */
export interface ScanIndex {
  /** The factors it was made of: items × d, row-major; not copied, so they must not change. */
  readonly factors: Float32Array;
  readonly d: number;
  /**
   * The first `k` of the `allowed` items by `score`, highest first, equal ones by ascending id; only positive scores.
   * @param weights a factor ≥ 0 per item, by which scores are multiplied
   */
  top(query: Float32Array, k: number, allowed: Bits, weights?: Float32Array): Scored[];
}

export interface Scored {
  readonly item: number;
  /** The inner product, summed in double precision in the order of the factors, times the item's weight. */
  readonly score: number;
}

const ALIGN = 64;
/** What the single-precision arithmetic of the pass may be off by, as a share of the product of the lengths. */
const ROUNDING = 2e-6;
const BYTE = 127;

/** An index over `factors` (items × d). Takes about 2 ns per factor, and a little more than a byte of memory each. */
export function makeScanIndex(factors: Float32Array, d: number): ScanIndex {
  const items = d === 0 ? 0 : factors.length / d;
  const width = Math.ceil(d / 16) * 16;
  const { places, buffer, kernels } = roomFor(items, width);
  const floats = (at: number) => new Float32Array(buffer, at, items);
  const [order, reach] = byLength(factors, d);
  new Int32Array(buffer, places.order, items).set(order);
  floats(places.reach).set(reach);
  const parts: Quantised = {
    bytes: new Int8Array(buffer, places.bytes, items * width),
    scale: floats(places.scale),
    error: floats(places.error),
    norm: floats(places.norm),
  };
  order.forEach((item, row) => quantiseRow(factors.subarray(item * d, (item + 1) * d), row, width, parts));
  const query = new Int16Array(buffer, places.query, width);
  const weights = floats(places.weights);
  const allowed = new Uint32Array(buffer, places.allowed, (items + 31) >>> 5);
  const ids = new Int32Array(buffer, places.ids, items);
  const uppers = floats(places.uppers);
  const heap = floats(places.heap);
  return {
    factors,
    d,
    top: (wanted, count, allowedItems, itemWeights) => {
      const k = Math.min(count, items);
      const { step, length, residual } = quantiseQuery(wanted, query);
      if (k === 0 || length === 0) return [];
      if (itemWeights) weights.set(itemWeights);
      allowed.set(allowedItems);
      const found = kernels.scanCandidates(
        ...([places.query, places.bytes, width, items, places.order, places.allowed] as const),
        ...([places.scale, places.error, places.norm, places.reach] as const),
        ...([itemWeights ? places.weights : 0, itemWeights ? heaviestOf(itemWeights) : 1] as const),
        ...([step, length, residual, k, places.heap, places.ids, places.uppers] as const),
      );
      const threshold = heap[0]!;
      const scored: Scored[] = [];
      for (let n = 0; n < found; n++) {
        if (uppers[n]! < threshold) continue;
        const item = ids[n]!;
        const score = scoreOf(factors, item, wanted) * (itemWeights?.[item] ?? 1);
        if (score > 0) scored.push({ item, score });
      }
      return scored.sort((a, b) => b.score - a.score || a.item - b.item).slice(0, k);
    },
  };
}

/** Memory for an index and its questions: where each part begins, in bytes. */
function roomFor(items: number, width: number) {
  const each = items * 4;
  const sizes = {
    query: width * 2,
    bytes: items * width,
    order: each,
    scale: each,
    error: each,
    norm: each,
    reach: each,
    weights: each,
    ids: each,
    uppers: each,
    heap: Math.max(4, each),
    allowed: each,
  };
  let end = ALIGN;
  const placed = Object.entries(sizes).map(([name, size]) => {
    const at = end;
    end += Math.ceil(size / ALIGN) * ALIGN;
    return [name, at] as const;
  });
  // One entry for each size.
  const places = Object.fromEntries(placed) as Record<keyof typeof sizes, number>;
  const memory = sharedMemory(end, end);
  return { places, buffer: memory.buffer, kernels: kernelsOver(memory) };
}

/** The items, longest first, and their lengths in that order, a hair more so that no rounding makes one too short. */
function byLength(factors: Float32Array, d: number): [Int32Array, Float32Array] {
  const length = Float32Array.from({ length: d === 0 ? 0 : factors.length / d }, (_, item) => {
    let sum = 0;
    for (let p = item * d; p < (item + 1) * d; p++) sum += factors[p]! ** 2;
    return Math.sqrt(sum) * (1 + ROUNDING);
  });
  const order = Int32Array.from(length, (_, item) => item).sort((a, b) => length[b]! - length[a]! || a - b);
  return [order, Float32Array.from(order, (item) => length[item]!)];
}

function heaviestOf(weights: Float32Array): number {
  let most = 0;
  for (const weight of weights) if (weight > most) most = weight;
  return most;
}

/** The inner product of an item's factors with `query`, in double precision. */
export function scoreOf(factors: Float32Array, item: number, query: Float32Array): number {
  const d = query.length;
  const row = item * d;
  let sum = 0;
  for (let k = 0; k < d; k++) sum += factors[row + k]! * query[k]!;
  return sum;
}

/** The same as `ScanIndex.top` by scoring every allowed item: the reference, and quicker where there are few. */
export function topByScores(
  factors: Float32Array,
  query: Float32Array,
  k: number,
  allowed: Bits,
  weights?: Float32Array,
): Scored[] {
  const top: Scored[] = [];
  if (k === 0) return top;
  for (let word = 0; word < allowed.length; word++)
    for (let bits = allowed[word]!; bits !== 0; bits &= bits - 1) {
      const item = word * 32 + 31 - Math.clz32(bits & -bits);
      const score = scoreOf(factors, item, query) * (weights?.[item] ?? 1);
      const least = top.length < k ? 0 : top[k - 1]!.score;
      // NaN fails this too; ids ascend, so of equal scores the smaller id stays.
      if (!(score > least)) continue;
      let at = top.length < k ? top.length : k - 1;
      while (at > 0 && top[at - 1]!.score < score) {
        top[at] = top[at - 1]!;
        at--;
      }
      top[at] = { item, score };
    }
  return top;
}

interface Quantised {
  readonly bytes: Int8Array;
  readonly scale: Float32Array;
  readonly error: Float32Array;
  readonly norm: Float32Array;
}

/** Writes `values` as row `row`. */
function quantiseRow(values: Float32Array, row: number, width: number, to: Quantised): void {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  if (most === 0) return;
  const scale = Math.fround(most / BYTE);
  let dropped = 0;
  let kept = 0;
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    const byte = Math.max(-BYTE, Math.min(BYTE, Math.round(value / scale)));
    to.bytes[row * width + k] = byte;
    dropped += (value - byte * scale) ** 2;
    kept += (byte * scale) ** 2;
  }
  const norm = Math.sqrt(kept);
  to.scale[row] = scale;
  to.norm[row] = norm * (1 + ROUNDING);
  to.error[row] = (Math.sqrt(dropped) + norm * ROUNDING) * (1 + ROUNDING);
}

/** Writes `query` as 16-bit numbers; `residual` is the length of what that drops. */
function quantiseQuery(
  query: Float32Array,
  to: Int16Array,
): { step: number; length: number; residual: number } {
  let most = 0;
  for (const value of query) most = Math.max(most, Math.abs(value));
  if (!(most > 0) || most === Infinity) return { step: 0, length: 0, residual: 0 };
  // So that no sum of products leaves 31 bits.
  const largest = Math.min(32_767, Math.floor((2 ** 31 - 1) / (BYTE * Math.max(1, to.length))));
  const step = Math.fround(most / largest);
  let all = 0;
  let dropped = 0;
  for (let k = 0; k < query.length; k++) {
    const whole = Math.max(-largest, Math.min(largest, Math.round(query[k]! / step)));
    to[k] = whole;
    all += query[k]! ** 2;
    dropped += (query[k]! - whole * step) ** 2;
  }
  return {
    step,
    length: Math.sqrt(all) * (1 + ROUNDING),
    residual: Math.sqrt(dropped) * (1 + ROUNDING),
  };
}
