/** Small positive definite systems in doubles: where a matrix is solved once, not once per row. */

/** Solves `system · x = right` in place by Cholesky; only the upper half of `system` is read, and it is overwritten. */
export function solvePositive(system: Float64Array, d: number, right: Float64Array): void {
  factorPositive(system, d);
  substitute(system, d, right);
}

/** Replaces the upper half of a positive definite `system` by R with RᵀR = system. */
export function factorPositive(system: Float64Array, d: number): void {
  for (let k = 0; k < d; k++) {
    const kr = k * d;
    // A system made singular by rounding gives a tiny step rather than NaN.
    const inverse = 1 / Math.sqrt(Math.max(system[kr + k]!, 1e-30));
    for (let j = k; j < d; j++) system[kr + j]! *= inverse;
    for (let i = k + 1; i < d; i++) {
      const m = system[kr + i]!;
      const ir = i * d;
      for (let j = i; j < d; j++) system[ir + j]! -= m * system[kr + j]!;
    }
  }
}

/** Solves RᵀR · x = right in place, for an R of `factorPositive`. */
export function substitute(factor: Float64Array, d: number, right: Float64Array): void {
  for (let k = 0; k < d; k++) {
    const y = right[k]! / factor[k * d + k]!;
    right[k] = y;
    for (let j = k + 1; j < d; j++) right[j]! -= y * factor[k * d + j]!;
  }
  for (let k = d - 1; k >= 0; k--) {
    let sum = right[k]!;
    for (let j = k + 1; j < d; j++) sum -= right[j]! * factor[k * d + j]!;
    right[k] = sum / factor[k * d + k]!;
  }
}
