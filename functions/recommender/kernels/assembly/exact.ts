import { solvePositive } from './lib/cholesky';
import { penaltyOf, rowAt, weightAt } from './lib/entries';
import { addOuter } from './lib/tile';
import { addProduct, dot } from './lib/vector';

/** Entries gathered at a time for the d × d system. */
const DEPTH: i32 = 64;

/**
 * Solves the systems of lib/entries exactly for `rows` rows, row r's entries being [indptr[r], indptr[r + 1]); `out` gets
 * rows × d floats, zeros for a row without entries. Rows of up to `most` entries by the n × n system of Woodbury's
 * identity, n²d + n³/3, longer ones by the d × d system, nd² + d³/3. `work`: d + most + d·max(64, most) + max(d, most)²
 * floats; d and `most` multiples of 8.
 */
export function solveExact(
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
  most: i32,
  work: usize,
): void {
  const bytes = (<usize>d) << 2;
  const right = work + bytes;
  const gathered = right + ((<usize>most) << 2);
  const system = gathered + <usize>max(DEPTH, most) * bytes;
  for (let r = 0; r < rows; r++) {
    const from = load<i32>(indptr + ((<usize>r) << 2));
    const to = load<i32>(indptr + ((<usize>(r + 1)) << 2));
    const x = out + <usize>r * bytes;
    memory.fill(x, 0, bytes);
    if (from == to) continue;
    const penalty = penaltyOf(weight, from, to, regularization, unobserved);
    if (to - from <= most) {
      for (let at: usize = 0; at < bytes; at += 4)
        store<f32>(work + at, 1 / sqrt<f32>(load<f32>(spectrum + at) + penalty));
      solveShort(x, fixed, index, weight, from, to, d, work, right, gathered, system);
    } else solveLong(x, fixed, index, weight, from, to, d, spectrum, penalty, gathered, system);
  }
}

/**
 * With D = diag(spectrum + λ) and the columns s_k = √w_k · D^-½ h_k of S:  x = D^-½ S (I + SᵀS)⁻¹ √w. `scale` holds D^-½.
 */
function solveShort(
  x: usize,
  fixed: usize,
  index: usize,
  weight: usize,
  from: i32,
  to: i32,
  d: i32,
  scale: usize,
  right: usize,
  gathered: usize,
  system: usize,
): void {
  const n = to - from;
  const padded = (n + 7) & ~7;
  const stride = (<usize>padded) << 2;
  memory.fill(system, 0, <usize>padded * stride);
  for (let k = 0; k < padded; k++) {
    const root: f32 = k < n ? sqrt<f32>(weightAt(weight, from + k)) : 0;
    store<f32>(right + ((<usize>k) << 2), root);
    store<f32>(system + <usize>k * stride + ((<usize>k) << 2), 1);
  }
  for (let k = 0; k < padded; k += 4)
    gatherFour(fixed, index, from + k, min(4, n - k), d, scale, right, k, gathered, stride);
  addOuter(gathered, stride, d, system, stride, padded);
  solvePositive(system, stride, padded, right);
  for (let i = 0; i < d; i++) {
    const at = (<usize>i) << 2;
    store<f32>(x + at, load<f32>(scale + at) * dot(gathered + <usize>i * stride, right, padded));
  }
}

/** Columns k … k+3 of S, whose rows lie `stride` bytes apart; columns from `count` on are zero. */
function gatherFour(
  fixed: usize,
  index: usize,
  p: i32,
  count: i32,
  d: i32,
  scale: usize,
  right: usize,
  k: i32,
  gathered: usize,
  stride: usize,
): void {
  const zero = f32x4.splat(0);
  // Rows that are not there are read as the first and weigh nothing.
  const row0 = count > 0 ? rowAt(fixed, index, p, d) : fixed;
  const row1 = count > 1 ? rowAt(fixed, index, p + 1, d) : row0;
  const row2 = count > 2 ? rowAt(fixed, index, p + 2, d) : row0;
  const row3 = count > 3 ? rowAt(fixed, index, p + 3, d) : row0;
  const roots = right + ((<usize>k) << 2);
  const w0 = count > 0 ? v128.load32_splat(roots) : zero;
  const w1 = count > 1 ? v128.load32_splat(roots, 4) : zero;
  const w2 = count > 2 ? v128.load32_splat(roots, 8) : zero;
  const w3 = count > 3 ? v128.load32_splat(roots, 12) : zero;
  let to = gathered + ((<usize>k) << 2);
  const bytes = (<usize>d) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const s = v128.load(scale + at);
    const a = f32x4.mul(f32x4.mul(v128.load(row0 + at), s), w0);
    const b = f32x4.mul(f32x4.mul(v128.load(row1 + at), s), w1);
    const c = f32x4.mul(f32x4.mul(v128.load(row2 + at), s), w2);
    const e = f32x4.mul(f32x4.mul(v128.load(row3 + at), s), w3);
    const t0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const t1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const t2 = v128.shuffle<f32>(c, e, 0, 4, 1, 5);
    const t3 = v128.shuffle<f32>(c, e, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
    to += stride;
    v128.store(to, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7));
    to += stride;
    v128.store(to, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5));
    to += stride;
    v128.store(to, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7));
    to += stride;
  }
}

/** The d × d system itself: rows are gathered times √w, so that their outer products carry the weights. */
function solveLong(
  x: usize,
  fixed: usize,
  index: usize,
  weight: usize,
  from: i32,
  to: i32,
  d: i32,
  spectrum: usize,
  penalty: f32,
  gathered: usize,
  system: usize,
): void {
  const bytes = (<usize>d) << 2;
  memory.fill(system, 0, <usize>d * bytes);
  for (let i = 0; i < d; i++) {
    const at = (<usize>i) << 2;
    store<f32>(system + <usize>i * bytes + at, load<f32>(spectrum + at) + penalty);
  }
  for (let p = from; p < to; p += DEPTH) {
    const depth = min(DEPTH, to - p);
    for (let k = 0; k < depth; k++) {
      const row = rowAt(fixed, index, p + k, d);
      const w = weightAt(weight, p + k);
      const spread = f32x4.splat(w);
      const root = f32x4.splat(sqrt<f32>(w));
      const target = gathered + <usize>k * bytes;
      for (let at: usize = 0; at < bytes; at += 16) {
        const value = v128.load(row + at);
        v128.store(target + at, f32x4.mul(root, value));
        v128.store(x + at, addProduct(spread, value, v128.load(x + at)));
      }
    }
    addOuter(gathered, bytes, depth, system, bytes, d);
  }
  solvePositive(system, bytes, d, x);
}
