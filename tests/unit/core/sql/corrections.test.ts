import type { ColumnType } from '#core/column';
import { changesOf, Cleaning, compareDatasets, type DatasetDefinition } from '#core/dataset';
import { linesSql } from '#core/sql/lines';
import { quoteTable, quoteText } from '#core/sql/quote';
import { countLinesSql } from '../../../../functions/pipelines/snapshot-sql.ts';
import { toExtraction } from '../../../../functions/pipelines/extraction.ts';
import { type LocalSql, openLocalSql } from '#tests/local-sql';
import { startZetaSql, type ZetaSql, type ZetaValue } from '#tests/zetasql';

let zeta: ZetaSql;
let local: LocalSql;
beforeAll(async () => {
  [zeta, local] = await Promise.all([startZetaSql(), openLocalSql()]);
});
afterAll(async () => {
  local.close();
  await zeta.stop();
});

const COLUMNS: Readonly<Record<string, ColumnType>> = {
  order_no: 'STRING',
  item: 'STRING',
  title: 'STRING',
  quantity: 'FLOAT64',
  sold_at: 'TIMESTAMP',
  price: 'FLOAT64',
  customer: 'STRING',
};
const column = (name: string) => ({ table: 'lines', column: name });
const definition = (cleaning: Partial<Cleaning>): DatasetDefinition => ({
  name: 'Lines',
  tables: [{ alias: 'lines', destination: 'orders' }],
  joins: [],
  roles: {
    customer: column('customer'),
    item: column('item'),
    itemName: column('title'),
    time: column('sold_at'),
    quantity: column('quantity'),
    price: column('price'),
    order: column('order_no'),
  },
  cleaning: Cleaning.parse(cleaning),
});

interface Line {
  readonly order: string;
  readonly item?: string;
  readonly title?: string;
  readonly quantity: number;
  /** Days after 2026-01-01. */
  readonly day: number;
  readonly price?: number;
  readonly customer?: string;
}
const cells = ({
  order,
  item = 'A1',
  title = 'Bolt',
  quantity,
  day,
  price = 2,
  customer = 'c1',
}: Line): ZetaValue[] => [
  order,
  item,
  title,
  quantity,
  new Date(Date.UTC(2026, 0, 1) + day * 86_400_000).toISOString(),
  price,
  customer,
];

const statementOf = (cleaning: Partial<Cleaning>) =>
  linesSql(
    definition(cleaning),
    new Map([['orders', { columns: Object.entries(COLUMNS).map(([name, type]) => ({ name, type })) }]]),
    {
      tableName: (name) => quoteTable('demo-tradewind', 'd', name),
      asOf: '2026-12-31T00:00:00Z',
      historyDays: 0,
    },
  );

/** The lines as GoogleSQL's evaluator and the local BigQuery see them, which must agree. */
async function cleaned(
  cleaning: Partial<Cleaning>,
  lines: readonly Line[],
  select: string,
): Promise<string[]> {
  const rows = lines.map(cells);
  const statement = `SELECT ${select} FROM (${statementOf(cleaning)})`;
  const tables = { 'demo-tradewind.d.orders': { columns: COLUMNS, rows } };
  const found = printed(await zeta.evaluate(statement, { tables }));
  const literal = (value: ZetaValue, type: ColumnType) =>
    `CAST(${typeof value === 'number' ? value : quoteText(String(value))} AS ${type})`;
  const names = Object.entries(COLUMNS);
  const selects = rows.map(
    (row) =>
      `SELECT ${names.map(([name, type], at) => `${literal(row[at] ?? null, type)} AS ${name}`).join(', ')}`,
  );
  await local.run(`CREATE OR REPLACE TABLE d.orders AS ${selects.join(' UNION ALL ')}`);
  expect(printed(await local.run(statement))).toEqual(found);
  return found;
}

const printed = (rows: readonly (readonly unknown[])[]) =>
  rows
    .map((row) =>
      row.map((cell) => (typeof cell === 'string' ? cell.replace(/^(-?\d+)\.0$/, '$1') : '-')).join(' '),
    )
    .sort();
const OUT = 'basket, quantity, value, changes, drop_reason';

describe('returns that are settled', () => {
  const lines: Line[] = [
    { order: 'o1', quantity: 5, day: 0 },
    { order: 'o2', quantity: 10, day: 10 },
    { order: 'o3', quantity: 3, day: 20 },
    { order: 'r1', quantity: -4, day: 30 }, // the newest that holds as many is o2
    { order: 'r2', quantity: -3, day: 31 }, // o3, as a whole
    { order: 'r3', quantity: -50, day: 32 }, // nothing holds as many
    { order: 'r4', quantity: -1, day: 5, customer: 'c2' }, // another customer's
    { order: 'k1', quantity: 5, day: 33, price: -0.2 }, // money alone
  ];

  test('come off the newest line that holds as many; what is sent back as a whole is left out', async () => {
    expect(await cleaned({ netReturns: true }, lines, OUT)).toEqual([
      'k1 5 -1 - return',
      'o1 5 10 - -',
      'o2 6 12 returned-part -',
      'o3 0 0 returned-part returned',
      'r1 -4 -8 - return-settled',
      'r2 -3 -6 - return-settled',
      'r3 -50 -100 - return',
      'r4 -1 -2 - return',
    ]);
    const without = await cleaned({}, lines, OUT);
    expect(without.filter((line) => line.startsWith('o'))).toEqual([
      'o1 5 10 - -',
      'o2 10 20 - -',
      'o3 3 6 - -',
    ]);
    expect(without.filter((line) => line.endsWith(' return'))).toHaveLength(5);
  });

  test('two returns of one line add up, a line keyed twice is still left out, and none is settled by a later or old line', async () => {
    const more: Line[] = [
      { order: 'o1', quantity: 8, day: 0 },
      { order: 'o1', quantity: 8, day: 0 },
      { order: 'r1', quantity: -3, day: 3 },
      { order: 'r2', quantity: -2, day: 4 },
      { order: 'o9', quantity: 8, day: 250 },
      { order: 'r3', quantity: -8, day: 249 },
    ];
    expect(await cleaned({ netReturns: true }, more, 'basket, quantity, drop_reason')).toEqual([
      'o1 3 -',
      'o1 8 duplicate',
      'o9 8 -',
      'r1 -3 return-settled',
      'r2 -2 return-settled',
      'r3 -8 return',
    ]);
  });

  test('that add up to more than a line held come off the one before it, or are not settled', async () => {
    const found = await cleaned(
      { netReturns: true },
      [
        { order: 'o1', quantity: 6, day: 0 },
        { order: 'o2', quantity: 6, day: 10 },
        { order: 'r1', quantity: -5, day: 20 },
        { order: 'r2', quantity: -4, day: 21 }, // o2 has 1 left: off o1
        { order: 'r3', quantity: -3, day: 22 }, // neither has so much left
        { order: 'o3', item: 'B1', quantity: 0.3, day: 0 },
        ...[0.1, 0.2].map((quantity, n) => ({ order: `q${n}`, item: 'B1', quantity: -quantity, day: 1 + n })),
      ],
      'basket, quantity, drop_reason',
    );
    expect(found.map((line) => line.replace(/^(o3) \S+/, '$1'))).toEqual([
      'o1 2 -',
      'o2 1 -',
      'o3 returned',
      'q0 -0.1 return-settled',
      'q1 -0.2 return-settled',
      'r1 -5 return-settled',
      'r2 -4 return-settled',
      'r3 -3 return',
    ]);
  });
});

test('freight and fees are told by their names in three languages, goods that sound like them are not', async () => {
  const titles = {
    F1: 'Freight and handling',
    F2: 'Versandkosten',
    F3: 'Euro pallet, deposit',
    F4: 'Mindermengenzuschlag',
    F5: 'Frais de port',
    G1: 'Versandkarton 200 x 100',
    G2: 'Feeler gauge',
    G3: 'Portoroyal carpet',
  };
  const lines = Object.entries(titles).map(([item, title]) => ({
    order: 'o',
    item,
    title,
    quantity: 1,
    day: 1,
  }));
  const found = await cleaned({ dropServiceNames: true }, lines, 'item, drop_reason');
  expect(found).toEqual([
    ...['F1', 'F2', 'F3', 'F4', 'F5'].map((item) => `${item} service-name`),
    ...['G1', 'G2', 'G3'].map((item) => `${item} -`),
  ]);
});

test('an order far beyond the customer’s usual one is left out as a whole, where there are five to tell', async () => {
  const usual = Array.from({ length: 6 }, (_, n): Line => ({ order: `o${n}`, quantity: 10 + n, day: n * 7 }));
  const project: Line[] = [
    { order: 'p', item: 'B1', quantity: 100, day: 50 },
    { order: 'p', item: 'B2', quantity: 40, day: 50 },
  ];
  const few: Line[] = [1, 1000].map((quantity, n) => ({ order: `f${n}`, quantity, day: n, customer: 'c2' }));
  const found = await cleaned(
    { projectFactor: 10 },
    [...usual, ...project, ...few],
    'basket, item, drop_reason',
  );
  expect(found.filter((line) => line.endsWith('project'))).toEqual(['p B1 project', 'p B2 project']);
  expect(
    (await cleaned({ projectFactor: 12 }, [...usual, ...project], 'drop_reason')).includes('project'),
  ).toBe(false);
});

describe('units', () => {
  const period = (from: number, quantity: number, price: number, item = 'A1'): Line[] =>
    Array.from({ length: 7 }, (_, n) => ({
      order: `${item}-${from}-${n}`,
      item,
      // People differ, and so do their discounts.
      quantity: quantity * (1 + (n % 3)),
      price: price * (1 - 0.03 * (n % 4)),
      day: from + n,
    }));
  const lines = [
    ...period(0, 2, 24), // boxes of twelve
    ...period(20, 24, 2), // pieces since
    ...period(0, 36, 1, 'B1'), // pieces first, then boxes of six
    ...period(20, 6, 6.2, 'B1'),
    ...period(0, 5, 1, 'C1'), // dearer, but no other unit: quantities stayed
    ...period(20, 5, 12, 'C1'),
    ...period(0, 5, 1, 'D1').slice(0, 3), // too few to tell
    ...period(20, 1, 10, 'D1'),
  ];

  test('before an item’s unit changed quantities count in that of today, and money stays', async () => {
    const select = (cleaning: Partial<Cleaning>) =>
      cleaned(cleaning, lines, `item, quantity, changes`).then((rows) =>
        rows.filter((row) => !row.endsWith(' -')),
      );
    const changed = await select({ alignUnits: true });
    expect(changed).toEqual([
      ...['24', '24', '24', '48', '48', '72', '72'].map((n) => `A1 ${n} other-unit`),
      ...['12', '12', '18', '18', '6', '6', '6'].map((n) => `B1 ${n} other-unit`),
    ]);
    expect(await select({})).toEqual([]);
    const money = (cleaning: Partial<Cleaning>) => cleaned(cleaning, lines, 'basket, ROUND(value, 2)');
    expect(await money({ alignUnits: true })).toEqual(await money({}));
  });
});

describe('merged customers', () => {
  const lines: Line[] = ['old', 'older', 'new', "o'brien"].map((customer, n) => ({
    order: `o${n}`,
    quantity: 1,
    day: n,
    customer,
  }));

  test('count for who they are by now, chains included', async () => {
    const mergeCustomers = [
      { from: 'older', to: 'old' },
      { from: 'old', to: 'new' },
      { from: "o'brien", to: 'new' },
    ];
    expect(await cleaned({ mergeCustomers }, lines, 'basket, customer, changes')).toEqual([
      'o0 new merged-customer',
      'o1 new merged-customer',
      'o2 new -',
      'o3 new merged-customer',
    ]);
  });

  test('are refused in a circle, or twice', () => {
    const pair = (from: string, to: string) => ({ from, to });
    expect(() => statementOf({ mergeCustomers: [pair('a', 'b'), pair('b', 'a')] })).toThrow(
      /"a" lead in a circle/,
    );
    expect(() => statementOf({ mergeCustomers: [pair('a', 'b'), pair('a', 'c')] })).toThrow(
      /"a" is merged into two/,
    );
  });
});

test('all of them at once are one statement, and what they changed is counted by change', async () => {
  const all: Partial<Cleaning> = {
    netReturns: true,
    alignUnits: true,
    dropServiceNames: true,
    projectFactor: 5,
    outlierFactor: 9,
    mergeCustomers: [{ from: 'c2', to: 'c1' }],
  };
  const rows: Line[] = [
    { order: 'o1', quantity: 5, day: 0 },
    { order: 'o2', quantity: 7, day: 3, customer: 'c2' },
    { order: 'r1', quantity: -2, day: 4, customer: 'c2' },
  ];
  const kept = await cleaned(all, rows, 'basket, customer, quantity, changes, drop_reason');
  expect(kept).toEqual([
    'o1 c1 5 - -',
    'o2 c1 5 merged-customer returned-part -',
    'r1 c1 -2 merged-customer return-settled',
  ]);
  const changes = changesOf(Cleaning.parse(all));
  expect(changes).toEqual(['merged-customer', 'returned-part', 'other-unit']);
  const counts = await zeta.evaluate(
    `SELECT drop_reason, n, changed_0, changed_1, changed_2 FROM (${countLinesSql(`(${statementOf(all)})`, changes)})`,
    { tables: { 'demo-tradewind.d.orders': { columns: COLUMNS, rows: rows.map(cells) } } },
  );
  const named = counts.map(([drop_reason, n, changed_0, changed_1, changed_2]) => ({
    drop_reason,
    n,
    changed_0,
    changed_1,
    changed_2,
  }));
  expect(toExtraction(named, changes)).toMatchObject({
    kept: 2,
    dropped: { 'return-settled': 1 },
    changed: { 'merged-customer': 1, 'returned-part': 1, 'other-unit': 0 },
  });
});

test('a data set of before cleans as it did, and differences of merges are named by customer', () => {
  const before = {
    dropReturns: true,
    dropUnpriced: false,
    dropDuplicates: true,
    excludeItems: [],
    dropServiceCodes: true,
    outlierFactor: 0,
  };
  expect(changesOf(Cleaning.parse(before))).toEqual([]);
  expect(statementOf(before)).toBe(statementOf({}));
  const [difference] = compareDatasets(
    definition({}),
    definition({ mergeCustomers: [{ from: 'a', to: 'b' }] }),
  );
  expect(difference).toEqual({ path: 'cleaning.mergeCustomers.a', left: null, right: 'b' });
});
