import type { EtlTable } from '#core/etl-run';
import { planUnitBytes, speedOf } from '../../../functions/etl/unit-bytes.ts';

const MIB = 1024 ** 2;
const usual = 512 * MIB;
const read = (seconds: number, bytes: number | null): Pick<EtlTable, 'reading'> => ({
  reading: { units: 1, seconds, bytes },
});
const plan = (former: readonly Pick<EtlTable, 'reading'>[], tableBytes: number | null = null, tasks = 1) =>
  planUnitBytes(former, { usual, tableBytes, tasks }) / MIB;

describe('how large units are', () => {
  test('as usual where nothing is known, or too little', () => {
    expect(plan([])).toBe(512);
    expect(plan([{ reading: null }, read(9, 90 * MIB), read(100, null)])).toBe(512);
  });
  test('what takes three minutes', () => {
    expect(plan([read(100, 20 * MIB), read(300, 60 * MIB)])).toBe(36);
    expect(plan([read(60, 120 * MIB)])).toBe(360);
  });
  test('neither less than a sixteenth of what is usual nor more than twice that', () => {
    expect(plan([read(1000, MIB)])).toBe(32);
    expect(plan([read(100, 100_000 * MIB)])).toBe(1024);
  });
  test('large ones leave each task some, and small ones are no larger for it', () => {
    const fast = [read(100, 100_000 * MIB)];
    expect(plan(fast, 12_288 * MIB, 4)).toBe(768);
    expect(plan(fast, 100 * MIB, 4)).toBe(512);
    expect(plan([read(100, 20 * MIB)], 100 * MIB, 4)).toBe(36);
  });
});

test('the speed of a table is that of its units', () => {
  const unit = (seconds: number | null, estimatedBytes: number | null) => ({
    seconds,
    unit: { id: 'u', table: 't', part: {}, estimatedRows: null, estimatedBytes },
  });
  expect(speedOf([unit(1.5, 10), unit(2, 20)])).toEqual({ units: 2, seconds: 3.5, bytes: 30 });
  expect(speedOf([unit(1, 10), unit(1, null)])).toEqual({ units: 2, seconds: 2, bytes: null });
  expect(speedOf([unit(null, 10)])).toBeNull();
});
