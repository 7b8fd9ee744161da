import { kernelsOver, sharedMemory } from './wasm.ts';
import type { Bits } from '../bits.ts';

/**
 * The exact top k of an inner product over many items. Items are held as bytes (a scale for each), a query as 16-bit numbers:
 * one pass over the bytes gives every item a range in which its true score must lie, by Cauchy–Schwarz on what rounding
 * dropped. Who cannot be among the k is out; the few others are scored in double precision from the factors themselves. So the
 * list is the one that scoring everything would give, at a quarter of the memory traffic.
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

/** An index over `factors` (items × d). Takes about 1 ns per factor, and a little more than a byte of memory each. */
export function makeScanIndex(factors: Float32Array, d: number): ScanIndex {
  const items = d === 0 ? 0 : factors.length / d;
  const width = Math.ceil(d / 16) * 16;
  const words = (items + 31) >>> 5;
  const sizes = [width * 2, items * width, ...Array<number>(6).fill(items * 4), items * 4, words * 4];
  const places: number[] = [];
  let end = ALIGN;
  for (const size of sizes) {
    places.push(end);
    end += Math.ceil(size / ALIGN) * ALIGN;
  }
  const [query, bytes, scale, error, norm, weights, ids, uppers, heap, allowed] = places as Places;
  const memory = sharedMemory(end, end);
  const { buffer } = memory;
  const parts = {
    bytes: new Int8Array(buffer, bytes, items * width),
    scale: new Float32Array(buffer, scale, items),
    error: new Float32Array(buffer, error, items),
    norm: new Float32Array(buffer, norm, items),
  };
  for (let item = 0; item < items; item++) quantiseItem(factors, d, item, width, parts);
  const kernels = kernelsOver(memory);
  const queryPart = new Int16Array(buffer, query, width);
  const weightsPart = new Float32Array(buffer, weights, items);
  const allowedPart = new Uint32Array(buffer, allowed, words);
  const idsPart = new Int32Array(buffer, ids, items);
  const uppersPart = new Float32Array(buffer, uppers, items);
  const heapPart = new Float32Array(buffer, heap, items);
  return {
    factors,
    d,
    top: (wanted, count, allowedItems, itemWeights) => {
      const k = Math.min(count, items);
      const { step, length, residual } = quantiseQuery(wanted, queryPart);
      if (k === 0 || length === 0) return [];
      allowedPart.set(allowedItems);
      if (itemWeights) weightsPart.set(itemWeights);
      const found = kernels.scanCandidates(
        ...([query, bytes, width, allowed, words, scale, error, norm] as const),
        ...([itemWeights ? weights : 0, step, length, residual, k, heap, ids, uppers] as const),
      );
      const threshold = heapPart[0]!;
      const scored: Scored[] = [];
      for (let n = 0; n < found; n++) {
        if (uppersPart[n]! < threshold) continue;
        const item = idsPart[n]!;
        const score = scoreOf(factors, item, wanted) * (itemWeights?.[item] ?? 1);
        if (score > 0) scored.push({ item, score });
      }
      return scored.sort((a, b) => b.score - a.score || a.item - b.item).slice(0, k);
    },
  };
}
type Places = [number, number, number, number, number, number, number, number, number, number];

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

function quantiseItem(factors: Float32Array, d: number, item: number, width: number, to: Quantised): void {
  const row = item * d;
  let most = 0;
  for (let k = 0; k < d; k++) most = Math.max(most, Math.abs(factors[row + k]!));
  if (most === 0) return;
  const scale = Math.fround(most / BYTE);
  let dropped = 0;
  let kept = 0;
  for (let k = 0; k < d; k++) {
    const value = factors[row + k]!;
    const byte = Math.max(-BYTE, Math.min(BYTE, Math.round(value / scale)));
    to.bytes[item * width + k] = byte;
    dropped += (value - byte * scale) ** 2;
    kept += (byte * scale) ** 2;
  }
  const norm = Math.sqrt(kept);
  to.scale[item] = scale;
  to.norm[item] = norm * (1 + ROUNDING);
  to.error[item] = (Math.sqrt(dropped) + norm * ROUNDING) * (1 + ROUNDING);
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
