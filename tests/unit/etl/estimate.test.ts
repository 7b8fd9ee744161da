import { EtlTable } from '#core/etl-run';
import { scanCost } from '#core/prices';
import { estimateTable } from '../../../functions/etl/estimate.ts';

const table = {
  id: 'tone1',
  name: 'orders',
  mode: 'replace' as const,
};
const source = { estimatedRows: 900, estimatedBytes: 45_000 };
const at = (second: number) => new Date(Date.UTC(2026, 10, 1, 8, 0, second)).toISOString();
const load = (rows: number, seconds: number, more: Partial<EtlTable> = {}) =>
  EtlTable.parse({
    id: 'tone1',
    run: `rrun${rows}`,
    source: 'sone1',
    name: 'orders',
    destination: 'orders',
    mode: 'replace',
    status: 'succeeded',
    counts: { rows, bytes: rows, rejected: {} },
    failure: null,
    watermark: null,
    marks: { planning: at(10) },
    createdAt: at(0),
    finishedAt: at(10 + seconds),
    ...more,
  });

test('the medians of former loads of the same way; what BigQuery reads is staged rows, twice', () => {
  const former = [load(1000, 4), load(1200, 6), load(5000, 40), load(9, 1, { mode: 'append' })];
  expect(estimateTable(table, source, former, { rows: 1200, bytes: 120_000 })).toEqual({
    table: 'tone1',
    name: 'orders',
    basis: 'former-loads',
    rows: 1200,
    bytes: 120_000,
    seconds: 6,
    scannedBytes: 240_000,
    cost: scanCost(240_000),
  });
  expect(estimateTable(table, source, [load(1000, 4), load(1200, 6)], null).rows).toBe(1100);
});

test('merging reads the raw table too', () => {
  const merged = { ...table, mode: 'merge' as const };
  const former = [load(10, 2, { mode: 'merge' })];
  expect(estimateTable(merged, source, former, { rows: 1000, bytes: 50_000 })).toMatchObject({
    rows: 10,
    bytes: 500,
    scannedBytes: 51_000,
  });
});

test('before the first load what the source says, or nothing', () => {
  expect(estimateTable(table, source, [], null)).toMatchObject({
    basis: 'source',
    rows: 900,
    bytes: 45_000,
    seconds: null,
    scannedBytes: 90_000,
  });
  expect(estimateTable(table, null, [load(9, 1, { status: 'failed' })], null)).toMatchObject({
    basis: 'unknown',
    rows: null,
    cost: null,
  });
});
