import { bitsWhere, makeBits, type Bits } from '../../../../functions/recommender/bits.ts';
import { makeScanIndex, topByScores } from '../../../../functions/recommender/kernels/scan.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

const random = seededRandom(11);
const normals = (length: number, spread = 1) =>
  Float32Array.from({ length }, () => spread * gaussian(random));
const all = (items: number) => bitsWhere(items, () => true);

/** The first place where the scan's list is not that of scoring everything; null where there is none. */
function difference(
  factors: Float32Array,
  query: Float32Array,
  k: number,
  allowed: Bits,
  weights?: Float32Array,
): string | null {
  const scanned = makeScanIndex(factors, query.length).top(query, k, allowed, weights);
  const scored = topByScores(factors, query, k, allowed, weights);
  const text = (list: typeof scored, place: number) => JSON.stringify(list[place] ?? null);
  for (let place = 0; place < Math.max(scanned.length, scored.length); place++)
    if (text(scanned, place) !== text(scored, place))
      return `place ${place}: ${text(scanned, place)}, not ${text(scored, place)}`;
  return null;
}

describe('the scan', () => {
  it.each([
    [1, 1],
    [31, 7],
    [33, 16],
    [1000, 48],
    [3000, 128],
    [500, 200],
  ])('gives exactly the list of scoring everything: %i items × %i', (items, d) => {
    const factors = normals(items * d);
    for (const k of [1, 10, items, items + 5])
      for (let n = 0; n < 5; n++) expect(difference(factors, normals(d), k, all(items))).toBeNull();
  });

  it('is not misled where the first factors are the largest, or the last', () => {
    const falling = normals(2000 * 200).map((value, n) => value / (1 + (n % 200)));
    const rising = falling.map((_, n) => falling[n - (n % 200) + 199 - (n % 200)]!);
    for (const factors of [falling, rising])
      for (let n = 0; n < 5; n++) expect(difference(factors, normals(200), 10, all(2000))).toBeNull();
  });

  it('honours filters and weights', () => {
    const factors = normals(2000 * 32);
    const some = bitsWhere(2000, (item) => item % 3 === 0 || item > 1900);
    const weights = Float32Array.from({ length: 2000 }, (_, item) => (item % 5) / 2);
    expect(difference(factors, normals(32), 25, some)).toBeNull();
    expect(difference(factors, normals(32), 25, some, weights)).toBeNull();
    expect(makeScanIndex(factors, 32).top(normals(32), 5, makeBits(2000))).toEqual([]);
  });

  it('keeps the smaller ids of equal scores, however many there are', () => {
    const row = normals(20);
    const factors = Float32Array.from({ length: 500 * 20 }, (_, n) => row[n % 20]!);
    const list = makeScanIndex(factors, 20).top(row, 7, all(500));
    expect(list.map(({ item }) => item)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('tells apart what rounding to bytes cannot: near ties, tiny and huge rows', () => {
    const row = normals(64);
    const factors = Float32Array.from({ length: 800 * 64 }, (_, n) => row[n % 64]! * (1 + 1e-6 * (n % 8191)));
    expect(difference(factors, row, 30, all(800))).toBeNull();
    const spread = normals(800 * 64);
    for (let item = 0; item < 800; item++)
      spread.subarray(item * 64, item * 64 + 64).forEach((value, k, part) => {
        part[k] = value * 10 ** ((item % 13) - 6);
      });
    expect(difference(spread, normals(64), 100, all(800))).toBeNull();
  });

  it('lists nothing without an opinion: zero rows, a zero query, negative products', () => {
    const factors = new Float32Array(100 * 16);
    factors.fill(-1, 0, 16);
    const query = new Float32Array(16).fill(1);
    expect(makeScanIndex(factors, 16).top(query, 10, all(100))).toEqual([]);
    expect(makeScanIndex(normals(1600), 16).top(new Float32Array(16), 10, all(100))).toEqual([]);
  });
});
