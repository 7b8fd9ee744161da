import { SourceTable } from '#core/source';
import { guessDataset } from '#core/guess-dataset';
import {
  columnsBefore,
  definitionFrom,
  draftFrom,
  draftOf,
  nameOf,
  startingWith,
  withJoin,
  withoutTable,
  withTable,
} from '../../../web/pages/model/dataset-draft.ts';

const table = (name: string, columns: string, enabled = true): SourceTable =>
  SourceTable.parse({
    id: `t${name}`,
    source: 'serp1',
    name: `erp.${name}`,
    columns: columns.split(', ').map((column) => ({
      name: column,
      type: column.endsWith('_at') ? 'TIMESTAMP' : 'STRING',
      nullable: true,
      sourceType: 'text',
    })),
    key: null,
    estimatedRows: 10,
    enabled,
    mode: 'replace',
    cursor: null,
    destination: `erp__${name}`,
    rejectLimit: 0,
    discoveredAt: '2026-11-01T08:00:00.000Z',
  });
const lines = table('lines', 'order_no, customer_no, sku, quantity, ordered_at');
const products = table('products', 'sku, name, group_no');
const groups = table('groups', 'group_no, title');
const all = [lines, products, groups];

const alone = startingWith(draftFrom(guessDataset('Orders', []), []), 'erp__lines', all);

test('columns go by the names they have in the warehouse, not in the file', () => {
  const file = table('export', 'Kunden-Nr., Artikel-Nr., Menge, ordered_at');
  const draft = draftFrom(guessDataset('Orders', [file]), [file]);
  expect(draft.columns.map(nameOf)).toContain('export.Kunden_Nr');
  expect(definitionFrom(draft)?.roles.customer).toEqual({ table: 'export', column: 'Kunden_Nr' });
});

test('another table as the order lines: its columns are guessed anew, nothing is joined yet', () => {
  expect(alone.tables).toEqual([{ alias: 'lines', destination: 'erp__lines' }]);
  expect(alone.joins).toEqual([]);
  expect(alone.roles).toMatchObject({ customer: 'lines.customer_no', item: 'lines.sku' });
});

test('a joined table finds a column of the same name by itself, and can be moved to another', () => {
  const joined = withTable(alone, 'erp__products', all);
  expect(joined.joins.map(({ left, right }) => [nameOf(left), nameOf(right)])).toEqual([
    ['lines.sku', 'products.sku'],
  ]);
  expect(columnsBefore(joined, 'products').map(({ table: alias }) => alias)).toEqual(
    Array.from({ length: 5 }, () => 'lines'),
  );
  const moved = withJoin(joined, 'products', 'right', 'products.name');
  expect(nameOf(moved.joins[0]?.right ?? { table: '', column: '' })).toBe('products.name');
  // What is no column of the draft changes nothing.
  expect(withJoin(joined, 'products', 'right', 'products.gone')).toEqual(joined);
});

test('leaving out a table leaves out what hangs on it, and opens the roles it had', () => {
  const whole = withTable(withTable(alone, 'erp__products', all), 'erp__groups', all);
  expect(whole.joins.map(({ right }) => right.table)).toEqual(['products', 'groups']);
  const named = { ...whole, roles: { ...whole.roles, itemName: 'products.name' as const } };
  const without = withoutTable(named, 'products', all);
  expect(without.tables.map(({ alias }) => alias)).toEqual(['lines']);
  expect(without.joins).toEqual([]);
  expect(without.roles.itemName).toBeUndefined();
  expect(without.roles.item).toBe('lines.sku');
});

test('a saved data set keeps its columns though its table is no longer loaded', () => {
  const definition = definitionFrom(alone);
  if (definition === null) throw new Error('not complete');
  const at = '2026-11-01T08:00:00.000Z';
  const off = [{ ...lines, enabled: false }, products];
  const draft = draftOf({ ...definition, id: 'dorders', createdAt: at, updatedAt: at, deletedAt: null }, off);
  expect(definitionFrom(draft)).toEqual(definition);
});
