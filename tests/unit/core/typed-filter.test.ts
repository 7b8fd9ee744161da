import type { Column, ColumnType } from '#core/column';
import { RowFilter, type FilterCondition } from '#core/row-filter';
import { dayBefore, microsOfMoment, momentText } from '#core/filter-moments';
import { alsoWhere, operatorsOf, typeBeginning, typeFilter } from '#core/typed-filter';

const column = (name: string, type: ColumnType): Column => ({ name, type, nullable: true, sourceType: type });
const columns = [
  column('id', 'INT64'),
  column('price', 'NUMERIC'),
  column('weight', 'FLOAT64'),
  column('open', 'BOOL'),
  column('country', 'STRING'),
  column('day', 'DATE'),
  column('at', 'DATETIME'),
  column('changed', 'TIMESTAMP'),
  column('doc', 'JSON'),
];
const noon = Date.parse('2026-03-31T12:00:00Z');
const typed = (condition: FilterCondition) =>
  typeFilter({ match: 'all', conditions: [condition] }, columns, noon);
const only = (condition: FilterCondition) => {
  const found = typed(condition);
  return 'problem' in found ? found.problem : found.filter.conditions[0];
};

describe('values by the type of their column', () => {
  test.each([
    ['id', 12, 'number', '12'],
    ['id', '-007', 'number', '-7'],
    ['price', '1.50', 'number', '1.5'],
    ['price', '-0.00', 'number', '0'],
    ['price', '12345678901234567890.123456789', 'number', '12345678901234567890.123456789'],
    ['open', true, 'bool', 'true'],
    ['country', 'DE  ', 'text', 'DE'],
    ['day', '2024-02-29', 'date', '2024-02-29'],
    ['at', '2024-02-29', 'datetime', '2024-02-29 00:00:00.000000'],
    ['at', '2024-02-29T08:30', 'datetime', '2024-02-29 08:30:00.000000'],
    ['changed', '2024-02-29 08:30:00.5+02:00', 'timestamp', '2024-02-29 06:30:00.500000'],
    ['changed', '2024-02-29', 'timestamp', '2024-02-29 00:00:00.000000'],
  ] as const)('%s = %s', (name, value, type, text) => {
    expect(only({ column: name, operator: 'eq', value })).toEqual({
      column: name,
      test: 'one-of',
      values: [{ type, text }],
    });
  });

  test.each([
    ['id', '1e3'],
    ['id', '1; DROP TABLE x'],
    ['id', true],
    ['price', Number.NaN],
    ['price', '1'.repeat(39)],
    ['open', 'yes'],
    ['country', 'a\0b'],
    ['country', '\ud800'],
    ['day', '2024-02-30'],
    ['day', '2024-02-29 08:30'],
    ['at', '2024-02-29 08:30+01:00'],
    ['at', '2024-02-29 24:00'],
    ['changed', '0000-01-01'],
    ['changed', '0001-01-01 00:00+01:00'],
    ['changed', 20240229],
  ])('%s is not %s', (name, value) => {
    expect(only({ column: name, operator: 'eq', value })).toMatchObject({
      code: 'filter-not-possible',
      message: expect.stringContaining(`"${name}"`),
      remedy: expect.stringMatching(/^Give /),
    });
  });

  test('a floating-point number has an order and no equality; texts and truth have no order; JSON is null or not', () => {
    expect(only({ column: 'weight', operator: 'lt', value: 0.1 })).toMatchObject({
      values: [{ type: 'float', text: '1e-1' }],
    });
    for (const [name, operator, value] of [
      ['weight', 'eq', 1],
      ['country', 'lt', 'DE'],
      ['open', 'ge', true],
      ['doc', 'eq', '1'],
    ] as const)
      expect(only({ column: name, operator, value })).toMatchObject({ code: 'filter-not-possible' });
    expect(operatorsOf('JSON')).toEqual(['null', 'not-null']);
    expect(only({ column: 'gone', operator: 'null' })).toMatchObject({ code: 'unknown-column' });
  });

  test('the last so many months begin at midnight, and at the end of shorter ones', () => {
    expect(only({ column: 'day', operator: 'within-last', last: { count: 1, unit: 'months' } })).toEqual({
      column: 'day',
      test: 'ge',
      values: [{ type: 'date', text: '2026-02-28' }],
    });
    expect(dayBefore(noon, 2, 'years')).toBe('2024-03-31');
    expect(dayBefore(Date.parse('2024-02-29T00:00:00Z'), 1, 'years')).toBe('2023-02-28');
    expect(dayBefore(noon, 2, 'weeks')).toBe('2026-03-17');
    expect(dayBefore(noon, 10_000, 'years')).toBe('0001-01-01');
  });
});

test('a beginning is asked for beside every filter, however it is put together', () => {
  const begins = typeBeginning(columns[7]!, '2024-01-01');
  if ('problem' in begins) throw new Error(begins.problem.message);
  const any = typeFilter(
    {
      match: 'any',
      conditions: [
        { column: 'id', operator: 'eq', value: 1 },
        {
          match: 'all',
          conditions: [
            { column: 'id', operator: 'gt', value: 5 },
            { column: 'open', operator: 'eq', value: true },
          ],
        },
        {
          match: 'any',
          conditions: [
            { column: 'day', operator: 'null' },
            { column: 'at', operator: 'null' },
          ],
        },
      ],
    },
    columns,
    noon,
  );
  if ('problem' in any) throw new Error(any.problem.message);
  const both = alsoWhere(any.filter, begins.filter);
  expect(
    both.conditions.map((one) => ('match' in one ? one.conditions.map((each) => each.column) : [])),
  ).toEqual([
    ['id', 'changed'],
    ['id', 'open', 'changed'],
    ['day', 'changed'],
    ['at', 'changed'],
  ]);
  expect(alsoWhere(null, begins.filter)).toEqual(begins.filter);
  expect(both.columns.map(({ name }) => name)).toEqual(['id', 'open', 'day', 'at', 'changed']);
});

test('moments as microseconds, and what is too long is refused', () => {
  expect(microsOfMoment('1970-01-01 00:00:01.000002')).toBe(1_000_002n);
  expect(microsOfMoment('1970-01-02')).toBe(86_400_000_000n);
  expect(momentText('0001-01-01 00:00:00.000001', 'DATETIME')?.text).toBe('0001-01-01 00:00:00.000001');
  const values = Array.from({ length: 500 }, (_, index) => `value number ${index} ${'x'.repeat(40)}`);
  const filter = { match: 'all', conditions: [{ column: 'country', operator: 'in', values }] };
  expect(RowFilter.safeParse(filter).error?.message).toContain('20,000');
});
