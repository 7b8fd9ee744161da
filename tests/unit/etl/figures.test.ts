/**
 * The figures of the same rows counted by the writer, asked of BigQuery's own evaluator and of the local warehouse, in both
 * forms.
 */
import { makeTableWriter } from '#columnar/table-writer';
import { type Column, wireTypeOf } from '#core/column';
import { figuresCondition, figuresQuery, tallyOfFigures } from '#core/sql/figures';
import type { TableTally } from '#core/tally';
import { type LocalSql, openLocalSql } from '#tests/local-sql';
import { startZetaSql, type ZetaSql } from '#tests/zetasql';
import { measuresOf, proofOf } from '../../../functions/etl/proof.ts';
import {
  inTransaction,
  LEDGER_FIELDS,
  NOT_AS_READ,
  publishStatements,
  validationQuery,
} from '../../../functions/etl/publish-sql.ts';

const column = (name: string, type: Column['type'], more: Partial<Column> = {}): Column => ({
  name,
  type,
  nullable: true,
  sourceType: 'test',
  ...more,
});
const columns = [
  column('r', 'INT64'),
  column('text', 'STRING'),
  column('raw', 'BYTES'),
  column('price', 'NUMERIC', { precision: 12, scale: 2 }),
  column('wide', 'NUMERIC'),
  column('f', 'FLOAT64'),
  column('day', 'DATE'),
  column('at', 'TIMESTAMP'),
  column('local', 'DATETIME'),
  column('yes', 'BOOL'),
];

/** A value: what the writer is given, and as a literal. */
type Value = readonly [number | bigint | string | boolean | Uint8Array | null, string];
const whole = (value: number | bigint): Value => [value, String(value)];
const word = (value: string): Value => [value, `'${value}'`];
const bytes = (value: readonly number[]): Value => [
  Uint8Array.from(value),
  `FROM_HEX('${Buffer.from(value).toString('hex')}')`,
];
const decimal = (value: bigint, text: string): Value => [value, `NUMERIC '${text}'`];
const float = (value: number, text = String(value)): Value => [value, `CAST('${text}' AS FLOAT64)`];
const day = (value: number): Value => [value, `DATE_ADD(DATE '1970-01-01', INTERVAL ${value} DAY)`];
const at = (micros: number | bigint): Value => [micros, `TIMESTAMP_MICROS(${micros})`];
const local = (micros: number): Value => [micros, `DATETIME(TIMESTAMP_MICROS(${micros}))`];
const bool = (value: boolean): Value => [value, String(value)];
const NOTHING: Value = [null, 'NULL'];

const rows: Value[][] = [
  [
    whole(1),
    word('a'),
    bytes([]),
    decimal(100n, '1.00'),
    decimal(1n, '0.000000001'),
    float(1.5),
    day(0),
    at(0),
    local(0),
    bool(true),
  ],
  [
    whole(-1),
    word('Größe'),
    bytes([0, 255]),
    decimal(-250n, '-2.50'),
    decimal(2n ** 62n - 1n, '4611686018.427387903'),
    float(-0.1),
    day(-719162),
    at(-1),
    local(1_700_000_000_123_456),
    bool(false),
  ],
  [
    whole(2n ** 63n - 1n),
    word('x'.repeat(70)),
    bytes([1, 2, 3, 4, 5, 6, 7, 8, 9]),
    decimal(9_999_999_999n, '99999999.99'),
    decimal(2n ** 62n, '4611686018.427387904'),
    float(2 ** 31),
    day(2932896),
    at(253_402_300_799_999_999n),
    local(-1),
    NOTHING,
  ],
  [
    whole(-(2n ** 62n)),
    NOTHING,
    NOTHING,
    NOTHING,
    decimal(-(2n ** 62n), '-4611686018.427387904'),
    float(NaN, 'NaN'),
    NOTHING,
    NOTHING,
    NOTHING,
    bool(true),
  ],
  [
    NOTHING,
    word(''),
    bytes([7]),
    decimal(0n, '0'),
    decimal(-(10n ** 25n), '-10000000000000000'),
    float(-Infinity, '-inf'),
    day(19_999),
    at(1_700_000_000_000_000),
    local(5),
    bool(true),
  ],
  [
    whole(7),
    word('same'),
    bytes([7]),
    decimal(1n, '0.01'),
    NOTHING,
    NOTHING,
    day(19_999),
    at(1),
    local(5),
    NOTHING,
  ],
];

async function written(table: readonly (readonly Value[])[]): Promise<TableTally> {
  const writer = makeTableWriter(columns, { write: async () => undefined });
  for (const row of table) {
    row.forEach(([value], index) => {
      const builder = writer.builders[index]!;
      if (value === null) builder.appendNull();
      else if (builder.kind === 'bytes') {
        const content = typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array);
        builder.append(content, 0, content.length);
      } else if (builder.kind === 'bool') builder.append(value === true);
      else if (builder.kind === 'date' || builder.kind === 'float') builder.append(Number(value));
      else builder.appendBigInt(BigInt(value as number | bigint));
    });
    writer.endRow();
  }
  return writer.close();
}

const from = (table: readonly (readonly Value[])[], form: 'staged' | 'own') =>
  `(${table
    .map((row) => {
      const cells = row.map(([, text], index) => {
        const { name, type } = columns[index]!;
        const wire = form === 'staged' && type === 'DATETIME' ? 'TIMESTAMP' : type;
        const cell = wire === 'TIMESTAMP' && type === 'DATETIME' ? text.replace(/^DATETIME/, '') : text;
        return `CAST(${cell} AS ${wire}) AS \`${name}\``;
      });
      return `SELECT ${cells.join(', ')}`;
    })
    .join(' UNION ALL ')})`;

const named = (query: string, [row = []]: readonly (readonly unknown[])[]) => {
  const head = query.slice(0, query.indexOf('\nFROM (SELECT'));
  const names = [...head.matchAll(/ AS (\w+)(?=,\n|$)/g)].map(([, name = '']) => name);
  return Object.fromEntries(names.map((name, index) => [name, row[index]]));
};

let zeta: ZetaSql;
let warehouse: LocalSql;
beforeAll(async () => {
  [zeta, warehouse] = await Promise.all([startZetaSql(), openLocalSql()]);
});
afterAll(async () => {
  warehouse.close();
  await zeta.stop();
});

describe.each(['staged', 'own'] as const)('rows in %s form', (form) => {
  test('every figure is the same on all sides', async () => {
    const tally = await written(rows);
    const query = figuresQuery({ from: from(rows, form), columns, form, tally });
    for (const answer of [await zeta.evaluate(query), await warehouse.run(query)]) {
      const row = named(query, answer);
      const measures = measuresOf(tally, row, columns);
      expect(measures.filter(({ expected, obtained }) => expected !== obtained)).toEqual([]);
      expect(measures).toHaveLength(2 + columns.length + columns.length - 1);
      // A source in the warehouse itself is asked for what is to be expected.
      const { min: _n, max: _x, ...first } = tally.columns[3]!;
      expect(tallyOfFigures(row, columns)).toMatchObject({ rows: 6, checksum: tally.checksum });
      expect(tallyOfFigures(row, columns).columns[3]).toMatchObject(first);
    }
  });

  test('so is the condition that they are the same, of no rows as well', async () => {
    for (const table of [rows, []]) {
      const tally = await written(table);
      const given = `${from(rows, form)}${table.length === 0 ? ' WHERE FALSE' : ''}`;
      const sql = `SELECT ${figuresCondition({ from: given, columns, form, tally })} AS ok`;
      expect(await zeta.evaluate(sql)).toEqual([['true']]);
      expect(await warehouse.run(sql)).toEqual([['true']]);
    }
  });
});

test('a value of any type that changes, changes its row, or is gone, changes the checksum', async () => {
  const { checksum } = await written(rows);
  const others = columns.map((_, index) => {
    const [a = [], b = [], ...rest] = rows;
    const swapped = (own: readonly Value[], other: readonly Value[]) =>
      own.map((value, at) => (at === index ? other[at]! : value));
    return [swapped(a, b), swapped(b, a), ...rest];
  });
  const gone = columns.map((_, index) => [
    rows[0]!.map((value, at) => (at === index ? NOTHING : value)),
    ...rows.slice(1),
  ]);
  const all = await Promise.all(
    [rows.slice(1), [...rows, rows[0]!], ...others, ...gone].map(
      async (table) => (await written(table)).checksum,
    ),
  );
  expect(all).not.toContain(checksum);
  expect(new Set(all).size).toBe(all.length);
  expect((await written(rows.toReversed())).checksum).toBe(checksum);
});

describe('a staging table that is not what was read', () => {
  const staging = { dataset: 'd', table: 'stg' };
  const typed = (fields: readonly { name: string; type: string }[]) =>
    fields.map(({ name, type }) => `\`${name}\` ${type}`).join(', ');
  const wire = columns.map(({ name, type }) => ({ name, type: wireTypeOf(type) }));
  const ruins = {
    'a row is gone': 'DELETE FROM d.stg WHERE r = 7',
    'a row is there twice': 'INSERT INTO d.stg SELECT * FROM d.stg WHERE r = 7',
    'a value is null': 'UPDATE d.stg SET day = NULL WHERE r = 7',
    'a text has other letters': "UPDATE d.stg SET text = 'sane' WHERE r = 7",
    'two rows have changed their texts':
      "UPDATE d.stg SET text = CASE WHEN r = 1 THEN 'same' ELSE 'a' END WHERE r IN (1, 7)",
    'a cent is lost': "UPDATE d.stg SET price = price - NUMERIC '0.01' WHERE r = 7",
    'a file is lost': 'DELETE FROM d.stg WHERE r < 0 OR r IS NULL',
    'all is lost': 'TRUNCATE TABLE d.stg',
  };
  const literals: Record<string, string> = {
    run: "'r1'",
    table: "'raw'",
    rows: '6',
    cursor: "''",
    watermark: "''",
    checksum: "''",
    place: "''",
    columns: "''",
    before: '0',
    last: "''",
  };
  const publish = (write: 'replace' | 'append' | 'merge', tally: TableTally) => {
    const publication = {
      dataset: 'd',
      destination: 'raw',
      staging: 'stg',
      write,
      key: ['text'],
      newest: true,
      columns,
      expected: { staged: tally, published: tally },
    };
    const script = inTransaction(publishStatements(publication));
    return warehouse.run(script.replace(/@(\w+)/g, (_, name: string) => literals[name] ?? ''));
  };
  const count = async (table: string) =>
    (await warehouse.run(`SELECT COUNT(*) AS n FROM d.${table}`))[0]?.[0];
  let tally: TableTally;
  beforeAll(async () => {
    await warehouse.run(
      `CREATE TABLE d.stg (${typed(wire)}); CREATE TABLE d.raw (${typed(columns)}); CREATE TABLE d._ledger (${typed(LEDGER_FIELDS)});`,
    );
    tally = await written(rows);
  });
  beforeEach(async () => {
    await warehouse.run('TRUNCATE TABLE d.stg; TRUNCATE TABLE d.raw; TRUNCATE TABLE d._ledger;');
    await warehouse.run(`INSERT INTO d.stg SELECT * FROM ${from(rows, 'staged')};`);
  });

  test.each(Object.entries(ruins))('%s: it is told, and nothing is published', async (_, ruin) => {
    await warehouse.run(ruin);
    const query = validationQuery(staging, columns, tally);
    const measures = measuresOf(tally, named(query, await warehouse.run(query)), columns);
    expect(proofOf(tally, measures, columns.length).differ).toBeGreaterThan(0);
    for (const write of ['replace', 'append', 'merge'] as const)
      await expect(publish(write, tally)).rejects.toThrow(`${NOT_AS_READ}: raw`);
    expect([await count('raw'), await count('_ledger')]).toEqual(['0', '0']);
  });

  test.each(['replace', 'append'] as const)('as it was read, it is published by %s', async (write) => {
    await publish(write, tally);
    expect([await count('raw'), await count('_ledger')]).toEqual(['6', '1']);
  });

  test('merged, the rows whose key came are those that were read; what others are does not matter', async () => {
    await warehouse.run(
      "INSERT INTO d.raw (r, text) VALUES (1, 'same'), (2, 'other'); DELETE FROM d.stg WHERE text IS NULL",
    );
    await publish('merge', await written(rows.filter(([, text]) => text !== NOTHING)));
    expect([await count('raw'), await count('_ledger')]).toEqual(['6', '1']);
  });
});
