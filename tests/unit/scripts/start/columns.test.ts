import type { ColumnType } from '#core/column';
import { type KnownTable, planDataset } from '#scripts/start/columns';

const table = (
  name: string,
  columns: Readonly<Record<string, ColumnType>>,
  key: string[] | null = null,
): KnownTable => ({
  id: `t${name.replace(/\W/g, '')}`,
  name,
  key,
  destination: `raw_${name.replace(/\W/g, '_')}`,
  columns: Object.entries(columns).map(([column, type]) => ({
    name: column,
    type,
    nullable: true,
    sourceType: 'x',
  })),
});

const shop = [
  table('erp.customers', { customer_no: 'INT64', name: 'STRING' }, ['customer_no']),
  table(
    'erp.order_lines',
    { line_id: 'INT64', order_no: 'INT64', sku: 'STRING', quantity: 'NUMERIC', unit_price: 'NUMERIC' },
    ['line_id'],
  ),
  table(
    'erp.orders',
    { order_no: 'INT64', customer_no: 'INT64', ordered_at: 'TIMESTAMP', shipped_at: 'TIMESTAMP' },
    ['order_no'],
  ),
  table('erp.products', { sku: 'STRING', name: 'STRING', superseded_by: 'STRING' }, ['sku']),
  table('erp.weather', { day: 'DATE', rain: 'FLOAT64' }),
];
const odd = [table('export.csv', { A: 'STRING', B: 'STRING', C: 'STRING', D: 'TIMESTAMP' })];

test('a database’s tables are joined by themselves; those not needed are left out', () => {
  const plan = planDataset('Order lines', shop, {});
  expect(plan.tables.toSorted()).toEqual(['terpcustomers', 'terporder_lines', 'terporders', 'terpproducts']);
  expect(plan.definition.tables[0]).toEqual({ alias: 'order_lines', destination: 'raw_erp_order_lines' });
  expect(plan.definition.roles).toMatchObject({
    customer: { table: 'orders', column: 'customer_no' },
    item: { table: 'order_lines', column: 'sku' },
    itemName: { table: 'products', column: 'name' },
  });
});

test('what the user names wins over the guess, with or without its table and whatever the case', () => {
  const roles = (choices: Parameters<typeof planDataset>[2]) =>
    planDataset('x', shop, choices).definition.roles;
  expect(roles({ time: 'shipped_at' }).time).toEqual({ table: 'orders', column: 'shipped_at' });
  expect(roles({ time: 'erp.orders.SHIPPED_AT' }).time).toEqual({ table: 'orders', column: 'shipped_at' });
  expect(roles({ customerName: 'customers.name' }).customerName).toEqual({
    table: 'customers',
    column: 'name',
  });
});

test('a file whose names say nothing needs them all named', () => {
  const plan = planDataset('x', odd, { customer: 'A', item: 'B', time: 'D' });
  expect(plan.definition).toMatchObject({
    tables: [{ alias: 'export', destination: 'raw_export_csv' }],
    roles: { customer: { table: 'export', column: 'A' }, item: { table: 'export', column: 'B' } },
  });
  expect(() => planDataset('x', odd, {})).toThrow(/No column looks like the customer/);
  expect(() => planDataset('x', odd, { customer: 'E' })).toThrow('a column "E" that is not there');
});

test('the remedy lists the columns there are', () => {
  let remedy: unknown;
  try {
    planDataset('x', odd, { customer: 'E' });
  } catch (error) {
    remedy = error instanceof Error && 'remedy' in error ? error.remedy : null;
  }
  expect(remedy).toBe('Columns by table: export: A, B, C, D.');
});
