import { makeLargest } from '../../../../functions/recommender/kernels/largest.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

/** The same by sorting. */
function bySorting(row: Float32Array, keep: number) {
  const index = Array.from(row.keys())
    .filter((i) => row[i] !== 0)
    .sort((a, b) => Math.abs(row[b]!) - Math.abs(row[a]!) || a - b)
    .slice(0, keep)
    .sort((a, b) => a - b);
  return index.map((i) => [i, row[i]]);
}

function find(row: Float32Array, keep: number) {
  const [index, weight] = [new Int32Array(keep + 2).fill(7), new Float32Array(keep + 2)];
  makeLargest(row.length)(row, keep, index, weight, 1);
  // Nothing before and behind its place is written.
  expect([index[0], index[keep + 1]]).toEqual([7, 7]);
  const found = Array.from(index.subarray(1, keep + 1), (i, n) => [i, weight[n + 1]]);
  const end = found.findIndex(([i]) => i === -1);
  if (end >= 0) expect(found.slice(end).every(([i]) => i === -1)).toBe(true);
  return end < 0 ? found : found.slice(0, end);
}

describe('the largest entries of a row', () => {
  const random = seededRandom(3);

  it.each([1, 5, 40, 199, 200])('of either sign, as by sorting: %i of 200', (keep) => {
    const row = Float32Array.from(
      { length: 200 },
      () => gaussian(random) * 10 ** Math.floor(random() * 30 - 20),
    );
    expect(find(row, keep)).toEqual(bySorting(row, keep));
  });

  it('of equal ones the first, and never a zero', () => {
    const row = Float32Array.of(0, -2, 1, 2, -0, 2, 1, -1);
    expect(find(row, 2)).toEqual([
      [1, -2],
      [3, 2],
    ]);
    for (const keep of [3, 4, 6, 8]) expect(find(row, keep)).toEqual(bySorting(row, keep));
    expect(find(new Float32Array(5), 3)).toEqual([]);
  });

  it('of a part of a larger array, where all are nearly alike', () => {
    const all = Float32Array.from({ length: 90 }, (_, i) => 1 + ((i * 37) % 90) * 1e-7);
    const row = all.subarray(10, 70);
    expect(find(row, 9)).toEqual(bySorting(row, 9));
  });
});
