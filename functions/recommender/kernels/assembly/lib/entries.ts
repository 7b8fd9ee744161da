/**
 * The entries of one row: which rows of the fixed side it met, and how much each counts. A row's system is
 *   (diag(spectrum + λ) + Σ w·h hᵀ) x = Σ w·h,   λ = regularization · (Σw + unobserved),
 * in the basis in which the fixed side's Gram matrix is diagonal.
 */

/** The weight of entry p; `weight` is 0 where every entry counts 1. */
export function weightAt(weight: usize, p: i32): f32 {
  return weight == 0 ? 1 : load<f32>(weight + ((<usize>p) << 2));
}

/** λ of a row with the entries [from, to). */
export function penaltyOf(weight: usize, from: i32, to: i32, regularization: f32, unobserved: f32): f32 {
  let total: f64 = to - from;
  if (weight != 0) {
    total = 0;
    for (let p = from; p < to; p++) total += <f64>load<f32>(weight + ((<usize>p) << 2));
  }
  return <f32>(<f64>regularization * (total + <f64>unobserved));
}

/** The address of the fixed row of entry p; rows of d floats. */
export function rowAt(fixed: usize, index: usize, p: i32, d: i32): usize {
  return fixed + ((<usize>load<i32>(index + ((<usize>p) << 2)) * <usize>d) << 2);
}
