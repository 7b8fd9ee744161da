/** Every type of Parquet into the warehouse's, from files of several writers, read back by another. */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parquet } from '#connectors/parquet/parquet';
import { makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { lenientReader } from '#tests/lenient';
import { readTable, type ReadTable } from '#tests/file-sources';
import { levels, plain, rawParquet } from '#tests/raw-parquet';
import { openLedger, rejectedAs } from '#tests/types-ledger';

const ledger = openLedger('Parquet');
afterAll(() => ledger.close());

const uri = 'gs://files/types.parquet';

function read(bytes: Uint8Array): Promise<ReadTable> {
  const objects = makeMemoryObjects();
  objects.put(uri, bytes);
  return readTable({ kind: 'parquet', uris: [uri] }, objects);
}

/** What DuckDB writes of `sql`. */
async function byDuckDb(sql: string, options: string): Promise<Uint8Array> {
  const file = path.join(tmpdir(), `tradewind-test-${randomUUID()}.parquet`);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run("SET timezone = 'UTC'");
    await connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet, ${options})`);
    return await readFile(file);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(file, { force: true });
  }
}

type Element = Omit<SchemaElement, 'name' | 'repetition_type'>;
/** A row is a value as text, or the reason why it is rejected. */
type Case = readonly [what: string, element: Element, body: Uint8Array, type: string, rows: readonly (string | { reject: string })[]]; // prettier-ignore

const reject = (reason: string) => ({ reject: reason });
const hex = (text: string) => Buffer.from(text, 'hex');
const utc = { isAdjustedToUTC: true };
const local = { isAdjustedToUTC: false };
const moment = 1_709_195_400_000_001n; // 2024-02-29 08:30:00.000001 in microseconds
const LAST_MICROS = 253_402_300_799_999_999n;

const cases: readonly Case[] = [
  ['BOOLEAN', { type: 'BOOLEAN' }, plain.bools(true, false), 'BOOL', ['true', 'false']],
  ['INT32', { type: 'INT32' }, plain.i32(-1, 2147483647), 'INT64', ['-1', '2147483647']],
  ['INT_8', { type: 'INT32', converted_type: 'INT_8' }, plain.i32(-128), 'INT64', ['-128']],
  ['UINT_16', { type: 'INT32', converted_type: 'UINT_16' }, plain.i32(65535), 'INT64', ['65535']],
  ['UINT_32', { type: 'INT32', logical_type: { type: 'INTEGER', bitWidth: 32, isSigned: false } }, plain.i32(-1, 1), 'INT64', ['4294967295', '1']],
  ['INT64', { type: 'INT64' }, plain.i64(-(2n ** 63n), 2n ** 63n - 1n), 'INT64', ['-9223372036854775808', '9223372036854775807']],
  ['UINT_64', { type: 'INT64', converted_type: 'UINT_64' }, plain.i64(2n ** 64n - 1n, 0n), 'NUMERIC(20,0)', ['18446744073709551615', '0']],
  ['FLOAT', { type: 'FLOAT' }, plain.f32(0.1, -3.5, 1e38), 'FLOAT64', ['0.1', '-3.5', '1e+38']],
  ['DOUBLE', { type: 'DOUBLE' }, plain.f64(0.1, NaN, -Infinity), 'FLOAT64', ['0.1', 'nan', '-inf']],
  ['FLOAT16', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } }, hex('003c00c0ff7b0100'), 'FLOAT64', ['1.0', '-2.0', '65504.0', '5.960464477539063e-08']],
  ['DECIMAL on INT32', { type: 'INT32', converted_type: 'DECIMAL', precision: 5, scale: 2 }, plain.i32(-12345, 99999, 100000), 'NUMERIC(5,2)', ['-123.45', '999.99', reject('numeric-overflow')]],
  ['DECIMAL on INT64', { type: 'INT64', logical_type: { type: 'DECIMAL', precision: 18, scale: 9 } }, plain.i64(999_999_999_999_999_999n, -1n), 'NUMERIC(18,9)', ['999999999.999999999', '-0.000000001']],
  ['DECIMAL on FLBA', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, converted_type: 'DECIMAL', precision: 38, scale: 9 }, plain.fixed(hex('ffffffffffffffffffffffffffffff00'), hex('0000000000000000000000000000ffff'), hex('7fffffffffffffffffffffffffffffff')), 'NUMERIC(38,9)', ['-0.000000256', '0.000065535', reject('numeric-overflow')]],
  ['a wider DECIMAL', { type: 'BYTE_ARRAY', converted_type: 'DECIMAL', precision: 38, scale: 20 }, plain.bytes(hex('ff'), hex('0102'), hex('')), 'BIGNUMERIC(38,20)', ['-0.00000000000000000001', '0.00000000000000000258', '0.00000000000000000000']],
  ['a DECIMAL wider than any', { type: 'BYTE_ARRAY', converted_type: 'DECIMAL', precision: 90, scale: 2 }, plain.bytes(hex('7f'.repeat(30)), new Uint8Array(600).fill(1)), 'STRING', [decimalText(), reject('numeric-overflow')]],
  ['DATE', { type: 'INT32', converted_type: 'DATE' }, plain.i32(-719162, 2932896, 2932897, -719163), 'DATE', ['0001-01-01', '9999-12-31', reject('date-out-of-range'), reject('date-out-of-range')]],
  ['TIME in ms', { type: 'INT32', converted_type: 'TIME_MILLIS' }, plain.i32(30_600_001, 86_400_000, -1), 'TIME', ['08:30:00.001000', reject('time-out-of-range'), reject('time-out-of-range')]],
  ['TIME in µs', { type: 'INT64', logical_type: { type: 'TIME', unit: 'MICROS', ...local } }, plain.i64(86_399_999_999n), 'TIME', ['23:59:59.999999']],
  ['TIME in ns', { type: 'INT64', logical_type: { type: 'TIME', unit: 'NANOS', ...utc } }, plain.i64(1000n, 1n), 'TIME', ['00:00:00.000001', reject('time-inexact')]],
  ['TIMESTAMP in ms', { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }, plain.i64(1_709_195_400_001n, -1n, 2n ** 62n), 'TIMESTAMP', ['2024-02-29 08:30:00.001+00', '1969-12-31 23:59:59.999+00', reject('time-out-of-range')]],
  ['TIMESTAMP in µs', { type: 'INT64', logical_type: { type: 'TIMESTAMP', unit: 'MICROS', ...utc } }, plain.i64(moment, LAST_MICROS, LAST_MICROS + 1n), 'TIMESTAMP', ['2024-02-29 08:30:00.000001+00', '9999-12-31 23:59:59.999999+00', reject('time-out-of-range')]],
  ['TIMESTAMP in ns', { type: 'INT64', logical_type: { type: 'TIMESTAMP', unit: 'NANOS', ...utc } }, plain.i64(moment * 1000n, moment * 1000n + 1n), 'TIMESTAMP', ['2024-02-29 08:30:00.000001+00', reject('time-inexact')]],
  ['a local TIMESTAMP in ms', { type: 'INT64', logical_type: { type: 'TIMESTAMP', unit: 'MILLIS', ...local } }, plain.i64(0n), 'DATETIME', ['1970-01-01 00:00:00+00']],
  ['a local TIMESTAMP in µs', { type: 'INT64', logical_type: { type: 'TIMESTAMP', unit: 'MICROS', ...local }, converted_type: 'TIMESTAMP_MICROS' }, plain.i64(-62_135_596_800_000_000n, -62_135_596_800_000_001n), 'DATETIME', ['0001-01-01 00:00:00+00', reject('time-out-of-range')]],
  ['a local TIMESTAMP in ns', { type: 'INT64', logical_type: { type: 'TIMESTAMP', unit: 'NANOS', ...local } }, plain.i64(-1000n), 'DATETIME', ['1969-12-31 23:59:59.999999+00']],
  ['INT96', { type: 'INT96' }, plain.i96([30_600_000_001_000n, 2_460_370], [1n, 2_440_588], [0n, 0]), 'TIMESTAMP', ['2024-02-29 08:30:00.000001+00', reject('time-inexact'), reject('time-out-of-range')]],
  ['STRING', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }, plain.bytes('Müller', '', hex('ff')), 'STRING', ['Müller', '', reject('invalid-utf8')]],
  ['ENUM', { type: 'BYTE_ARRAY', logical_type: { type: 'ENUM' } }, plain.bytes('red'), 'STRING', ['red']],
  ['JSON', { type: 'BYTE_ARRAY', converted_type: 'JSON' }, plain.bytes('{"n":12345678901234567890}'), 'JSON', ['{"n":12345678901234567890}']],
  ['BSON', { type: 'BYTE_ARRAY', converted_type: 'BSON' }, plain.bytes(hex('0500000000')), 'BYTES', ['\\x05\\x00\\x00\\x00\\x00']],
  ['BYTE_ARRAY', { type: 'BYTE_ARRAY' }, plain.bytes(hex('00ff')), 'BYTES', ['\\x00\\xFF']],
  ['FIXED_LEN_BYTE_ARRAY', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 3 }, hex('616263'), 'BYTES', ['abc']],
  ['UUID', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }, hex('0123456789abcdef0123456789abcdef'), 'STRING', ['01234567-89ab-cdef-0123-456789abcdef']],
  ['INTERVAL', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 12, converted_type: 'INTERVAL' }, plain.i32(14, 3, 250), 'STRING', ['P14M3DT0.250S']],
]; // prettier-ignore

function decimalText(): string {
  const digits = BigInt(`0x${'7f'.repeat(30)}`).toString();
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

test.each(cases)('%s', async (what, about, body, type, rows) => {
  const element: SchemaElement = { name: 'v', repetition_type: 'REQUIRED', ...about };
  const found = await read(rawParquet({ columns: [{ element, pages: [{ values: rows.length, body }] }], rows: rows.length })); // prettier-ignore
  let kept = 0;
  rows.forEach((row, index) => {
    const wrong = found.rejects.find(({ line }) => line === index + 1);
    const obtained = wrong === undefined ? String(found.rows[kept++]?.['v']) : rejectedAs(wrong.reason);
    const expected = typeof row === 'string' ? row : rejectedAs(row.reject);
    ledger.add({
      type: what,
      value: `value ${index + 1}`,
      warehouse: found.types['v'] ?? '',
      expected,
      obtained,
    });
  });
  expect(found.types).toEqual({ v: type });
  expect(found.rows).toEqual(rows.flatMap((row) => (typeof row === 'string' ? [{ v: row }] : [])));
  const wrong = rows.flatMap((row, index) =>
    typeof row === 'string' ? [] : [{ line: index + 1, column: 'v', reason: row.reject }],
  );
  expect(found.rejects).toMatchObject(wrong);
  expect(found.rejects).toHaveLength(wrong.length);
});

test('what has no type is left out with a note; a row is rejected whole and its neighbours stay', async () => {
  const required = { repetition_type: 'REQUIRED' } as const;
  const column = (name: string, about: Element, body: Uint8Array) => ({
    element: { name, ...required, ...about },
    pages: [{ values: 3, body }],
  });
  const { types, rows, rejects, notes } = await read(
    rawParquet({
      rows: 3,
      columns: [
        column('id', { type: 'INT32' }, plain.i32(1, 2, 3)),
        column('nothing', { type: 'INT32', logical_type: { type: 'NULL' } }, plain.i32(0, 0, 0)),
        column('day', { type: 'INT32', converted_type: 'DATE' }, plain.i32(0, 99_999_999, 1)),
        column('odd', { type: 'INT32', converted_type: 'UTF8' }, plain.i32(0, 0, 0)),
        column('day', { type: 'INT32' }, plain.i32(7, 8, 9)),
        column('since', { type: 'INT96' }, plain.i96([0n, 2_440_588], [0n, 2_440_588], [0n, 2_440_588])),
      ],
    }),
  );
  expect(types).toEqual({ id: 'INT64', day: 'DATE', day_2: 'INT64', since: 'TIMESTAMP' });
  expect(rows.map(({ id, day_2 }) => [id, day_2])).toEqual([['1', '7'], ['3', '9']]); // prettier-ignore
  expect(rejects).toMatchObject([{ line: 2, column: 'day', message: expect.stringContaining('Row 2, column "day"') }]); // prettier-ignore
  expect(notes).toEqual([
    'Column "nothing" is left out: it has no type, all its values are null.',
    'Column "odd" is left out: STRING does not go with INT32.',
    'Column "since" holds INT96 timestamps, which are read as UTC.',
  ]);
});

test('a misfit in a column that may be null, or is text, costs no row', async () => {
  const element = (name: string): SchemaElement => ({ name, type: 'INT32', converted_type: 'DATE', repetition_type: 'REQUIRED' }); // prettier-ignore
  const pages = [{ values: 2, body: plain.i32(19_782, 2_932_897) }];
  const objects = makeMemoryObjects();
  objects.put(
    uri,
    rawParquet({ rows: 2, columns: ['a', 'b'].map((name) => ({ element: element(name), pages })) }),
  );
  const access = { settings: { kind: 'parquet' as const, uris: [uri] }, credentials: null };
  const session = await parquet.connect(access, makeTestContext(objects), new AbortController().signal);
  const found = await (await lenientReader(session, 'types.parquet'))('text');
  expect(found.rejects).toEqual([]);
  expect(found.rows).toEqual([
    { a: '2024-02-29', b: '2024-02-29' },
    { a: '+010000-01-01', b: null },
  ]);
  expect(found.counts).toEqual({ 'date-out-of-range': 2 });
});

const SQL = `SELECT
  i::INTEGER AS small, (i * 1234567890123)::BIGINT AS big, i::UTINYINT AS tiny, (i / 7)::DOUBLE AS real,
  (i * 1.25)::DECIMAL(9,2) AS price, (i * 1.25)::DECIMAL(30,4) AS wide, i::HUGEINT::DECIMAL(38,0) AS huge,
  CASE WHEN i % 3 = 0 THEN NULL ELSE 'word ' || (i % 10) END AS word, 'prefix of all ' || i AS text,
  DATE '2024-01-01' + i::INTEGER AS day, TIMESTAMP '2024-01-01 00:00:00.000001' + INTERVAL (i) HOUR AS moment,
  (TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) MINUTE) AS instant, TIME '08:30:00' AS clock,
  i % 2 = 0 AS even, ('00000000-0000-0000-0000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS id, encode('b' || i) AS bytes
  FROM range(200) t(i)`;

test.each([
  ['version 1, snappy', 'COMPRESSION snappy, PARQUET_VERSION v1'],
  ['version 2 (deltas, splits), zstd', 'COMPRESSION zstd, PARQUET_VERSION v2'],
  ['gzip', 'COMPRESSION gzip'],
  ['brotli', 'COMPRESSION brotli'],
  ['LZ4_RAW', 'COMPRESSION lz4_raw'],
  ['uncompressed, small row groups', 'COMPRESSION uncompressed, ROW_GROUP_SIZE 2048'],
])('what DuckDB writes arrives as it is: %s', async (_, options) => {
  const sql = SQL.replace('range(200)', 'range(5000)').replace('i::UTINYINT', '(i % 200)::UTINYINT');
  const { types, rows, rejects } = await read(await byDuckDb(sql, options));
  expect(rejects).toEqual([]);
  expect(types).toEqual({
    small: 'INT64', big: 'INT64', tiny: 'INT64', real: 'FLOAT64', price: 'NUMERIC(9,2)', wide: 'NUMERIC(30,4)',
    huge: 'BIGNUMERIC(38,0)', word: 'STRING', text: 'STRING', day: 'DATE', moment: 'DATETIME', instant: 'TIMESTAMP',
    clock: 'TIME', even: 'BOOL', id: 'STRING', bytes: 'BYTES',
  }); // prettier-ignore
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET timezone = 'UTC'");
  const expected = (
    await connection.runAndReadAll(
      `SELECT COLUMNS(* EXCLUDE (moment, clock))::VARCHAR, (moment::VARCHAR || '+00') AS moment, '08:30:00.000000' AS clock FROM (${sql})`,
    )
  ).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  expect(rows).toHaveLength(5000);
  expect(rows).toEqual(expected);
});

test('lists, maps and structs of DuckDB become JSON text with every digit', async () => {
  const sql = `SELECT
    [1, NULL, 9223372036854775807] AS list, []::INTEGER[] AS none, NULL::INTEGER[] AS nothing,
    [['a', 'b'], [], NULL, ['"c"']] AS deep,
    {'x': 1.10::DECIMAL(5,2), 'y': {'z': DATE '2024-02-29', 'n': NULL::INTEGER}} AS struct,
    MAP {'a': 1, 'b': NULL} AS map, MAP {7: [TRUE]} AS numbered,
    [{'k': 'v', 'w': [0.5::DOUBLE, 'NaN'::DOUBLE]}] AS mixed
    FROM range(3)`;
  const { types, rows, rejects } = await read(await byDuckDb(sql, 'COMPRESSION zstd'));
  expect(rejects).toEqual([]);
  expect(new Set(Object.values(types))).toEqual(new Set(['JSON']));
  const row = {
    list: '[1,null,9223372036854775807]',
    none: '[]',
    nothing: null,
    deep: '[["a","b"],[],null,["\\"c\\""]]',
    struct: '{"x":"1.10","y":{"z":"2024-02-29","n":null}}',
    map: '{"a":1,"b":null}',
    numbered: '{"7":[true]}',
    mixed: '[{"k":"v","w":[0.5,"NaN"]}]',
  };
  expect(rows).toEqual([row, row, row]);
});

test('lists of older writers, and rows that reach over pages', async () => {
  const leaf = (name: string, repetition_type: NonNullable<SchemaElement['repetition_type']>): SchemaElement => ({ name, type: 'INT32', repetition_type }); // prettier-ignore
  const { rows } = await read(
    rawParquet({
      rows: 3,
      schema: [
        leaf('bare', 'REPEATED'),
        { name: 'two', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
        leaf('array', 'REPEATED'),
      ],
      columns: [
        {
          element: leaf('bare', 'REPEATED'),
          // [1, 2], [], [3]: the first row goes on in the second page.
          pages: [
            { values: 1, body: Buffer.concat([levels([0, 1]), levels([1, 1]), plain.i32(1)]) },
            { values: 3, body: Buffer.concat([levels([1, 1], [0, 2]), levels([1, 1], [0, 1], [1, 1]), plain.i32(2, 3)]) },
          ],
        },
        {
          element: leaf('array', 'REPEATED'),
          path: ['two', 'array'],
          // null, [], [4, 5]
          pages: [{ values: 4, body: Buffer.concat([levels([0, 3], [1, 1]), levels([0, 1], [1, 1], [2, 2]), plain.i32(4, 5)]) }],
        },
      ],
    }),
  ); // prettier-ignore
  expect(rows).toEqual([
    { bare: '[1,2]', two: null },
    { bare: '[]', two: '[]' },
    { bare: '[3]', two: '[4,5]' },
  ]);
});

test('dictionaries of version 1 pages, with a plain page after them', async () => {
  const element: SchemaElement = { name: 'v', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }; // prettier-ignore
  const { rows } = await read(
    rawParquet({
      rows: 5,
      columns: [
        {
          element,
          pages: [
            { kind: 'dictionary', values: 2, encoding: 'PLAIN_DICTIONARY', body: plain.bytes('a', 'b') },
            // a, null, b: indices of one bit, bit-packed.
            { values: 3, encoding: 'PLAIN_DICTIONARY', body: Buffer.concat([levels([1, 1], [0, 1], [1, 1]), Uint8Array.of(1, 3, 2)]) },
            { values: 2, body: Buffer.concat([levels([1, 2]), plain.bytes('c', 'd')]) },
          ],
        },
      ],
    }),
  ); // prettier-ignore
  expect(rows.map(({ v }) => v)).toEqual(['a', null, 'b', 'c', 'd']);
});

test.each(['DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT', 'PLAIN', 'RLE_DICTIONARY'] as const)(
  'whole numbers that hyparquet-writer encodes as %s, over the whole range',
  async (encoding) => {
    const edges = [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n) - 1n, 12345678901n];
    const data = Array.from({ length: 1000 }, (_, n) => edges[(n * 7) % 8]! ^ BigInt(n % 3));
    const bytes = parquetWriteBuffer({ columnData: [{ name: 'v', data, type: 'INT64', encoding }], codec: 'SNAPPY' }); // prettier-ignore
    const { rows } = await read(new Uint8Array(bytes));
    expect(rows.map(({ v }) => v)).toEqual(data.map(String));
  },
);

test.each(['DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY', 'PLAIN'] as const)(
  'text that hyparquet-writer encodes as %s',
  async (encoding) => {
    const data = Array.from({ length: 1000 }, (_, n) =>
      n % 5 === 0 ? null : `prefix ${'x'.repeat(n % 9)}${n}`,
    );
    const compressors = { ZSTD: zstdCompressSync, GZIP: gzipSync, BROTLI: brotliCompressSync };
    const bytes = parquetWriteBuffer({ columnData: [{ name: 'v', data, type: 'STRING', encoding }], codec: 'ZSTD', compressors }); // prettier-ignore
    const { rows } = await read(new Uint8Array(bytes));
    expect(rows.map(({ v }) => v)).toEqual(data);
  },
);
