import type { Column } from '#core/column';
import type { RowFilter } from '#core/row-filter';
import {
  emptyLine,
  filterOf,
  filterWords,
  isFlat,
  linesOf,
  onColumn,
  valueKind,
} from '../../../web/pages/model/row-filter-draft.ts';

const column = (name: string, type: Column['type']): Column => ({
  name,
  type,
  nullable: true,
  sourceType: type,
});
const filter: RowFilter = {
  match: 'all',
  conditions: [
    { column: 'country', operator: 'in', values: ['DE', 'AT'] },
    { column: 'qty', operator: 'ge', value: '5' },
    { column: 'at', operator: 'within-last', last: { count: 24, unit: 'months' } },
    { column: 'note', operator: 'not-null' },
  ],
};

test('what is shown of a filter says the same filter', () => {
  expect(filterOf('all', linesOf(filter))).toEqual({ filter });
  expect(filterWords(filter)).toBe(
    'country is one of DE, AT and qty is at least 5 and at is within the last 24 months and note is not empty',
  );
  const nested: RowFilter = {
    match: 'any',
    conditions: [filter.conditions[1]!, { match: 'all', conditions: [{ column: 'x', operator: 'null' }] }],
  };
  expect([isFlat(filter), isFlat(nested)]).toEqual([true, false]);
  const commas = (values: string[]) =>
    isFlat({ match: 'all', conditions: [{ column: 'x', operator: 'in', values }] });
  expect([commas(['Korea, South']), commas([' a']), commas([''])]).toEqual([false, false, false]);
  expect(filterWords(nested)).toBe('qty is at least 5 or (x is empty)');
});

test('a line without a value says none yet, and names its column', () => {
  expect(filterOf('all', [])).toEqual({ wrong: 'Add a condition first.' });
  const line = emptyLine(column('country', 'STRING'));
  expect(filterOf('any', [line])).toEqual({ wrong: 'Give a value for "country".' });
  expect(filterOf('any', [{ ...line, operator: 'in', value: ' , ' }])).toMatchObject({
    wrong: expect.any(String),
  });
  expect(filterOf('any', [{ ...line, operator: 'within-last' }])).toMatchObject({
    wrong: expect.any(String),
  });
});

test('on another column the comparison stays where that column has it', () => {
  const line = { ...emptyLine(column('qty', 'INT64')), operator: 'ge' as const, value: '5' };
  expect(onColumn(line, column('at', 'TIMESTAMP'))).toMatchObject({
    column: 'at',
    operator: 'ge',
    value: '5',
  });
  expect(onColumn(line, column('doc', 'JSON'))).toMatchObject({ column: 'doc', operator: 'null' });
  expect([
    valueKind('null', 'STRING'),
    valueKind('eq', 'INT64'),
    valueKind('within-last', 'DATE'),
    valueKind('in', 'INT64'),
  ]).toEqual([null, 'number', 'number', 'text']);
});
