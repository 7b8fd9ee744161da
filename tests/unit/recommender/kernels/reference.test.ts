import { solvePositive } from '../../../../functions/recommender/kernels/cholesky.ts';
import { addGram, makeScratch, solveRow } from '../../../../functions/recommender/kernels/reference/ials.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

describe('the plain reference', () => {
  it('solves a system whose answer is known', () => {
    const right = Float64Array.of(1, 2);
    solvePositive(Float64Array.of(4, 1, 0, 3), 2, right);
    expect([...right].map((x) => x.toFixed(12))).toEqual([(1 / 11).toFixed(12), (7 / 11).toFixed(12)]);
  });

  /** The normal equations written out plainly, solved by Gauss–Jordan elimination. */
  function plainFactor(
    factors: number[][],
    entries: [row: number, weight: number][],
    alpha: number,
    reg: number,
  ) {
    const d = factors[0]?.length ?? 0;
    const total = entries.reduce((sum, [, w]) => sum + w, 0);
    const lambda = reg * (total + alpha * factors.length);
    const a = Array.from({ length: d }, (_, i) =>
      Array.from({ length: d + 1 }, (_, j) => {
        if (j === d) return entries.reduce((sum, [row, w]) => sum + w * factors[row]![i]!, 0);
        const gram = factors.reduce((sum, y) => sum + y[i]! * y[j]!, 0);
        const seen = entries.reduce((sum, [row, w]) => sum + w * factors[row]![i]! * factors[row]![j]!, 0);
        return alpha * gram + seen + (i === j ? lambda : 0);
      }),
    );
    for (let k = 0; k < d; k++)
      for (let i = 0; i < d; i++)
        if (i !== k) {
          const m = a[i]![k]! / a[k]![k]!;
          for (let j = k; j <= d; j++) a[i]![j]! -= m * a[k]![j]!;
        }
    return a.map((row, i) => row[d]! / row[i]!);
  }

  it.each([1, 3, 4, 9])('gives the row of the normal equations, %i entries', (entries) => {
    const random = seededRandom(entries);
    const [rows, d, alpha, reg] = [20, 6, 0.2, 0.01];
    const factors = Array.from({ length: rows }, () =>
      Array.from({ length: d }, () => Math.fround(gaussian(random))),
    );
    const flat = Float32Array.from(factors.flat());
    const index = Int32Array.from({ length: entries }, (_, n) => n * 2);
    const weight = Float32Array.from(index, () => Math.fround(random()));
    const gram = new Float64Array(d * d);
    addGram(flat, d, 0, rows, gram, 0);
    const side = {
      d,
      factors: flat,
      gram: gram.map((x) => x * alpha),
      regularization: reg,
      unobserved: alpha * rows,
    };
    const out = new Float32Array(d);
    solveRow(side, index, weight, 0, entries, makeScratch(d), out, 0);
    const expected = plainFactor(
      factors,
      [...index].map((row, n) => [row, weight[n]!]),
      alpha,
      reg,
    );
    expected.forEach((value, i) => expect(out[i]).toBeCloseTo(value, 5));
  });
});
