/**
 * Numbers for baskets by their keys, 0, 1, 2, … in the order of first sight, without keeping the keys: 64 bits of hash
 * each, 12 bytes a place in tables of numbers. Two of n baskets share a number with a chance of n²/2⁶⁵ (twenty million:
 * 1 in 90,000), and then two customers' orders count as one where anybody compares across customers.
 */
export interface BasketNumbers {
  /** The number of a key as text. */
  ofText(key: string): number;
  /** The number of a key that is a hash already: its low and high half. */
  ofHash(low: number, high: number): number;
  readonly count: number;
}

/** Of a table's places, the share that may be taken. */
const FULL = 0.6;

export function makeBasketNumbers(): BasketNumbers {
  let capacity = 1 << 16;
  let lows = new Int32Array(capacity);
  let highs = new Int32Array(capacity);
  /** Number + 1; 0 where a place is free. */
  let numbers = new Int32Array(capacity);
  let count = 0;
  // Lines of one order mostly come together.
  let lastKey = '';
  let lastNumber = -1;

  function place(low: number, high: number): number {
    const mask = capacity - 1;
    let at = Math.imul(low ^ (high >>> 15), 0x2c1b3c6d) & mask;
    while (numbers[at] !== 0 && (lows[at] !== low || highs[at] !== high)) at = (at + 1) & mask;
    return at;
  }
  function grow(): void {
    const [oldLows, oldHighs, oldNumbers] = [lows, highs, numbers];
    capacity *= 2;
    lows = new Int32Array(capacity);
    highs = new Int32Array(capacity);
    numbers = new Int32Array(capacity);
    for (let n = 0; n < oldNumbers.length; n++) {
      if (oldNumbers[n] === 0) continue;
      const at = place(oldLows[n]!, oldHighs[n]!);
      lows[at] = oldLows[n]!;
      highs[at] = oldHighs[n]!;
      numbers[at] = oldNumbers[n]!;
    }
  }
  function ofHash(low: number, high: number): number {
    const [l, h] = [low | 0, high | 0];
    const at = place(l, h);
    if (numbers[at] !== 0) return numbers[at]! - 1;
    lows[at] = l;
    highs[at] = h;
    numbers[at] = ++count;
    if (count > FULL * capacity) grow();
    return count - 1;
  }
  return {
    ofHash,
    ofText(key) {
      if (key === lastKey && lastNumber >= 0) return lastNumber;
      lastKey = key;
      lastNumber = hashed(key, ofHash);
      return lastNumber;
    },
    get count() {
      return count;
    },
  };
}

/** Two mixed 32-bit lanes over the text's code units; after bryc's cyrb53 (public domain), both halves kept. */
function hashed(text: string, use: (low: number, high: number) => number): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let n = 0; n < text.length; n++) {
    const unit = text.charCodeAt(n);
    a = Math.imul(a ^ unit, 2_654_435_761);
    b = Math.imul(b ^ unit, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return use(a, b);
}
