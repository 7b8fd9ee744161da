import type { Column } from '#core/column';
import { KEPT_MEASURES } from '#core/proof';
import { unscaled } from '#core/sql/figures';
import type { TableTally } from '#core/tally';
import { checkEqual, measuresOf, proofOf } from '../../../functions/etl/proof.ts';

const column = (name: string, type: Column['type'], more: Partial<Column> = {}): Column => ({
  name,
  type,
  nullable: true,
  sourceType: 'test',
  ...more,
});
const columns = [
  column('id', 'INT64'),
  column('price', 'NUMERIC', { precision: 12, scale: 2 }),
  column('j', 'JSON'),
];
const tally: TableTally = {
  rows: 3,
  bytes: 100,
  checksum: '255',
  columns: [
    { name: 'id', nulls: 0, min: '1', max: '3', sum: '6' },
    { name: 'price', nulls: 1, min: '100', max: '250', sum: '350' },
    { name: 'j', nulls: 3, min: null, max: null, sum: null },
  ],
};
const good = {
  n: 3,
  checksum: '255',
  nulls_0: 0,
  sum_0: '6',
  nulls_1: 1,
  sum_1: '3.5',
  nulls_2: 3,
  sum_2: null,
};
const proof = (row: object) => proofOf(tally, measuresOf(tally, { ...row }, columns), columns.length);

test('equal figures are equal, whatever form they have', () => {
  expect(proof(good)).toMatchObject({
    stage: 'staged',
    rows: 3,
    columns: 3,
    checksum: '00000000000000ff',
    differ: 0,
    measured: 7,
  });
  expect(() => checkEqual('orders', proof(good))).not.toThrow();
});

test('a lost row, a changed cent and a null are found, and kept first', () => {
  const found = proof({ ...good, n: 2, nulls_0: 1, sum_1: '3.51' });
  expect(found).toMatchObject({ differ: 3, measured: 7 });
  expect(found.measures.slice(0, 3)).toEqual([
    { what: 'rows', column: null, expected: '3', obtained: '2' },
    { what: 'nulls', column: 'id', expected: '0', obtained: '1' },
    { what: 'sum', column: 'price', expected: '350', obtained: '351' },
  ]);
  expect(() => checkEqual('orders', found)).toThrow(
    /rows: 3 read, 2 loaded; nulls of "id": 0 read, 1 loaded; sum of "price"/,
  );
});

test('what is told and kept has an end', () => {
  const many = Array.from({ length: KEPT_MEASURES }, (_, n) => column(`c${n}`, 'INT64'));
  const wide: TableTally = {
    rows: 1,
    bytes: 0,
    checksum: null,
    columns: many.map(({ name }) => ({ name, nulls: 0, min: '1', max: '1', sum: '1' })),
  };
  const nothing = proofOf(wide, measuresOf(wide, {}, many), many.length);
  expect(nothing.measures).toHaveLength(KEPT_MEASURES);
  expect(nothing).toMatchObject({ differ: 1, measured: KEPT_MEASURES + 1, checksum: null });
});

test('decimals as unscaled integers', () => {
  expect(unscaled('12.5', 2)).toBe(1250n);
  expect(unscaled('-0.05', 2)).toBe(-5n);
  expect(unscaled(null, 2)).toBe(0n);
  expect(unscaled('1.500', 1)).toBe(15n);
  expect(() => unscaled('1.55', 1)).toThrow(/1\.55/);
  expect(() => unscaled('abc', 1)).toThrow(/abc/);
});
