import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { SourceAccess } from '#connectors/connector';
import { csv } from '#connectors/csv/csv';
import { readObjectText } from '#connectors/csv/object-text';
import { findShape } from '#connectors/csv/shape';
import { extractAll, makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { readWithDuckDb } from '#tests/parquet';

const uri = 'gs://files/orders.csv';

async function read(bytes: Uint8Array | string, settings: Partial<SourceAccess['settings']> = {}) {
  const objects = makeMemoryObjects();
  objects.put(uri, bytes);
  const access = {
    settings: { kind: 'csv', uris: [uri], encoding: 'utf-8', ...settings },
    credentials: null,
  };
  const session = await csv.connect(
    access as SourceAccess, // partial settings of one kind, spread over those of the same kind
    makeTestContext(objects),
    new AbortController().signal,
  );
  await session.openSnapshot();
  const { columns } = await session.describe('orders.csv');
  const units = await session.planUnits('orders.csv', { targetBytes: 1e9 });
  const extracted = await extractAll(session, units, columns);
  const rows = await readWithDuckDb(extracted.files[0]!, 'SELECT COLUMNS(*)::VARCHAR FROM $file');
  return { ...extracted, rows, types: Object.fromEntries(columns.map(({ name, type }) => [name, type])) };
}

/** 120 MiB of lines in 120 KiB. */
function bomb(): Uint8Array {
  const line = `${'x'.repeat(1024 * 1024 - 1)}\n`;
  return gzipSync(`a\n${line.repeat(120)}`, { level: 9 });
}

describe('a CSV file', () => {
  test('dates with dots are day, month, year; what is no date stays text', async () => {
    const { types, rows, rejects } = await read(
      [
        'day;moment;version',
        '02.01.2024;31.12.2023 08:30;1.2.3',
        '14.1.2024;01.02.2024 23:59:58;10.20.3000',
        '',
      ].join('\n'),
    );
    expect(types).toEqual({ day: 'DATE', moment: 'DATETIME', version: 'STRING' });
    expect(rows).toEqual([
      { day: '2024-01-02', moment: '2023-12-31 08:30:00+00', version: '1.2.3' },
      { day: '2024-01-14', moment: '2024-02-01 23:59:58+00', version: '10.20.3000' },
    ]);
    expect(rejects).toEqual([]);
  });

  test('types are guessed so that nothing is lost', async () => {
    const { types, rows, rejects } = await read(
      [
        'int,money,measure,flag,day,moment,instant,code,mixed,none,text',
        '1,2.50,1.5e3,true,2024-02-29,2024-02-29 10:00,2024-02-29T10:00:00.000001+02:00,007,1,,x',
        '-9223372036854775808,-0.000000001,0.12345678901,FALSE,0001-01-01,9999-12-31 23:59:59.999999,2024-01-01 00:00:00Z,12,a,,"y, z"',
        '0,100,-2,true,9999-12-31,2024-02-29T10:00:01.5,2024-01-01 00:00:00-0530,0,2.5,,',
      ].join('\n'),
    );
    expect(types).toEqual({
      int: 'INT64', money: 'NUMERIC', measure: 'FLOAT64', flag: 'BOOL', day: 'DATE', moment: 'DATETIME',
      instant: 'TIMESTAMP', code: 'STRING', mixed: 'STRING', none: 'STRING', text: 'STRING',
    }); // prettier-ignore
    expect(rejects).toEqual([]);
    expect(rows).toEqual([
      {
        int: '1', money: '2.500000000', measure: '1500.0', flag: 'true', day: '2024-02-29',
        moment: '2024-02-29 10:00:00+00', instant: '2024-02-29 08:00:00.000001+00', code: '007', mixed: '1', none: null, text: 'x',
      },
      {
        int: '-9223372036854775808', money: '-0.000000001', measure: '0.12345678901', flag: 'false', day: '0001-01-01',
        moment: '9999-12-31 23:59:59.999999+00', instant: '2024-01-01 00:00:00+00', code: '12', mixed: 'a', none: null, text: 'y, z',
      },
      {
        int: '0', money: '100.000000000', measure: '-2.0', flag: 'true', day: '9999-12-31',
        moment: '2024-02-29 10:00:01.5+00', instant: '2024-01-01 05:30:00+00', code: '0', mixed: '2.5', none: null, text: null,
      },
    ]); // prettier-ignore
  });

  test.each([
    ['a telephone number', ['+4915112345678', '+4930123456'], 'STRING'],
    ['an article number such as 12E5', ['12E5', '13E2'], 'STRING'],
    ['a number with more decimals than a double keeps', ['0.12345678901234567', '0.5'], 'STRING'],
    ['a whole number beyond 64 bits', ['9223372036854775808', '1'], 'NUMERIC'],
    ['a whole number beyond NUMERIC', ['1234567890123456789012345678901', '1'], 'STRING'],
    ['a measurement in scientific form', ['1.5e-7', '2.25e10'], 'FLOAT64'],
    ['a fraction without a whole part', ['.5', '2.5'], 'FLOAT64'],
    ['a code with leading zeros and a sign', ['-007', '-12'], 'STRING'],
    ['a bare zero and fractions of one', ['0', '0.5', '-0.25'], 'NUMERIC'],
  ])('%s is guessed so that it stays as it is', async (_, values, type) => {
    const { types, rows, rejects } = await read(`v\n${values.join('\n')}\n`);
    expect(rejects).toEqual([]);
    expect(types).toEqual({ v: type });
    if (type === 'STRING') expect(rows).toEqual(values.map((v) => ({ v })));
    else expect(rows.map(({ v }) => Number(v))).toEqual(values.map(Number));
  });

  test('past the sample, a code with leading zeros and a number with too many digits are rejected, not changed', async () => {
    const good = Array.from({ length: 200_001 }, () => '1,2.5,1.5e3,0.25\n').join('');
    const bad = ['00123,2.5,1.5e3,0', '-01,2.5,1.5e3,0', '1,007.5,1.5e3,0', '1,2.5,01.5e3,0', '1,2.5,1,0'];
    const long = '1,2.5,123456789012345678.25,0';
    const { rejects, tally, types } = await read(`id,price,mass,share\n${good}${[...bad, long].join('\n')}`);
    expect(types).toEqual({ id: 'INT64', price: 'NUMERIC', mass: 'FLOAT64', share: 'NUMERIC' });
    expect(tally.rows).toBe(200_002);
    expect(rejects.map(({ column, reason, value }) => [column, reason, value])).toEqual([
      ['id', 'not-int64', '00123'],
      ['id', 'not-int64', '-01'],
      ['price', 'not-numeric', '007.5'],
      ['mass', 'not-float64', '01.5e3'],
      ['mass', 'not-float64', '123456789012345678.25'],
    ]);
  });

  test('lines that cannot be taken are rejected with line, column, value and reason', async () => {
    const good = Array.from({ length: 200_001 }, (_, i) => `${i},1.5,2024-01-01\n`).join('');
    const bad = [
      'x1,1.5,2024-01-01',
      '9223372036854775808,1,2024-01-01',
      '1,2.5000000001,2024-01-01',
      '1,1.5,2024-02-30',
      '1,1.5',
      '1,1.5,2024-01-01,more',
      '1,"1.5"x,2024-01-01',
      '1,"open,2024-01-01',
    ].join('\n');
    const { rejects, tally } = await read(`id,price,day\n${good}${bad}`);
    expect(tally.rows).toBe(200_001);
    expect(rejects.map(({ line, column, reason }) => [Number(line) - 200_002, column, reason])).toEqual([
      [1, 'id', 'not-int64'],
      [2, 'id', 'not-int64'],
      [3, 'price', 'not-numeric'],
      [4, 'day', 'not-date'],
      [5, null, 'field-count'],
      [6, null, 'field-count'],
      [7, null, 'text-after-quote'],
      [8, null, 'unclosed-quote'],
    ]);
    expect(rejects[0]).toMatchObject({
      value: 'x1',
      message: expect.stringContaining('"x1" in column "id" is not INT64'),
    });
    expect(rejects[4]).toMatchObject({
      value: '1,1.5',
      message: expect.stringContaining('2 fields instead of 3'),
    });
  });

  test.each([
    ['gzip', gzipSync('a,b\n1,x\n')],
    ['gzip in several members', Buffer.concat([gzipSync('a,b\n'), gzipSync('1,x\n')])],
    ['zstd', zstdCompressSync('a,b\n1,x\n')],
    ['zstd in several frames', Buffer.concat([zstdCompressSync('a,b\n'), zstdCompressSync('1,x\n')])],
    ['a byte order mark', '\ufeffa,b\n1,x\n'],
    ['semicolons', 'a;b\n1;x\n'],
    ['tabs', 'a\tb\n1\tx\n'],
    ['bars', 'a|b\n1|x\n'],
    ['Windows line ends', 'a,b\r\n1,x\r\n'],
    ['blank lines', 'a,b\n\n1,x\n\n'],
    ['quotes everywhere', '"a","b"\n"1","x"\n'],
  ])('%s makes no difference', async (_, bytes) => {
    const { rows, rejects } = await read(bytes);
    expect(rejects).toEqual([]);
    expect(rows).toEqual([{ a: '1', b: 'x' }]);
  });

  test('latin1 is read where it is said, and told where it is not', async () => {
    const latin1 = Buffer.from('name,id\nMüller,1\n', 'latin1');
    expect((await read(latin1, { encoding: 'latin1' })).rows).toEqual([{ name: 'Müller', id: '1' }]);
    const { rejects, tally } = await read(latin1);
    expect(tally.rows).toBe(0);
    expect(rejects).toMatchObject([
      { line: 2, reason: 'invalid-utf8', message: expect.stringContaining('latin1') },
    ]);
  });

  test.each([
    ['latin1', 'utf-8', Buffer.from('\ufeffname\nMüller\n'), 'Müller'],
    ['windows-1252', 'its own', Buffer.from([...Buffer.from('name\n'), 0x80, 0x93, 0xfc, 0x0a]), '€“ü'],
    ['utf-16', 'little endian', Buffer.from('\ufeffname\nMüller €\n', 'utf16le'), 'Müller €'],
    ['utf-16', 'big endian', Buffer.from('\ufeffname\nMüller 😀\n', 'utf16le').swap16(), 'Müller 😀'],
  ] as const)('%s, %s', async (encoding, _, bytes, name) => {
    expect((await read(bytes, { encoding })).rows).toEqual([{ name }]);
  });

  test.each([
    ['utf-16', 'without a byte order mark', Buffer.from('a\nb\n', 'utf16le'), 'encoding-unsupported'],
    ['utf-16', 'with half a character', Buffer.from('\ufeffa\n\ud800b\n', 'utf16le'), 'encoding-broken'],
    ['utf-16', 'with half a unit', Buffer.from('\ufeffa\nb\n', 'utf16le').subarray(0, 9), 'encoding-broken'],
  ] as const)('%s %s is refused', async (encoding, _, bytes, code) => {
    await expect(read(bytes, { encoding })).rejects.toMatchObject({ code, remedy: expect.any(String) });
  });

  test('columns without a name or with the same one can be told apart', async () => {
    expect((await read('a,,a,a\n1,2,3,4\n')).rows).toEqual([{ a: '1', column_2: '2', a_2: '3', a_3: '4' }]);
    expect((await read('a,a,a_2,a\n1,2,3,4\n')).rows).toEqual([{ a: '1', a_2: '2', a_2_2: '3', a_3: '4' }]);
  });

  test('ten thousand columns of one name are counted, and one more is refused', async () => {
    const shapeOf = (columns: number) => {
      const header = Buffer.from(`${Array.from({ length: columns }, () => 'x').join(';')}\n`);
      return findShape(Readable.from([header]), uri, undefined);
    };
    const { columns, delimiter } = await shapeOf(10_000);
    expect(delimiter).toBe(';');
    expect([columns.length, columns[1]?.name, columns.at(-1)?.name]).toEqual([10_000, 'x_2', 'x_10000']);
    await expect(shapeOf(10_001)).rejects.toMatchObject({
      code: 'header-invalid',
      message: `Line 1 of ${uri}, which must name the columns, has more than 10,000 fields.`,
      remedy: expect.stringContaining('at most 10,000 columns'),
    });
  });

  test('after a header that is no record the next line is not taken for one', async () => {
    await expect(read('"id"x,name\n1,bolt\n2,nut\n')).rejects.toMatchObject({
      code: 'header-invalid',
      message: `Line 1 of ${uri}, which must name the columns, has text after a closing quote.`,
    });
  });

  test('a packed file that storage breaks off is not taken for a damaged one', async () => {
    const packed = gzipSync('a,b\n1,2\n'.repeat(1000));
    async function* stored(error: Error) {
      yield packed.subarray(0, 50);
      throw error;
    }
    const read = async (error: Error) => {
      for await (const text of readObjectText(stored(error), { encoding: 'utf-8', uri }))
        expect(text.length).toBeGreaterThan(0);
    };
    await expect(read(new Error('socket hang up'))).rejects.toMatchObject({
      code: 'object-read',
      name: 'TransientError',
      message: expect.stringContaining(uri),
    });
  });

  test.each([
    ['nothing', '', 'file-empty'],
    ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'encoding-unsupported'],
    ['half a gzip', gzipSync('a,b\n1,2\n'.repeat(1000)).subarray(0, 50), 'gzip-broken'],
    ['a gzip bomb', bomb(), 'gzip-bomb'],
    ['half a zstd', zstdCompressSync('a,b\n1,2\n'.repeat(1000)).subarray(0, 20), 'zstd-broken'],
    ['a zstd bomb', zstdCompressSync(`a\n${`${'x'.repeat(2 ** 20)}\n`.repeat(120)}`), 'zstd-bomb'],
  ])('%s is refused with its name', async (_, bytes, code) => {
    await expect(read(bytes)).rejects.toMatchObject({ code, message: expect.stringContaining(uri) });
  });

  test('the sample of a large file passes through and is not kept: its buffer may be used again at once', async () => {
    const buffer = Buffer.alloc(1024 * 1024);
    async function* large() {
      yield Buffer.from('n\n');
      for (let n = 0; n < 40; n++) {
        buffer.fill('1234567\n');
        yield buffer;
        buffer.fill('x');
      }
    }
    const shape = await findShape(large(), uri, undefined);
    expect(shape).toMatchObject({ delimiter: ',', whole: false, columns: [{ name: 'n', type: 'INT64' }] });
    expect(shape.records).toBe(32 * 1024 * 128);
    expect(shape.bytes).toBe(32 * 1024 * 1024 + 2);
  });

  test('a few values that make text of a column are named; a column that is text is not', async () => {
    const lines = Array.from(
      { length: 100 },
      (_, n) => `2024-01-${String(1 + (n % 28)).padStart(2, '0')},${n},x${n}`,
    );
    lines[41] = '31/12/2024,A41,x41';
    lines[50] = '2024-01-01,B50,x50';
    for (const n of [60, 61, 62, 63, 64]) lines[n] = `2024-01-01,C${n},7`;
    async function* text() {
      yield Buffer.from(['placed,code,word', ...lines, ''].join('\n'));
    }
    const { columns, spoiled } = await findShape(text(), uri, undefined);
    expect(columns.map(({ type }) => type)).toEqual(['STRING', 'STRING', 'STRING']);
    expect(spoiled).toEqual([{ name: 'placed', type: 'DATE', line: 43, value: '31/12/2024', misfits: 1 }]);

    const objects = makeMemoryObjects();
    objects.put(uri, ['placed,code,word', ...lines, ''].join('\n'));
    const access = {
      settings: { kind: 'csv' as const, uris: [uri], encoding: 'utf-8' as const },
      credentials: null,
    };
    const session = await csv.connect(access, makeTestContext(objects), new AbortController().signal);
    const [listed] = await session.listTables();
    expect((await session.describe(listed?.name ?? '')).notes).toEqual([
      'Column "placed" is taken as text for one value that is not DATE, the first "31/12/2024" on line 43.',
    ]);
  });

  test('two files of one name keep their whole addresses', async () => {
    const objects = makeMemoryObjects();
    const uris = ['gs://files/a/x.csv', 'gs://files/b/x.csv', 'gs://files/y.csv'];
    for (const each of uris) objects.put(each, 'a\n1\n');
    const access = {
      settings: { kind: 'csv' as const, uris, encoding: 'utf-8' as const },
      credentials: null,
    };
    const session = await csv.connect(access, makeTestContext(objects), new AbortController().signal);
    expect((await session.listTables()).map(({ name }) => name)).toEqual([uris[0], uris[1], 'y.csv']);
    await expect(session.describe('x.csv')).rejects.toMatchObject({ code: 'table-not-found' });
  });
});
