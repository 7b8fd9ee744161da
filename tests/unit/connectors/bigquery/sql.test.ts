import type { BigQueryClient } from '#connectors/bigquery/client';
import { bigQueryFilter } from '#connectors/bigquery/filter';
import { SchemaField, TableResource } from '#connectors/bigquery/resources';
import { greatestSql, nullsSql, quoteIdentifier, selectSql, whereSql } from '#connectors/bigquery/select';
import { transferOf } from '#connectors/bigquery/session';
import {
  groupShards,
  type ListedTable,
  readableBy,
  type Relation,
  wholeChoice,
} from '#connectors/bigquery/tables';
import { type ColumnPlan, planColumn } from '#connectors/bigquery/types';
import { planParts, shareOf, UnitPart } from '#connectors/bigquery/units';
import { upperBoundOf } from '#connectors/bigquery/watermark';
import { columnTypes, wireTypeOf } from '#core/column';
import { filterSql } from '#core/sql/row-filter';
import { startZetaSql, type ZetaSql } from '#tests/zetasql';
import { takenSql } from '../../../../functions/etl/transfer.ts';

const place = { project: 'shop-x', dataset: 'sales' };
const MOMENT = Date.UTC(2026, 0, 31, 12, 34, 56, 789);

/** A table as BigQuery describes it, and as the connector takes it. */
function relation(facts: Readonly<Record<string, unknown>>, listed: Partial<ListedTable> = {}): Relation {
  const parsed = TableResource.parse({ type: 'TABLE', ...facts });
  const plans = parsed.schema.fields.map(planColumn).filter((plan): plan is ColumnPlan => plan.column !== null);
  const one = { name: 'orders', type: 'TABLE', newest: null, ...listed };
  const about = { name: one.name, kind: 'table' as const, estimatedRows: null, estimatedBytes: null, comment: null };
  const columns = plans.map(({ column }) => column);
  return { listed: one, facts: parsed, plans, description: { ...about, columns, key: [], notes: [] } };
} // prettier-ignore

const nested = { name: 'nested', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'a', type: 'STRING' }] };
const geo = { name: 'geo', type: 'GEOGRAPHY' };
const span = { name: 'span', type: 'INTERVAL' };
const fields = [...columnTypes.map((type) => ({ name: `c_${type.toLowerCase()}`, type })), nested, geo, span];
const every = relation({ schema: { fields } });
const catalogue = (path: string) => ({
  [path]: {
    ...Object.fromEntries(columnTypes.map((type) => [`c_${type.toLowerCase()}`, type])),
    nested: 'ARRAY<STRUCT<a STRING>>',
    geo: 'GEOGRAPHY',
    span: 'INTERVAL',
  },
});

describe('what BigQuery is asked', () => {
  let zeta: ZetaSql;
  beforeAll(async () => {
    zeta = await startZetaSql();
  });
  afterAll(() => zeta.stop());
  const tables = { ...catalogue('shop-x.sales.orders'), ...catalogue('raw._stg_r1_t1_copy') };
  const expressions = every.plans.map(({ expression }) => expression);

  test('is GoogleSQL: all types, a range, a partition filter, the past', async () => {
    const from = { ...place, table: 'orders', moment: MOMENT };
    for (const [column, least, type, after, upTo] of [
      ['c_date', "DATE '0001-01-01'", 'TIMESTAMP', null, '2026-01-31 12:00:00.000000'],
      ['c_datetime', "DATETIME '0001-01-01 00:00:00'", 'DATETIME', '2026-01-31 11:00:00.000001', '2026-01-31 12:00:00.000000'],
      ['c_int64', '-9223372036854775808', 'INT64', '-5', '7'],
    ] as const) {
      const range = { column: `c_${type.toLowerCase()}`, after, upTo, type };
      const where = whereSql({ range, partition: { column, least }, newestShard: null });
      await zeta.analyze(selectSql(expressions, from, where), { tables });
    }
    await zeta.analyze(greatestSql('c_int64', from, null), { tables });
    await zeta.analyze(nullsSql('c_timestamp', from, '(t.`c_int64` >= 0)'), { tables });
    expect(selectSql(['t.`c_int64`'], from, null)).toBe(
      'SELECT t.`c_int64` AS c0 FROM `shop-x.sales.orders` AS t FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(1769862896789)',
    );
  }); // prettier-ignore

  test('a transfer reads the copy in the types of staging', async () => {
    const { columns } = every.description;
    const range = { column: 'c_timestamp', after: null, upTo: '2026-01-31 12:00:00.000000' };
    const transfer = transferOf(place, every, columns, { range }, MOMENT);
    expect(transfer.from).toEqual({ ...place, table: 'orders' });
    expect(transfer.refusal).toMatchObject({ when: 't.`c_timestamp` IS NULL', code: 'cursor-null' });
    // All rows are read where a merge begins, and each must have what the next one goes by.
    expect(transferOf(place, every, columns, { range: null, cursor: 'c_timestamp' }, MOMENT)).toMatchObject({
      where: null,
      refusal: transfer.refusal,
    });
    const { refusal, ...rest } = transfer;
    const sql = takenSql({ dataset: 'raw', table: '_stg_r1_t1_copy' }, { ...rest, expressions: [...rest.expressions], refusal: null }, columns);
    await zeta.analyze(sql, { tables });
    await zeta.analyze(`SELECT 1 AS found FROM \`raw\`.\`_stg_r1_t1_copy\` AS t WHERE ${refusal?.when} LIMIT 1`, { tables });
    // Staging takes wire types and no others: an INSERT says whether each fits.
    const staging = Object.fromEntries(columns.map(({ name, type }) => [name, wireTypeOf(type)]));
    const insert = `INSERT INTO \`raw\`.\`_stg_r1_t1\` (${columns.map(({ name }) => name).join(', ')}) ${sql}`;
    await zeta.analyze(insert, { tables: { ...tables, 'raw._stg_r1_t1': staging } });
  }); // prettier-ignore

  test('so is a filter on rows, of every type and of texts with a collation', async () => {
    const collated = fields.map((field) => ({ ...field, collation: 'und:ci' }));
    const { plans } = relation({ schema: { fields: collated } });
    expect(plans.find(({ column }) => column.name === 'c_string')?.expression).toBe(
      'CAST(CAST(t.`c_string` AS BYTES) AS STRING)',
    );
    const literals = [
      ['c_int64', 'number', '7'],
      ['c_int64', 'number', '99999999999999999999'],
      ['c_numeric', 'number', '-1.5'],
      ['c_bignumeric', 'number', '0.00000000000000000001'],
      ['c_float64', 'float', '-Infinity'],
      ['c_bool', 'bool', 'true'],
      ['c_string', 'text', "O'Neil\\ \n"],
      ['c_date', 'date', '2024-02-29'],
      ['c_datetime', 'datetime', '2024-02-29 23:59:59.999999'],
      ['c_timestamp', 'timestamp', '2024-02-29 23:59:59.999999'],
    ] as const;
    const conditions = literals.flatMap(([column, type, text]) => [
      { column, test: 'one-of' as const, values: [{ type, text }] },
      ...(type === 'text' || type === 'bool' || column === 'c_float64' ? [] : [{ column, test: 'lt' as const, values: [{ type, text }] }]),
    ]);
    const filter = filterSql({ match: 'all', conditions, columns: [] }, bigQueryFilter(plans, 'orders'));
    const where = whereSql({ range: null, partition: null, newestShard: null, filter });
    await zeta.analyze(selectSql(expressions, { ...place, table: 'orders', moment: null }, where, 10), { tables });
  }); // prettier-ignore

  test('names of any letters are one identifier', async () => {
    const name = 'Größe `\\` in €\n; DROP';
    await zeta.analyze(`SELECT 1 AS ${quoteIdentifier(name)}`);
    expect(quoteIdentifier('a`b\\')).toBe('`a\\`b\\\\`');
  });
});

test('bounds that are none of ours go into no statement', () => {
  for (const upTo of ["1' OR TRUE --", '2026-01-31', '', '12345678901234567890'])
    for (const type of ['INT64', 'TIMESTAMP', 'DATETIME'] as const)
      expect(() => whereSql({ range: { column: 'a', after: null, upTo, type }, partition: null, newestShard: null })).toThrow(
        expect.objectContaining({ code: 'cursor-value' }),
      );
}); // prettier-ignore

test('types that raw tables do not have become JSON or text, and unknown ones are left out and named', () => {
  const plan = (field: object) => planColumn(SchemaField.parse(field));
  expect(plan({ name: 'r', type: 'RANGE', rangeElementType: { type: 'DATE' } })).toMatchObject({
    column: { type: 'STRING', sourceType: 'RANGE<DATE>' },
    expression: 'CAST(t.`r` AS STRING)',
  });
  expect(plan({ name: 'g', type: 'GEOGRAPHY', mode: 'REPEATED' })).toMatchObject({
    column: { type: 'JSON', sourceType: 'ARRAY<GEOGRAPHY>' },
  });
  expect(plan({ name: 'n', type: 'NUMERIC', precision: '12', scale: '2', mode: 'REQUIRED' })).toMatchObject({
    column: { type: 'NUMERIC', precision: 12, scale: 2, nullable: false, sourceType: 'NUMERIC(12, 2)' },
  });
  expect(plan({ name: 'x', type: 'FOREIGN' })).toEqual({
    column: null,
    note: '"x" is left out: its type FOREIGN is not known here',
  });
});

test('dated shards are one table, described by the newest; a table alone with a date is itself', () => {
  const found = [
    'events_20260101',
    'events_20260103',
    'events_20260102',
    'backup_20260101',
    'orders',
    '20260101',
  ];
  const grouped = groupShards(found.map((name) => ({ name, type: 'TABLE' })));
  expect(grouped).toEqual([
    { name: '20260101', type: 'TABLE', newest: null },
    { name: 'backup_20260101', type: 'TABLE', newest: null },
    { name: 'events_*', type: 'TABLE', newest: 'events_20260103' },
    { name: 'orders', type: 'TABLE', newest: null },
  ]);
  expect(whereSql({ ...wholeChoice(relation({}, grouped[2])), range: null })).toBe(
    "t._TABLE_SUFFIX BETWEEN '00000000' AND '20260103' AND LENGTH(t._TABLE_SUFFIX) = 8",
  );
});

test('without a key only tables are read: a view would be read with the rights of all tenants', () => {
  const types = ['TABLE', 'SNAPSHOT', 'VIEW', 'MATERIALIZED_VIEW', 'EXTERNAL', 'MODEL'];
  const all = types.map((type) => ({ name: type, type, newest: null }));
  expect(readableBy(true, all).map(({ type }) => type)).toEqual(['TABLE']);
  expect(readableBy(true, [{ name: 'events_*', type: 'TABLE', newest: 'events_20260101' }])).toEqual([]);
  expect(readableBy(false, all)).toEqual(all);
});

test('a partition filter that BigQuery asks for is met by every row', () => {
  const time = (type: string, field?: string) => ({
    requirePartitionFilter: true,
    timePartitioning: { type: 'DAY', ...(field === undefined ? {} : { field }) },
    schema: { fields: [{ name: 'day', type }] },
  });
  const choice = (facts: object) => whereSql({ ...wholeChoice(relation({ ...facts })), range: null });
  expect(choice(time('DATE', 'day'))).toBe("(t.`day` >= DATE '0001-01-01' OR t.`day` IS NULL)");
  expect(choice(time('DATE'))).toBe(
    "(t.`_PARTITIONTIME` >= TIMESTAMP '0001-01-01 00:00:00+00' OR t.`_PARTITIONTIME` IS NULL)",
  );
  expect(
    choice({
      requirePartitionFilter: true,
      rangePartitioning: { field: 'id' },
      schema: { fields: [{ name: 'id', type: 'INTEGER' }] },
    }),
  ).toBe('(t.`id` >= -9223372036854775808 OR t.`id` IS NULL)');
  expect(choice({ ...time('DATE', 'day'), requirePartitionFilter: false })).toBeNull();
});

/** A client that finds a moment in every row. */
const noNulls = (own: boolean): BigQueryClient => {
  const asked = { run: async () => ({ jobId: 'j', rows: 1 }), page: async () => [{ f: [{ v: '0' }] }] };
  // All that a bound of moments asks for.
  return { api: { own }, name: 'shop.sales', ...asked } as never;
};

test('moments are read up to ten minutes ago, whole partitions, and no further than a stream has come', async () => {
  const schema = { fields: [{ name: 'at', type: 'TIMESTAMP' }, { name: '_PARTITIONTIME', type: 'TIMESTAMP' }] }; // prettier-ignore
  const bound = async (facts: object, own: boolean, cursor = 'at', after: string | null = null) =>
    (await upperBoundOf(noNulls(own), relation({ schema, ...facts }), cursor, after, MOMENT)).value;
  expect(await bound({}, true)).toBe('2026-01-31 12:24:56.789000');
  expect(await bound({}, true, 'at', '2026-01-31 12:30:00.000000')).toBe('2026-01-31 12:30:00.000000');
  const streamed = { streamingBuffer: { oldestEntryTime: String(MOMENT - 3_600_000) } };
  expect(await bound(streamed, true)).toBe('2026-01-31 11:24:56.789000');
  expect(await bound(streamed, false)).toBe('2026-01-31 12:24:56.789000');
  const hourly = { timePartitioning: { type: 'HOUR' } };
  expect(await bound(hourly, true, '_PARTITIONTIME')).toBe('2026-01-31 11:59:59.999999');
  expect(await bound({ timePartitioning: {} }, true, '_PARTITIONTIME')).toBe('2026-01-30 23:59:59.999999');
});

test('units share the rows of one answer: all of them, none twice', () => {
  for (const [bytes, rows] of [[1000, 7], [10, 0], [99_999, 3], [250, 1_000_003]] as const) {
    const parts = planParts(every, bytes, { targetBytes: 100 }).map(({ part }) => UnitPart.parse(part));
    const shares = parts.map((part) => shareOf(part, rows));
    expect(shares[0]?.start).toBe(0);
    expect(shares.at(-1)?.end).toBe(rows);
    for (const [index, { start }] of shares.slice(1).entries()) expect(start).toBe(shares[index]?.end);
  }
  const range = { column: 'c_int64', after: '5', upTo: '9' };
  expect(planParts(every, 1e9, { targetBytes: 100, range })).toHaveLength(4);
}); // prettier-ignore
