import { kernelOf, workFloats, type Solver } from '../../../../functions/recommender/kernels/als-rows.ts';
import { makeArena } from '../../../../functions/recommender/kernels/arena.ts';
import { makeContributions } from '../../../../functions/recommender/kernels/fold-contributions.ts';
import { foldIn } from '../../../../functions/recommender/kernels/fold-in.ts';
import {
  makeScratch,
  rowLoss,
  solveRow,
  type FixedSide,
} from '../../../../functions/recommender/kernels/reference/ials.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

const EXACT: Solver = { name: 'exact' };
const [regularization, unobserved] = [0.01, 12];

/** A fixed side of `rows` rows, its Gram matrix taken for diagonal, and rows of random entries against it. */
function makeCase(d: number, lengths: readonly number[], weighted: boolean) {
  const random = seededRandom(d + lengths.length);
  const rows = Math.max(20, ...lengths);
  const factors = Float32Array.from({ length: rows * d }, () => 0.3 * gaussian(random));
  const spectrum = Float32Array.from({ length: d }, () => 5 * random() ** 2);
  const indptr = new Int32Array(lengths.length + 1);
  lengths.forEach((length, row) => (indptr[row + 1] = indptr[row]! + length));
  const index = Int32Array.from({ length: indptr.at(-1)! }, () => Math.floor(random() * rows));
  // Ages far apart, so that some entries count for next to nothing, and one for nothing.
  const weight = Float32Array.from(index, (_, n) =>
    weighted ? (n % 9 === 4 ? 0 : 2 ** (-12 * random())) : 1,
  );
  const gram = new Float64Array(d * d);
  for (let k = 0; k < d; k++) gram[k * d + k] = spectrum[k]!;
  const side: FixedSide = { d, factors, gram, regularization, unobserved };
  return { d, rows: lengths.length, side, spectrum, indptr, index, weight, weighted };
}
type Case = ReturnType<typeof makeCase>;

/** What the kernel makes of the rows, from `start`. */
function solve(
  { d, rows, side, spectrum, indptr, index, weight, weighted }: Case,
  solver: Solver,
  start?: Float32Array,
) {
  const arena = makeArena(0, 1);
  const put = (to: Float32Array | Int32Array, numbers: Float32Array | Int32Array) => {
    to.set(numbers);
    return to.byteOffset;
  };
  const out = arena.floats(rows * d);
  if (start) out.set(start);
  const [kernel, setting] = kernelOf(arena.kernels, solver, d);
  kernel(
    out.byteOffset,
    put(arena.floats(side.factors.length), side.factors),
    put(arena.ints(rows + 1), indptr),
    put(arena.ints(index.length), index),
    weighted ? put(arena.floats(index.length), weight) : 0,
    rows,
    d,
    put(arena.floats(d), spectrum),
    regularization,
    unobserved,
    setting,
    arena.floats(workFloats(d, solver) + index.length).byteOffset,
  );
  return new Float32Array(out);
}

/** The rows by the plain reference. */
function plainly({ d, rows, side, indptr, index, weight }: Case): Float32Array {
  const out = new Float32Array(rows * d);
  const scratch = makeScratch(d);
  for (let row = 0; row < rows; row++)
    solveRow(side, index, weight, indptr[row]!, indptr[row + 1]!, scratch, out, row * d);
  return out;
}

/** The largest error, against the largest number. */
function errorOf(got: Float32Array, wanted: Float32Array): number {
  const largest = Math.max(...wanted.map(Math.abs));
  return Math.max(...got.map((value, n) => Math.abs(value - wanted[n]!))) / largest;
}

/** Rows of every kind: none, one entry, few, as many as the cutoff and one more, far more than factors. */
const LENGTHS = [0, 1, 2, 7, 8, 9, 12, 13, 0, 48, 49, 63, 65, 96, 97, 130, 700];
const KINDS = [
  ['all alike', false],
  ['of different weight', true],
] as const;

describe.each(KINDS)('rows whose entries are %s', (_, weighted) => {
  it.each([8, 16, 64, 128])('exact solves are those of the whole system by Cholesky, d = %i', (d) => {
    const rows = makeCase(d, LENGTHS, weighted);
    expect(errorOf(solve(rows, EXACT), plainly(rows))).toBeLessThan(1e-4);
  });

  it('conjugate gradients come closer with every step, and get there', () => {
    const rows = makeCase(64, LENGTHS, weighted);
    const wanted = plainly(rows);
    const errors = [1, 2, 4, 8, 40].map((steps) => errorOf(solve(rows, { name: 'cg', steps }), wanted));
    expect([...errors].sort((a, b) => b - a)).toEqual(errors);
    expect(errors.at(-1)).toBeLessThan(1e-4);
  });

  it.each([8, 24, 64])(
    'blocks of %i lower the loss of each row with every pass, down to the exact one',
    (blockSize) => {
      const rows = makeCase(64, LENGTHS, weighted);
      const { d, side, index, weight, indptr } = rows;
      const lossesOf = (x: Float32Array) =>
        LENGTHS.map((_, row) =>
          rowLoss(side, index, weight, indptr[row]!, indptr[row + 1]!, x.subarray(row * d, (row + 1) * d)),
        );
      const least = lossesOf(plainly(rows));
      let x: Float32Array = new Float32Array(LENGTHS.length * d);
      let losses = lossesOf(x);
      for (let pass = 0; pass < 3; pass++) {
        x = solve(rows, { name: 'ials++', blockSize }, x);
        const next = lossesOf(x);
        next.forEach((loss, row) => {
          expect(loss).toBeLessThanOrEqual(losses[row]! * (1 + 1e-5));
          expect(loss).toBeGreaterThanOrEqual(least[row]! * (1 - 1e-5));
        });
        losses = next;
      }
      // One block is the whole system: a pass solves it.
      if (blockSize === 64) expect(errorOf(x, plainly(rows))).toBeLessThan(1e-4);
    },
  );
});

describe('a row folded in', () => {
  const rows = makeCase(64, LENGTHS, true);
  const { d, side, spectrum, indptr, index, weight } = rows;
  const fold = { d, factors: side.factors, spectrum, regularization, unobserved };
  const entries = (row: number) =>
    [index.subarray(indptr[row], indptr[row + 1]), weight.subarray(indptr[row], indptr[row + 1])] as const;

  it('is, to the bit, what training gives it, in any order of rows', () => {
    const all = solve(rows, EXACT);
    for (const row of [16, 3, 0, 1, 9, 16])
      expect([...foldIn(fold, ...entries(row))]).toEqual([...all.subarray(row * d, (row + 1) * d)]);
  });

  it('has scores that its entries add up to, each with its part', () => {
    for (const row of [1, 5, 14]) {
      const x = foldIn(fold, ...entries(row));
      const of = makeContributions(fold, ...entries(row));
      for (const item of [0, 11]) {
        let score = 0;
        for (let k = 0; k < d; k++) score += x[k]! * side.factors[item * d + k]!;
        expect(of(item).reduce((sum, part) => sum + part, 0)).toBeCloseTo(score, 5);
      }
    }
  });
});
