import type { Column } from '#core/column';
import type { RowFilter } from '#core/row-filter';
import { whyNotFrom } from '../../../functions/etl/again.ts';
import { cursorOf, planRead, type ReadPlan } from '../../../functions/etl/plan.ts';
import {
  choiceMark,
  choiceNotes,
  chosenRows,
  readFrom,
  sweepDue,
} from '../../../functions/etl/table-choice.ts';

const column = (name: string, type: Column['type']): Column => ({
  name,
  type,
  nullable: false,
  sourceType: 'x',
});
const columns = [column('id', 'INT64'), column('at', 'TIMESTAMP'), column('mail', 'STRING')];
const filter: RowFilter = {
  match: 'all',
  conditions: [{ column: 'at', operator: 'within-last', last: { count: 2, unit: 'years' } }],
};
const table = {
  name: 'orders', mode: 'merge' as 'merge' | 'append' | 'replace', cursor: 'at' as string | null, key: ['id'], mergeKey: null, excluded: [] as string[],
  filter: null as RowFilter | null, startFrom: null as string | null, hashed: [] as { column: string; form: 'exact' | 'folded' }[],
  rowLimit: null as number | null, estimatedRows: 5_000_000, deletes: 'mark' as const, sweepHours: 24,
}; // prettier-ignore
const bound = { value: '2026-03-01 00:00:00+00', guarantee: 'exact' as const, note: null };
const after = '2026-02-01 00:00:00+00';
const goesOn = (changes: Partial<typeof table> = {}): ReadPlan => {
  const of = { ...table, ...changes };
  return planRead(of, cursorOf(of, false), after, bound);
};

test('another choice of rows or hashes is not gone on from; the same is, in whatever order it was told', () => {
  const marks = [
    {},
    { filter },
    { startFrom: '2024-01-01' },
    { hashed: [{ column: 'mail', form: 'exact' as const }] },
    { hashed: [{ column: 'mail', form: 'folded' as const }] },
  ].map((changes) => choiceMark({ ...table, ...changes }));
  expect(new Set(marks).size).toBe(5);
  expect(marks[0]).toBe('');
  const two = [{ column: 'mail', form: 'exact' as const }, { column: 'id', form: 'exact' as const }]; // prettier-ignore
  expect(choiceMark({ ...table, hashed: two })).toBe(choiceMark({ ...table, hashed: two.toReversed() }));
  // Without a cursor nothing begins anywhere; and a sample goes on from nothing.
  expect(choiceMark({ ...table, cursor: null, startFrom: '2024-01-01' })).toBe('');
  expect(cursorOf({ ...table, rowLimit: 10 }, false)).toBeNull();
  expect(planRead({ mode: 'append' }, null, null, null)).toMatchObject({ write: 'replace', watermark: null });
});

test('rows are those of the filter, from the beginning on, as of when the run was started', () => {
  const rows = chosenRows(
    { ...table, filter, startFrom: '2025-01-01' },
    columns,
    Date.parse('2026-03-31T12:00:00Z'),
  );
  expect(rows?.conditions).toEqual([
    { column: 'at', test: 'ge', values: [{ type: 'timestamp', text: '2024-03-31 00:00:00.000000' }] },
    { column: 'at', test: 'ge', values: [{ type: 'timestamp', text: '2025-01-01 00:00:00.000000' }] },
  ]);
  expect(chosenRows(table, columns, 0)).toBeNull();
  expect(() => chosenRows({ ...table, filter }, columns.slice(0, 1), 0)).toThrow(
    '"at", which the table does not have',
  );
});

test('again from a date: merged rows take their own place, added ones that of what is there; up to the same bound', () => {
  const again = { from: '2026-01-15' };
  expect(readFrom(table, again, columns, goesOn(), after, 0)).toMatchObject({
    plan: { write: 'merge', range: { column: 'at', after: null, upTo: bound.value }, watermark: bound.value },
    replaced: null,
  });
  expect(
    readFrom({ ...table, mode: 'append' }, again, columns, goesOn({ mode: 'append' }), after, 0),
  ).toMatchObject({
    plan: { write: 'append', nothing: false },
    replaced: { column: 'at', value: '2026-01-15 00:00:00.000000' },
  });
  // What begins anew reads those rows anyway, and so does a merge that reads all of them for a new column's sake.
  expect(readFrom(table, again, columns, goesOn(), null, 0)).toBeNull();
  expect(readFrom(table, { anew: true }, columns, goesOn(), after, 0)).toBeNull();
  const all = planRead(table, cursorOf(table, false), '2026-02-01 00:00:00+00', bound, true);
  expect(readFrom(table, again, columns, all, after, 0)).toBeNull();
  for (const wrong of [
    { mode: 'replace' as const },
    { cursor: null },
    { mode: 'append' as const, excluded: ['at'] },
    { rowLimit: 5 },
  ])
    expect(() => readFrom({ ...table, ...wrong }, again, columns, goesOn(), after, 0)).toThrow(
      'cannot be read again',
    );
});

test('again from a date, rows that have become too old to be read stay: those from there on make no place', () => {
  const added = { ...table, mode: 'append' as const, filter };
  const asOf = Date.parse('2026-02-15T12:00:00Z');
  const months = (count: number, more: Partial<RowFilter> = {}): RowFilter => ({
    match: 'all',
    conditions: [{ column: 'at', operator: 'within-last', last: { count, unit: 'months' } }],
    ...more,
  });
  const replaced = (chosen: RowFilter, mode: 'append' | 'merge' = 'append') => {
    const of = { ...added, mode, filter: chosen };
    return readFrom(of, { from: '2026-01-20' }, columns, goesOn({ mode }), after, asOf)?.replaced?.value;
  };
  expect(replaced(months(1))).toBe('2026-01-20 00:00:00.000000');
  expect(
    replaced(months(1, { conditions: [...months(1).conditions, { column: 'id', operator: 'not-null' }] })),
  ).toBe('2026-01-20 00:00:00.000000');
  const days: RowFilter = {
    match: 'all',
    conditions: [{ column: 'at', operator: 'within-last', last: { count: 10, unit: 'days' } }],
  };
  expect(replaced(days)).toBe('2026-02-05 00:00:00.000000');
  // Told by another column, or by one condition of several, they could not be told from those that are read again.
  const nested: RowFilter = {
    match: 'all',
    conditions: [{ match: 'any', conditions: months(1).conditions as never }],
  };
  for (const wrong of [months(1, { match: 'any' }), nested])
    expect(() => replaced(wrong)).toThrow('would be deleted and not read any more');
  const other = { ...added, cursor: 'id', filter: days };
  expect(whyNotFrom(other)).toMatch(/how long ago/);
  expect(whyNotFrom({ ...other, mode: 'merge' })).toBeNull();
  expect(replaced(months(1, { match: 'any' }), 'merge')).toBeUndefined();
});

test('again from a value that was not reached yet reads on from where the last load ended: nothing lies between', () => {
  const late = (from: string | number, read: string, cursor = 'at', mode: 'merge' | 'append' = 'append') => {
    const of = { ...table, mode, cursor };
    const usual = planRead(of, cursorOf(of, false), read, { ...bound, value: '9' });
    return readFrom(of, { from }, columns, usual, read, 0) === null;
  };
  expect(late('2026-02-01', after)).toBe(false);
  expect(late('2026-02-02', after)).toBe(true);
  expect(late('2026-02-01 00:00:00.1', '2026-02-01 00:00:00.099999+00', 'at', 'merge')).toBe(true);
  expect(late('2026-02-01 00:00:00.000001', '2026-02-01T00:00:00.0000011Z')).toBe(false);
  expect(late('2026-02-01T02:00+02:00', '2026-02-01 00:00:00.000000')).toBe(false);
  expect(late('2026-02-01', '12026-02-01 00:00:00+00')).toBe(false);
  expect([late(7, '7', 'id'), late('7.5', '7', 'id'), late(-1, '-2', 'id'), late(10, '9', 'id')]).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect([late(2000, '0x00000000000007D0', 'id'), late(2001, '0x00000000000007D0', 'id')]).toEqual([
    false,
    true,
  ]);
  expect(() => late('2026-02-01', 'soon')).toThrow('cannot be compared');
});

test('deleted rows are looked for where a merge goes on by a cursor, and again when it is about time', () => {
  const cursor = cursorOf(table, false);
  const hour = 3_600_000;
  const due = (lastAt: number | null, changes: object = {}) =>
    sweepDue({ ...table, ...changes }, cursor, goesOn(), true, lastAt, 100 * hour);
  expect([due(null), due(99 * hour), due(78 * hour), due(99 * hour, { sweepHours: 0 })]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  expect(due(null, { deletes: 'keep' })).toBe(false);
  expect(sweepDue(table, cursor, goesOn(), false, null, 0)).toBe(false);
  expect(sweepDue(table, { id: 'x', column: null }, goesOn(), true, null, 0)).toBe(false);
});

test('a sample, and rows that were read again, are told', () => {
  expect(choiceNotes({ ...table, rowLimit: 10_000 }, null, false)).toEqual([
    'A sample: limited to 10,000 of about 5,000,000 rows.',
  ]);
  const from = readFrom(table, { from: '2026-01-15' }, columns, goesOn(), after, 0);
  expect(choiceNotes(table, from, true)).toEqual([
    expect.stringContaining('not looked for'),
    expect.stringContaining('"at" is 2026-01-15'),
  ]);
});
