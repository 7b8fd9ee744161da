import * as fc from 'fast-check';
import { cut, readSql } from '#connectors/sqlserver/units';

test('ranges cover every number once, the ends open', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 63n }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 10 }),
      (low, width, count, values) => {
        const high = low + width > 2n ** 63n - 1n ? 2n ** 63n - 1n : low + width;
        const ranges = cut(low, high, count);
        expect(ranges.length).toBeLessThanOrEqual(count);
        for (const value of [...values, low, high]) {
          const holding = ranges.filter(
            ({ from, to }) => (from === null || value >= BigInt(from)) && (to === null || value < BigInt(to)),
          );
          expect(holding).toHaveLength(1);
        }
      },
    ),
  );
});

test.each([
  [1n, 10n, 3, [[null, '4'], ['4', '7'], ['7', null]]],
  [5n, 5n, 4, [[null, null]]],
  [1n, 2n, 9, [[null, '2'], ['2', null]]],
])('from %d to %d in %d', (low, high, count, expected) => {
  expect(cut(low, high, count).map(({ from, to }) => [from, to])).toEqual(expected);
}); // prettier-ignore

const whole = { key: null, from: null, to: null, cursor: null, after: null, upTo: null };

test('a unit is a SELECT with parameters, whatever the names and values are', () => {
  expect(readSql(whole, '[dbo].[t]', ['[a]', 'CONVERT(varchar(41), [b])'], null)).toEqual({
    sql: 'SELECT [a], CONVERT(varchar(41), [b]) FROM [dbo].[t]',
    parameters: {},
  });
  expect(readSql({ ...whole, key: 'i]d', from: '1', to: '9' }, '[dbo].[t]', ['[a]'], null)).toEqual({
    sql: 'SELECT [a] FROM [dbo].[t] WHERE [i]]d] >= CONVERT(bigint, @from) AND [i]]d] < CONVERT(bigint, @to)',
    parameters: { from: '1', to: '9' },
  });
});

test.each([
  ['int', '7', 'CONVERT(bigint, @upTo)'],
  ['timestamp', '0x00000000000007D1', 'CONVERT(binary(8), @upTo, 1)'],
  ['datetime', '2024-01-02T03:04:05.0033333', 'CONVERT(datetime, CONVERT(datetime2(7), @upTo, 126))'],
  ['smalldatetime', '2024-01-02T03:04:00', 'CONVERT(smalldatetime, CONVERT(datetime2(7), @upTo, 126))'],
  ['datetime2', '2024-01-02T03:04:05.123', 'CONVERT(datetime2(7), @upTo, 126)'],
  ['datetimeoffset', '2024-01-02T03:04:05.123+00:00', 'CONVERT(datetimeoffset(7), @upTo, 126)'],
])('a bound of %s is compared in its own type', (type, upTo, sql) => {
  const read = readSql({ ...whole, cursor: 'at', upTo }, '[dbo].[t]', ['[a]'], type);
  expect(read).toEqual({ sql: `SELECT [a] FROM [dbo].[t] WHERE [at] <= ${sql}`, parameters: { upTo } });
});

test.each([
  ['int', '7; DROP TABLE x'],
  ['timestamp', '0x7d1'],
  ['datetime2', '2024-01-02 03:04:05'],
  ['datetimeoffset', '2024-01-02T03:04:05'],
])('a %s cursor has no bound %s', (type, after) => {
  const part = { ...whole, cursor: 'at', after };
  expect(() => readSql(part, '[dbo].[t]', ['[a]'], type)).toThrow(
    expect.objectContaining({ code: 'cursor-value' }),
  );
});
