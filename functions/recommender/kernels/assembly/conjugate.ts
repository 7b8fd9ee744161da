import { penaltyOf, rowAt, weightAt } from './lib/entries';
import { addProduct, addScaled, dot, sumLanes } from './lib/vector';

/** Squared length of a residual, in the preconditioner's measure, that counts as solved. */
const SOLVED: f32 = 1e-20;

/**
 * `steps` steps of conjugate gradients towards the solutions of lib/entries' systems, from what `out` holds; the diagonal
 * diag(spectrum + λ) is the preconditioner. n·d per step. `work`: 5 × d floats. Other arguments as for `solveExact`.
 */
export function solveConjugate(
  out: usize,
  fixed: usize,
  indptr: usize,
  index: usize,
  weight: usize,
  rows: i32,
  d: i32,
  spectrum: usize,
  regularization: f32,
  unobserved: f32,
  steps: i32,
  work: usize,
): void {
  const bytes = (<usize>d) << 2;
  for (let r = 0; r < rows; r++) {
    const from = load<i32>(indptr + ((<usize>r) << 2));
    const to = load<i32>(indptr + ((<usize>(r + 1)) << 2));
    const x = out + <usize>r * bytes;
    if (from == to) {
      memory.fill(x, 0, bytes);
      continue;
    }
    const penalty = penaltyOf(weight, from, to, regularization, unobserved);
    for (let at: usize = 0; at < bytes; at += 4) store<f32>(work + at, load<f32>(spectrum + at) + penalty);
    improve(x, fixed, index, weight, from, to, d, steps, work);
  }
}

/** `base` holds the diagonal, and after it the residual, the direction, the system times it, and the scaled residual. */
function improve(
  x: usize,
  fixed: usize,
  index: usize,
  weight: usize,
  from: i32,
  to: i32,
  d: i32,
  steps: i32,
  base: usize,
): void {
  const bytes = (<usize>d) << 2;
  const residual = base + bytes;
  const direction = residual + bytes;
  const product = direction + bytes;
  const scaled = product + bytes;
  for (let at: usize = 0; at < bytes; at += 16)
    v128.store(residual + at, f32x4.neg(f32x4.mul(v128.load(base + at), v128.load(x + at))));
  for (let p = from; p < to; p++) {
    const row = rowAt(fixed, index, p, d);
    addScaled(weightAt(weight, p) * (1 - dot(row, x, d)), row, residual, d);
  }
  let size = precondition(base, residual, scaled, bytes);
  memory.copy(direction, scaled, bytes);
  for (let s = 0; s < steps && size > SOLVED; s++) {
    for (let at: usize = 0; at < bytes; at += 16)
      v128.store(product + at, f32x4.mul(v128.load(base + at), v128.load(direction + at)));
    for (let p = from; p < to; p++) {
      const row = rowAt(fixed, index, p, d);
      addScaled(weightAt(weight, p) * dot(row, direction, d), row, product, d);
    }
    const step: f32 = size / dot(direction, product, d);
    addScaled(step, direction, x, d);
    addScaled(-step, product, residual, d);
    const next = precondition(base, residual, scaled, bytes);
    const keep = f32x4.splat(next / size);
    for (let at: usize = 0; at < bytes; at += 16)
      v128.store(direction + at, addProduct(keep, v128.load(direction + at), v128.load(scaled + at)));
    size = next;
  }
}

/** scaled = residual / base; gives residual · scaled. */
function precondition(base: usize, residual: usize, scaled: usize, bytes: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    const value = v128.load(residual + at);
    const divided = f32x4.div(value, v128.load(base + at));
    v128.store(scaled + at, divided);
    sum = addProduct(value, divided, sum);
  }
  return sumLanes(sum);
}
