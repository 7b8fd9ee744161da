import * as fc from 'fast-check';
import { blockRanges } from '#connectors/postgres/units';

test('ranges are all blocks once, the last is open, and none is larger than asked for', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 20_000 }), (blocks, size) => {
      const ranges = blockRanges(blocks, size);
      expect(ranges[0]?.from).toBe(0);
      expect(ranges.at(-1)?.to).toBe(null);
      ranges.slice(1).forEach(({ from }, index) => expect(from).toBe(ranges[index]?.to));
      for (const { from, to } of ranges) {
        expect((to ?? blocks) - from).toBeGreaterThan(0);
        expect((to ?? blocks) - from).toBeLessThanOrEqual(size);
      }
      // A table of many units has few more than without smaller ones.
      expect(ranges.length).toBeLessThanOrEqual(Math.ceil(blocks / size) + 14);
    }),
  );
});

test.each([2, 3, 8])('%i tasks that take the next unit when they are free end together', (tasks) => {
  for (const full of [8.3, 20.5, 100.2]) {
    const free = Array.from({ length: tasks }, () => 0);
    const blocks = Math.round(full * 1000);
    for (const { from, to } of blockRanges(blocks, 1000)) {
      const next = free.indexOf(Math.min(...free));
      free[next]! += (to ?? blocks) - from;
    }
    // Within a quarter of a unit, which is the least size.
    expect(Math.max(...free) - blocks / tasks).toBeLessThanOrEqual(full > tasks ? 260 : 1000);
  }
});

test('for one task alone all units but the last are of one size', () => {
  expect(blockRanges(3500, 1000, 1).map(({ from }) => from)).toEqual([0, 1000, 2000, 3000]);
});
