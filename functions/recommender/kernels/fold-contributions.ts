import { factorPositive, substitute } from './cholesky.ts';
import type { FoldSide } from './fold-in.ts';

/**
 * How much each entry of a folded-in row adds to the score of one row h of the fixed side:
 *   x = A⁻¹ Σ w_j·h_j,  so  h·x = Σ_j w_j · (hᵀ A⁻¹ h_j)
 * exactly, in doubles. Factoring A costs n·d²/2 + d³/6; then each h costs d² + n·d. Where there are fewer entries than
 * factors the n × n system beside it does, at n²·d/2 + n³/6, and then n² + n·d.
 */
export function makeContributions(
  side: FoldSide,
  index: Int32Array,
  weight: Float32Array,
): (row: number) => Float32Array {
  const heard = weight.reduce((count, w) => (w > 0 ? count + 1 : count), 0);
  return heard < side.d ? fromShortRow(side, index, weight, heard) : fromLongRow(side, index, weight);
}

function fromLongRow(side: FoldSide, index: Int32Array, weight: Float32Array): (row: number) => Float32Array {
  const { d, factors, spectrum } = side;
  const system = new Float64Array(d * d);
  let total = 0;
  const h = new Float64Array(d);
  for (let n = 0; n < index.length; n++) {
    const w = weight[n]!;
    total += w;
    for (let k = 0; k < d; k++) h[k] = factors[index[n]! * d + k]!;
    for (let i = 0; i < d; i++) {
      const v = w * h[i]!;
      for (let j = i; j < d; j++) system[i * d + j]! += v * h[j]!;
    }
  }
  const penalty = side.regularization * (total + side.unobserved);
  for (let i = 0; i < d; i++) system[i * d + i]! += spectrum[i]! + penalty;
  factorPositive(system, d);
  return (row) => {
    const right = Float64Array.from(factors.subarray(row * d, (row + 1) * d));
    substitute(system, d, right);
    return Float32Array.from(index, (entry, n) => {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += right[k]! * factors[entry * d + k]!;
      return weight[n]! * sum;
    });
  };
}

/**
 * By Woodbury: with A = D + HᵀWH, D diagonal, and g_j = hᵀ D⁻¹ h_j, the contributions are the solution z of
 * (W⁻¹ + H D⁻¹ Hᵀ) z = g: what is to be subtracted from w_j·g_j leaves exactly z_j.
 */
function fromShortRow(
  { d, factors, spectrum, regularization, unobserved }: FoldSide,
  index: Int32Array,
  weight: Float32Array,
  heard: number,
): (row: number) => Float32Array {
  const entries = new Int32Array(heard);
  let total = 0;
  for (let n = 0, at = 0; n < index.length; n++) {
    total += weight[n]!;
    if (weight[n]! > 0) entries[at++] = n;
  }
  const penalty = regularization * (total + unobserved);
  const inverse = Float64Array.from(spectrum, (value) => 1 / (value + penalty));
  const rows = new Float64Array(heard * d);
  const scaled = new Float64Array(heard * d);
  for (let i = 0; i < heard; i++)
    for (let k = 0, p = i * d, q = index[entries[i]!]! * d; k < d; k++, p++, q++) {
      rows[p] = factors[q]!;
      scaled[p] = factors[q]! * inverse[k]!;
    }
  const system = new Float64Array(heard * heard);
  for (let i = 0; i < heard; i++)
    for (let j = i; j < heard; j++) {
      const sum = dot(rows, i * d, scaled, j * d, d);
      system[i * heard + j] = i === j ? sum + 1 / weight[entries[i]!]! : sum;
    }
  factorPositive(system, heard);
  const right = new Float64Array(heard);
  return (row) => {
    for (let i = 0; i < heard; i++) right[i] = dot(scaled, i * d, factors, row * d, d);
    substitute(system, heard, right);
    const contributions = new Float32Array(index.length);
    for (let i = 0; i < heard; i++) contributions[entries[i]!] = right[i]!;
    return contributions;
  };
}

/** The inner product of d numbers from p of a and from q of b: four sums side by side, none waiting for another. */
function dot(a: Float64Array, p: number, b: Float64Array | Float32Array, q: number, d: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < d; k += 4) {
    s0 += a[p + k]! * b[q + k]!;
    s1 += a[p + k + 1]! * b[q + k + 1]!;
    s2 += a[p + k + 2]! * b[q + k + 2]!;
    s3 += a[p + k + 3]! * b[q + k + 3]!;
  }
  for (; k < d; k++) s0 += a[p + k]! * b[q + k]!;
  return s0 + s1 + (s2 + s3);
}
