import type { TableDescription } from '#connectors/connector';
import { planTables } from '../../../functions/sources/plan-tables.ts';
import { checkChoice } from '../../../functions/sources/tables.ts';
import { TerminalError } from '#core/errors';
import { checkObject } from '#store/source-access';

const at = '2026-01-01T00:00:00.000Z';
const described = (name: string, kind: TableDescription['kind'] = 'table'): TableDescription => ({
  name,
  kind,
  estimatedRows: 10,
  estimatedBytes: null,
  comment: null,
  columns: [{ name: 'id', type: 'INT64', nullable: false, sourceType: 'int4' }],
  key: ['id'],
  notes: [],
});
const plan = (found: TableDescription[], more: Partial<Parameters<typeof planTables>[0]> = {}) =>
  planTables({
    source: { id: 'sabc', name: 'Shop' },
    found,
    known: [],
    taken: new Set(),
    readers: new Map(),
    at,
    ...more,
  });

test('tables and files are enabled, views wait to be asked for', () => {
  const { tables } = plan([described('public.orders'), described('public.report', 'view')]);
  expect(tables.map(({ destination, enabled, mode }) => [destination, enabled, mode])).toEqual([
    ['shop__public_orders', true, 'replace'],
    ['shop__public_report', false, 'replace'],
  ]);
});

test('a table known before keeps its settings and gets the new columns', () => {
  const known = plan([described('public.orders')]).tables.map((table) => ({
    ...table,
    enabled: false,
    mode: 'append' as const,
    cursor: 'id',
    rejectLimit: 0.5,
    columns: [],
  }));
  const { tables } = plan([described('public.orders')], { known });
  expect(tables).toMatchObject([{ enabled: false, mode: 'append', cursor: 'id', rejectLimit: 0.5 }]);
  expect(tables[0]?.columns).toHaveLength(1);
});

test('a table that is gone stays while it is enabled, so that the next run says so', () => {
  const known = plan([described('a'), described('b')]).tables.map((table) =>
    table.name === 'b' ? { ...table, enabled: false } : table,
  );
  const after = plan([described('c')], { known });
  expect(after.tables.map(({ name }) => name)).toEqual(['c', 'a']);
  expect(after.gone).toEqual([known[1]?.id]);
});

test('no two tables are loaded to one place, whatever they are called', () => {
  const names = ['Orders', 'orders', '注文', '商品', '', '"a"."b"', 'a.b', 'x'.repeat(400), 'x'.repeat(401)];
  const { tables } = plan(
    names.map((name) => described(name)),
    { taken: new Set(['shop__orders']) },
  );
  const places = tables.map(({ destination }) => destination);
  expect(new Set(places).size).toBe(names.length);
  expect(places).not.toContain('shop__orders');
  for (const place of places) expect(place).toMatch(/^[a-z_][a-z0-9_]{0,199}$/);
});

describe('a choice that cannot be is refused with what can', () => {
  const capabilities = {
    chunks: true,
    modes: ['replace', 'append'] as const,
    cursorTypes: ['INT64'] as const,
    ownCursor: false,
    sharedSnapshot: true,
  };
  const table = {
    name: 'orders',
    mode: 'append' as const,
    key: null,
    excluded: [],
    mergeKey: null,
    deletes: 'keep' as const,
    hashed: [],
    misfits: [],
    columns: [
      { name: 'id', type: 'INT64' as const, nullable: false, sourceType: 'int4' },
      { name: 'note', type: 'STRING' as const, nullable: true, sourceType: 'text' },
    ],
  };
  const refused = (cursor: string) => {
    try {
      checkChoice({ ...table, cursor }, capabilities, 'PostgreSQL');
    } catch (error) {
      return error;
    }
    return null;
  };
  test('a column that is not there', () => {
    expect(refused('ID')).toMatchObject({
      code: 'unknown-column',
      message: expect.stringContaining('"ID"'),
      remedy: 'Choose one of "id".',
    });
  });
  test('a column that cannot tell what is new', () => {
    expect(refused('note')).toMatchObject({
      code: 'cursor-not-possible',
      message: expect.stringContaining('"note" is STRING'),
    });
  });
  test('one that can', () => {
    expect(refused('id')).toBeNull();
  });
});

describe('whose files may be read', () => {
  const key = { tenant: 'tmine', model: 'mmine' };
  const labels: Record<string, Record<string, string>> = {
    ours: { 'tradewind-tenant': 'tmine' },
    'tenant-artifacts': { 'tradewind-tenant': 'tmine' },
    'labelled-for-us': { 'tradewind-tenant': 'tmine', team: 'sales' },
    'labelled-for-others': { 'tradewind-tenant': 'tother' },
    unlabelled: {},
  };
  const policy = {
    installation: 'ours',
    tenant: 'tenant-artifacts',
    async labelsOf(bucket: string) {
      const found = labels[bucket];
      if (found === undefined) throw new TerminalError('object-forbidden', 'may not be read');
      return found;
    },
  };
  const refusal = (uri: string) =>
    checkObject(uri, policy, key).then(
      () => null,
      (error: unknown) => error,
    );

  test.each(['gs://ours/tmine/mmine/uploads/u1/a.csv', 'gs://labelled-for-us/any/a.csv'])(
    '%s may',
    async (uri) => {
      expect(await refusal(uri)).toBeNull();
    },
  );

  test.each([
    'gs://ours/tother/mother/uploads/u1/a.csv',
    'gs://ours/tmine/mmine/runs/r1/model.twa',
    'gs://ours/tmine/mmine/uploads/../../../tother/x.csv',
    'gs://tenant-artifacts/tmine/mmine/stage/r1/x.parquet',
    'gs://labelled-for-us/../ours/x.csv',
  ])('%s may not, whatever its bucket’s labels say', async (uri) => {
    expect(await refusal(uri)).toMatchObject({
      code: 'object-forbidden',
      message: expect.stringContaining(uri),
      remedy: expect.stringContaining('Upload'),
    });
  });

  test.each([
    'gs://labelled-for-others/orders.csv',
    'gs://unlabelled/orders.csv',
    'gs://never-granted/orders.csv',
  ])('%s may not: the answer says which label to set', async (uri) => {
    expect(await refusal(uri)).toMatchObject({
      code: 'object-forbidden',
      message: expect.stringContaining(uri),
      remedy: expect.stringContaining('tradewind-tenant=tmine'),
    });
  });
});
