import { MERGE_KEY_TYPES } from '#core/merge-key';
import { columnTypes, type Column } from '#core/column';
import { DELETED_AT, inWarehouse, warehouseNames } from '#core/warehouse-name';
import { startZetaSql, type ZetaSql } from '#tests/zetasql';
import { wireTypeOf } from '#core/column';
import type { TableTally } from '#core/tally';
import {
  LEDGER_FIELDS,
  keyViolationQuery,
  lastPublishedQuery,
  ledgerQuery,
  fittingQuery,
  inTransaction,
  NOT_AS_READ,
  type Publication,
  publishStatements,
  quoted,
  REJECT_FIELDS,
  toldOf,
  unfitRejectsScript,
  validationQuery,
  vanishedQuery,
} from '../../../functions/etl/publish-sql.ts';
import { planSchema, widenStatement } from '../../../functions/etl/schema-plan.ts';
import { hideRejectsStatement, rejectsQuery, shownRejectsQuery } from '../../../functions/etl/rejects-sql.ts';
import { makePlaceStatements, sweepStatements } from '../../../functions/etl/sweep-sql.ts';

const column = (name: string, type: Column['type'], more: Partial<Column> = {}): Column => ({
  name,
  type,
  nullable: true,
  sourceType: 'test',
  ...more,
});
const every = columnTypes.map((type) => column(`c_${type.toLowerCase()}`, type));

const publishScript = (publication: Publication) => inTransaction(publishStatements(publication));

const typed = (fields: readonly { name: string; type: string }[]) =>
  Object.fromEntries(fields.map(({ name, type }) => [name, type]));
/** What was read: decimals small enough for a sum, and so each is asked for. */
const tally: TableTally = {
  rows: 5,
  bytes: 0,
  checksum: '8589934591',
  columns: every.map(({ name }) => ({ name, nulls: 1, min: '-5', max: '7', sum: '-12' })),
};
const tables = {
  'raw.orders': { ...typed(every), c_old: 'STRING', [DELETED_AT]: 'TIMESTAMP' },
  'raw._stg_r1_t1': typed(every.map(({ name, type }) => ({ name, type: wireTypeOf(type) }))),
  'raw._ledger': typed(LEDGER_FIELDS),
  'raw._rejects': typed(REJECT_FIELDS),
};
const params = {
  run: 'STRING',
  table: 'STRING',
  rows: 'INT64',
  cursor: 'STRING',
  watermark: 'STRING',
  checksum: 'STRING',
  place: 'STRING',
  columns: 'STRING',
  before: 'INT64',
  last: 'STRING',
  destination: 'STRING',
  from: 'STRING',
  sweep: 'STRING',
  tables: 'ARRAY<STRING>',
};

const raw = { dataset: 'raw', table: 'orders' };
const staging = { dataset: 'raw', table: '_stg_r1_t1' };

describe('every statement is GoogleSQL', () => {
  let zeta: ZetaSql;
  beforeAll(async () => {
    zeta = await startZetaSql();
  });
  afterAll(() => zeta.stop());

  test.each(['replace', 'append', 'merge'] as const)(
    'publish by %s, statement by statement',
    async (write) => {
      const script = publishScript({
        dataset: 'raw',
        destination: 'orders',
        staging: '_stg_r1_t1',
        write,
        key: ['c_int64', 'c_string'],
        gone: ['c_old'],
        cleared: write === 'merge' ? ['c_old'] : [],
        marks: true,
        newest: true,
        columns: every,
        ...(write === 'append'
          ? { before: makePlaceStatements(raw, column('c_timestamp', 'TIMESTAMP')) }
          : {}),
        ...(write === 'merge'
          ? {
              after: sweepStatements(raw, staging, [
                column('c_int64', 'INT64'),
                column('c_string', 'STRING'),
              ]),
            }
          : {}),
        expected: { staged: tally, published: tally },
      });
      const statements = script.split(/;\n?/).filter((text) => text.trim() !== '');
      expect(statements.map((text) => text.trim().split(' ')[0])).toEqual([
        'BEGIN',
        'ASSERT',
        'ASSERT',
        ...(write === 'replace' ? ['TRUNCATE'] : []),
        ...(write === 'append' ? ['ASSERT', 'DELETE'] : []),
        ...(write === 'merge' ? ['MERGE', 'UPDATE', 'MERGE', 'INSERT'] : ['INSERT']),
        'ASSERT',
        'INSERT',
        'COMMIT',
      ]);
      for (const statement of statements) await zeta.analyze(statement, { tables, params });
    },
  );

  test('rows of staging that share a key, and rows whose key did not come', async () => {
    const staging = { dataset: 'raw', table: '_stg_r1_t1' };
    const key = every.filter(({ type }) => MERGE_KEY_TYPES.includes(type));
    const raw = { dataset: 'raw', table: 'orders' };
    for (const query of [keyViolationQuery(staging, key), vanishedQuery(raw, staging, key)])
      await expect(zeta.analyze(query, { tables, params })).resolves.not.toThrow();
  });

  test.each([false, true])(
    'rows that do not fit go to the rejects, without their values: %p',
    async (hides) => {
      const script = unfitRejectsScript('raw', '_stg_r1_t1', every, hides);
      expect(script.includes('SUBSTR')).toBe(!hides);
      const statements = script.split(/;\n?/).filter((text) => text.trim() !== '');
      expect(statements.map((text) => text.trim().split(' ')[0])).toEqual([
        'BEGIN',
        'ASSERT',
        'INSERT',
        'INSERT',
        'COMMIT',
      ]);
      for (const statement of statements) await zeta.analyze(statement, { tables, params });
    },
  );

  test('columns get wider types in place, and a narrower value goes into the wider type', async () => {
    const raw = { dataset: 'raw', table: 'orders' };
    for (const [from, to] of [
      ['INT64', 'NUMERIC'],
      ['INT64', 'BIGNUMERIC'],
      ['NUMERIC', 'BIGNUMERIC'],
      ['DATE', 'DATETIME'],
    ] as const) {
      const widening = widenStatement(raw, [{ name: `c_${from.toLowerCase()}`, type: to }]);
      await expect(zeta.analyze(widening.replace(/;$/, ''), { tables })).resolves.toBeUndefined();
    }
    const lossy = widenStatement(raw, [{ name: 'c_numeric', type: 'INT64' }]).replace(/;$/, '');
    await expect(zeta.analyze(lossy, { tables })).rejects.toThrow(/is assignable to the new type/);
    const script = publishScript({
      dataset: 'raw',
      destination: 'orders',
      staging: '_stg_r1_t1',
      write: 'append',
      newest: false,
      columns: [column('c_int64', 'INT64')],
      wider: new Map([['c_int64', 'NUMERIC']]),
    });
    expect(script).toContain('SELECT CAST(`c_int64` AS NUMERIC) AS `c_int64`');
  });

  test('values are taken from rejected rows of some tables, and asked for', async () => {
    const rejects = { dataset: 'raw', table: '_rejects' };
    for (const statement of [shownRejectsQuery(rejects), hideRejectsStatement(rejects).replace(/;$/, '')])
      await expect(
        zeta.analyze(statement, { tables, params: { tables: 'ARRAY<STRING>', hidden: 'STRING' } }),
      ).resolves.toBeUndefined();
  });

  test('rejected rows are read back page by page', async () => {
    for (const byReason of [false, true])
      await expect(
        zeta.analyze(rejectsQuery('raw', byReason), {
          tables,
          params: { ...params, reason: 'STRING', most: 'INT64', from: 'INT64' },
        }),
      ).resolves.toBeUndefined();
  });

  test('validation of every type', async () => {
    for (const ask of [validationQuery, fittingQuery]) {
      const query = ask({ dataset: 'raw', table: '_stg_r1_t1' }, every, tally);
      await expect(zeta.analyze(query, { tables })).resolves.toBeUndefined();
    }
  });

  test('place is made by cursors of every type', async () => {
    for (const type of ['INT64', 'NUMERIC', 'DATETIME', 'TIMESTAMP'] as const)
      for (const statement of makePlaceStatements(raw, column(`c_${type.toLowerCase()}`, type)))
        await zeta.analyze(statement.slice(0, -1), { tables, params });
    expect(() => makePlaceStatements(raw, column('c_json', 'JSON'))).toThrow('a cursor of JSON');
    expect(() => sweepStatements(raw, staging, [])).toThrow('without a key');
  });

  test('ledger questions', async () => {
    for (const query of [ledgerQuery('raw'), lastPublishedQuery('raw')])
      await expect(zeta.analyze(query, { tables, params })).resolves.toBeUndefined();
  });
});

test('types that staging cannot hold are cast back', () => {
  const script = publishScript({
    dataset: 'raw',
    destination: 'd',
    staging: 's',
    write: 'append',
    newest: false,
    columns: [column('at', 'DATETIME'), column('t', 'TIME'), column('j', 'JSON'), column('n', 'NUMERIC')],
  });
  expect(script).toContain(
    'SELECT DATETIME(`at`) AS `at`, SAFE_CAST(`t` AS TIME) AS `t`, SAFE.PARSE_JSON(`j`) AS `j`, `n` AS `n`',
  );
});

test('several tables in one transaction have parameters of their own', () => {
  const statements = publishStatements({
    dataset: 'raw',
    destination: 'd',
    staging: 's',
    write: 'append',
    newest: true,
    columns: [column('n', 'INT64')],
    expected: { staged: tally, published: tally },
    suffix: '_7',
  });
  const used = new Set(statements.join(' ').match(/@\w+/g));
  const own = ['table', 'rows', 'cursor', 'watermark', 'checksum', 'place', 'columns', 'before', 'last'];
  expect(used).toEqual(new Set(['@run', ...own.map((name) => `@${name}_7`)]));
});

test('an assertion that failed names its table', () => {
  const message = `Query error: Assertion failed: ${NOT_AS_READ}: shop__orders at [3:1]`;
  expect(toldOf(message, NOT_AS_READ)).toBe('shop__orders');
  expect(toldOf('Query error: Assertion failed: already published', NOT_AS_READ)).toBeNull();
});

test('a merge without a key is no statement: it would match every row', () => {
  const options = { dataset: 'raw', destination: 'd', staging: 's', newest: true, columns: every };
  expect(() => publishScript({ ...options, write: 'merge' })).toThrow(RangeError);
});

test('no name gets into a statement that Tradewind did not make', () => {
  for (const name of ['a`b', 'a; DROP TABLE x', 'a.b', '', 'ö', 'a\\', "a'"])
    expect(() => quoted(name)).toThrow(RangeError);
});

test('hostile column names become plain, different ones, the same each time', () => {
  const names = [
    'id',
    'ID',
    '`; DROP',
    'Größe (m²)',
    '日本',
    '',
    '1st',
    '_PARTITIONTIME',
    'a b',
    'a-b',
    '_id',
    '_x_',
  ];
  const named = inWarehouse(names.map((name) => column(name, 'STRING'))).map(({ name }) => name);
  expect(named).toEqual([
    'id',
    'ID_o4495s',
    'DROP',
    'Grosse_m2',
    'column_85q4i9',
    'column_ztntfp',
    'c_1st',
    'c__PARTITIONTIME',
    'a_b',
    'a_b_bswm03',
    '_id',
    '_x_',
  ]);
  for (const name of named) expect(quoted(name)).toBe(`\`${name}\``);
});

test('a column keeps its name when others come, go or change places', () => {
  const names = ['日本', 'Größe', 'id', 'ID', 'a b', 'Ціна'];
  const of = (some: readonly string[]) => new Map(warehouseNames(some).map((name, at) => [some[at], name]));
  const all = of(names);
  for (const gone of ['日本', 'Größe', 'a b', 'Ціна', 'ID']) {
    const rest = of(names.filter((name) => name !== gone).toReversed());
    for (const [name, given] of rest) expect([name, given]).toEqual([name, all.get(name)]);
  }
});

test('new columns are added, types widen in place, narrower ones are kept wide, others are told, dropped columns stay', () => {
  const existing = [
    { name: 'id', type: 'INT64' as const },
    { name: 'Gone', type: 'STRING' as const },
    { name: 'total', type: 'INT64' as const },
    { name: 'day', type: 'DATETIME' as const },
    { name: 'code', type: 'INT64' as const },
  ];
  const plan = planSchema(existing, [
    column('ID', 'INT64'),
    column('Total', 'NUMERIC'),
    column('fresh', 'DATE'),
    column('day', 'DATE'),
    column('code', 'STRING'),
  ]);
  expect(plan).toEqual({
    added: [{ name: 'fresh', type: 'DATE' }],
    widened: [{ name: 'total', type: 'NUMERIC' }],
    wider: new Map([['day', 'DATETIME']]),
    changed: [{ name: 'code', from: 'INT64', to: 'STRING' }],
  });
  expect(widenStatement({ dataset: 'raw', table: 'orders' }, plan.widened)).toBe(
    'ALTER TABLE `raw`.`orders`\nALTER COLUMN `total` SET DATA TYPE NUMERIC;',
  );
});
