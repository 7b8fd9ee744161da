import { subtractOuter } from './tile';
import { addScaled, dot, subtractProduct } from './vector';

/** Rows factored before the rest of the matrix is brought up to date. */
const BLOCK: i32 = 8;
/** What a pivot made zero by rounding is taken for: a tiny step rather than infinity. */
const LEAST: f32 = 1e-20;

/**
 * Solves a · x = b in place for a positive definite d × d matrix (d a multiple of 8), of which the upper half is read and
 * overwritten by R with RᵀR = a; rows lie `stride` bytes apart.
 */
export function solvePositive(a: usize, stride: usize, d: i32, b: usize): void {
  for (let k = 0; k < d; k += BLOCK) {
    const panel = a + <usize>k * stride;
    factorPanel(panel, stride, k, d);
    const rest = d - k - BLOCK;
    const next = (<usize>(k + BLOCK)) << 2;
    if (rest > 0)
      subtractOuter(panel + next, stride, BLOCK, a + <usize>(k + BLOCK) * stride + next, stride, rest);
  }
  forward(a, stride, d, b);
  backward(a, stride, d, b);
}

function factorPanel(panel: usize, stride: usize, k: i32, d: i32): void {
  const from = (<usize>k) << 2;
  const to = (<usize>d) << 2;
  for (let p = 0; p < BLOCK; p++) {
    const row = panel + <usize>p * stride;
    const pivot: f32 = max(load<f32>(row + ((<usize>(k + p)) << 2)), LEAST);
    const scale = f32x4.splat(1 / sqrt<f32>(pivot));
    for (let at = from; at < to; at += 16) v128.store(row + at, f32x4.mul(v128.load(row + at), scale));
    for (let q = p + 1; q < BLOCK; q++) {
      const other = panel + <usize>q * stride;
      const m = f32x4.splat(load<f32>(row + ((<usize>(k + q)) << 2)));
      for (let at = from; at < to; at += 16)
        v128.store(other + at, subtractProduct(m, v128.load(row + at), v128.load(other + at)));
    }
  }
}

/** Rᵀy = b. */
function forward(a: usize, stride: usize, d: i32, b: usize): void {
  for (let k = 0; k < d; k++) {
    const row = a + <usize>k * stride;
    const y: f32 = load<f32>(b + ((<usize>k) << 2)) / load<f32>(row + ((<usize>k) << 2));
    store<f32>(b + ((<usize>k) << 2), y);
    let j = k + 1;
    for (; j < d && (j & 7) != 0; j++) {
      const at = (<usize>j) << 2;
      store<f32>(b + at, load<f32>(b + at) - y * load<f32>(row + at));
    }
    const at = (<usize>j) << 2;
    if (j < d) addScaled(-y, row + at, b + at, d - j);
  }
}

/** Rx = y. */
function backward(a: usize, stride: usize, d: i32, b: usize): void {
  for (let k = d - 1; k >= 0; k--) {
    const row = a + <usize>k * stride;
    let sum: f32 = load<f32>(b + ((<usize>k) << 2));
    let j = k + 1;
    for (; j < d && (j & 7) != 0; j++)
      sum -= load<f32>(b + ((<usize>j) << 2)) * load<f32>(row + ((<usize>j) << 2));
    const at = (<usize>j) << 2;
    if (j < d) sum -= dot(row + at, b + at, d - j);
    store<f32>(b + ((<usize>k) << 2), sum / load<f32>(row + ((<usize>k) << 2)));
  }
}
