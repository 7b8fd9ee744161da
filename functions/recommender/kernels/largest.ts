/** Buckets by exponent and the first bits of the fraction, so that few values share the one in which the cut lies. */
const [SHIFT, BUCKETS] = [19, 4096];
const WITHOUT_SIGN = 0x7fff_ffff;

/**
 * Makes a function that writes the `keep` entries of `row` (`length` long) that are largest by size, of equal ones the first,
 * at `at` of `index` and `weight`: ascending by index, zeros never, and -1 behind the last where they are fewer. It reads the
 * row twice: the bits of floats without their sign are in the floats' order.
 */
export function makeLargest(length: number) {
  const counts = new Int32Array(BUCKETS);
  const candidates = new Int32Array(length);
  const atCut = new Int32Array(length);
  return (row: Float32Array, keep: number, index: Int32Array, weight: Float32Array, at: number): void => {
    const bits = new Int32Array(row.buffer, row.byteOffset, length);
    counts.fill(0);
    for (let i = 0; i < length; i++) counts[(bits[i]! & WITHOUT_SIGN) >>> SHIFT]!++;
    let bucket = BUCKETS - 1;
    let above = 0;
    for (; bucket > 0 && above + counts[bucket]! < keep; bucket--) above += counts[bucket]!;
    const floor = Math.max(1, bucket << SHIFT);
    let found = 0;
    let close = 0;
    for (let i = 0; i < length; i++) {
      const size = bits[i]! & WITHOUT_SIGN;
      if (size < floor) continue;
      candidates[found++] = i;
      if (size >>> SHIFT === bucket) atCut[close++] = size;
    }
    let least = floor;
    let ties = found;
    if (found > keep) {
      const sorted = atCut.subarray(0, close).sort();
      const cut = close - (keep - above);
      least = sorted[cut]!;
      ties = 0;
      for (let n = cut; n < close && sorted[n] === least; n++) ties++;
    }
    let to = at;
    for (let n = 0; n < found; n++) {
      const i = candidates[n]!;
      const size = bits[i]! & WITHOUT_SIGN;
      if (size < least || (size === least && ties-- <= 0)) continue;
      index[to] = i;
      weight[to++] = row[i]!;
    }
    index.fill(-1, to, at + keep);
  };
}
