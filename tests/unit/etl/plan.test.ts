import { EVERY_ROW, WHOLE_READ } from '#core/etl-run';
import type { LoadMode } from '#core/source';
import {
  addCounts,
  cursorOf,
  leftOutNotes,
  marksDeleted,
  overLimit,
  OWN_CURSOR,
  planAfter,
  planRead,
  planTasks,
} from '../../../functions/etl/plan.ts';

/** A table without a key, loaded so. */
const everything = { filter: null, startFrom: null, hashed: [], rowLimit: null };
const loaded = (mode: LoadMode, cursor: string | null) => ({
  ...everything,
  mode,
  cursor,
  key: null,
  mergeKey: null,
});
const byId = { id: 'id', column: 'id' };
/** A publication of before places and columns were kept. */
const published = (cursor: string | null, watermark: string | null) => ({
  run: 'r1',
  cursor,
  watermark,
  place: null,
  columns: null,
});
const bound = (value: string | null) => ({ value, guarantee: 'exact' as const, note: null });

describe('what is read of a table', () => {
  test('replace reads every row and keeps no watermark', () => {
    const table = loaded('replace', 'id');
    expect(cursorOf(table, true)).toBeNull();
    expect(planRead(table, null, null, null)).toEqual({
      write: 'replace',
      range: null,
      nothing: false,
      cursor: null,
      watermark: null,
      unsettled: false,
    });
  });

  test('append without a cursor adds every row each time', () => {
    const table = loaded('append', null);
    const cursor = cursorOf(table, false);
    expect(planRead(table, cursor, planAfter(cursor, null), null)).toMatchObject({ write: 'replace' });
    const after = planAfter(cursor, published(cursor?.id ?? '', EVERY_ROW));
    expect(planRead(table, cursor, after, null)).toMatchObject({
      write: 'append',
      range: null,
      nothing: false,
    });
    // What a merge or a replace has left holds those rows already.
    for (const id of [null, '(whole) by ["id"]'])
      expect(planAfter(cursor, published(id, WHOLE_READ))).toBeNull();
  });

  test('the first append by a cursor replaces what is there, up to the safe bound', () => {
    expect(planRead({ mode: 'append' }, byId, null, bound('900'))).toEqual({
      write: 'replace',
      range: { column: 'id', after: null, upTo: '900' },
      nothing: false,
      cursor: 'id',
      watermark: '900',
      unsettled: false,
    });
  });

  test('a merge that begins anew leaves out no row that was there: past the bound they are read now, and again later', () => {
    expect(planRead({ mode: 'merge' }, byId, null, bound('900'))).toEqual({
      write: 'replace',
      range: null,
      nothing: false,
      cursor: 'id',
      watermark: '900',
      unsettled: false,
    });
    // Files are read by their names, whatever is in them.
    const own = { id: OWN_CURSOR, column: '' };
    expect(planRead({ mode: 'merge' }, own, null, bound('g1'))).toMatchObject({ range: { upTo: 'g1' } });
  });

  test('the next append goes on where the last publication ended', () => {
    const after = planAfter(byId, published('id', '900'));
    expect(planRead({ mode: 'append' }, byId, after, bound('950'))).toMatchObject({
      write: 'append',
      range: { column: 'id', after: '900', upTo: '950' },
      watermark: '950',
    });
  });

  test('with another cursor, or after a replace, the table begins anew', () => {
    expect(planAfter({ id: 'changed_at', column: 'changed_at' }, published('id', '900'))).toBeNull();
    expect(planAfter(byId, published(null, null))).toBeNull();
    expect(planAfter(byId, null)).toBeNull();
  });

  test('a merge reads every row where it has no cursor, and goes on only from a merge by the same key', () => {
    const table = { ...everything, mode: 'merge' as const, cursor: null, key: ['id'], mergeKey: null };
    const cursor = cursorOf(table, false);
    expect(planRead(table, cursor, planAfter(cursor, null), null)).toMatchObject({
      write: 'replace',
      range: null,
      nothing: false,
    });
    const last = published(cursor?.id ?? '', WHOLE_READ);
    expect(planRead(table, cursor, planAfter(cursor, last), null)).toMatchObject({
      write: 'merge',
      range: null,
      watermark: WHOLE_READ,
    });
    const otherKey = cursorOf({ ...table, mergeKey: ['id', 'line'] }, false);
    expect(planAfter(otherKey, last)).toBeNull();
    // What was appended by the same cursor may hold a row twice.
    const byCursor = cursorOf({ ...table, cursor: 'changed' }, false);
    expect(planAfter(byCursor, published('changed', '9'))).toBeNull();
    const after = planAfter(byCursor, published(byCursor?.id ?? '', '9'));
    expect(planRead(table, byCursor, after, bound('12'))).toMatchObject({
      write: 'merge',
      range: { column: 'changed', after: '9', upTo: '12' },
    });
  });

  test('nothing new: nothing is read, and the watermark stays', () => {
    expect(planRead({ mode: 'append' }, byId, '900', bound('900'))).toMatchObject({
      write: 'append',
      nothing: true,
      range: null,
      watermark: '900',
    });
    expect(planRead({ mode: 'append' }, byId, '900', bound(null))).toMatchObject({
      nothing: true,
      watermark: '900',
    });
  });

  test('nothing safe to read yet, and nothing read before: all there is, which the next load reads again', () => {
    expect(planRead({ mode: 'append' }, byId, null, bound(null))).toEqual({
      write: 'replace',
      nothing: false,
      range: null,
      cursor: null,
      watermark: null,
      unsettled: true,
    });
  });

  test('a merge that lacks values reads its rows once more, and goes on from the same place', () => {
    const again = (mode: LoadMode, value: string | null) =>
      planRead({ mode }, byId, '900', bound(value), true);
    expect(again('merge', '900')).toMatchObject({
      write: 'merge',
      nothing: false,
      range: { after: null, upTo: '900' },
      watermark: '900',
    });
    expect(again('merge', '950')).toMatchObject({ range: { after: null, upTo: '950' }, watermark: '950' });
    // Appended, they would be there twice.
    expect(again('append', '950')).toMatchObject({ range: { after: '900', upTo: '950' } });
  });

  test('files have a cursor of their own, which is no column', () => {
    const own = cursorOf(loaded('append', null), true);
    expect(own?.id).toBe(OWN_CURSOR);
    expect(planRead({ mode: 'append' }, own, null, bound('g1')).range).toEqual({
      column: '',
      after: null,
      upTo: 'g1',
    });
  });
});

test('rejects within the limit pass, one more fails with the figures, the reasons and the remedy', () => {
  expect(overLimit('orders', 99, { 'out-of-range': 1 }, 0.01)).toBeNull();
  expect(overLimit('orders', 0, {}, 0)).toBeNull();
  expect(overLimit('orders', 98, { 'out-of-range': 1, 'field-count': 1 }, 0.01)).toEqual({
    message: '2 of 100 rows of "orders" were rejected (out-of-range: 1, field-count: 1); the limit is 1 %.',
    remedy: expect.stringContaining('_rejects'),
  });
  expect(overLimit('orders', 0, { 'invalid-utf8': 9, 'field-count': 1 }, 0.01)?.remedy).toContain(
    'encoding latin1',
  );
});

test('rows are marked as deleted only after a merge that brought every row: a rejected one is in the source all the same', () => {
  const plan = { write: 'merge', deletes: 'mark' } as const;
  expect(marksDeleted(plan, 0)).toBe(true);
  expect(marksDeleted(plan, 1)).toBe(false);
  expect(marksDeleted({ ...plan, deletes: 'keep' }, 0)).toBe(false);
  expect(marksDeleted({ ...plan, write: 'replace' }, 0)).toBe(false);
});

test('a merge that left rows out says that former versions stay, and that deleted rows were not looked for', () => {
  const left = { 'numeric-nan': 2, 'unfit-value': 1 };
  expect(leftOutNotes('merge', true, {})).toEqual([]);
  expect(leftOutNotes('replace', true, left)).toEqual([]);
  expect(leftOutNotes('merge', false, left)).toEqual([
    expect.stringMatching(/^3 rows were rejected .* not current/),
  ]);
  expect(leftOutNotes('merge', true, { 'numeric-nan': 1 })).toEqual([
    expect.stringMatching(/^1 row was rejected/),
    expect.stringContaining('were not looked for'),
  ]);
});

test('small runs get one task, large ones more, never too many', () => {
  const of = (readers: number | null, ...estimates: (number | null)[]) => ({ readers, estimates });
  expect(planTasks([])).toBe(1);
  expect(planTasks([of(null, null, 541_909)])).toBe(1);
  expect(planTasks([of(8, 7_000_000, 5_000_000)])).toBe(3);
  expect(planTasks([of(null, 1e12)])).toBe(8);
  // No more than read at once: two, or two here and one there; a source that one session reads needs no other task.
  expect(planTasks([of(2, 1e12)])).toBe(2);
  expect(planTasks([of(2, 1e12), of(1, 1e12), of(0, 1e12)])).toBe(3);
  expect(planTasks([of(0, 1e12)])).toBe(1);
});

test('counts by reason add up', () => {
  expect(addCounts({ a: 1, b: 2 }, { b: 3, c: 4 })).toEqual({ a: 1, b: 5, c: 4 });
});
