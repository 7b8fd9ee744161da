import * as fc from 'fast-check';
import { sqlServerFilter } from '#connectors/sqlserver/filter';
import { type CatalogColumn, planColumn } from '#connectors/sqlserver/types';
import { cut, readSql } from '#connectors/sqlserver/units';
import { filterSql } from '#core/sql/row-filter';
import { typeFilter } from '#core/typed-filter';

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

test('rows are chosen by parameters that the statement converts, by characters and in the type of the column', () => {
  const planned = (name: string, typeName: string, more: Partial<CatalogColumn> = {}) => {
    const plan = planColumn({
      name,
      typeName,
      maxLength: 40,
      precision: 18,
      scale: 2,
      nullable: true,
      encrypted: false,
      ...more,
    });
    if ('why' in plan) throw new Error(plan.why);
    return plan;
  };
  const plans = [
    planned('country] --', 'varchar'), planned('id', 'int'), planned('price', 'decimal'), planned('at', 'datetime'),
    planned('seen', 'datetimeoffset', { scale: 3 }), planned('day', 'date'), planned('weight', 'real'), planned('open', 'bit'),
    planned('guid', 'uniqueidentifier'), planned('version', 'timestamp'),
  ]; // prettier-ignore
  const condition = (column: string, operator: 'eq' | 'ne' | 'ge', value: string | number | boolean) => ({
    column,
    operator,
    value,
  });
  const typed = typeFilter(
    {
      match: 'all',
      conditions: [
        { column: 'country] --', operator: 'not-in', values: ["O'Neil", 'DE'] },
        { match: 'any', conditions: [condition('id', 'eq', 5), condition('price', 'ge', '1.25'), { column: 'price', operator: 'null' }] },
        condition('at', 'ge', '2024-01-31 08:30'), condition('seen', 'ge', '2024-01-31'), condition('day', 'ne', '2024-01-31'),
        condition('weight', 'ge', 0.1), condition('open', 'eq', true), condition('guid', 'eq', 'a0eebc99'), condition('version', 'ge', 7),
      ],
    },
    plans.map(({ column }) => column),
    0,
  ); // prettier-ignore
  if ('problem' in typed) throw new Error(typed.problem.message);
  const part = { key: 'id', from: '1', to: null, cursor: null, after: null, upTo: null };
  const { sql, parameters } = readSql(
    part, '[dbo].[x]', ['[id]'], null, (into) => filterSql(typed.filter, sqlServerFilter(plans, 'dbo.x', into)), 10,
  ); // prettier-ignore
  expect(sql.split(' AND ')).toEqual([
    'SELECT TOP (10) [id] FROM [dbo].[x] WHERE [id] >= CONVERT(bigint, @from)',
    '(CONVERT(nvarchar(40), [country]] --]) COLLATE Latin1_General_100_BIN2 NOT IN (@filter0, @filter1)',
    '([id] IN (CONVERT(decimal(38, 0), @filter2)) OR [price] >= CONVERT(decimal(38, 2), @filter3) OR [price] IS NULL)',
    'CONVERT(datetime2(3), [at]) >= CONVERT(datetime2(6), @filter4, 126)',
    '[seen] >= CONVERT(datetimeoffset(6), @filter5, 126)',
    '[day] NOT IN (CONVERT(date, @filter6, 23))',
    '[weight] >= CONVERT(float, @filter7)',
    '[open] IN (CONVERT(bit, @filter8))',
    'CONVERT(nvarchar(36), [guid]) COLLATE Latin1_General_100_BIN2 IN (@filter9)',
    'CONVERT(bigint, [version]) >= CONVERT(decimal(38, 0), @filter10))',
  ]);
  expect(Object.values(parameters)).toEqual([
    '1', "O'Neil", 'DE', '5', '1.25', '2024-01-31T08:30:00.000000', '2024-01-31T00:00:00.000000+00:00', '2024-01-31',
    '1.0000000149011612e-1', '1', 'A0EEBC99', '7',
  ]); // prettier-ignore
});
