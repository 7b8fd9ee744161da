/** Files that are cut off, damaged or hostile: a clear failure that names the file, never a crash or endless memory. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { ColumnMetaData, SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { TerminalError } from '#core/errors';
import { makeMemoryObjects } from '#tests/connectors';
import { extractTable } from '#tests/file-sources';
import { plain, rawParquet, varint, type RawColumn, type RawFile } from '#tests/raw-parquet';

const uri = 'gs://files/broken.parquet';
/** What may come of a damaged file; null: it is read. */
const CODES = [
  null,
  'file-broken',
  'parquet-unsupported',
  'page-too-big',
  'column-changed',
  'columns-differ',
];

async function failureOf(bytes: Uint8Array): Promise<TerminalError | null> {
  const objects = makeMemoryObjects();
  objects.put(uri, bytes);
  try {
    await extractTable({ kind: 'parquet', uris: [uri] }, objects);
    return null;
  } catch (error) {
    if (error instanceof TerminalError) return error;
    throw error;
  }
}

/** A failure with `code`, whose message names the file and holds `words`, and that says what to do. */
const refusal = (code: string, words: string) => ({
  code,
  message: expect.stringMatching(new RegExp(`${uri}.*${words.replace(/[()]/g, '\\$&')}`)),
  remedy: expect.any(String),
});

/** A file of each kind of page, small enough to be broken everywhere. */
function small(codec: 'SNAPPY' | 'UNCOMPRESSED'): Uint8Array {
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: [1n, 2n, 3n, 4n], type: 'INT64', encoding: 'DELTA_BINARY_PACKED' },
      { name: 'word', data: ['a', null, 'a', 'b'], type: 'STRING' },
      { name: 'real', data: [0.5, 1.5, null, 2], type: 'DOUBLE' },
      { name: 'flag', data: [true, false, true, true], type: 'BOOLEAN' },
      { name: 'text', data: ['one', 'only', 'once', null], type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' },
      { name: 'doc', data: [{ a: [1] }, null, 'x', []], type: 'JSON' },
    ],
    codec,
    statistics: false,
    rowGroupSize: 2,
  });
  return new Uint8Array(bytes);
}

test('a file that ends anywhere before its end is told from a whole one', async () => {
  const whole = small('SNAPPY');
  expect(await failureOf(whole)).toBeNull();
  const found = new Set<string | undefined>();
  for (let end = 0; end < whole.length; end++) {
    const failure = await failureOf(whole.slice(0, end));
    found.add(failure?.code);
    expect(failure?.message).toContain(uri);
  }
  expect(found).toEqual(new Set(['file-broken']));
});

test('a footer whose data is cut away is told from a whole file', async () => {
  const whole = small('UNCOMPRESSED');
  const length = new DataView(whole.buffer).getUint32(whole.length - 8, true) + 8;
  for (let kept = 4; kept < whole.length - length; kept += 3) {
    const failure = await failureOf(
      Buffer.concat([whole.slice(0, kept), whole.slice(whole.length - length)]),
    );
    expect(failure).toMatchObject({ code: 'file-broken' });
  }
});

test.each(['SNAPPY', 'UNCOMPRESSED'] as const)(
  'bytes that flip are read or refused, whichever they are (%s)',
  async (codec) => {
    const whole = small(codec);
    const flips = fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(flips, async (changes) => {
        const bytes = whole.slice();
        for (const [at, bits] of changes) bytes[at]! ^= bits;
        const failure = await failureOf(bytes);
        expect(CODES).toContain(failure?.code ?? null);
      }),
      { numRuns: 400 },
    );
  },
);

test('every single byte of the footer may be anything', async () => {
  const whole = small('UNCOMPRESSED');
  const start = whole.length - 8 - new DataView(whole.buffer).getUint32(whole.length - 8, true);
  for (let at = start; at < whole.length; at += 1)
    for (const value of [0, 0xff]) {
      const bytes = whole.slice();
      bytes[at] = value;
      const failure = await failureOf(bytes);
      expect(CODES).toContain(failure?.code ?? null);
    }
});

const element: SchemaElement = { name: 'v', type: 'INT32', repetition_type: 'REQUIRED' };
const one = (column: Partial<RawColumn>, rows = 1, more: Partial<RawFile> = {}): Uint8Array =>
  rawParquet({
    columns: [{ element, pages: [{ values: rows, body: plain.i32(7) }], ...column }],
    rows,
    ...more,
  });
const page = (body: Uint8Array, values = 1, unpacked = body.length) => [{ values, body, unpacked }];

test('what is announced and not there is refused', async () => {
  expect(await failureOf(one({}))).toBeNull();
  expect(await failureOf(one({ pages: page(plain.i32(7), 2) }, 2))).toMatchObject(
    refusal('file-broken', '4 bytes of values instead of 8'),
  );
  expect(await failureOf(one({ pages: page(plain.i32(7), 1) }, 2))).toMatchObject(
    refusal('file-broken', '1 values in a row group of 2 rows'),
  );
  const huge = (change: NonNullable<RawFile['change']>) => one({}, 1, { change });
  const chunk = (change: (meta: ColumnMetaData) => void) =>
    huge(({ row_groups }) => change(row_groups[0]!.columns[0]!.meta_data!));
  expect(
    await failureOf(
      huge((all) => {
        all.num_rows = 2n ** 60n;
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'its row groups have 1 rows'));
  expect(
    await failureOf(
      huge((all) => {
        all.row_groups[0]!.num_rows = 2n ** 62n;
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'rows of a row group cannot be'));
  expect(
    await failureOf(
      chunk((meta) => {
        meta.total_compressed_size = 2n ** 40n;
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'reaches beyond the file'));
  expect(
    await failureOf(
      chunk((meta) => {
        meta.total_compressed_size = -5n;
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'the length of a column cannot be -5'));
  expect(
    await failureOf(
      chunk((meta) => {
        meta.data_page_offset = 0n;
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'reaches beyond the file'));
  expect(
    await failureOf(
      chunk((meta) => {
        meta.type = 'DOUBLE';
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'stored as DOUBLE and not INT32'));
});

test('pages that would take endless memory are refused before they do', async () => {
  const text: SchemaElement = { name: 'v', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' };
  const many = 2 ** 31 - 1;
  expect(await failureOf(one({ pages: page(plain.i32(7), many) }, many))).toMatchObject(
    refusal('page-too-big', `${many} values`),
  );
  const nulls = Buffer.concat([plain.i32(6), Uint8Array.from([...varint(2 ** 25 * 2), 0])]);
  const optional = { ...element, repetition_type: 'OPTIONAL' as const };
  expect(
    await failureOf(one({ element: optional, pages: [{ values: 2 ** 25 + 1, body: nulls }] }, 2 ** 25 + 1)),
  ).toMatchObject(refusal('page-too-big', `${2 ** 25 + 1} values`));
  expect(
    await failureOf(one({ codec: 'GZIP', pages: page(gzipSync(new Uint8Array(1000)), 1, 2 ** 31 - 1) })),
  ).toMatchObject(refusal('page-too-big', 'bytes in memory'));
  for (const [codec, bomb] of [
    ['GZIP', gzipSync(new Uint8Array(2 ** 24))],
    ['ZSTD', zstdCompressSync(new Uint8Array(2 ** 24))],
  ] as const)
    expect(await failureOf(one({ codec, pages: page(bomb, 1, 4) }))).toMatchObject(
      refusal('file-broken', `cannot be unpacked with ${codec} to the 4 bytes`),
    );
  expect(await failureOf(one({ element: text, pages: page(plain.i32(-1)) }))).toMatchObject(
    refusal('file-broken', 'reaches beyond its page'),
  );
  // A thousand values that each repeat the one before, growing: 128 MiB from a few bytes.
  const deltas = (...values: number[]) => [128, 1, 1, values.length, values[0]! * 2];
  expect(
    await failureOf(
      one({
        element: text,
        pages: [
          { values: 1, encoding: 'DELTA_BYTE_ARRAY', body: Uint8Array.from([...deltas(3), ...deltas(0)]) },
        ],
      }),
    ),
  ).toMatchObject(refusal('file-broken', 'beyond its page'));
});

test('footers that announce lists within lists are refused before anything is made for them', async () => {
  const lists = Array.from({ length: 2000 }, () => [0xf9, ...varint(30_000_000)]).flat();
  const footer = Uint8Array.from([0x29, ...lists, 0]);
  const bytes = Buffer.concat([Buffer.from('PAR1'), footer, plain.i32(footer.length), Buffer.from('PAR1')]);
  expect(await failureOf(bytes)).toMatchObject(refusal('file-broken', 'a list of 30000000 elements'));
  const deep = Uint8Array.from([0x29, ...Array.from({ length: 5000 }, () => 0x19), 0]);
  expect(await failureOf(Buffer.concat([Buffer.from('PAR1'), deep, plain.i32(deep.length), Buffer.from('PAR1')]))).toMatchObject(refusal('file-broken', 'nested too deeply')); // prettier-ignore
});

test.each([
  ['structs', [0x19, 0xfc], 0],
  ['lists', [0x19, 0xf9], 0x03],
  ['texts', [0x19, 0xf8], 0],
  ['numbers', [0x19, 0xf5], 0],
  ['fields', [], 0x11],
])('a footer of very many small %s is refused before anything is made of them', async (_, head, part) => {
  const many = 2_000_000;
  const list = head.length === 0 ? [] : [...head, ...varint(many)];
  const footer = Buffer.concat([Uint8Array.from(list), Buffer.alloc(many, part), Uint8Array.from([0])]);
  const bytes = Buffer.concat([Buffer.from('PAR1'), footer, plain.i32(footer.length), Buffer.from('PAR1')]);
  expect(await failureOf(bytes)).toMatchObject(
    refusal('parquet-unsupported', 'more than the 1000000 parts that are read'),
  );
});

test('a schema nested without end is refused', async () => {
  const schema: SchemaElement[] = Array.from({ length: 200 }, (_, n) => ({ name: `g${n}`, repetition_type: 'OPTIONAL', num_children: 1 })); // prettier-ignore
  expect(await failureOf(one({}, 1, { schema: [...schema, element] }))).toMatchObject(
    refusal('file-broken', 'more than 50 deep'),
  );
});

test('what is not read is named with its remedy', async () => {
  const lzo = one({ codec: 'LZO' });
  expect(await failureOf(lzo)).toMatchObject(refusal('parquet-unsupported', 'compressed with LZO'));
  expect((await failureOf(lzo))?.remedy).toContain('SNAPPY');
  const elsewhere = one({}, 1, { change: ({ row_groups }) => { row_groups[0]!.columns[0]!.file_path = 'other.parquet'; } }); // prettier-ignore
  expect(await failureOf(elsewhere)).toMatchObject(refusal('parquet-unsupported', 'in other files'));
  const encrypted = one({});
  encrypted.set(Buffer.from('PARE'), encrypted.length - 4);
  expect(await failureOf(encrypted)).toMatchObject(refusal('parquet-unsupported', 'encrypted'));
  const locked = one({}, 1, { change: ({ row_groups }) => { row_groups[0]!.columns[0]!.encrypted_column_metadata = new Uint8Array(4); } }); // prettier-ignore
  expect(await failureOf(locked)).toMatchObject(refusal('parquet-unsupported', 'encrypted'));
});

test('a checksum that does not match is told', async () => {
  expect(await failureOf(one({ pages: [{ values: 1, body: plain.i32(7), crc: 12345 }] }))).toMatchObject(
    refusal('file-broken', 'checksum'),
  );
});

test('a name that begins with a byte order mark keeps it, beside another that does not', async () => {
  const objects = makeMemoryObjects();
  const columnData = ['a', '\ufeffa', 'b'].map((name, at) => ({ name, data: [at], type: 'INT32' as const }));
  objects.put('gs://files/marks.parquet', new Uint8Array(parquetWriteBuffer({ columnData })));
  const { columns, tally } = await extractTable(
    { kind: 'parquet', uris: ['gs://files/marks.parquet'] },
    objects,
  );
  expect(columns.map(({ name }) => name)).toEqual(['a', '\ufeffa', 'b']);
  expect(tally.columns.map(({ name, sum }) => [name, sum])).toEqual([
    ['a', '0'],
    ['\ufeffa', '1'],
    ['b', '2'],
  ]);
});
