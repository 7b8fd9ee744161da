import { factorPositive, substitute } from './cholesky.ts';
import type { FoldSide } from './fold-in.ts';

/**
 * How much each entry of a folded-in row adds to the score of one row h of the fixed side:
 *   x = A⁻¹ Σ w_j·h_j,  so  h·x = Σ_j w_j · (hᵀ A⁻¹ h_j)
 * exactly, in doubles. Factoring A costs n·d²/2 + d³/6; then each h costs d² + n·d.
 */
export function makeContributions(
  side: FoldSide,
  index: Int32Array,
  weight: Float32Array,
): (row: number) => Float32Array {
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
