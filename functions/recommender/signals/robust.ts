/** Statistics that a few odd values cannot move far. */

/** The median of the first `count` values, which are sorted by it; NaN of none. */
export function median(values: Float64Array, count = values.length): number {
  if (count === 0) return NaN;
  const sorted = values.subarray(0, count).sort();
  const middle = count >> 1;
  return count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What the median absolute deviation is multiplied by to be the standard deviation of a normal distribution. */
const MAD_TO_DEVIATION = 1.4826;

/** The deviation of the first `count` values around `centre`, by the median of their distances; NaN of none. Sorts them away. */
export function deviation(values: Float64Array, centre: number, count = values.length): number {
  for (let n = 0; n < count; n++) values[n] = Math.abs(values[n]! - centre);
  return MAD_TO_DEVIATION * median(values, count);
}

/** Φ: the share of a standard normal distribution below `z`; exact to 1.5e-7 (Abramowitz and Stegun, 7.1.26). */
export function normalShare(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x);
  return z < 0 ? tail / 2 : 1 - tail / 2;
}

/** Φ⁻¹: below which z a share of a standard normal distribution lies, 0 < share < 1; exact to 1e-6, by bisection. */
export function normalQuantile(share: number): number {
  let low = -9;
  let high = 9;
  for (let step = 0; step < 36; step++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
