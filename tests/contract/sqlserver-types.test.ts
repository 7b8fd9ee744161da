import { sqlserver } from '#connectors/sqlserver/sqlserver';
import type { SourceSession } from '#connectors/connector';
import { extractAll, makeTestContext } from '#tests/connectors';
import { lenientReader } from '#tests/lenient';
import { readWithDuckDb } from '#tests/parquet';
import { startTestSqlServer, type TestColumn, type TestSqlServer } from '#tests/sqlserver';
import { openLedger, rejectedAs } from '#tests/types-ledger';

let server: TestSqlServer;
const open: SourceSession[] = [];

beforeAll(async () => {
  server = await startTestSqlServer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});
const ledger = openLedger('SQL Server');
afterAll(async () => {
  ledger.close();
  await server?.stop();
});

async function connect(): Promise<SourceSession> {
  const never = new AbortController().signal;
  const session = await sqlserver.connect(server.access(), makeTestContext(), never);
  open.push(session);
  return session;
}

async function readTable(table: string) {
  const session = await connect();
  await session.openSnapshot();
  const { columns, notes } = await session.describe(table);
  const units = await session.planUnits(table, { targetBytes: 1e9 });
  return { columns, notes, ...(await extractAll(session, units, columns)) };
}

const guid = '6F9619FF-8B86-D011-B42D-00C04FC964FF';

/** The catalogue's column, values as the server shows them, type in the warehouse, and how DuckDB writes what arrived. */
const fidelity: readonly [column: Omit<TestColumn, 'name'>, values: readonly unknown[], warehouse: string, arrived: readonly string[]][] = [
  [{ type: 'bit' }, [true, false], 'BOOL', ['true', 'false']],
  [{ type: 'tinyint' }, [0, 255], 'INT64', ['0', '255']],
  [{ type: 'smallint' }, [-32768, 32767], 'INT64', ['-32768', '32767']],
  [{ type: 'int' }, [-2147483648, 2147483647], 'INT64', ['-2147483648', '2147483647']],
  [{ type: 'bigint' }, [-9223372036854775808n, 9223372036854775807n, 9007199254740993n], 'INT64', ['-9223372036854775808', '9223372036854775807', '9007199254740993']],
  [{ type: 'real' }, [0.1, 3.4028235e38, -1.5], 'FLOAT64', ['0.1', '3.4028235e+38', '-1.5']],
  [{ type: 'float' }, [0.1, 1.7976931348623157e308, 5e-324], 'FLOAT64', ['0.1', '1.7976931348623157e+308', '5e-324']],
  [{ type: 'decimal', precision: 12, scale: 2 }, ['1.50', '-9999999999.99', '0.00'], 'NUMERIC', ['1.50', '-9999999999.99', '0.00']],
  [{ type: 'decimal', precision: 18, scale: 0 }, ['999999999999999999', '-1'], 'NUMERIC', ['999999999999999999', '-1']],
  [{ type: 'numeric', precision: 38, scale: 9 }, ['99999999999999999999999999999.999999999', '-0.000000001'], 'NUMERIC', ['99999999999999999999999999999.999999999', '-0.000000001']],
  [{ type: 'decimal', precision: 38, scale: 38 }, [`0.${'9'.repeat(38)}`, `-0.${'0'.repeat(37)}1`], 'BIGNUMERIC', [`.${'9'.repeat(38)}`, `-.${'0'.repeat(37)}1`]],
  [{ type: 'decimal', precision: 38, scale: 0 }, ['9'.repeat(38)], 'BIGNUMERIC', ['9'.repeat(38)]],
  [{ type: 'money' }, ['922337203685477.5807', '-922337203685477.5808', '0.0001'], 'NUMERIC', ['922337203685477.5807', '-922337203685477.5808', '0.0001']],
  [{ type: 'smallmoney' }, ['214748.3647', '-214748.3648'], 'NUMERIC', ['214748.3647', '-214748.3648']],
  [{ type: 'char', length: 4 }, ['x   '], 'STRING', ['x   ']],
  [{ type: 'varchar', length: 20 }, ['', 'grüße', "it's"], 'STRING', ['', 'grüße', "it's"]],
  [{ type: 'varchar', length: 8000 }, ['z'.repeat(8000)], 'STRING', ['z'.repeat(8000)]],
  [{ type: 'varchar', length: -1 }, ['', 'y'.repeat(100_000)], 'STRING', ['', 'y'.repeat(100_000)]],
  [{ type: 'nchar', length: 5 }, ['é    '], 'STRING', ['é    ']],
  [{ type: 'nvarchar', length: 30 }, ['grüße 🎉', '', 'a\n"\'\t'], 'STRING', ['grüße 🎉', '', 'a\n"\'\t']],
  [{ type: 'nvarchar', length: -1 }, ['🎉'.repeat(50_000), ''], 'STRING', ['🎉'.repeat(50_000), '']],
  [{ type: 'text' }, ['old'], 'STRING', ['old']],
  [{ type: 'ntext' }, ['älter'], 'STRING', ['älter']],
  [{ type: 'xml' }, ['<a b="1">ü</a>'], 'STRING', ['<a b="1">ü</a>']],
  [{ type: 'json' }, ['{"a":123456789012345678901}'], 'JSON', ['{"a":123456789012345678901}']],
  [{ type: 'uniqueidentifier' }, [guid], 'STRING', [guid]],
  [{ type: 'hierarchyid' }, ['/1/3/'], 'STRING', ['/1/3/']],
  [{ type: 'geography' }, ['POINT (13.4 52.5)'], 'STRING', ['POINT (13.4 52.5)']],
  [{ type: 'binary', length: 3 }, [Buffer.from('00ff10', 'hex')], 'BYTES', ['\\x00\\xFF\\x10']],
  [{ type: 'varbinary', length: 10 }, [Buffer.alloc(0), Buffer.from('0102', 'hex')], 'BYTES', ['', '\\x01\\x02']],
  [{ type: 'varbinary', length: -1 }, [Buffer.from('ff', 'hex')], 'BYTES', ['\\xFF']],
  [{ type: 'image' }, [Buffer.from('fe', 'hex')], 'BYTES', ['\\xFE']],
  [{ type: 'timestamp', length: 8 }, [Buffer.from('00000000000007d1', 'hex')], 'INT64', ['2001']],
  [{ type: 'date' }, ['0001-01-01', '9999-12-31', '2024-02-29'], 'DATE', ['0001-01-01', '9999-12-31', '2024-02-29']],
  [{ type: 'datetime' }, ['1753-01-01 00:00:00.000', '9999-12-31 23:59:59.997', '2024-02-29 12:00:00.003'], 'DATETIME', ['1753-01-01 00:00:00+00', '9999-12-31 23:59:59.997+00', '2024-02-29 12:00:00.003+00']],
  [{ type: 'smalldatetime' }, ['1900-01-01 00:00:00', '2079-06-06 23:59:00'], 'DATETIME', ['1900-01-01 00:00:00+00', '2079-06-06 23:59:00+00']],
  [{ type: 'datetime2', scale: 6 }, ['0001-01-01 00:00:00.000000', '9999-12-31 23:59:59.999999', '2024-02-29 23:59:59.123456'], 'DATETIME', ['0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00', '2024-02-29 23:59:59.123456+00']],
  [{ type: 'datetime2', scale: 0 }, ['2024-03-31 02:30:00'], 'DATETIME', ['2024-03-31 02:30:00+00']],
  [{ type: 'datetime2', scale: 7 }, ['2024-02-29 23:59:59.1234567', '2024-02-29 23:59:59.1234560'], 'STRING', ['2024-02-29 23:59:59.1234567', '2024-02-29 23:59:59.123456']],
  [{ type: 'datetimeoffset', scale: 6 }, ['2024-06-01 12:00:00.000001 +02:00', '2024-01-01 00:30:00.000000 -11:30'], 'TIMESTAMP', ['2024-06-01 10:00:00.000001+00', '2024-01-01 12:00:00+00']],
  [{ type: 'datetimeoffset', scale: 7 }, ['2024-06-01 12:00:00.1234567 +02:00', '2024-06-01 12:00:00.0000000 -01:00'], 'STRING', ['2024-06-01 12:00:00.1234567+02:00', '2024-06-01 12:00:00.000000-01:00']],
  [{ type: 'time', scale: 6 }, ['23:59:59.000001', '00:00:00.000000'], 'TIME', ['23:59:59.000001', '00:00:00.000000']],
  [{ type: 'time', scale: 0 }, ['08:15:00'], 'TIME', ['08:15:00.000000']],
  [{ type: 'time', scale: 7 }, ['23:59:59.9999999'], 'STRING', ['23:59:59.9999999']],
]; // prettier-ignore

function typeText({ type, length, precision, scale }: Omit<TestColumn, 'name'>): string {
  const about = [length === -1 ? 'max' : length, precision, scale].filter((one) => one !== undefined);
  return about.length === 0 ? type : `${type}(${about.join(',')})`;
}

function valueText(value: unknown): string {
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : String(value);
}

describe('SQL Server’s types', () => {
  test('every value that fits arrives as it was, nulls included', async () => {
    const rows = [0, 1, 2, 3].map((k) => [k, ...fidelity.map(([, values]) => values[k] ?? null)]);
    server.database.add(
      {
        schema: 'dbo',
        name: 'fidelity',
        columns: [
          { name: 'k', type: 'int' },
          ...fidelity.map(([column], at) => ({ name: `c${at}`, ...column })),
        ],
      },
      rows,
    );
    const { columns: found, files, rejects } = await readTable('dbo.fidelity');
    expect(rejects).toEqual([]);
    expect(found.slice(1).map(({ type }) => type)).toEqual(fidelity.map(([, , warehouse]) => warehouse));
    const shown = fidelity.map((_, index) => `c${index}::VARCHAR AS c${index}`).join(', ');
    const read = await readWithDuckDb(files[0]!, `SELECT ${shown} FROM $file ORDER BY k`);
    fidelity.forEach(([column, values, , arrived], index) => {
      const here = read.map((row) => row[`c${index}`]);
      const expected = [0, 1, 2, 3].map((k) => (k < values.length ? arrived[k] : null));
      for (const [k, value] of values.entries())
        ledger.add({
          type: typeText(column),
          value: valueText(value),
          warehouse: found[index + 1]?.type ?? '',
          expected: String(expected[k]),
          obtained: String(here[k]),
        });
      expect({ column, read: here }).toEqual({ column, read: expected });
    });
  });

  test('what cannot be read whole is left out or told, column by column', async () => {
    server.database.add(
      {
        schema: 'dbo',
        name: 'odd',
        columns: [
          { name: 'id', type: 'int' },
          { name: 'any', type: 'sql_variant' },
          { name: 'card', type: 'varbinary', length: 100, encrypted: true },
          { name: 'point', type: 'Point3D' },
          { name: 'secret', type: 'nvarchar', length: 10, hidden: true },
          { name: 'mail', type: 'nvarchar', length: 100, masked: true },
          { name: 'at', type: 'datetime2', scale: 7 },
          { name: 'seen', type: 'datetimeoffset', scale: 0 },
        ],
      },
      [[1, null, null, null, null, 'aXXX@XXXX.com', '2024-01-01 00:00:00.0000000', null]],
    );
    const { columns, notes } = await readTable('dbo.odd');
    expect(columns.map(({ name, sourceType }) => [name, sourceType])).toEqual([
      ['id', 'int'],
      ['mail', 'nvarchar(100)'],
      ['at', 'datetime2(7)'],
      ['seen', 'datetimeoffset(0)'],
    ]);
    expect(notes).toEqual([
      'This user may not read: secret.',
      '"any" is left out: a sql_variant may be of another type in every row.',
      '"card" is left out: only your applications can decrypt it.',
      '"point" is left out: the type Point3D has no text of its own.',
      'Masked for this user, so the mask is read and not the value: mail. Grant UNMASK.',
      '"at" is read as text: it counts in 100 nanoseconds, the warehouse in microseconds.',
      '"seen" keeps its moment, not the offset from UTC that it was written with.',
    ]);
  });

  test.each([
    ['half a character', { type: 'nvarchar', length: 10 }, 'a\ud83c', 'invalid-utf16', 'a\ufffd'],
    [
      'a moment after the last year',
      { type: 'datetimeoffset', scale: 0 },
      '9999-12-31 23:59:59 -14:00',
      'time-out-of-range',
      '+010000-01-01',
    ],
    ['17 MiB', { type: 'varbinary', length: -1 }, 17 * 1024 * 1024, 'value-too-big', '17825792 bytes'],
  ] as const)('%s is rejected, its row only', async (_, column, given, reason, shown) => {
    const value = typeof given === 'number' ? Buffer.alloc(given) : given;
    const name = `misfit_${server.database.tables.length}`;
    server.database.add(
      {
        schema: 'dbo',
        name,
        columns: [
          { name: 'before', type: 'nvarchar', length: 5 },
          { name: 'v', ...column },
          { name: 'after', type: 'nvarchar', length: 5 },
        ],
      },
      [
        ['a', null, 'b'],
        ['c', value, 'd'],
        [null, null, 'f'],
      ],
    );
    const { columns, files, rejects, tally } = await readTable(`dbo.${name}`);
    ledger.add({
      type: typeText(column),
      value: valueText(given),
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

  test('a misfit in a column that may be null, or is text, costs no row', async () => {
    server.database.add(
      {
        schema: 'dbo',
        name: 'lenient',
        columns: [
          { name: 'id', type: 'int' },
          { name: 'a', type: 'datetimeoffset', scale: 0 },
          { name: 'b', type: 'nvarchar', length: 10 },
        ],
      },
      [
        [1, '2024-06-01 12:00:00 +02:00', 'x'],
        [2, '9999-12-31 23:59:59 -14:00', 'a\ud83c'],
      ],
    );
    const read = await lenientReader(await connect(), 'dbo.lenient');
    const { rows, rejects, counts } = await read('null');
    expect(rows).toEqual([
      { id: '1', a: '2024-06-01 10:00:00+00', b: 'x' },
      { id: '2', a: null, b: null },
    ]);
    expect(rejects).toEqual([]);
    expect(counts).toEqual({ 'time-out-of-range': 1, 'invalid-utf16': 1 });
    expect((await read('text')).rows).toEqual([
      { id: '1', a: '2024-06-01 10:00:00Z', b: 'x' },
      { id: '2', a: '+010000-01-01 13:59:59', b: null },
    ]);
  });

  test('hostile names are only names', async () => {
    const name = `a]b'; DROP TABLE x; -- \\ .ü"@x`;
    server.database.add(
      {
        schema: 'od.d',
        name,
        columns: [
          { name, type: 'int' },
          { name: 'select', type: 'nvarchar', length: 3 },
        ],
      },
      [[1, 'y']],
    );
    const session = await connect();
    const listed = (await session.listTables()).map((table) => table.name);
    const table = listed.find((each) => each.startsWith('"od.d"'));
    const { columns, files } = await readTable(table!);
    expect(columns.map((column) => column.name)).toEqual([name, 'select']);
    expect(await readWithDuckDb(files[0]!, 'SELECT * FROM $file')).toEqual([{ [name]: '1', select: 'y' }]);
  });
});
