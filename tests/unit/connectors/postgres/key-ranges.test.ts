import * as fc from 'fast-check';
import { cutByBounds } from '#connectors/postgres/key-ranges';

test('ranges by a histogram are all keys once, at most as many as asked for, none empty by itself', () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 101 }),
      fc.integer({ min: 1, max: 200 }),
      (keys, count) => {
        const bounds = keys.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        const ranges = cutByBounds(bounds, count);
        expect(ranges.length).toBeLessThanOrEqual(count);
        expect([ranges[0]?.from, ranges.at(-1)?.to]).toEqual([null, null]);
        ranges.slice(1).forEach(({ from }, index) => expect(from).toBe(ranges[index]?.to));
        const cuts = ranges.slice(1).map(({ from }) => BigInt(from ?? 0));
        cuts.forEach((cut, index) => expect(cut > (cuts[index - 1] ?? bounds[0]!)).toBe(true));
      },
    ),
  );
});

test('equal parts of the histogram are equal parts of the rows', () => {
  const bounds = Array.from({ length: 101 }, (_, n) => BigInt(n * n));
  expect(cutByBounds(bounds, 4)).toEqual([
    { from: null, to: '625' },
    { from: '625', to: '2500' },
    { from: '2500', to: '5625' },
    { from: '5625', to: null },
  ]);
});
