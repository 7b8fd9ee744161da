import { describeRelation } from '#connectors/postgres/catalog';
import { copySql, planRelation, UnitPart } from '#connectors/postgres/units';
import type { PostgresSettings } from '#connectors/postgres/connection';
import { postgres } from '#connectors/postgres/postgres';
import type { SourceSession } from '#connectors/connector';
import { extractAll, makeTestContext } from '#tests/connectors';
import { COUNTRY, FILTER_CASES, filteredTableSql, takenIds } from '#tests/filter-cases';
import { lenientReader } from '#tests/lenient';
import { readWithDuckDb } from '#tests/parquet';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openLedger, rejectedAs } from '#tests/types-ledger';

let server: TestPostgres;
const open: SourceSession[] = [];

beforeAll(async () => {
  server = await startTestPostgres();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});
const ledger = openLedger('PostgreSQL');
afterAll(async () => {
  ledger.close();
  await server?.stop();
});

async function connect(changes: Partial<PostgresSettings> = {}): Promise<SourceSession> {
  const session = await postgres.connect(
    {
      settings: {
        kind: 'postgres', host: 'localhost', port: server.port, database: 'shop', user: 'owner', sslMode: 'prefer', ...changes,
      },
      credentials: { password: 'owner secret' },
    },
    makeTestContext(),
    new AbortController().signal,
  ); // prettier-ignore
  open.push(session);
  return session;
}

async function readTable(table: string) {
  const session = await connect();
  await session.openSnapshot();
  const { columns } = await session.describe(table);
  const units = await session.planUnits(table, { targetBytes: 1e9 });
  return { columns, ...(await extractAll(session, units, columns)) };
}

/** Type in the database, values as SQL, type in the warehouse, and how DuckDB writes what arrived. */
const fidelity: readonly [type: string, values: readonly string[], warehouse: string, arrived: readonly string[]][] = [
  ['smallint', ['-32768', '32767'], 'INT64', ['-32768', '32767']],
  ['integer', ['-2147483648', '2147483647'], 'INT64', ['-2147483648', '2147483647']],
  ['bigint', ['-9223372036854775808', '9223372036854775807'], 'INT64', ['-9223372036854775808', '9223372036854775807']],
  ['oid', ['4294967295'], 'INT64', ['4294967295']],
  ['boolean', ['true', 'false'], 'BOOL', ['true', 'false']],
  ['real', ['0.1', '3.4028235e38', "'NaN'", '16777217'], 'FLOAT64', ['0.1', '3.4028235e+38', 'nan', '16777216.0']],
  ['double precision', ['0.1', "'-Infinity'", '5e-324'], 'FLOAT64', ['0.1', '-inf', '5e-324']],
  ['numeric(12,2)', ['1.50', '-9999999999.99', '0'], 'NUMERIC', ['1.50', '-9999999999.99', '0.00']],
  ['numeric(38,9)', ['99999999999999999999999999999.999999999', '-0.000000001'], 'NUMERIC', ['99999999999999999999999999999.999999999', '-0.000000001']],
  ['numeric(5,-2)', ['12345'], 'NUMERIC', ['12300']],
  ['numeric(30,20)', ['1234567890.12345678901234567890'], 'BIGNUMERIC', ['1234567890.12345678901234567890']],
  ['money', ['1234.56'], 'NUMERIC', ['1234.560000000']],
  ['text', ["''", "'grüße 🎉'", 'repeat(E\'a\\n"\', 3)'], 'STRING', ['', 'grüße 🎉', 'a\n"a\n"a\n"']],
  ['varchar(10)', ["'x'"], 'STRING', ['x']],
  ['char(4)', ["'x'"], 'STRING', ['x   ']],
  ['uuid', ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"], 'STRING', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  ['json', ['\'{"a": 123456789012345678901}\''], 'JSON', ['{"a": 123456789012345678901}']],
  ['jsonb', ['\'{"b": 1, "a": 123456789012345678901}\''], 'JSON', ['{"a": 123456789012345678901, "b": 1}']],
  ['mood', ["'happy'"], 'STRING', ['happy']],
  ['positive', ['7'], 'NUMERIC', ['7.0']],
  ['inet', ["'10.0.0.1/8'"], 'STRING', ['10.0.0.1/8']],
  ['xml', ["'<a/>'"], 'STRING', ['<a/>']],
  ['bytea', ["'\\x00ff10'"], 'BYTES', ['\\x00\\xFF\\x10']],
  ['date', ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'"], 'DATE', ['0001-01-01', '9999-12-31', '2024-02-29']],
  ['timestamp', ["'2024-02-29 23:59:59.999999'", "'0001-01-01'"], 'DATETIME', ['2024-02-29 23:59:59.999999+00', '0001-01-01 00:00:00+00']],
  ['timestamptz', ["'2024-06-01 12:00:00.000001+02'", "'9999-12-31 23:59:59.999999+00'"], 'TIMESTAMP', ['2024-06-01 10:00:00.000001+00', '9999-12-31 23:59:59.999999+00']],
  ['time', ["'23:59:59.000001'", "'00:00:00'"], 'TIME', ['23:59:59.000001', '00:00:00.000000']],
  ['interval', ["'1 year 2 days 03:04:05.6'"], 'STRING', ['P1Y2DT3H4M5.6S']],
  ['integer[]', ["'{1,NULL,3}'", "'{}'"], 'JSON', ['[1,null,3]', '[]']],
  ['text[]', ['ARRAY[\'a"b\', \'c,d\']'], 'JSON', ['["a\\"b","c,d"]']],
  ['int4range', ["'[1,5)'"], 'STRING', ['[1,5)']],
  ['bit(3)', ["B'101'"], 'STRING', ['101']],
  ['bit varying(9)', ["B'10'", "B''"], 'STRING', ['10', '']],
  ['timetz', ["'23:59:59.5+02'", "'24:00:00-12'"], 'STRING', ['23:59:59.5+02', '24:00:00-12']],
  ['macaddr', ["'08:00:2b:01:02:03'"], 'STRING', ['08:00:2b:01:02:03']],
  ['bytea[]', ["ARRAY['\\x00ff'::bytea]"], 'JSON', ['["\\\\x00ff"]']],
  ['text', ["repeat('é', 4 * 1024 * 1024)"], 'STRING', ['é'.repeat(4 * 1024 * 1024)]],
]; // prettier-ignore

/** Values that the warehouse has no place for. */
const misfits: readonly [type: string, value: string, reason: string, shown: string][] = [
  ['numeric(12,2)', "'NaN'", 'numeric-not-finite', 'NaN'],
  ['numeric', "'Infinity'", 'numeric-not-finite', 'Infinity'],
  ['numeric', '1e-40', 'numeric-inexact', '0.0000000000000000000000000000000000000001'],
  ['numeric', '-1e60', 'numeric-overflow', `-1${'0'.repeat(60)}`],
  ['numeric', '1e20000', 'numeric-overflow', '1'],
  ['timestamptz', "'infinity'", 'infinite-time', 'infinity'],
  ['timestamp', "'-infinity'", 'infinite-time', '-infinity'],
  ['timestamp', "'10000-01-01'", 'time-out-of-range', '+010000-01-01'],
  ['timestamptz', "'0001-12-31 BC'", 'time-out-of-range', '0000-12-31'],
  ['date', "'infinity'", 'infinite-date', 'infinity'],
  ['date', "'4713-01-01 BC'", 'date-out-of-range', '-004712-01-01'],
  ['date', "'10000-01-01'", 'date-out-of-range', '+010000-01-01'],
  ['time', "'24:00:00'", 'time-out-of-range', '24:00:00'],
];

describe('PostgreSQL’s types', () => {
  beforeAll(async () => {
    await server.sql(`CREATE TYPE mood AS ENUM ('sad', 'happy');
      CREATE DOMAIN small AS numeric(6,1); CREATE DOMAIN positive AS small CHECK (value > 0)`);
  });

  test('every value that fits arrives as it was, nulls included', async () => {
    const columns = fidelity.map(([type], index) => `c${index} ${type}`).join(', ');
    await server.sql(`CREATE TABLE fidelity (k int, ${columns})`);
    for (const k of [0, 1, 2, 3]) {
      const values = fidelity.map(([type, list]) => `(${list[k] ?? 'NULL'})::${type}`);
      await server.sql(`INSERT INTO fidelity VALUES (${k}, ${values.join(', ')})`);
    }
    const { columns: found, files, rejects } = await readTable('public.fidelity');
    expect(rejects).toEqual([]);
    expect(found.slice(1).map(({ type }) => type)).toEqual(fidelity.map(([, , warehouse]) => warehouse));
    const shown = fidelity.map((_, index) => `c${index}::VARCHAR AS c${index}`).join(', ');
    const rows = await readWithDuckDb(files[0]!, `SELECT ${shown} FROM $file ORDER BY k`);
    fidelity.forEach(([type, values, , arrived], index) => {
      const read = rows.map((row) => row[`c${index}`]);
      const expected = [0, 1, 2, 3].map((k) => (k < values.length ? arrived[k] : null));
      for (const [k, value] of values.entries())
        ledger.add({
          type,
          value,
          warehouse: found[index + 1]?.type ?? '',
          expected: String(expected[k]),
          obtained: String(read[k]),
        });
      expect({ type, read }).toEqual({ type, read: expected });
    });
  });

  test.each(misfits)('%s %s is rejected as %s, its row only', async (type, value, reason, shown) => {
    await server.sql(`DROP TABLE IF EXISTS misfit; CREATE TABLE misfit (before text, v ${type}, after text);
      INSERT INTO misfit VALUES ('a', NULL, 'b'), ('c', (${value})::${type}, 'd'), (NULL, NULL, 'f')`);
    const { columns, files, rejects, tally } = await readTable('public.misfit');
    ledger.add({
      type,
      value,
      warehouse: columns[1]?.type ?? '',
      expected: rejectedAs(reason),
      obtained: rejectedAs(rejects[0]?.reason ?? 'no'),
    });
    expect(rejects).toEqual([
      { line: null, column: 'v', reason, value: expect.stringContaining(shown), message: expect.stringContaining(shown) },
    ]); // prettier-ignore
    expect(tally.rows).toBe(2);
    expect(await readWithDuckDb(files[0]!, 'SELECT "before", "after" FROM $file')).toEqual([
      { before: 'a', after: 'b' },
      { before: null, after: 'f' },
    ]);
  });

  test('before version 14 tables are cut by the statistics of their key, each row once', async () => {
    await server.sql(`CREATE TABLE "Cut ""here" ("the key" int8 PRIMARY KEY, v text);
      INSERT INTO "Cut ""here" SELECT n * n - 5000000, repeat('x', 100) FROM generate_series(1, 20000) n;
      CREATE TABLE shuffled (id int PRIMARY KEY, v text);
      INSERT INTO shuffled SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n ORDER BY md5(n::text);
      CREATE TABLE worded (id text PRIMARY KEY, v text);
      INSERT INTO worded SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n; ANALYZE`);
    const client = await server.client();
    const planned = async (name: string) =>
      planRelation(
        client,
        await describeRelation(client, { schema: 'public', name }),
        { targetBytes: 500_000 },
        130_022,
      );
    try {
      const units = await planned('Cut "here');
      expect(units.length).toBeGreaterThanOrEqual(5);
      const counts: number[] = [];
      for (const { part } of units) {
        const sql = copySql(UnitPart.parse(part), ['"the key"'], null);
        const [row] = await server.sql(
          sql.replace(/^COPY \(SELECT "the key"(.*)\) TO STDOUT.*$/, 'SELECT count(*)::int AS n$1'),
        );
        counts.push(Number(row?.['n']));
      }
      expect(counts.reduce((sum, n) => sum + n)).toBe(20_000);
      expect(Math.max(...counts)).toBeLessThan(2 * Math.min(...counts));
      // Keys in another order than the rows, and keys that are no numbers.
      expect(await planned('shuffled')).toHaveLength(1);
      expect(await planned('worded')).toHaveLength(1);
    } finally {
      await client.end();
    }
  });

  test('an unbounded numeric keeps 38 digits on either side of the point', async () => {
    await server.sql(`CREATE TABLE wide (v numeric);
      INSERT INTO wide VALUES (12.34), (${'9'.repeat(38)}.${'9'.repeat(38)}), (-0.${'0'.repeat(37)}1), (0), (NULL)`);
    const { columns, tally, rejects } = await readTable('public.wide');
    expect(columns[0]).toMatchObject({ type: 'BIGNUMERIC' });
    expect(rejects).toEqual([]);
    const one = 10n ** 38n;
    const largest = 10n ** 76n - 1n;
    const digits = `${'9'.repeat(38)}.${'9'.repeat(38)}`;
    const most = tally.columns[0]?.max ?? '';
    const obtained = `${most.slice(0, -38)}.${most.slice(-38)}`;
    ledger.add({ type: 'numeric', value: digits, warehouse: 'BIGNUMERIC', expected: digits, obtained });
    expect(tally.columns[0]).toEqual({
      name: 'v',
      nulls: 1,
      min: '-1',
      max: largest.toString(),
      sum: (largest - 1n + (1234n * one) / 100n).toString(),
    });
  });

  test('a misfit in a column that may be null, or is text, costs no row', async () => {
    await server.sql(`CREATE TABLE lenient (id int, a date, b numeric(12,2));
      INSERT INTO lenient VALUES (1, '2024-02-29', 1.50), (2, '4713-01-01 BC', 'NaN')`);
    const read = await lenientReader(await connect(), 'public.lenient');
    const { rows, rejects, counts } = await read('null');
    expect(rows).toEqual([
      { id: '1', a: '2024-02-29', b: '1.50' },
      { id: '2', a: null, b: null },
    ]);
    expect(rejects).toEqual([]);
    expect(counts).toEqual({ 'date-out-of-range': 1, 'numeric-not-finite': 1 });
    expect((await read('text')).rows).toEqual([
      { id: '1', a: '2024-02-29', b: '1.50' },
      { id: '2', a: '-004712-01-01', b: null },
    ]);
  });

  test('hostile names are only names', async () => {
    const name = `a"b'; DROP TABLE x; -- \\ .ü`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await server.sql(`CREATE SCHEMA "od.d"; CREATE TABLE "od.d".${quoted} (${quoted} int, "$1" text, "select" text);
      INSERT INTO "od.d".${quoted} VALUES (1, 'x', 'y')`);
    const session = await connect();
    const listed = (await session.listTables()).map((table) => table.name);
    const table = listed.find((each) => each.startsWith('"od.d"'));
    const { columns, files } = await readTable(table!);
    expect(columns.map((column) => column.name)).toEqual([name, '$1', 'select']);
    expect(await readWithDuckDb(files[0]!, 'SELECT * FROM $file')).toEqual([
      { [name]: '1', $1: 'x', select: 'y' },
    ]);
  });

  test('partitions, dropped columns, views, empty tables and no columns to read', async () => {
    await server.sql(`
      CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
      CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
      CREATE TABLE parts_b (day date, extra int, id int); ALTER TABLE parts_b DROP COLUMN extra;
      ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
      INSERT INTO parts SELECT n, date '2024-01-01' + n % 366 FROM generate_series(0, 999) n;
      CREATE VIEW seen AS SELECT id FROM parts WHERE id < 10; CREATE TABLE empty (a int); ANALYZE parts`);
    const session = await connect();
    expect((await session.listTables()).filter(({ name }) => name.startsWith('public.parts'))).toHaveLength(
      1,
    );
    await session.openSnapshot();
    expect(
      (await session.planUnits('public.parts', { targetBytes: 1e9 })).map(({ part }) => part['relation']),
    ).toEqual(['parts_a', 'parts_b']);
    expect((await readTable('public.parts')).tally.columns[0]).toMatchObject({
      nulls: 0,
      min: '0',
      max: '999',
      sum: '499500',
    });
    expect((await readTable('public.seen')).tally.rows).toBe(10);
    expect((await readTable('public.empty')).tally.rows).toBe(0);
  });

  test('views are cut by a chosen key where that is a column of a table, each row once; else the reason is told', async () => {
    await server.sql(`
      CREATE TABLE base (id bigint PRIMARY KEY, kind int, v text); CREATE TABLE kinds (kind int PRIMARY KEY, label text);
      INSERT INTO kinds SELECT n, 'kind ' || n FROM generate_series(0, 9) n;
      INSERT INTO base SELECT n, n % 10, repeat('x', 100) FROM generate_series(1, 20000) n;
      INSERT INTO base VALUES (9223372036854775807, 1, 'last'), (-9223372036854775808, 1, 'first');
      CREATE VIEW joined AS SELECT b.id, k.label, b.v FROM base b JOIN kinds k USING (kind);
      CREATE VIEW outer_joined AS SELECT b.id, k.label, x.n FROM generate_series(1, 3) x(n) LEFT JOIN base b ON b.id = x.n JOIN kinds k ON true;
      CREATE VIEW numbered AS SELECT row_number() OVER (ORDER BY v) AS id, v FROM base;
      CREATE VIEW computed AS SELECT id / 2 AS id, v FROM base;
      CREATE TABLE loose (id int, v text); INSERT INTO loose SELECT NULLIF(n, 7), repeat('x', 100) FROM generate_series(1, 20000) n;
      CREATE INDEX ON loose (id); CREATE VIEW without_y AS SELECT id, v FROM loose WHERE v <> 'y'; ANALYZE`);
    const session = await connect();
    await session.openSnapshot();
    const cut = async (view: string, key = 'id') => {
      const units = await session.planUnits(`public.${view}`, { targetBytes: 400_000, key });
      const { columns } = await session.describe(`public.${view}`);
      return { units, tally: (await extractAll(session, units, columns)).tally };
    };
    const joined = await cut('joined');
    expect(joined.units.length).toBeGreaterThan(3);
    expect(joined.tally).toMatchObject({
      rows: 20_002,
      columns: [{ sum: String((20000 * 20001) / 2 - 1) }, {}, {}],
    });
    expect(joined.units[0]?.note).toBeUndefined();
    // The row without a key is there, too.
    const some = await cut('without_y');
    expect(some.units.length).toBeGreaterThan(1);
    expect(some.tally).toMatchObject({ rows: 20_000, columns: [{ nulls: 1 }, {}] });
    for (const [view, why] of [
      ['numbered', /another value/],
      ['computed', /another value/],
    ] as const) {
      const { units, tally } = await cut(view);
      expect(units).toMatchObject([{ note: expect.stringMatching(why) }]);
      expect(tally.rows).toBe(20_002);
    }
    expect((await cut('joined', 'label')).units).toMatchObject([
      { note: expect.stringMatching(/is chosen/) },
    ]);
    expect((await cut('outer_joined')).units).toHaveLength(1);
  });

  test('big values in many rows go through; one too big for the warehouse is rejected', async () => {
    await server.sql(`CREATE TABLE big (id int, v text);
      INSERT INTO big SELECT n, repeat(chr(65 + n), 3000000) FROM generate_series(1, 12) n;
      INSERT INTO big VALUES (13, repeat('x', 17 * 1024 * 1024))`);
    const { tally, rejects } = await readTable('public.big');
    expect(tally).toMatchObject({ rows: 12, columns: [{}, { sum: '36000000' }] });
    expect(rejects).toMatchObject([{ reason: 'value-too-big', column: 'v' }]);
  });

  test('what a reject callback throws ends the extraction and is thrown on', async () => {
    await server.sql(
      "CREATE TABLE bad (v date); INSERT INTO bad SELECT 'infinity' FROM generate_series(1, 5000)",
    );
    const session = await connect();
    await session.openSnapshot();
    const { columns } = await session.describe('public.bad');
    const [unit] = await session.planUnits('public.bad', { targetBytes: 1e9 });
    const { makeTableWriter } = await import('#columnar/table-writer');
    const limit = new Error('too many rejects');
    await expect(
      session.extract({
        unit: unit!,
        columns,
        writer: makeTableWriter(columns, { write: async () => undefined }),
        reject: () => {
          throw limit;
        },
        signal: new AbortController().signal,
      }),
    ).rejects.toMatchObject({ cause: limit });
  });

  test('a statement that takes longer than the source lets it is ended by the server', async () => {
    await server.sql('CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(20)::text AS nap');
    const session = await connect({ statementMinutes: 0.005 });
    await session.openSnapshot();
    const { columns } = await session.describe('public.slow');
    const units = await session.planUnits('public.slow', { targetBytes: 1e9 });
    await expect(extractAll(session, units, columns)).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'statement-timeout',
      message: 'A statement took too long: canceling statement due to statement timeout.',
      remedy: expect.stringContaining('statementMinutes'),
    });
  });

  test('a snapshot whose session has ended is told from a broken source', async () => {
    const holder = await connect();
    const { token } = await holder.openSnapshot();
    await holder.close();
    const reader = await connect();
    await expect(reader.importSnapshot({ token })).rejects.toMatchObject({
      code: 'snapshot-gone',
      name: 'TransientError',
    });
    await expect(reader.importSnapshot({ token: "x'; DROP TABLE y" })).rejects.toMatchObject({
      code: 'snapshot-invalid',
    });
    // Nor does a session that reads the snapshot of another open one of its own.
    const other = await connect();
    const third = await connect();
    await third.importSnapshot(await other.openSnapshot());
    await expect(third.openSnapshot()).rejects.toMatchObject({ code: 'snapshot-open' });
  });

  test('the session cannot write', async () => {
    const session = await connect();
    await session.openSnapshot();
    await expect(
      session.safeUpperBound('public.empty', 'a"; DELETE FROM public.empty; --', null),
    ).rejects.toMatchObject({ code: 'cursor-unknown' });
  });
});

describe('a watermark', () => {
  async function read(cursor: string, after: string | null) {
    const session = await connect();
    await session.openSnapshot();
    const bound = await session.safeUpperBound('public.events', cursor, after);
    if (bound.value === null) return { bound, ids: [] };
    const { columns } = await session.describe('public.events');
    const range = { column: cursor, after, upTo: bound.value };
    const units = await session.planUnits('public.events', { targetBytes: 1e9, range });
    const { files } = await extractAll(session, units, columns);
    const rows = await Promise.all(
      files.map((file) => readWithDuckDb(file, 'SELECT id FROM $file ORDER BY id')),
    );
    await session.close();
    return { bound, ids: rows.flat().map(({ id }) => Number(id)) };
  }

  test.each(['at', 'id'])(
    'by %s misses and doubles no row of a transaction that commits late',
    async (cursor) => {
      await server.sql(`DROP TABLE IF EXISTS events;
      CREATE TABLE events (id int4 GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT now(), who text)`);
      await server.sql("INSERT INTO events (who) VALUES ('early')");
      const late = await server.client();
      await late.query('BEGIN');
      await late.query("INSERT INTO events (who) VALUES ('late')");
      await server.sql("INSERT INTO events (who) VALUES ('quick')");

      const first = await read(cursor, null);
      expect(first.ids).toEqual([1]); // `quick` waits, because `late` may still come before it
      const meanwhile = await read(cursor, first.bound.value);
      expect(meanwhile.ids).toEqual([]);
      await late.query('COMMIT');
      await late.end();
      const second = await read(cursor, meanwhile.bound.value);
      expect(second.ids).toEqual([2, 3]);
      expect((await read(cursor, second.bound.value)).ids).toEqual([]);
    },
  );

  test('does not follow a column with nulls, of another type, or that is not there', async () => {
    await server.sql(`DROP TABLE IF EXISTS events; CREATE TABLE events (id int, at timestamptz, who text);
      INSERT INTO events VALUES (1, NULL, 'x')`);
    await expect(read('at', null)).rejects.toMatchObject({ code: 'cursor-null' });
    await expect(read('who', null)).rejects.toMatchObject({ code: 'cursor-type' });
    await expect(read('nope', null)).rejects.toMatchObject({ code: 'cursor-unknown' });
    await expect(read('id', "1'; SELECT 1")).rejects.toMatchObject({ code: 'cursor-value' });
  });
});

test('rows are chosen by the server as they are by us', async () => {
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  await server.sql(`SET timezone = 'UTC'; ${filteredTableSql('filtered', quote, text)}`);
  // A collation that takes small letters for great ones.
  await server.sql(`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ALTER TABLE filtered ALTER COLUMN ${quote(COUNTRY)} TYPE varchar(40) COLLATE loose`);
  const session = await connect();
  await session.openSnapshot();
  for (const [filter, ids] of FILTER_CASES)
    expect([filter, await takenIds(session, 'public.filtered', filter)]).toEqual([filter, ids]);
});

test('NaN is neither above nor below a number', async () => {
  await server.sql(
    `CREATE TABLE nans (id int, w float8, s float4); INSERT INTO nans VALUES (1, 'NaN', 'NaN'), (2, 1, 1)`,
  );
  const session = await connect();
  await session.openSnapshot();
  for (const column of ['w', 's'])
    for (const [operator, ids] of [
      ['gt', []],
      ['ge', [2]],
      ['le', [2]],
      ['lt', []],
    ] as const)
      expect(
        await takenIds(session, 'public.nans', {
          match: 'all',
          conditions: [{ column, operator, value: 1 }],
        }),
      ).toEqual(ids);
});
