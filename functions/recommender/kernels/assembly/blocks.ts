import { solvePositive } from './lib/cholesky';
import { penaltyOf, rowAt, weightAt } from './lib/entries';
import { addOuter } from './lib/tile';
import { addProduct, dot } from './lib/vector';

/** Entries gathered at a time. */
const DEPTH: i32 = 128;

/**
 * One pass over the blocks of `width` factors of each row: every block is solved exactly while the others stay, from what
 * `out` holds. n·d + n·d·width per row. As rows do not depend on each other, a row takes all its blocks in turn. Source:
 * Rendle et al., "iALS++: Speeding up Matrix Factorization with Subspace Optimization", 2021. `work`: width² + 129 · width
 * floats and one for every entry of the longest row; d and `width` multiples of 8. Other arguments as for `solveExact`.
 */
export function solveBlocks(
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
  width: i32,
  work: usize,
): void {
  const bytes = (<usize>d) << 2;
  const predicted = work + ((<usize>(width * width + (DEPTH + 1) * width)) << 2);
  for (let r = 0; r < rows; r++) {
    const from = load<i32>(indptr + ((<usize>r) << 2));
    const to = load<i32>(indptr + ((<usize>(r + 1)) << 2));
    const x = out + <usize>r * bytes;
    if (from == to) {
      memory.fill(x, 0, bytes);
      continue;
    }
    const penalty = penaltyOf(weight, from, to, regularization, unobserved);
    for (let p = from; p < to; p++)
      store<f32>(predicted + ((<usize>(p - from)) << 2), dot(rowAt(fixed, index, p, d), x, d));
    for (let block = 0; block < d; block += width)
      solveBlock(
        x,
        fixed,
        index,
        weight,
        from,
        to,
        d,
        spectrum,
        penalty,
        block,
        min(width, d - block),
        work,
        predicted,
      );
  }
}

function solveBlock(
  x: usize,
  fixed: usize,
  index: usize,
  weight: usize,
  from: i32,
  to: i32,
  d: i32,
  spectrum: usize,
  penalty: f32,
  block: i32,
  width: i32,
  work: usize,
  predicted: usize,
): void {
  const bytes = (<usize>width) << 2;
  const offset = (<usize>block) << 2;
  const gradient = work + <usize>width * bytes;
  const gathered = gradient + bytes;
  memory.fill(work, 0, <usize>width * bytes);
  for (let i = 0; i < width; i++) {
    const at = (<usize>i) << 2;
    const base: f32 = load<f32>(spectrum + offset + at) + penalty;
    store<f32>(work + <usize>i * bytes + at, base);
    store<f32>(gradient + at, -base * load<f32>(x + offset + at));
  }
  for (let p = from; p < to; p += DEPTH) {
    const depth = min(DEPTH, to - p);
    for (let k = 0; k < depth; k++) {
      const row = rowAt(fixed, index, p + k, d) + offset;
      const w = weightAt(weight, p + k);
      const root = f32x4.splat(sqrt<f32>(w));
      const missing: f32 = 1 - load<f32>(predicted + ((<usize>(p + k - from)) << 2));
      const spread = f32x4.splat(w * missing);
      const target = gathered + <usize>k * bytes;
      for (let at: usize = 0; at < bytes; at += 16) {
        const value = v128.load(row + at);
        v128.store(target + at, f32x4.mul(root, value));
        v128.store(gradient + at, addProduct(spread, value, v128.load(gradient + at)));
      }
    }
    addOuter(gathered, bytes, depth, work, bytes, width);
  }
  solvePositive(work, bytes, width, gradient);
  for (let at: usize = 0; at < bytes; at += 16)
    v128.store(x + offset + at, f32x4.add(v128.load(x + offset + at), v128.load(gradient + at)));
  for (let p = from; p < to; p++) {
    const at = predicted + ((<usize>(p - from)) << 2);
    const row = rowAt(fixed, index, p, d) + offset;
    store<f32>(at, load<f32>(at) + dot(row, gradient, width));
  }
}
