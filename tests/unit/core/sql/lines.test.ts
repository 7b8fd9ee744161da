import type { ColumnType } from '#core/column';
import { Cleaning, DatasetDefinition } from '#core/dataset';
import { TerminalError } from '#core/errors';
import { linesSql } from '#core/sql/lines';
import { quoteName, quoteTable, quoteText } from '#core/sql/quote';
import { type LocalSql, openLocalSql } from '#tests/local-sql';
import { startZetaSql, type ZetaSql, type ZetaValue } from '#tests/zetasql';

type Columns = Readonly<Record<string, ColumnType>>;
type Tables = Readonly<
  Record<string, { readonly columns: Columns; readonly rows: readonly (readonly ZetaValue[])[] }>
>;

const AS_OF = '2026-06-30T00:00:00.000Z';
const options = {
  tableName: (destination: string) => quoteTable('demo-tradewind', 'd', destination),
  asOf: AS_OF,
  historyDays: 0,
};
const raw = (tables: Tables) =>
  new Map(
    Object.entries(tables).map(([name, { columns }]) => [
      name,
      { columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })) },
    ]),
  );

let zeta: ZetaSql;
let local: LocalSql;
beforeAll(async () => {
  [zeta, local] = await Promise.all([startZetaSql(), openLocalSql()]);
});
afterAll(async () => {
  local.close();
  await zeta.stop();
});

/** The lines as the real GoogleSQL evaluator sees them, and the local BigQuery with it: `customer item quantity reason`, sorted. */
async function judged(
  definition: DatasetDefinition,
  tables: Tables,
  select = 'customer, item, quantity, drop_reason',
  changed = options,
) {
  const sql = linesSql(definition, raw(tables), changed);
  const named = Object.fromEntries(
    Object.entries(tables).map(([name, table]) => [`demo-tradewind.d.${name}`, table]),
  );
  const statement = `SELECT ${select} FROM (${sql})`;
  const found = printed(await zeta.evaluate(statement, { tables: named }));
  if (!Object.values(tables).some((table) => Object.keys(table.columns).some((name) => /\W/.test(name)))) {
    await fill(tables);
    expect(printed(await local.run(statement))).toEqual(found);
  }
  return found;
}

const printed = (rows: readonly (readonly unknown[])[]) =>
  rows
    .map((row) =>
      row.map((cell) => (typeof cell === 'string' ? cell.replace(/^(-?\d+)\.0$/, '$1') : '-')).join(' '),
    )
    .sort();

/** The same tables in the local BigQuery, whose answer must be the same. */
async function fill(tables: Tables): Promise<void> {
  const literal = (value: ZetaValue, type: ColumnType) =>
    `CAST(${value === null ? 'NULL' : typeof value === 'number' ? value : quoteText(String(value))} AS ${type})`;
  for (const [name, { columns, rows }] of Object.entries(tables)) {
    const names = Object.entries(columns);
    const selects = rows.map(
      (row) =>
        `SELECT ${names.map(([column, type], at) => `${literal(row[at] ?? null, type)} AS ${quoteName(column)}`).join(', ')}`,
    );
    await local.run(`CREATE OR REPLACE TABLE d.${name} AS ${selects.join(' UNION ALL ')}`);
  }
}

/** One file of order lines, as a shop exports it. */
const FILE_COLUMNS: Columns = {
  InvoiceNo: 'STRING',
  StockCode: 'STRING',
  Description: 'STRING',
  Quantity: 'INT64',
  InvoiceDate: 'STRING',
  UnitPrice: 'FLOAT64',
  CustomerID: 'FLOAT64',
};
const file = (cleaning: Partial<Cleaning> = {}): DatasetDefinition => ({
  name: 'Order lines',
  tables: [{ alias: 'lines', destination: 'orders' }],
  joins: [],
  roles: {
    customer: { table: 'lines', column: 'CustomerID' },
    item: { table: 'lines', column: 'StockCode' },
    time: { table: 'lines', column: 'InvoiceDate' },
    quantity: { table: 'lines', column: 'Quantity' },
    price: { table: 'lines', column: 'UnitPrice' },
    order: { table: 'lines', column: 'InvoiceNo' },
    itemName: { table: 'lines', column: 'Description' },
  },
  cleaning: Cleaning.parse(cleaning),
});
const line = (
  order: string,
  item: string | null,
  quantity: number,
  at: string | null,
  price: number,
  customer: number | null,
) => [order, item, `name of ${item}`, quantity, at, price, customer];
const APRIL = '2026-04-01T10:00:00';

describe('a single file of order lines', () => {
  const lines = (...rows: ReturnType<typeof line>[]): Tables => ({ orders: { columns: FILE_COLUMNS, rows } });

  test('numbers become text ids, and every kind of dirt is left out under its own reason', async () => {
    const codes = Array.from({ length: 20 }, (_, n) => line('1', `A${n}`, 1, APRIL, 1, 1));
    const found = await judged(
      file({ excludeItems: ['X9'], dropUnpriced: true }),
      lines(
        ...codes,
        line('2', ' 85123A ', 6, APRIL, 2.5, 17850),
        line('3', '85123A', 6, APRIL, 2.5, null),
        line('3', '  ', 6, APRIL, 2.5, 17850),
        line('3', '85123A', 6, null, 2.5, 17850),
        line('3', '85123A', 6, '2026-07-01T00:00:00', 2.5, 17850),
        line('3', '85123A', -6, APRIL, 2.5, 17850),
        line('3', '85123A', 6, APRIL, -2.5, 17850),
        line('3', '85123A', 7, APRIL, 0, 17850),
        line('3', 'X9', 1, APRIL, 1, 17850),
        line('3', 'POST', 1, APRIL, 1, 17850),
        line('4', '71053', 2, APRIL, 3, 17850),
        line('4', '71053', 2, APRIL, 3, 17850),
      ),
    );
    expect(found.filter((row) => !row.startsWith('1 A'))).toEqual([
      '- 85123A 6 no-customer',
      '17850 - 6 no-item',
      '17850 71053 2 -',
      '17850 71053 2 duplicate',
      '17850 85123A -6 return',
      '17850 85123A 6 -',
      '17850 85123A 6 after-as-of',
      '17850 85123A 6 no-time',
      '17850 85123A 6 return',
      '17850 85123A 7 unpriced',
      '17850 POST 1 service-code',
      '17850 X9 1 excluded-item',
    ]);
  });

  test('nothing is left out that cleaning was told to keep', async () => {
    const found = await judged(
      file({ dropReturns: false, dropDuplicates: false, dropServiceCodes: false }),
      lines(
        line('1', 'A1', -1, APRIL, 1, 1),
        line('1', 'A1', -1, APRIL, 1, 1),
        line('1', 'POST', 1, APRIL, -1, 1),
      ),
    );
    expect(found).toEqual(['1 A1 -1 -', '1 A1 -1 -', '1 POST 1 -']);
  });

  test('where many items have no digit, their codes are products', async () => {
    const found = await judged(
      file(),
      lines(
        line('1', 'BOLT', 1, APRIL, 1, 1),
        line('1', 'NUT', 1, APRIL, 1, 1),
        line('1', 'A1', 1, APRIL, 1, 1),
      ),
    );
    expect(found).toEqual(['1 A1 1 -', '1 BOLT 1 -', '1 NUT 1 -']);
  });

  test('a one-off project is a quantity far beyond the item’s 99th percentile', async () => {
    const usual = Array.from({ length: 200 }, (_, n) => line(String(n), 'A1', 5, APRIL, 1, n));
    const found = await judged(
      file({ outlierFactor: 3 }),
      lines(...usual, line('x', 'A1', 15, APRIL, 1, 900), line('x', 'A1', 16, APRIL, 1, 901)),
    );
    expect(found.filter((row) => /^90\d/.test(row))).toEqual(['900 A1 15 -', '901 A1 16 outlier']);
  });

  test('a history of 30 days leaves out what is older', async () => {
    const rows = lines(
      line('1', 'A1', 1, '2026-05-30T00:00:00', 1, 1),
      line('1', 'A2', 1, '2026-05-31T00:00:00', 1, 1),
    );
    expect(await judged(file(), rows, 'item, drop_reason', { ...options, historyDays: 30 })).toEqual([
      'A1 before-history',
      'A2 -',
    ]);
  });

  test('a quantity that is no number is never taken for one unit: the line is left out; a missing one is', async () => {
    const columns: Columns = { ...FILE_COLUMNS, Quantity: 'STRING' };
    const quantities = ['3', ' 4 ', '2,5', 'zwei', 'NaN', '', '   ', null];
    const rows = quantities.map((quantity, n) => [String(n), `A${n}`, 'name', quantity, APRIL, 2.5, 1]);
    const found = await judged(file(), { orders: { columns, rows } }, 'item, quantity, value, drop_reason');
    expect(found).toEqual([
      'A0 3 7.5 -',
      'A1 4 10 -',
      'A2 - - no-quantity',
      'A3 - - no-quantity',
      'A4 - - no-quantity',
      'A5 1 2.5 -',
      'A6 1 2.5 -',
      'A7 1 2.5 -',
    ]);
    const numbers: Columns = { ...FILE_COLUMNS, Quantity: 'FLOAT64' };
    const missing = [['1', 'A1', 'name', null, APRIL, 2.5, 1]];
    expect(await judged(file(), { orders: { columns: numbers, rows: missing } })).toEqual(['1 A1 1 -']);
  });

  test('value is price times quantity; a line without a quantity is one unit', async () => {
    const { quantity: _, ...roles } = file().roles;
    const found = await judged(
      { ...file(), roles },
      lines(line('1', 'A1', 7, APRIL, 2.5, 1)),
      'quantity, value, basket, item_name, STRING(time)',
    );
    expect(found).toEqual(['1 2.5 1 name of A1 2026-04-01 10:00:00+00']);
  });
});

describe('orders, lines, products and customers', () => {
  const T0 = '2026-03-01T08:00:00Z';
  const tables: Tables = {
    erp__order_lines: {
      columns: { order_no: 'INT64', sku: 'STRING', quantity: 'FLOAT64', unit_price: 'FLOAT64' },
      rows: [
        [1, 'OLD-1', 2, 1.5],
        [1, 'NEW-2', 1, 4],
        [2, 'LOOP-A1', 1, 1],
        [9, 'NEW-2', 1, 4],
      ],
    },
    erp__orders: {
      columns: { order_no: 'INT64', customer_no: 'INT64', ordered_at: 'TIMESTAMP' },
      rows: [
        [1, 7, T0],
        [2, 8, T0],
      ],
    },
    erp__products: {
      columns: {
        sku: 'STRING',
        name: 'STRING',
        category: 'STRING',
        brand: 'STRING',
        superseded_by: 'STRING',
      },
      rows: [
        ['OLD-1', 'Old bolt', 'Bolts', 'Acme', 'MID-1'],
        ['MID-1', 'Middle bolt', 'Bolts', 'Acme', 'NEW-2'],
        ['NEW-2', 'New bolt', 'Fasteners', 'Bolt-o', null],
        ['LOOP-A1', 'Loop A', 'Loops', null, 'LOOP-B1'],
        ['LOOP-B1', 'Loop B', 'Loops', ' ', 'LOOP-A1'],
      ],
    },
    erp__customers: {
      columns: { customer_no: 'STRING', name: 'STRING', segment: 'STRING' },
      rows: [
        ['7', 'Acme', 'Trade'],
        ['8', 'Bolt & Co', null],
        ['8', 'Bolt & Company', null],
      ],
    },
  };
  const definition: DatasetDefinition = {
    name: 'Wholesale',
    tables: [
      { alias: 'order_lines', destination: 'erp__order_lines' },
      { alias: 'orders', destination: 'erp__orders' },
      { alias: 'products', destination: 'erp__products' },
      { alias: 'customers', destination: 'erp__customers' },
    ],
    joins: [
      { left: { table: 'order_lines', column: 'order_no' }, right: { table: 'orders', column: 'order_no' } },
      { left: { table: 'order_lines', column: 'sku' }, right: { table: 'products', column: 'sku' } },
      {
        left: { table: 'orders', column: 'customer_no' },
        right: { table: 'customers', column: 'customer_no' },
      },
    ],
    roles: {
      customer: { table: 'orders', column: 'customer_no' },
      item: { table: 'order_lines', column: 'sku' },
      time: { table: 'orders', column: 'ordered_at' },
      quantity: { table: 'order_lines', column: 'quantity' },
      price: { table: 'order_lines', column: 'unit_price' },
      order: { table: 'order_lines', column: 'order_no' },
      customerName: { table: 'customers', column: 'name' },
      customerSegment: { table: 'customers', column: 'segment' },
      itemName: { table: 'products', column: 'name' },
      itemCategory: { table: 'products', column: 'category' },
      itemBrand: { table: 'products', column: 'brand' },
      supersededBy: { table: 'products', column: 'superseded_by' },
    },
    cleaning: Cleaning.parse({}),
  };

  test('a replaced product counts for the last of its chain, under that one’s name and brand; a circle is left alone', async () => {
    const found = await judged(
      definition,
      tables,
      "customer, source_item, item, REPLACE(item_name, ' ', '_'), item_category, item_brand, value, drop_reason",
    );
    expect(found).toEqual([
      '- NEW-2 NEW-2 New_bolt Fasteners Bolt-o 4 no-customer',
      '7 NEW-2 NEW-2 New_bolt Fasteners Bolt-o 4 -',
      '7 OLD-1 NEW-2 New_bolt Fasteners Bolt-o 3 -',
      '8 LOOP-A1 LOOP-A1 Loop_A Loops - 1 -',
    ]);
  });

  test('a key that occurs twice in a joined table does not multiply the lines', async () => {
    expect(await judged(definition, tables, 'COUNT(*)')).toEqual(['4']);
  });

  test('text ids of a customer table meet number ids of the orders', async () => {
    expect(
      await judged(definition, tables, "customer, REPLACE(customer_name, ' ', '_'), customer_segment"),
    ).toEqual(expect.arrayContaining(['7 Acme Trade', '8 Bolt_&_Co -']));
  });

  test('what cannot be is refused by name, with what could be', () => {
    const refusal = (change: Partial<DatasetDefinition>, columns = raw(tables)) => {
      try {
        linesSql({ ...definition, ...change }, columns, options);
      } catch (error) {
        if (error instanceof TerminalError) return `${error.code}: ${error.message} ${error.remedy}`;
        throw error;
      }
      return 'accepted';
    };
    const roles = definition.roles;
    expect(refusal({ roles: { ...roles, quantity: { table: 'order_lines', column: 'quantty' } } })).toMatch(
      /^unknown-column: .*erp__order_lines has no column "quantty" \(quantity\).*"quantity"/,
    );
    expect(refusal({ roles: { ...roles, quantity: { table: 'stock', column: 'n' } } })).toMatch(
      /^dataset-invalid: .*"stock".*order_lines, orders, products, customers/,
    );
    expect(refusal({ roles: { ...roles, time: { table: 'order_lines', column: 'quantity' } } })).toMatch(
      /^column-unsuitable: .*order_lines\.quantity \(time\) is FLOAT64.*TIMESTAMP/,
    );
    expect(refusal({ joins: definition.joins.slice(0, 2) })).toMatch(/^dataset-invalid: .*"customers"/);
    expect(refusal({ joins: definition.joins.toReversed() })).toMatch(/^dataset-invalid: .*not joined yet/);
    const unloaded = raw(tables);
    unloaded.delete('erp__orders');
    expect(refusal({}, unloaded)).toMatch(/^table-not-loaded: .*erp__orders.*ETL run/);
  });
});

const TYPES: readonly ColumnType[] = [
  'INT64',
  'FLOAT64',
  'BOOL',
  'NUMERIC',
  'BIGNUMERIC',
  'STRING',
  'BYTES',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
  'TIME',
  'JSON',
];

test('every column type makes a statement that GoogleSQL accepts, or is refused for what it cannot mean', async () => {
  const columns = Object.fromEntries(TYPES.map((type) => [type.toLowerCase(), type]));
  const tables = { orders: { columns, rows: [] } };
  const accepted: Record<string, ColumnType[]> = {};
  for (const role of ['customer', 'item', 'time', 'quantity', 'price', 'order', 'itemName'] as const)
    for (const type of TYPES) {
      const column = (name: string) => ({ table: 'lines', column: name });
      const definition: DatasetDefinition = {
        name: 'x',
        tables: [{ alias: 'lines', destination: 'orders' }],
        joins: [],
        roles: {
          customer: column('string'),
          item: column('string'),
          time: column('timestamp'),
          [role]: column(type.toLowerCase()),
        },
        cleaning: Cleaning.parse({ outlierFactor: 2, dropUnpriced: true }),
      };
      try {
        const sql = linesSql(definition, raw(tables), options);
        await zeta.analyze(sql, { tables: { 'demo-tradewind.d.orders': columns } });
        (accepted[role] ??= []).push(type);
      } catch (error) {
        expect(error).toMatchObject({ code: 'column-unsuitable' });
      }
    }
  const keys = TYPES.filter((type) => type !== 'JSON');
  expect(accepted).toEqual({
    customer: keys,
    item: keys,
    order: keys,
    itemName: keys.filter((type) => type !== 'BYTES'),
    time: ['STRING', 'DATE', 'DATETIME', 'TIMESTAMP'],
    quantity: ['INT64', 'FLOAT64', 'NUMERIC', 'BIGNUMERIC', 'STRING'],
    price: ['INT64', 'FLOAT64', 'NUMERIC', 'BIGNUMERIC', 'STRING'],
  });
});

describe('hostile names', () => {
  const NAMES = [
    'a`b',
    'a\\b',
    "o'brien",
    'x"; DROP TABLE t; --',
    'größe',
    'two words',
    'select',
    'line\nbreak',
    '\\`',
    "'",
  ];

  test.each(NAMES)('a column called %j stays a column', async (name) => {
    const columns: Columns = { [name]: 'STRING', item: 'STRING', at: 'DATE' };
    const definition: DatasetDefinition = {
      name: 'x',
      tables: [{ alias: 'lines', destination: 'orders' }],
      joins: [],
      roles: {
        customer: { table: 'lines', column: name },
        item: { table: 'lines', column: 'item' },
        time: { table: 'lines', column: 'at' },
      },
      cleaning: Cleaning.parse({ excludeItems: NAMES, dropServiceCodes: false }),
    };
    const rows = [
      ['c', 'fine', '2026-01-01'],
      ['c', "o'brien", '2026-01-01'],
      ['c', 'a\\b', '2026-01-01'],
    ];
    expect(await judged(definition, { orders: { columns, rows } }, 'customer, item, drop_reason')).toEqual([
      'c a\\b excluded-item',
      'c fine -',
      "c o'brien excluded-item",
    ]);
  });
});
