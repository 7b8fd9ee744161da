import type { MysqlSettings } from '#connectors/mysql/connection';
import { mysql } from '#connectors/mysql/mysql';
import type { SourceSession } from '#connectors/connector';
import { extractAll, makeTestContext } from '#tests/connectors';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { openLedger, rejectedAs } from '#tests/types-ledger';
import { FILTER_CASES, filteredTableSql, takenIds } from '#tests/filter-cases';
import { lenientReader } from '#tests/lenient';
import { readWithDuckDb } from '#tests/parquet';

let server: TestMariadb;
const open: SourceSession[] = [];

beforeAll(async () => {
  server = await startTestMariadb();
  // What older applications write; a strict server would keep these values out.
  await server.sql("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'");
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});
const ledger = openLedger('MySQL and MariaDB');
afterAll(async () => {
  ledger.close();
  await server?.stop();
});

async function connect(changes: Partial<MysqlSettings> = {}): Promise<SourceSession> {
  const session = await mysql.connect(
    {
      settings: {
        kind: 'mysql', host: 'localhost', port: server.port, database: 'shop', user: 'owner', sslMode: 'prefer', ...changes,
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
  const { columns, notes } = await session.describe(table);
  const units = await session.planUnits(table, { targetBytes: 1e9 });
  return { columns, notes, units, ...(await extractAll(session, units, columns)) };
}

/** Type in the database, values as SQL, type in the warehouse, and how DuckDB writes what arrived. */
const fidelity: readonly [type: string, values: readonly string[], warehouse: string, arrived: readonly string[]][] = [
  ['tinyint(1)', ['0', '1', '2', '-128'], 'INT64', ['0', '1', '2', '-128']],
  ['tinyint unsigned', ['255'], 'INT64', ['255']],
  ['smallint', ['-32768', '32767'], 'INT64', ['-32768', '32767']],
  ['mediumint unsigned', ['16777215'], 'INT64', ['16777215']],
  ['int', ['-2147483648', '2147483647'], 'INT64', ['-2147483648', '2147483647']],
  ['int(20) zerofill', ['7'], 'INT64', ['7']],
  ['bigint', ['-9223372036854775808', '9223372036854775807', '-9007199254740993', '999999999999999'], 'INT64', ['-9223372036854775808', '9223372036854775807', '-9007199254740993', '999999999999999']],
  ['bigint unsigned', ['18446744073709551615', '0', '9007199254740993'], 'NUMERIC', ['18446744073709551615', '0', '9007199254740993']],
  ['year', ['1901', '2155', '0'], 'INT64', ['1901', '2155', '0']],
  ['float', ['0.1', '3.4028234e38', '16777217', '-1.17549e-38'], 'FLOAT64', ['0.1', '3.4028235e+38', '16777216.0', '-1.17549e-38']],
  ['float(7,2)', ['12345.67'], 'FLOAT64', ['12345.67']],
  ['double', ['0.1', '1.7976931348623157e308', '2.2250738585072014e-308', '-123456789.12345679'], 'FLOAT64', ['0.1', '1.7976931348623157e+308', '2.2250738585072014e-308', '-123456789.12345679']],
  ['decimal(12,2)', ['1.50', '-9999999999.99', '0'], 'NUMERIC', ['1.50', '-9999999999.99', '0.00']],
  ['decimal(38,9)', ['99999999999999999999999999999.999999999', '-0.000000001'], 'NUMERIC', ['99999999999999999999999999999.999999999', '-0.000000001']],
  ['decimal(2,2)', ['0.99', '-0.01'], 'NUMERIC', ['.99', '-.01']],
  ['decimal(10,0) zerofill', ['42'], 'NUMERIC', ['42']],
  ['decimal(30,20)', ['1234567890.12345678901234567890'], 'BIGNUMERIC', ['1234567890.12345678901234567890']],
  ['varchar(50)', ["''", "'grüße 🎉'", 'REPEAT(\'a\\n"\', 3)'], 'STRING', ['', 'grüße 🎉', 'a\n"a\n"a\n"']],
  ['varchar(20) character set latin1', ["'naïve €'"], 'STRING', ['naïve €']],
  ['varchar(20) character set ucs2', ["'Žluť'"], 'STRING', ['Žluť']],
  ['varchar(20) character set sjis', ["'日本'"], 'STRING', ['日本']],
  ['char(4)', ["'x'"], 'STRING', ['x']],
  ['longtext', ["'long'"], 'STRING', ['long']],
  ["enum('sad','happy')", ["'happy'"], 'STRING', ['happy']],
  ["set('a','b','c')", ["'a,c'", "''"], 'STRING', ['a,c', '']],
  ['json', ['\'{"b":  1, "a": 123456789012345678901}\''], 'JSON', ['{"b":  1, "a": 123456789012345678901}']],
  ['bit(1)', ["b'1'", "b'0'"], 'BYTES', ['\\x01', '\\x00']],
  ['bit(12)', ["b'101000000001'"], 'BYTES', ['\\x0A\\x01']],
  ['binary(3)', ["x'00ff'"], 'BYTES', ['\\x00\\xFF\\x00']],
  ['varbinary(10)', ["x'00ff10'", "''"], 'BYTES', ['\\x00\\xFF\\x10', '']],
  ['blob', ["x'fbfcfdfeff'"], 'BYTES', ['\\xFB\\xFC\\xFD\\xFE\\xFF']],
  ['date', ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'", "'1969-12-31'"], 'DATE', ['0001-01-01', '9999-12-31', '2024-02-29', '1969-12-31']],
  ['datetime', ["'2024-02-29 23:59:59'", "'1000-01-01'"], 'DATETIME', ['2024-02-29 23:59:59+00', '1000-01-01 00:00:00+00']],
  ['datetime(6)', ["'2024-02-29 23:59:59.999999'", "'0001-01-01'", "'9999-12-31 23:59:59.999999'"], 'DATETIME', ['2024-02-29 23:59:59.999999+00', '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00']],
  ['datetime(2)', ["'1969-12-31 23:59:59.07'"], 'DATETIME', ['1969-12-31 23:59:59.07+00']],
  ['timestamp(6)', ["'2024-06-01 12:00:00.000001'", "'1970-01-01 02:00:01'"], 'TIMESTAMP', ['2024-06-01 10:00:00.000001+00', '1970-01-01 00:00:01+00']],
  ['time', ["'-838:59:59'", "'838:59:59'", "'00:00:00'"], 'STRING', ['-838:59:59', '838:59:59', '00:00:00']],
  ['time(6)', ["'-00:00:00.000001'"], 'STRING', ['-00:00:00.000001']],
  ['uuid', ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"], 'STRING', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  ['inet6', ["'2001:db8::1'"], 'STRING', ['2001:db8::1']],
  ['point', ['POINT(1, 2.5)'], 'STRING', ['POINT(1 2.5)']],
  ["enum('','a')", ["''", '2'], 'STRING', ['', 'a']],
  ['longtext', ["REPEAT('é', 4194304)"], 'STRING', ['é'.repeat(4_194_304)]],
  ['geometry', ["ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"], 'STRING', ['POLYGON((0 0,1 0,1 1,0 0))']],
]; // prettier-ignore

/** Values that the warehouse has no place for. */
const misfits: readonly [type: string, value: string, reason: string, shown: string][] = [
  ['date', "'0000-00-00'", 'zero-date', '0000-00-00'],
  ['date', "'2024-01-00'", 'impossible-date', '2024-01-00'],
  ['date', "'2024-00-00'", 'impossible-date', '2024-00-00'],
  ['date', "'2023-02-29'", 'impossible-date', '2023-02-29'],
  ['date', "'2024-04-31'", 'impossible-date', '2024-04-31'],
  ['date', "'0000-03-01'", 'date-out-of-range', '0000-03-01'],
  ['datetime', "'0000-00-00 00:00:00'", 'zero-date', '0000-00-00 00:00:00'],
  ['datetime(6)', "'1900-02-29 12:00:00.5'", 'impossible-date', '1900-02-29 12:00:00.500000'],
  ['timestamp NULL', "'0000-00-00 00:00:00'", 'zero-date', '0000-00-00 00:00:00'],
  ['decimal(65,0)', '1e60', 'numeric-overflow', `1${'0'.repeat(60)}`],
  ['decimal(60,10)', '-1e49', 'numeric-overflow', `-1${'0'.repeat(49)}`],
];

describe('MySQL’s types', () => {
  test('every value that fits arrives as it was, nulls included', async () => {
    const columns = fidelity.map(([type], index) => `c${index} ${type} NULL`).join(', ');
    await server.sql(`SET time_zone = '+02:00'; CREATE TABLE fidelity (k int PRIMARY KEY, ${columns})`);
    for (const k of [0, 1, 2, 3, 4]) {
      const values = fidelity.map(([, list]) => list[k] ?? 'NULL');
      await server.sql(`INSERT INTO fidelity VALUES (${k}, ${values.join(', ')})`);
    }
    const { columns: found, files, rejects, notes } = await readTable('fidelity');
    expect(rejects).toEqual([]);
    expect(found.slice(1).map(({ type }) => type)).toEqual(fidelity.map(([, , warehouse]) => warehouse));
    expect(notes).toEqual([
      expect.stringMatching(/TINYINT\(1\).*: c0\.$/),
      expect.stringMatching(/TIME .*: c\d+, c\d+\.$/),
      expect.stringMatching(/WKT.*: c\d+, c\d+\.$/),
    ]);
    const shown = fidelity.map((_, index) => `c${index}::VARCHAR AS c${index}`).join(', ');
    const rows = await readWithDuckDb(files[0]!, `SELECT ${shown} FROM $file ORDER BY k`);
    fidelity.forEach(([type, values, , arrived], index) => {
      const read = rows.map((row) => row[`c${index}`]);
      const expected = [0, 1, 2, 3, 4].map((k) => (k < values.length ? arrived[k] : null));
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
    await server.sql(`DROP TABLE IF EXISTS misfit; CREATE TABLE misfit (\`before\` text, v ${type}, \`after\` text);
      INSERT INTO misfit VALUES ('a', NULL, 'b'), ('c', ${value}, 'd'), (NULL, NULL, 'f')`);
    const { columns, files, rejects, tally } = await readTable('misfit');
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

  test('a decimal of 65 digits keeps them all', async () => {
    const digits = '12345678901234567890123456789012345.012345678901234567890123456789';
    await server.sql(`CREATE TABLE widest (v decimal(65,30)); INSERT INTO widest VALUES (${digits})`);
    const { columns, tally } = await readTable('widest');
    const most = tally.columns[0]?.max ?? '';
    const obtained = `${most.slice(0, -30)}.${most.slice(-30)}`;
    ledger.add({
      type: 'decimal(65,30)',
      value: digits,
      warehouse: columns[0]?.type ?? '',
      expected: digits,
      obtained,
    });
    expect(obtained).toBe(digits);
  });

  test('text that is no UTF-8 is rejected by its bytes', async () => {
    // Half a surrogate pair: both servers take it for UTF-8.
    await server.sql(`CREATE TABLE torn (id int PRIMARY KEY, v varchar(20) CHARACTER SET utf8mb4);
      INSERT INTO torn VALUES (1, 'good'), (2, x'61eda08062'), (3, 'grün')`);
    const { tally, rejects } = await readTable('torn');
    expect(tally.rows).toBe(2);
    expect(rejects).toMatchObject([{ column: 'v', reason: 'invalid-utf8', value: '0x61eda08062' }]);
  });

  test('a misfit in a column that may be null, or is text, costs no row', async () => {
    await server.sql(`CREATE TABLE lenient (id int PRIMARY KEY, a date, b decimal(65,0));
      INSERT INTO lenient VALUES (1, '2024-02-29', 7), (2, '0000-00-00', 1e60)`);
    const read = await lenientReader(await connect(), 'lenient');
    const { rows, rejects, counts } = await read('null');
    expect(rows).toEqual([
      { id: '1', a: '2024-02-29', b: '7.0' },
      { id: '2', a: null, b: null },
    ]);
    expect(rejects).toEqual([]);
    expect(counts).toEqual({ 'zero-date': 1, 'numeric-overflow': 1 });
    expect((await read('text')).rows).toEqual([
      { id: '1', a: '2024-02-29', b: '7.0' },
      { id: '2', a: '0000-00-00', b: null },
    ]);
  });

  test('hostile names are only names', async () => {
    const name = `a\`b'; DROP TABLE x; -- \\ ."ü`;
    const quoted = `\`${name.replaceAll('`', '``')}\``;
    await server.sql(
      `CREATE TABLE ${quoted} (${quoted} int PRIMARY KEY, \`?\` text, \`select\` text); INSERT INTO ${quoted} VALUES (1, 'x', 'y')`,
    );
    const session = await connect();
    expect((await session.listTables()).map((table) => table.name)).toContain(name);
    const { columns, files } = await readTable(name);
    expect(columns.map((column) => column.name)).toEqual([name, '?', 'select']);
    expect(await readWithDuckDb(files[0]!, 'SELECT * FROM $file')).toEqual([
      { [name]: '1', '?': 'x', select: 'y' },
    ]);
  });

  test('views, partitions, empty tables and other engines', async () => {
    await server.sql(`
      CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (YEAR(day))
        (PARTITION a VALUES LESS THAN (2024), PARTITION b VALUES LESS THAN MAXVALUE);
      INSERT INTO parts SELECT seq, DATE '2023-06-01' + INTERVAL seq % 500 DAY FROM seq_0_to_999;
      CREATE VIEW seen AS SELECT id FROM parts WHERE id < 10; CREATE TABLE empty (a int);
      CREATE TABLE old (id int PRIMARY KEY, v varchar(100)) ENGINE=MyISAM;
      INSERT INTO old SELECT seq, REPEAT('x', 100) FROM seq_1_to_5000; ANALYZE TABLE old, parts`);
    expect((await readTable('parts')).tally.columns[0]).toMatchObject({
      nulls: 0,
      min: '0',
      max: '999',
      sum: '499500',
    });
    expect((await readTable('seen')).tally.rows).toBe(10);
    expect((await readTable('empty')).tally.rows).toBe(0);
    const session = await connect();
    await session.openSnapshot();
    // Only within one statement is it one moment.
    expect(await session.planUnits('old', { targetBytes: 10_000 })).toHaveLength(1);
    expect((await session.describe('old')).notes).toEqual([expect.stringContaining('MyISAM')]);
  });

  test('units follow the rows however the keys are spread, and are at most as many as asked for', async () => {
    await server.sql(`CREATE TABLE spread (id bigint unsigned PRIMARY KEY, v char(200));
      INSERT INTO spread SELECT seq, 'x' FROM seq_1_to_5000;
      INSERT INTO spread SELECT 18446744073709551615 - seq, 'y' FROM seq_0_to_4999; ANALYZE TABLE spread`);
    const session = await connect();
    await session.openSnapshot();
    const { columns } = await session.describe('spread');
    const units = await session.planUnits('spread', { targetBytes: 1, maxUnits: 8 });
    expect(units.length).toBeGreaterThan(4);
    expect(units.length).toBeLessThanOrEqual(8);
    const each = await Promise.all([units[0]!].map((unit) => extractAll(session, [unit], columns)));
    expect(each[0]!.tally.rows).toBeLessThan(5000);
    expect(await extractAll(session, units, columns)).toMatchObject({ tally: { rows: 10_000 } });
  });

  test('partitions are units, small ones together and large ones cut by their key, each row once', async () => {
    await server.sql(`CREATE TABLE by_year (id int, day date, v char(200), PRIMARY KEY (id, day))
      PARTITION BY RANGE (YEAR(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION old VALUES LESS THAN (2000),
        PARTITION \`the \`\`big\` VALUES LESS THAN (2024), PARTITION p2024 VALUES LESS THAN (2025), PARTITION later VALUES LESS THAN MAXVALUE);
      INSERT INTO by_year SELECT seq, '2023-01-01', 'x' FROM seq_1_to_5000;
      INSERT INTO by_year SELECT seq, '2024-01-01', 'y' FROM seq_1_to_500;
      INSERT INTO by_year SELECT seq, '2025-01-01', 'z' FROM seq_1_to_500; ANALYZE TABLE by_year`);
    const session = await connect();
    await session.openSnapshot();
    const { columns } = await session.describe('by_year');
    const units = await session.planUnits('by_year', { targetBytes: 300_000 });
    const read = new Set(units.map(({ part }) => part['partitions']));
    expect(read).toContain('["the `big"]');
    expect(units.filter(({ part }) => part['key'] === 'id').length).toBeGreaterThan(1);
    const { tally } = await extractAll(session, units, columns);
    expect(tally.rows).toBe(6000);
    expect(tally.columns[0]?.sum).toBe(String((5000 * 5001) / 2 + 500 * 501));
    // At most as many as asked for, and one where nothing is to be cut.
    expect((await session.planUnits('by_year', { targetBytes: 1, maxUnits: 3 })).length).toBeLessThanOrEqual(
      3,
    );
    expect(await session.planUnits('by_year', { targetBytes: 1e9 })).toMatchObject([
      { part: { partitions: null } },
    ]);
  });

  test('keys of more digits than 64 bits have are cut, too', async () => {
    await server.sql(`CREATE TABLE wide (id decimal(38,0) PRIMARY KEY, v char(200));
      INSERT INTO wide SELECT 99999999999999999999999999999000000 + seq, 'x' FROM seq_1_to_5000;
      INSERT INTO wide SELECT -99999999999999999999999999999000000 - seq, 'y' FROM seq_1_to_5000; ANALYZE TABLE wide`);
    const session = await connect();
    await session.openSnapshot();
    const { columns } = await session.describe('wide');
    const units = await session.planUnits('wide', { targetBytes: 1, maxUnits: 8 });
    expect(units.length).toBeGreaterThan(4);
    expect(await extractAll(session, units, columns)).toMatchObject({ tally: { rows: 10_000 } });
  });

  test('big values in many rows go through; one too big for the warehouse is rejected', async () => {
    await server.sql(`CREATE TABLE big (id int, v longtext);
      INSERT INTO big SELECT seq, REPEAT(CHAR(65 + seq), 3000000) FROM seq_1_to_12;
      INSERT INTO big VALUES (13, REPEAT('x', 17 * 1024 * 1024)), (14, REPEAT('y', 16 * 1024 * 1024))`);
    const { tally, rejects } = await readTable('big');
    expect(tally).toMatchObject({ rows: 13, columns: [{}, { sum: String(36_000_000 + 16 * 1024 * 1024) }] });
    expect(rejects).toMatchObject([{ reason: 'value-too-big', column: 'v' }]);
  });

  test('what a reject callback throws ends the extraction and is thrown on', async () => {
    await server.sql("CREATE TABLE bad (v date); INSERT INTO bad SELECT '0000-00-00' FROM seq_1_to_5000");
    const session = await connect();
    await session.openSnapshot();
    const { columns } = await session.describe('bad');
    const [unit] = await session.planUnits('bad', { targetBytes: 1e9 });
    const { makeTableWriter } = await import('#columnar/table-writer');
    const limit = new Error('too many rejects');
    const reading = session.extract({
      unit: unit!,
      columns,
      writer: makeTableWriter(columns, { write: async () => undefined }),
      reject: () => {
        throw limit;
      },
      signal: new AbortController().signal,
    });
    await expect(reading).rejects.toMatchObject({ cause: limit });
  });

  test('a statement that takes longer than the source lets it is ended by the server', async () => {
    await server.sql('CREATE VIEW slow AS SELECT 1 AS id, SLEEP(20) AS nap');
    const session = await connect({ statementMinutes: 0.005 });
    await session.openSnapshot();
    const { columns } = await session.describe('slow');
    const units = await session.planUnits('slow', { targetBytes: 1e9 });
    await expect(extractAll(session, units, columns)).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'statement-timeout',
      remedy: expect.stringContaining('statementMinutes'),
    });
  });

  test('a table that is altered under a snapshot ends it, and the session cannot write', async () => {
    await server.sql('CREATE TABLE altered (id int PRIMARY KEY); INSERT INTO altered VALUES (1)');
    const session = await connect();
    await session.openSnapshot();
    await server.sql('ALTER TABLE altered ADD COLUMN more int, ALGORITHM=COPY');
    const { columns } = await session.describe('altered');
    const units = await session.planUnits('altered', { targetBytes: 1e9 });
    await expect(extractAll(session, units, columns)).rejects.toMatchObject({
      name: 'TransientError',
      code: 'snapshot-gone',
    });
    await expect(
      session.safeUpperBound('altered', 'a`; DELETE FROM altered; --', null),
    ).rejects.toMatchObject({ code: 'cursor-unknown' });
  });

  test('rows, padding and time zone are as asked, whatever the server’s defaults are', async () => {
    await server.sql(`SET GLOBAL sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES';
      SET GLOBAL sql_select_limit = 2; SET GLOBAL time_zone = '+09:00';
      CREATE TABLE kept (id int PRIMARY KEY, c char(5), t timestamp DEFAULT '2024-01-01 00:00:00');
      INSERT INTO kept (id, c) VALUES (1, 'a'), (2, 'b'), (3, 'c')`);
    try {
      const { files, tally } = await readTable('kept');
      expect(tally.rows).toBe(3);
      const [row] = await readWithDuckDb(files[0]!, 'SELECT c, t::VARCHAR AS t FROM $file WHERE id = 1');
      // The test's own session is two hours ahead.
      expect(row).toEqual({ c: 'a', t: '2023-12-31 22:00:00+00' });
    } finally {
      await server.sql(
        "SET GLOBAL sql_mode = DEFAULT; SET GLOBAL sql_select_limit = DEFAULT; SET GLOBAL time_zone = 'SYSTEM'",
      );
    }
  });
});

test('rows are chosen by the server as they are by us', async () => {
  const quote = (name: string) => `\`${name.replaceAll('`', '``')}\``;
  const text = (value: string) => `x'${Buffer.from(value).toString('hex')}'`;
  const types: Readonly<Record<string, string>> = {
    real: 'float',
    'timestamp(6)': 'datetime(6)',
    'timestamptz(6)': 'timestamp(6)',
  };
  await server.sql(
    `SET time_zone = '+00:00'; ${filteredTableSql('filtered', quote, text, (type) => types[type] ?? type)}`,
  );
  const session = await connect();
  await session.openSnapshot();
  for (const [filter, ids] of FILTER_CASES)
    expect([filter, await takenIds(session, 'filtered', filter)]).toEqual([filter, ids]);
});

test('a year is the number that is loaded of it', async () => {
  await server.sql('CREATE TABLE years (id int, y year); INSERT INTO years VALUES (1, 2024), (2, 1970)');
  const session = await connect();
  await session.openSnapshot();
  const taken = (value: number) =>
    takenIds(session, 'years', { match: 'all', conditions: [{ column: 'y', operator: 'eq', value }] });
  expect([await taken(24), await taken(2024), await taken(70)]).toEqual([[], [1], []]);
});
