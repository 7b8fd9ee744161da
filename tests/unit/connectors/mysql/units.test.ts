import * as fc from 'fast-check';
import { joinPartitions } from '#connectors/mysql/partitions';
import { cutRange } from '#connectors/key-cuts';

/** Keys as a table has them, and the server's estimate of how many lie in a range (exact here). */
const over = (keys: readonly bigint[]) => async (low: bigint, below: bigint) =>
  keys.filter((key) => key >= low && key < below).length;

test('ranges are the keys once, open at both ends, and at most as many as asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      async (keys, count) => {
        const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1));
        const ranges = await cutRange(sorted[0]!, sorted.at(-1)!, count, over(keys));
        expect(ranges.length).toBeLessThanOrEqual(count);
        expect(ranges[0]?.from).toBeNull();
        expect(ranges.at(-1)?.to).toBeNull();
        for (const key of keys) {
          const own = ranges.filter(
            ({ from, to }) => (from === null || key >= from) && (to === null || key < to),
          );
          expect(own).toHaveLength(1);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('two heaps of keys far apart are cut within the heaps', async () => {
  const keys = Array.from({ length: 1000 }, (_, index) => BigInt(index < 500 ? index : 10 ** 15 + index));
  const ranges = await cutRange(0n, BigInt(10 ** 15 + 999), 4, over(keys));
  const sizes = ranges.map(
    ({ from, to }) =>
      keys.filter((key) => (from === null || key >= from) && (to === null || key < to)).length,
  );
  expect(ranges).toHaveLength(4);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(400);
});

test('an estimate that is always wrong ends all the same', async () => {
  let asked = 0;
  const ranges = await cutRange(-(2n ** 63n), 2n ** 63n, 10, async () => {
    asked++;
    return 1e9;
  });
  expect(ranges.length).toBeLessThanOrEqual(10);
  expect(asked).toBeLessThan(400);
});

test('partitions are joined with their neighbours up to a size, each once and in order', () => {
  const partition = (bytes: number, index: number) => ({ name: `p${index}`, rows: 1, bytes });
  const join = (sizes: readonly number[], target: number, most = 100) =>
    joinPartitions(sizes.map(partition), target, most).map((group) => group.map(({ bytes }) => bytes));
  expect(join([10, 10, 10, 10], 20)).toEqual([
    [10, 10],
    [10, 10],
  ]);
  expect(join([100, 1, 1, 100], 20)).toEqual([[100], [1, 1], [100]]);
  expect(join([0, 0, 0], 20)).toEqual([[0, 0, 0]]);
  expect(join([], 20)).toEqual([]);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 150 }),
      fc.integer({ min: 1, max: 20 }),
      (sizes, target, most) => {
        const groups = join(sizes, target, most);
        expect(groups.flat()).toEqual(sizes);
        expect(groups.length).toBeLessThanOrEqual(most);
      },
    ),
  );
});
