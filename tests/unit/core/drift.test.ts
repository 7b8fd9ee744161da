import { type ColumnType, columnTypes } from '#core/column';
import {
  type ColumnChange,
  describeChange,
  type DriftPolicy,
  heldChanges,
  type KeptColumn,
  needNewVersion,
  propose,
  tableDifference,
  widens,
} from '#core/drift';
import { driftOf } from '#core/table-drift';
import { hashedAmong } from '#core/hashed-column';
import { loadedColumns } from '#core/warehouse-name';

const kept = (name: string, type: ColumnType, more: Partial<KeptColumn> = {}): KeptColumn => ({
  name,
  type,
  source: name,
  sourceType: type.toLowerCase(),
  nullable: true,
  ...more,
});
const found = (name: string, type: ColumnType, nullable = true, sourceType = type.toLowerCase()) => ({
  name,
  type,
  nullable,
  sourceType,
});
const loaded = { excluded: [] as string[], key: ['id'] as string[] | null };
const compare = (
  before: KeptColumn[],
  now: ReturnType<typeof found>[],
  more: { excluded?: string[]; wasExcluded?: string[]; key?: string[] | null } = {},
) =>
  tableDifference(
    { columns: before, excluded: more.wasExcluded ?? [], key: loaded.key },
    {
      columns: loadedColumns(now, more.excluded ?? []),
      key: more.key === undefined ? loaded.key : more.key,
      excluded: more.excluded ?? [],
    },
  );
const kinds = (changes: readonly ColumnChange[]) => changes.map(({ kind, column }) => `${kind} ${column}`);

test('what holds every value of another type, and only that, is wider', () => {
  const pairs = columnTypes.flatMap((from) =>
    columnTypes.filter((to) => widens(from, to)).map((to) => `${from} ${to}`),
  );
  expect(pairs).toEqual(['INT64 NUMERIC', 'INT64 BIGNUMERIC', 'NUMERIC BIGNUMERIC', 'DATE DATETIME']);
});

test('each change is told by what it is, with what was and is', () => {
  const changes = compare(
    [
      kept('id', 'INT64', { nullable: false }),
      kept('qty', 'INT64'),
      kept('price', 'BIGNUMERIC'),
      kept('day', 'DATE'),
      kept('note', 'STRING', { sourceType: 'character varying(40)' }),
      kept('code', 'INT64'),
      kept('old', 'BOOL'),
    ],
    [
      found('id', 'INT64'),
      found('qty', 'NUMERIC'),
      found('price', 'NUMERIC'),
      found('day', 'DATETIME'),
      found('note', 'STRING', true, 'text'),
      found('code', 'STRING', true, 'text'),
      found('fresh', 'BOOL'),
    ],
    { key: ['id', 'code'] },
  );
  expect(kinds(changes)).toEqual([
    'key ',
    'retyped code',
    'widened day',
    'added fresh',
    'nullable id',
    'restated note',
    'removed old',
    'narrowed price',
    'widened qty',
  ]);
  const told = changes.map(describeChange);
  expect(told[0]).toBe('the primary key was id and is id, code');
  expect(told[1]).toBe('"code" was INT64, int64 in the source and is STRING, text in the source');
  expect(told[3]).toBe('"fresh" (BOOL, bool in the source) is new, perhaps "old" under another name');
});

test('two columns of one type that came are no renamed one', () => {
  const changes = compare([kept('a', 'BOOL')], [found('b', 'BOOL'), found('c', 'BOOL')]);
  expect(kinds(changes)).toEqual(['removed a', 'added b', 'added c']);
  expect(changes.every(({ renamedFrom }) => renamedFrom === null)).toBe(true);
});

test('what somebody chose is no difference, and what went and comes back as another is one', () => {
  expect(
    compare([kept('id', 'INT64'), kept('mail', 'STRING')], [found('id', 'INT64'), found('mail', 'STRING')], {
      excluded: ['mail'],
    }),
  ).toEqual([]);
  expect(
    compare([kept('id', 'INT64')], [found('id', 'INT64'), found('mail', 'STRING')], {
      wasExcluded: ['mail'],
    }),
  ).toEqual([]);
  const gone = [kept('id', 'INT64'), kept('x', 'INT64', { source: null, sourceType: '' })];
  expect(compare(gone, [found('id', 'INT64')])).toEqual([]);
  expect(kinds(compare(gone, [found('id', 'INT64'), found('X', 'STRING')]))).toEqual(['retyped X']);
  expect(kinds(compare(gone, [found('id', 'INT64'), found('x', 'INT64')]))).toEqual(['added x']);
});

test('a narrower type is told once: the raw table keeps the wider one', () => {
  const before = [kept('qty', 'NUMERIC', { sourceType: 'integer' })];
  expect(compare(before, [found('qty', 'INT64', true, 'integer')])).toEqual([]);
  expect(kinds(compare(before, [found('qty', 'INT64', true, 'smallint')]))).toEqual(['narrowed qty']);
});

test('names are those of the warehouse: a column told otherwise in the same letters is the same', () => {
  const [name] = loadedColumns([found('Größe', 'INT64')], []);
  expect(compare([kept(name?.name ?? '', 'INT64', { source: 'Größe' })], [found('Größe', 'INT64')])).toEqual(
    [],
  );
});

test('without what was loaded, types alone are compared', () => {
  const changes = tableDifference(
    { columns: [kept('id', 'INT64', { sourceType: '' }), kept('old', 'BOOL')], excluded: [] },
    { columns: loadedColumns([found('id', 'STRING'), found('new', 'BOOL')], []), key: ['id'], excluded: [] },
  );
  expect(kinds(changes)).toEqual(['retyped id', 'added new']);
});

const every = (
  ['added', 'removed', 'widened', 'narrowed', 'retyped', 'nullable', 'restated', 'key'] as const
).map((kind): ColumnChange => ({
  kind,
  column: kind,
  from: 'INT64',
  to: 'INT64',
  sourceFrom: '',
  sourceTo: '',
  renamedFrom: null,
}));
test.each<[DriftPolicy, boolean, string]>([
  ['propagate', false, 'retyped'],
  ['propagate', true, 'removed,retyped,key'],
  ['add', false, 'removed,widened,retyped'],
  ['block', false, 'added,removed,widened,narrowed,retyped,nullable,key'],
])('%s (needed and merged by key: %s) holds %s', (policy, inUse, held) => {
  const context = { policy, mergesByPrimaryKey: inUse, isNeeded: () => inUse, isHashed: () => false };
  const found = heldChanges(every, context);
  expect(found.map(({ kind }) => kind).join()).toBe(held);
});

test('a hashed column is told by its name in the warehouse, too: written otherwise it is hashed still', () => {
  const columns = ['id', 'e_mail', 'Phone'].map((name) => found(name, 'STRING'));
  const of = (...names: string[]) =>
    hashedAmong(columns, names.map((column) => ({ column, form: 'exact' as const }))).map(({ column }) => column); // prettier-ignore
  expect(of('E-Mail', 'Phone')).toEqual(['e_mail', 'Phone']);
  expect(of('mail', 'phone', 'Phone')).toEqual(['Phone']);
});

test('a proposal stays what it is while it is about the same, and is decided anew about anything else', () => {
  const retyped = every.filter(({ kind }) => kind === 'retyped');
  const seen = { at: '2026-01-01T00:00:00.000Z', by: 'r1' };
  const later = { at: '2026-02-01T00:00:00.000Z', by: 'r2' };
  const first = propose(retyped, true, null, seen);
  expect(first).toMatchObject({ decision: 'open', since: seen.at, foundBy: 'r1', newVersion: true });
  const decided = { ...first, decision: 'kept' as const, decidedAt: seen.at, decidedBy: 'u' };
  expect(propose(retyped, true, decided, later)).toBe(decided);
  expect(propose(every, true, decided, later)).toMatchObject({ decision: 'open', since: later.at });
  expect(propose(every, true, first, later)).toMatchObject({ decision: 'open', since: seen.at });
  expect(propose(every, true, first, later).id).not.toBe(first.id);
  expect(needNewVersion(every, { mergesByPrimaryKey: false })).toBe(true);
  expect(
    needNewVersion(
      every.filter(({ kind }) => kind !== 'retyped'),
      { mergesByPrimaryKey: false },
    ),
  ).toBe(false);
});

test('a hashed column that is gone waits for somebody, for it may come in the clear under another name', () => {
  const table = {
    columns: [found('id', 'INT64'), found('e_mail', 'STRING'), found('due', 'DATE')],
    key: null,
    excluded: [],
    hashed: [{ column: 'email', form: 'folded' as const }],
    misfits: [{ column: 'due', as: 'text' as const }],
    drift: 'propagate' as const,
    mode: 'replace' as const,
    mergeKey: null,
    destination: 'people',
  };
  const before = {
    columns: [kept('id', 'INT64'), kept('email', 'STRING'), kept('due', 'STRING', { sourceType: 'date' })],
  };
  const drift = (more: Partial<typeof table>) =>
    driftOf({ ...table, ...more }, { ...before, excluded: [], key: null }, new Map());
  expect([kinds(drift({}).changes), kinds(drift({}).held)]).toEqual([
    ['added e_mail', 'removed email'],
    ['added e_mail', 'removed email'],
  ]);
  expect(drift({ hashed: [] }).held).toEqual([]);
});

test('a column that is left out waits likewise where it goes and another comes, until somebody has looked', () => {
  const table = {
    columns: [found('id', 'INT64'), found('mail', 'STRING')],
    key: null,
    excluded: ['email'],
    hashed: [] as { column: string; form: 'exact' | 'folded' }[],
    misfits: [],
    drift: 'propagate' as const,
    mode: 'replace' as const,
    mergeKey: null,
    destination: 'people',
  };
  const before = { columns: [kept('id', 'INT64')], excluded: ['email'], key: null, absent: [] as string[] };
  const held = (more: Partial<typeof table> = {}, was: Partial<typeof before> | null = {}) =>
    kinds(driftOf({ ...table, ...more }, was === null ? null : { ...before, ...was }, new Map()).held);
  expect(held()).toEqual(['lost email', 'added mail']);
  expect(describeChange(driftOf(table, before, new Map()).held[0]!)).toMatch(/"email", whose values are not/);
  // Somebody has accepted that, and it was loaded; or leaves the new one out, too; or nothing has come in its place.
  expect(held({}, { absent: ['email'] })).toEqual([]);
  expect(held({ excluded: ['email', 'mail'] })).toEqual([]);
  expect(held({ columns: [found('id', 'INT64')] })).toEqual([]);
  // It was loaded until it was left out; it is written otherwise only; it never was loaded, nor is it any more.
  const loadedOnce = [...before.columns, kept('e_mail', 'STRING', { source: 'e-mail' })];
  expect(held({ excluded: ['e-mail'] }, { columns: loadedOnce })).toEqual(['lost e-mail', 'added mail']);
  const respelled = [found('id', 'INT64'), found('e_mail', 'STRING')];
  expect(held({ excluded: ['e-mail'], columns: respelled }, { columns: loadedOnce })).toEqual([
    'lost e-mail',
    'added e_mail',
  ]);
  expect(held({}, null)).toEqual(['lost email']);
  expect(held({ excluded: [], hashed: [{ column: 'email', form: 'exact' }] }, null)).toEqual(['lost email']);
  expect(held({ excluded: ['mail'] }, null)).toEqual([]);
});
