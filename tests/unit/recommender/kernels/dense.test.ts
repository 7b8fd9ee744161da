import { makeArena } from '../../../../functions/recommender/kernels/arena.ts';
import { solvePositive } from '../../../../functions/recommender/kernels/cholesky.ts';
import { symmetricEigen } from '../../../../functions/recommender/kernels/reference/eigen.ts';
import { addGram } from '../../../../functions/recommender/kernels/reference/ials.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

/** The largest difference between two lists, against the largest number of the second. */
function difference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [worst, largest] = [0, 1e-30];
  for (let n = 0; n < wanted.length; n++) {
    worst = Math.max(worst, Math.abs(got[n]! - wanted[n]!));
    largest = Math.max(largest, Math.abs(wanted[n]!));
  }
  return worst / largest;
}

const random = seededRandom(7);
const gaussians = (length: number) => Float32Array.from({ length }, () => gaussian(random));

it.each([
  [8, 0, 0],
  [8, 0, 1],
  [16, 3, 70],
  [64, 0, 700],
  [72, 5, 264],
])('the Gram matrix of rows, d = %i, rows %i to %i', (d, from, to) => {
  const arena = makeArena(0, 1);
  const rows = arena.floats(Math.max(1, to) * d);
  rows.set(gaussians(rows.length));
  const gram = arena.doubles(d * d);
  const work = arena.floats(d * d);
  gram.fill(1);
  arena.kernels.gramOfRows(rows.byteOffset, from, to, d, gram.byteOffset, work.byteOffset);
  const plain = new Float64Array(d * d);
  addGram(rows, d, from, to, plain, 0);
  const upper = (m: Float64Array) => m.filter((_, n) => n % d >= Math.floor(n / d));
  expect(difference(upper(gram), upper(plain))).toBeLessThan(1e-5);
});

it.each([
  [8, 1],
  [24, 4],
  [64, 7],
  [136, 12],
])('rows turned by a matrix, d = %i, %i rows', (d, count) => {
  const arena = makeArena(0, 1);
  const [rows, q, work] = [arena.floats(count * d), arena.floats(d * d), arena.floats(8 * d)];
  rows.set(gaussians(rows.length));
  q.set(gaussians(q.length));
  const wanted = new Float64Array(count * d);
  for (let r = 0; r < count; r++)
    for (let j = 0; j < d; j++)
      for (let k = 0; k < d; k++) wanted[r * d + j]! += rows[r * d + k]! * q[k * d + j]!;
  arena.kernels.rotateRows(rows.byteOffset, 0, count, d, q.byteOffset, work.byteOffset);
  expect(difference(rows, wanted)).toBeLessThan(1e-5);
});

it.each([
  [8, 1],
  [16, 6],
  [40, 9],
])('inner products of rows, d = %i, %i rows: the same alone as among others', (d, count) => {
  const arena = makeArena(0, 1);
  const [rows, x, out, alone] = [
    arena.floats(count * d),
    arena.floats(d),
    arena.floats(count),
    arena.floats(1),
  ];
  rows.set(gaussians(rows.length));
  x.set(gaussians(d));
  arena.kernels.dotRows(rows.byteOffset, count, d, x.byteOffset, out.byteOffset);
  for (let r = 0; r < count; r++) {
    let wanted = 0;
    for (let k = 0; k < d; k++) wanted += rows[r * d + k]! * x[k]!;
    expect(out[r]).toBeCloseTo(wanted, 4);
    arena.kernels.dotRows(rows.byteOffset + r * d * 4, 1, d, x.byteOffset, alone.byteOffset);
    expect(alone[0]).toBe(out[r]);
  }
});

it.each([8, 16, 64, 200])('a positive definite system of %i', (d) => {
  const arena = makeArena(0, 1);
  const [a, b] = [arena.floats(d * d), arena.floats(d)];
  const rows = gaussians(2 * d * d);
  const plain = new Float64Array(d * d);
  addGram(rows, d, 0, 2 * d, plain, 0);
  for (let i = 0; i < d; i++) plain[i * d + i]! += 1;
  a.set(plain);
  b.set(gaussians(d));
  const wanted = Float64Array.from(b);
  arena.kernels.solveSystem(a.byteOffset, d, b.byteOffset);
  solvePositive(plain, d, wanted);
  expect(difference(b, wanted)).toBeLessThan(1e-4);
});

describe('eigenvalues and -vectors', () => {
  function solve(matrix: Float64Array, n: number) {
    const arena = makeArena(0, 1);
    const [vectors, values, work] = [arena.doubles(n * n), arena.doubles(n), arena.doubles(n)];
    vectors.set(matrix);
    const found = arena.kernels.eigenSymmetric(vectors.byteOffset, n, values.byteOffset, work.byteOffset);
    return { vectors, values, found };
  }

  /** A symmetric matrix of the given rank. */
  function symmetric(n: number, rank: number): Float64Array {
    const rows = gaussians(rank * n);
    const matrix = new Float64Array(n * n);
    addGram(rows, n, 0, rank, matrix, 0);
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[i * n + j] = matrix[j * n + i]!;
    return matrix;
  }

  it.each([
    [1, 1],
    [2, 2],
    [7, 9],
    [24, 3],
    [33, 40],
  ])('are those of the plain method and rebuild the matrix, n = %i, rank %i', (n, rank) => {
    const matrix = symmetric(n, rank);
    const { vectors, values, found } = solve(matrix, n);
    expect(found).toBe(1);
    expect(difference(values.slice().sort(), symmetricEigen(matrix, n).values)).toBeLessThan(1e-9);
    const rebuilt = new Float64Array(n * n);
    const products = new Float64Array(n * n);
    for (let v = 0; v < n; v++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          rebuilt[i * n + j]! += values[v]! * vectors[v * n + i]! * vectors[v * n + j]!;
          products[i * n + j]! += vectors[i * n + v]! * vectors[j * n + v]!;
        }
    expect(difference(rebuilt, matrix)).toBeLessThan(1e-12);
    expect(
      difference(
        products,
        Float64Array.from(matrix, (_, p) => (p % (n + 1) === 0 ? 1 : 0)),
      ),
    ).toBeLessThan(1e-12);
  });

  it('of the zero matrix are zero; what is not a number is refused', () => {
    const zero = solve(new Float64Array(64), 8);
    expect([zero.found, ...zero.values]).toEqual([1, ...Array.from({ length: 8 }, () => 0)]);
    for (const wrong of [NaN, Infinity]) expect(solve(new Float64Array(64).fill(wrong), 8).found).toBe(0);
  });
});
