import { compareColumns, readColumnSet } from '../../../functions/etl/column-set.ts';

const last = { loaded: ['id', 'name', 'mail'], gone: ['old'], cleared: [] };
const merge = { mode: 'merge', excluded: [], last, raw: null, known: [] } as const;

test('a column that is left out is emptied once, and read again for all rows when it comes back', () => {
  const out = compareColumns({ ...merge, names: ['id', 'name'], excluded: ['mail'] });
  expect(out).toEqual({
    gone: ['mail', 'old'],
    cleared: ['mail'],
    fresh: [],
    next: { loaded: ['id', 'name'], gone: ['mail', 'old'], cleared: ['mail'] },
  });
  const again = compareColumns({ ...merge, last: out.next, names: ['id', 'name'], excluded: ['mail'] });
  expect(again).toMatchObject({ gone: ['mail', 'old'], cleared: [], next: out.next });
  const back = compareColumns({ ...merge, last: out.next, names: ['id', 'NAME', 'mail'] });
  expect(back).toMatchObject({ gone: ['old'], cleared: [], fresh: ['mail'], next: { cleared: [] } });
});

test('a column that the source has no more is null in rows that come, and emptied in no other', () => {
  expect(compareColumns({ ...merge, names: ['id', 'name'] })).toMatchObject({
    gone: ['mail', 'old'],
    cleared: [],
  });
});

test('rows that were appended keep what they had', () => {
  const out = compareColumns({ ...merge, mode: 'append', names: ['id', 'name'], excluded: ['mail'] });
  expect(out).toMatchObject({ cleared: [], next: { cleared: [] } });
});

test('of a publication of before columns were kept, only what was discovered once can be ours', () => {
  const known = {
    ...merge,
    last: null,
    raw: ['id', 'old', 'Own_Note'],
    known: ['id', 'OLD', 'never_loaded'],
  };
  expect(compareColumns({ ...known, names: ['id', 'fresh'] })).toMatchObject({
    gone: ['OLD'],
    fresh: ['fresh'],
  });
  // A table that was never loaded has nothing to miss.
  expect(compareColumns({ ...merge, last: null, raw: null, names: ['id'] })).toMatchObject({
    gone: [],
    fresh: [],
  });
});

test('what the ledger keeps of it is read back', () => {
  expect(readColumnSet(null)).toBeNull();
  expect(readColumnSet(JSON.stringify(last))).toEqual(last);
});
