import { kernelsOver, sharedMemory } from './wasm.ts';
import { bitsWhere, dropBits, keepBits, type Bits } from '../bits.ts';

/**
 * The exact top k of an inner product over many items. Items are held as bytes (a scale for each), a query as 16-bit numbers:
 * a pass over the bytes gives an item a range in which its true score must lie, by Cauchy–Schwarz on what rounding dropped.
 * Who cannot be among the k is out; the few others are scored in double precision from the factors themselves. So the list is
 * the one that scoring everything would give. The longest items, which score highest, are looked at first: most others are
 * then out by their length alone.
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
/** Share of the items that are looked at first. */
const FIRST = 1 / 32;

/** An index over `factors` (items × d). Takes about 1 ns per factor, and a little more than a byte of memory each. */
export function makeScanIndex(factors: Float32Array, d: number): ScanIndex {
  const items = d === 0 ? 0 : factors.length / d;
  const width = Math.ceil(d / 16) * 16;
  const words = (items + 31) >>> 5;
  const room = roomFor(items, width);
  const { places } = room;
  const parts: Quantised = {
    bytes: new Int8Array(room.buffer, places.bytes, items * width),
    scale: new Float32Array(room.buffer, places.scale, items),
    error: new Float32Array(room.buffer, places.error, items),
    norm: new Float32Array(room.buffer, places.norm, items),
    reach: new Float32Array(room.buffer, places.reach, items),
  };
  for (let item = 0; item < items; item++) quantiseItem(factors, d, item, width, parts);
  const longest = longestOf(parts.reach);
  const query = new Int16Array(room.buffer, places.query, width);
  const weights = new Float32Array(room.buffer, places.weights, items);
  const allowed = new Uint32Array(room.buffer, places.allowed, words);
  const ids = new Int32Array(room.buffer, places.ids, items);
  const uppers = new Float32Array(room.buffer, places.uppers, items);
  const heap = new Float32Array(room.buffer, places.heap, items);
  const state = new Int32Array(room.buffer, places.state, 2);
  return {
    factors,
    d,
    top: (wanted, count, allowedItems, itemWeights) => {
      const k = Math.min(count, items);
      const { step, length, residual } = quantiseQuery(wanted, query);
      if (k === 0 || length === 0) return [];
      if (itemWeights) weights.set(itemWeights);
      const pass = () =>
        room.kernels.scanCandidates(
          ...([places.query, places.bytes, width, places.allowed, words] as const),
          ...([places.scale, places.error, places.norm, places.reach] as const),
          ...([itemWeights ? places.weights : 0, step, length, residual, k] as const),
          ...([places.heap, places.ids, places.uppers, places.state] as const),
        );
      state.fill(0);
      allowed.set(allowedItems);
      keepBits(allowed, longest);
      pass();
      allowed.set(allowedItems);
      dropBits(allowed, longest);
      pass();
      const [found, kept] = state as unknown as readonly [number, number];
      const threshold = kept === k ? heap[0]! : 0;
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
  // The kernel looks at 32 items at a time.
  const each = Math.ceil(items / 32) * 128;
  const sizes = {
    query: width * 2,
    bytes: items * width,
    state: 8,
    allowed: each / 32,
    scale: each,
    error: each,
    norm: each,
    reach: each,
    weights: each,
    ids: each,
    uppers: each,
    heap: each,
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

/** The items of greatest reach: a share of FIRST, and more where some are alike. */
function longestOf(reach: Float32Array): Bits {
  const least = reach.toSorted()[Math.floor(reach.length * (1 - FIRST))] ?? 0;
  return bitsWhere(reach.length, (item) => reach[item]! >= least);
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
  /** No score is larger than this times the query's length. */
  readonly reach: Float32Array;
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
  to.reach[item] = (to.norm[item] + to.error[item]) * (1 + ROUNDING);
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
