import { solvePositive } from '../cholesky.ts';

/**
 * What the solvers of assembly/ are tested and timed against: exact solves of the normal equations in plain TypeScript, one
 * row at a time, by Cholesky on the whole d × d system.
 *
 *   minimise  Σ_observed w·(1 - x·y)² + α Σ_all (x·y)² + λ‖x‖²,  λ = regularization · (Σw + α·rows of Y)
 *   so        (Σ w·y yᵀ + α·YᵀY + λI) x = Σ w·y
 *
 * Source: Rendle et al., "Revisiting the Performance of iALS on Item Recommendation Benchmarks", RecSys 2022.
 * Sums are kept in doubles: V8 has no single-precision arithmetic, so floats would only add conversions.
 */

/** Memory for one row's system; one per thread. */
export interface Scratch {
  readonly system: Float64Array;
  readonly rows: Float64Array;
  readonly right: Float64Array;
}

/** Scratch for `d` factors. */
export function makeScratch(d: number): Scratch {
  return { system: new Float64Array(d * d), rows: new Float64Array(4 * d), right: new Float64Array(d) };
}

/** What every row of a side is solved against. */
export interface FixedSide {
  readonly d: number;
  /** Row-major factors of the other side. */
  readonly factors: Float32Array;
  /** α·YᵀY, d × d, upper half read. */
  readonly gram: Float64Array;
  readonly regularization: number;
  /** α · rows of Y. */
  readonly unobserved: number;
}

/** The factor of one row with entries `index`, `weight` [from, to) into `out` at `at`; all zero for an empty row. O(n d² + d³/3). */
export function solveRow(
  side: FixedSide,
  index: Int32Array,
  weight: Float32Array,
  from: number,
  to: number,
  scratch: Scratch,
  out: Float32Array,
  at: number,
): void {
  const { d, factors, gram } = side;
  const { system, rows, right } = scratch;
  if (from === to) {
    out.fill(0, at, at + d);
    return;
  }
  system.set(gram);
  right.fill(0);
  let total = 0;
  let p = from;
  // Four rows at a time: one read and write of the system for four multiply-adds.
  for (; p + 3 < to; p += 4) {
    const w0 = weight[p]!;
    const w1 = weight[p + 1]!;
    const w2 = weight[p + 2]!;
    const w3 = weight[p + 3]!;
    total += w0 + w1 + w2 + w3;
    for (let q = 0; q < 4; q++) {
      const row = index[p + q]! * d;
      for (let k = 0; k < d; k++) rows[q * d + k] = factors[row + k]!;
    }
    for (let i = 0; i < d; i++) {
      const a = rows[i]! * w0;
      const b = rows[d + i]! * w1;
      const c = rows[2 * d + i]! * w2;
      const e = rows[3 * d + i]! * w3;
      const s = i * d;
      right[i]! += a + b + c + e;
      for (let j = i; j < d; j++)
        system[s + j]! += a * rows[j]! + b * rows[d + j]! + c * rows[2 * d + j]! + e * rows[3 * d + j]!;
    }
  }
  for (; p < to; p++) {
    const row = index[p]! * d;
    const w = weight[p]!;
    total += w;
    for (let i = 0; i < d; i++) {
      const v = factors[row + i]! * w;
      right[i]! += v;
      const s = i * d;
      for (let j = i; j < d; j++) system[s + j]! += v * factors[row + j]!;
    }
  }
  const lambda = side.regularization * (total + side.unobserved);
  for (let i = 0; i < d; i++) system[i * d + i]! += lambda;
  solvePositive(system, d, right);
  for (let i = 0; i < d; i++) out[at + i] = right[i]!;
}

/** Adds the upper half of Σ y yᵀ over rows [from, to) of `factors` to `gram` at `at`. */
export function addGram(
  factors: Float32Array,
  d: number,
  from: number,
  to: number,
  gram: Float64Array,
  at: number,
): void {
  for (let row = from; row < to; row++) {
    const b = row * d;
    for (let i = 0; i < d; i++) {
      const v = factors[b + i]!;
      const g = at + i * d;
      for (let j = i; j < d; j++) gram[g + j]! += v * factors[b + j]!;
    }
  }
}

/** What a row's solution makes least: its loss against `side`, up to what does not depend on x. */
export function rowLoss(
  side: FixedSide,
  index: Int32Array,
  weight: Float32Array,
  from: number,
  to: number,
  x: Float32Array,
): number {
  const { d, factors, gram } = side;
  let [loss, total] = [0, 0];
  for (let p = from; p < to; p++) {
    let predicted = 0;
    for (let k = 0; k < d; k++) predicted += factors[index[p]! * d + k]! * x[k]!;
    loss += weight[p]! * (1 - predicted) ** 2;
    total += weight[p]!;
  }
  for (let i = 0; i < d; i++) {
    loss += side.regularization * (total + side.unobserved) * x[i]! ** 2;
    for (let j = 0; j < d; j++) loss += gram[Math.min(i, j) * d + Math.max(i, j)]! * x[i]! * x[j]!;
  }
  return loss;
}
