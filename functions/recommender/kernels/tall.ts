import { sumGrams, turnRows, type Basis } from './als-basis.ts';
import type { Pool } from './pool.ts';

/** XᵀX for x, rows of d floats in an arena: d × d, both halves. */
export async function tallGram(x: Float32Array, basis: Basis, pool: Pool): Promise<Float64Array> {
  const parts = await sumGrams(x, basis, pool);
  const { d, grams } = basis;
  const gram = new Float64Array(d * d);
  for (let part = 0; part < parts; part++)
    for (let i = 0; i < d; i++)
      for (let j = i; j < d; j++) gram[i * d + j]! += grams[(part * d + i) * d + j]!;
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) gram[i * d + j] = gram[j * d + i]!;
  return gram;
}

/**
 * Makes the columns of X, rows of d floats in an arena, orthonormal by Cholesky's factor of XᵀX (CholeskyQR). A column that
 * depends on the others, up to rounding, becomes zero. Source: Yamamoto et al., "Roundoff error analysis of the CholeskyQR2
 * algorithm", 2015.
 */
export async function orthonormalise(x: Float32Array, basis: Basis, pool: Pool): Promise<void> {
  basis.rotation.set(inverseOfFactor(await tallGram(x, basis, pool), basis.d));
  await turnRows(x, basis, pool);
}

/** Below this share of its length a column is rounding: single precision sums carry seven digits, squared. */
const DEPENDENT = 1e-5;

/** R⁻¹ for RᵀR = gram, upper triangular, columns of dependent ones zero. Overwrites `gram`. */
function inverseOfFactor(gram: Float64Array, d: number): Float64Array {
  const lengths = Float64Array.from({ length: d }, (_, i) => gram[i * d + i]!);
  for (let k = 0; k < d; k++) {
    const pivot = gram[k * d + k]!;
    const scale = pivot > DEPENDENT * lengths[k]! && pivot > 0 ? 1 / Math.sqrt(pivot) : 0;
    for (let j = k; j < d; j++) gram[k * d + j]! *= scale;
    for (let i = k + 1; i < d; i++) {
      const m = gram[k * d + i]!;
      if (m !== 0) for (let j = i; j < d; j++) gram[i * d + j]! -= m * gram[k * d + j]!;
    }
  }
  const inverse = new Float64Array(d * d);
  for (let j = 0; j < d; j++) {
    if (gram[j * d + j] === 0) continue;
    inverse[j * d + j] = 1 / gram[j * d + j]!;
    for (let i = j - 1; i >= 0; i--) {
      if (gram[i * d + i] === 0) continue;
      let sum = 0;
      for (let m = i + 1; m <= j; m++) sum += gram[i * d + m]! * inverse[m * d + j]!;
      inverse[i * d + j] = -sum / gram[i * d + i]!;
    }
  }
  return inverse;
}
