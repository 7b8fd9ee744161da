import { TerminalError } from '#core/errors';
import { startZetaSql, type ZetaSql, type ZetaValue } from '#tests/zetasql';
import { toExtraction } from '../../../functions/pipelines/extraction.ts';
import {
  countLinesSql,
  customersSql,
  interactionsSql,
  itemsSql,
} from '../../../functions/pipelines/snapshot-sql.ts';
import { evidenceSql, judgeEvidence, toEvidence } from '../../../functions/pipelines/evidence.ts';
import { requireEnough } from '../../../functions/pipelines/vocabulary.ts';

let zeta: ZetaSql;
beforeAll(async () => {
  zeta = await startZetaSql();
});
afterAll(() => zeta.stop());

const columns = {
  customer: 'STRING',
  customer_name: 'STRING',
  customer_segment: 'STRING',
  item: 'STRING',
  source_item: 'STRING',
  item_name: 'STRING',
  item_category: 'STRING',
  item_brand: 'STRING',
  time: 'TIMESTAMP',
  quantity: 'FLOAT64',
  value: 'FLOAT64',
  basket: 'STRING',
  changes: 'STRING',
  drop_reason: 'STRING',
};
const row = (
  customer: string,
  item: string,
  name: string | null,
  day: number,
  reason: string | null = null,
  { segment = 'Trade', changes = null }: { segment?: string | null; changes?: string | null } = {},
) => [
  customer,
  `Name of ${customer}`,
  segment,
  item,
  item,
  name,
  null,
  name === null ? null : `${name.split(/\W/)[0]} & Co`,
  `2026-01-0${day}T00:00:00Z`,
  2,
  null,
  'o1',
  changes,
  reason,
];
const lines = [
  row('c2', 'i1', 'Bolt', 1),
  row('c2', 'i1', 'Bolt, new', 2),
  row('c1', 'i1', 'Bolt', 3),
  row('c1', 'i2', 'Nut', 4),
  row('c1', 'i2', 'Hex nut', 5),
  row('c3', 'i3', 'Returned', 5, 'return'),
];
const asked = (sql: string, rows: readonly (readonly ZetaValue[])[] = lines) =>
  zeta.evaluate(sql, { tables: { lines: { columns, rows } } });

test('ids are dense, in the order of the keys, and of kept lines only', async () => {
  expect(await asked(`SELECT * FROM (${customersSql('lines')}) ORDER BY id`)).toEqual([
    ['0', 'c1', 'Name of c1', 'Trade'],
    ['1', 'c2', 'Name of c2', 'Trade'],
  ]);
});

test('a product is called what its lines say most often, then what they said last', async () => {
  expect(await asked(`SELECT * FROM (${itemsSql('lines')}) ORDER BY id`)).toEqual([
    ['0', 'i1', 'Bolt', null, 'Bolt & Co'],
    ['1', 'i2', 'Hex nut', null, 'Hex & Co'],
  ]);
});

test('a customer is in the segment that its own lines say; merged ones speak where it has none', async () => {
  const merged = { changes: 'merged-customer returned-part' };
  const told = [
    row('c1', 'i1', null, 1, null, { segment: 'Old', ...merged }),
    row('c1', 'i1', null, 2, null, { segment: 'Old', ...merged }),
    row('c1', 'i1', null, 1, null, { segment: 'New' }),
    row('c2', 'i1', null, 1, null, { segment: 'Old', ...merged }),
    row('c3', 'i1', null, 1, null, { segment: null }),
  ];
  expect(await asked(`SELECT key, segment FROM (${customersSql('lines')}) ORDER BY id`, told)).toEqual([
    ['c1', 'New'],
    ['c2', 'Old'],
    ['c3', null],
  ]);
});

test('lines of an earlier release, without brands and segments, are read all the same', async () => {
  const { customer_segment: segment, item_brand: brand, ...earlier } = columns;
  expect([segment, brand]).toEqual(['STRING', 'STRING']);
  const rows = [['c1', 'Name', 'i1', 'i1', 'Bolt', null, '2026-01-01T00:00:00Z', 1, null, 'o', null, null]];
  const lacks = ['item_brand', 'customer_segment'] as const;
  const ask = (sql: string) => zeta.evaluate(sql, { tables: { lines: { columns: earlier, rows } } });
  expect(await ask(customersSql('lines', lacks))).toEqual([['0', 'c1', 'Name']]);
  expect(await ask(itemsSql('lines', lacks))).toEqual([['0', 'i1', 'Bolt', null]]);
});

test('interactions carry the ids', async () => {
  const sql = interactionsSql('lines', `(${customersSql('lines')})`, `(${itemsSql('lines')})`);
  const found = await asked(
    `SELECT customer, item, quantity, value, basket FROM (${sql}) ORDER BY customer, item, time`,
  );
  expect(found).toEqual([
    ['0', '0', '2', null, expect.stringMatching(/^-?\d+$/)],
    ['0', '1', '2', null, expect.stringMatching(/^-?\d+$/)],
    ['0', '1', '2', null, expect.stringMatching(/^-?\d+$/)],
    ['1', '0', '2', null, expect.stringMatching(/^-?\d+$/)],
    ['1', '0', '2', null, expect.stringMatching(/^-?\d+$/)],
  ]);
});

test('the content hash does not depend on the order of lines, and sees every change', async () => {
  const hash = async (rows: typeof lines) => {
    const counted = await asked(countLinesSql('lines'), rows);
    return toExtraction(
      counted.map(([reason, n, mixed, summed]) => ({ drop_reason: reason, n, mixed, summed })),
    ).contentHash;
  };
  const usual = await hash(lines);
  expect(await hash(lines.toReversed())).toBe(usual);
  expect(await hash(lines.slice(1))).not.toBe(usual);
  expect(await hash([...lines, row('c1', 'i1', 'Bolt', 3)])).not.toBe(usual);
  expect(await hash([row('c2', 'i2', 'Bolt', 1), ...lines.slice(1)])).not.toBe(usual);
  const segment = 'Industry';
  expect(await hash([row('c2', 'i1', 'Bolt', 1, null, { segment }), ...lines.slice(1)])).not.toBe(usual);
});

test('nothing left is a failure that says why', () => {
  const refusal = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (error instanceof TerminalError) return `${error.code}: ${error.message}`;
    }
    return 'accepted';
  };
  expect(refusal(() => toExtraction([{ drop_reason: 'no-customer', n: 7 }]))).toBe(
    'no-lines-left: None of 7 lines is left after cleaning: 7 no-customer.',
  );
  expect(refusal(() => toExtraction([]))).toMatch(/^no-lines-left: .*no rows/);
  expect(refusal(() => requireEnough({ customers: 3, items: 900, interactions: 9000 }))).toBe(
    'too-little-data: There are only 3 customers after cleaning; a model needs at least 5.',
  );
  expect(refusal(() => requireEnough({ customers: 5, items: 5, interactions: 50 }))).toBe('accepted');
});

test('what there is to learn from is counted of the kept lines; too little is named', async () => {
  const counted = await asked(evidenceSql('SELECT * FROM lines'));
  expect(counted).toEqual([['5', '2', '2', '5', '5']]);
  const evidence = toEvidence({ n: '5', customers: '2', items: '2', days: '5', span: '5' });
  expect(evidence).toEqual({ lines: 5, customers: 2, items: 2, days: 5, span: 5 });
  expect(judgeEvidence(evidence, { quantile: 0.1 })?.message).toMatch(
    /2 customers after cleaning; .* at least 5/,
  );
  const enough = { lines: 500, customers: 50, items: 50, days: 60, span: 90 };
  expect(judgeEvidence(enough, { quantile: 0.1 })).toBeNull();
  expect(judgeEvidence(enough, { days: 44 })).toBeNull();
  expect(judgeEvidence(enough, { days: 45 })).toMatchObject({ code: 'not-enough-evidence' });
  expect(judgeEvidence({ ...enough, days: 1 }, { quantile: 0.1 })?.message).toMatch(
    /all lines lie on 1 days/,
  );
});
