import * as fc from 'fast-check';
import { BytesColumn } from '#columnar/bytes-column';
import type { Column } from '#core/column';
import {
  makeCountingWriter,
  makeTableWriter,
  type ColumnBuilder,
  type TableWriter,
  type TableWriterOptions,
} from '#columnar/table-writer';
import type { TableTally } from '#core/tally';
import { makeMemorySink, readWithDuckDb, readWithHyparquet } from '#tests/parquet';

const columns: readonly Column[] = [
  { name: 'id', type: 'INT64', nullable: false, sourceType: 'bigint' },
  { name: 'name', type: 'STRING', nullable: true, sourceType: 'text' },
  { name: 'price', type: 'NUMERIC', precision: 12, scale: 2, nullable: true, sourceType: 'numeric(12,2)' },
  { name: 'rate', type: 'NUMERIC', nullable: true, sourceType: 'numeric' },
  { name: 'score', type: 'FLOAT64', nullable: true, sourceType: 'double precision' },
  { name: 'active', type: 'BOOL', nullable: true, sourceType: 'boolean' },
  { name: 'born', type: 'DATE', nullable: true, sourceType: 'date' },
  { name: 'at', type: 'TIMESTAMP', nullable: true, sourceType: 'timestamptz' },
  { name: 'photo', type: 'BYTES', nullable: true, sourceType: 'bytea' },
];

type Value = bigint | string | number | boolean | Uint8Array | null;

const nullable = (values: fc.Arbitrary<Value>): fc.Arbitrary<Value> => fc.option(values, { nil: null });
const digits = (count: number): fc.Arbitrary<bigint> => {
  const limit = 10n ** BigInt(count) - 1n;
  return fc.bigInt({ min: -limit, max: limit });
};
const rowOf: fc.Arbitrary<Value[]> = fc.tuple(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  nullable(fc.oneof(fc.constantFrom('', 'a', 'b'), fc.string({ unit: 'grapheme' }))),
  nullable(digits(12)),
  nullable(digits(38)),
  nullable(fc.double()),
  nullable(fc.boolean()),
  nullable(fc.integer({ min: -719_162, max: 2_932_896 })),
  nullable(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })),
  nullable(fc.uint8Array({ maxLength: 40 })),
);

function append(builder: ColumnBuilder, value: Value): void {
  if (value === null) return builder.appendNull();
  switch (builder.kind) {
    case 'integer':
    case 'decimal':
      if (typeof value === 'bigint') builder.appendBigInt(value);
      return;
    case 'date':
    case 'float':
      return builder.append(Number(value));
    case 'bool':
      return builder.append(value === true);
    case 'bytes':
      if (value instanceof Uint8Array) builder.append(value, 0, value.length);
      else builder.appendText(String(value));
  }
}

async function write(rows: readonly Value[][], options: TableWriterOptions = {}) {
  const sink = makeMemorySink();
  const tally = await fill(makeTableWriter(columns, sink, options), rows);
  return { bytes: sink.bytes(), tally };
}

async function fill(writer: TableWriter, rows: readonly Value[][]): Promise<TableTally> {
  for (const row of rows) {
    // Every row is begun, taken back half-way and done again: nothing of the first try may stay.
    row.slice(0, 5).forEach((value, index) => append(writer.builders[index]!, value));
    writer.abandonRow();
    row.forEach((value, index) => append(writer.builders[index]!, value));
    writer.endRow();
    if (writer.full) await writer.drain();
  }
  return writer.close();
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

/** DuckDB's text of each column, in one row of text per row. */
const asText = `SELECT id::VARCHAR id, name, price::VARCHAR price, rate::VARCHAR rate, score, active,
  (born - DATE '1970-01-01')::INTEGER born, epoch_us("at")::VARCHAR "at", hex(photo) photo FROM $file`;

function decimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const text = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

function expectedText(row: readonly Value[]): Record<string, unknown> {
  const [id, name, price, rate, score, active, born, at, photo] = row;
  return {
    id: String(id),
    name,
    price: typeof price === 'bigint' ? decimal(price, 2) : null,
    rate: typeof rate === 'bigint' ? decimal(rate, 9) : null,
    score: typeof score === 'number' && !Number.isFinite(score) ? String(score) : score,
    active,
    born,
    at: at === null ? null : String(at),
    photo: photo instanceof Uint8Array ? hex(photo) : null,
  };
}

/** DuckDB's JSON may or may not keep the sign of zero. */
function plainZero(row: Record<string, unknown>): Record<string, unknown> {
  return { ...row, score: typeof row['score'] === 'number' ? row['score'] + 0 : row['score'] };
}

describe('a table written to Parquet', () => {
  test('comes back from DuckDB as it was, whatever the rows, pages and row groups', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowOf, { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 40 }),
        async (rows, pageRows, groupRows) => {
          const { bytes, tally } = await write(rows, { pageRows, groupRows });
          expect(tally.rows).toBe(rows.length);
          expect(tally.bytes).toBe(bytes.length);
          const found = await readWithDuckDb(bytes, asText);
          expect(found.map(plainZero)).toEqual(rows.map(expectedText).map(plainZero));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('comes back from hyparquet as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf, { minLength: 1, maxLength: 60 }), async (rows) => {
        const { bytes } = await write(rows, { pageRows: 7, groupRows: 20 });
        const found = await readWithHyparquet(bytes);
        expect(found.map(({ id, name, active, score }) => [id, name, active, score])).toEqual(
          rows.map((row) => [row[0], row[1], row[5], row[4]]),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('is the same to the byte however fast its pages are compressed and taken', async () => {
    const rows: Value[][] = Array.from({ length: 3000 }, (_, n) => [
      BigInt(n * n), `customer ${n % 70}`, BigInt(n * 31), null, n / 7, n % 3 === 0, n, BigInt(n) * 1_000_000n, Buffer.alloc(n % 50, n),
    ]); // prettier-ignore
    const options = { pageRows: 100, groupBytes: 8000 };
    const atOnce = async (): Promise<Uint8Array> => {
      const sink = makeMemorySink();
      const writer = makeTableWriter(columns, sink, options);
      for (const row of rows) {
        row.forEach((value, index) => append(writer.builders[index]!, value));
        writer.endRow();
      }
      await writer.close();
      return sink.bytes();
    };
    const { bytes } = await write(rows, options);
    expect(Buffer.compare(await atOnce(), bytes)).toBe(0);
    const [{ groups, least }] = (await readWithDuckDb(
      bytes,
      `SELECT max(row_group_id) + 1 AS groups, min(size) AS least FROM
        (SELECT row_group_id, sum(total_compressed_size) AS size FROM parquet_metadata($path) GROUP BY 1 ORDER BY 1)
        WHERE row_group_id < (SELECT max(row_group_id) FROM parquet_metadata($path))`,
    )) as [{ groups: unknown; least: unknown }];
    // The sizes of the last pages are guessed: groups end about where they should.
    expect(Number(groups)).toBeGreaterThan(3);
    expect(Number(least)).toBeGreaterThan(6000);
  });

  test.each(['few', 'many'])('text is UTF-8 or refused, among %s values', async (kind) => {
    const sink = makeMemorySink();
    const writer = makeTableWriter([{ name: 'v', type: 'STRING', nullable: true, sourceType: 'text' }], sink);
    const [builder] = writer.builders;
    if (builder?.kind !== 'bytes') throw new Error('no column of bytes');
    const kept: string[] = [];
    const take = (bytes: Uint8Array): boolean => {
      const taken = builder.appendUtf8(Buffer.from([0xc3, ...bytes, 0xa4]), 1, bytes.length);
      if (taken) writer.endRow();
      return taken;
    };
    // A dictionary is left by the first page of values that are all different.
    if (kind === 'many')
      for (let n = 0; n < 42_000; n++) {
        take(Buffer.from(`value ${n}`));
        kept.push(`value ${n}`);
      }
    for (const letter of ['a', 'ä', '€', '🛒'])
      for (const before of [0, 1, 27, 28, 31, 32, 100, 198, 199, 200, 300]) {
        const text = 'x'.repeat(before) + letter;
        const bytes = Buffer.from(text);
        expect(take(bytes)).toBe(true);
        kept.push(text);
        // Cut at every byte of the letter, and with a byte that begins nothing.
        for (let cut = before + 1; cut < bytes.length; cut++)
          expect(take(bytes.subarray(0, cut))).toBe(false);
        expect(take(Buffer.concat([bytes, Buffer.from([0x80])]))).toBe(false);
      }
    await writer.close();
    const rows = await readWithDuckDb(sink.bytes(), 'SELECT v FROM $file');
    expect(rows.map(({ v }) => v)).toEqual(kept);
  });

  test('without any row is still a table', async () => {
    const { bytes, tally } = await write([]);
    expect(await readWithDuckDb(bytes)).toEqual([]);
    expect(tally.columns.map(({ nulls, sum }) => [nulls, sum])).toEqual(columns.map(() => [0, null]));
  });

  test('tells the exact sums, extremes and nulls, whatever the order of rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf, { minLength: 1, maxLength: 40 }), async (rows) => {
        const { tally } = await write(rows, { pageRows: 6 });
        const reversed = await write(rows.toReversed(), { pageRows: 9 });
        expect(reversed.tally.columns).toEqual(tally.columns);
        for (const [index, name] of [
          [0, 'id'],
          [2, 'price'],
          [3, 'rate'],
          [7, 'at'],
        ] as const) {
          const values = rows.map((row) => row[index]).filter((value) => typeof value === 'bigint');
          const column = tally.columns[index];
          expect(column?.name).toBe(name);
          expect(column?.nulls).toBe(rows.length - values.length);
          expect(column?.sum).toBe(
            values.length === 0 ? null : values.reduce((a, b) => a + b, 0n).toString(),
          );
          const sorted = values.toSorted((a, b) => (a < b ? -1 : 1));
          expect(column?.min).toBe(sorted[0]?.toString() ?? null);
          expect(column?.max).toBe(sorted.at(-1)?.toString() ?? null);
        }
        const texts = rows.map((row) => row[1]).filter((value) => typeof value === 'string');
        const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
        expect(tally.columns[1]?.sum).toBe(texts.length === 0 ? null : String(bytes));
      }),
    );
  });

  test('keeps statistics that let DuckDB skip row groups, and that are true', async () => {
    const rows = Array.from({ length: 100 }, (_, i): Value[] => [
      BigInt(i - 50), `n${i % 7}`, BigInt(i), BigInt(i), i / 2, i % 2 === 0, i, BigInt(i), null,
    ]); // prettier-ignore
    const { bytes } = await write(rows, { groupRows: 50, pageRows: 25 });
    const found = await readWithDuckDb(
      bytes,
      `SELECT path_in_schema AS col, stats_min_value AS low, stats_max_value AS high, stats_null_count::INTEGER AS nulls
       FROM parquet_metadata($path) WHERE row_group_id = 1`,
    );
    const statistics = Object.fromEntries(
      found.map(({ col, low, high, nulls }) => [col, [low, high, nulls]]),
    );
    expect(statistics).toEqual({
      id: ['0', '49', 0],
      name: ['n0', 'n6', 0],
      price: ['0.50', '0.99', 0],
      rate: ['0.000000050', '0.000000099', 0],
      score: ['25.0', '49.5', 0],
      active: [null, null, 0],
      born: ['1970-02-20', '1970-04-10', 0],
      at: ['1970-01-01 00:00:00.00005+00', '1970-01-01 00:00:00.000099+00', 0],
      photo: [null, null, 50],
    });
  });

  test('keeps decimals of 76 digits to the last', async () => {
    const wide: Column = { name: 'wide', type: 'BIGNUMERIC', nullable: true, sourceType: 'numeric' };
    const values = [10n ** 76n - 1n, -(10n ** 76n) + 1n, 1n, -1n, 0n, 123_456_789n * 10n ** 30n];
    const sink = makeMemorySink();
    const writer = makeTableWriter([wide], sink);
    for (const value of values) {
      append(writer.builders[0]!, value);
      writer.endRow();
    }
    const { columns: tallies } = await writer.close();
    expect(tallies[0]).toEqual({
      name: 'wide',
      nulls: 0,
      min: values[1]?.toString(),
      max: values[0]?.toString(),
      sum: values.reduce((a, b) => a + b).toString(),
    });
    // DuckDB has no decimals of more than 38 digits and reads doubles instead, so here only the size is compared.
    const found = await readWithDuckDb(sink.bytes());
    expect(found.map(({ wide: value }) => Number(value).toPrecision(9))).toEqual(
      [1e38, -1e38, 1e-38, -1e-38, 0, 1.23456789].map((value) => value.toPrecision(9)),
    );
  });

  test('more distinct values than a dictionary holds, and big ones, are kept', async () => {
    const rows = Array.from({ length: 90_000 }, (_, i): Value[] => [
      BigInt(i),
      i === 70_000 ? 'x'.repeat(3_000_000) : `value ${Math.imul(i, 7919)}`,
      null,
      null,
      null,
      null,
      null,
      null,
      Buffer.from(`repeated ${i % 50_000}`),
    ]);
    const { bytes, tally } = await write(rows);
    expect(tally.rows).toBe(90_000);
    const found = await readWithDuckDb(
      bytes,
      `SELECT count(*)::INTEGER n, count(DISTINCT name)::INTEGER differing, max(length(name))::INTEGER longest,
        count(DISTINCT photo)::INTEGER photos, sum(strlen(name))::VARCHAR bytes FROM $file`,
    );
    expect(found).toEqual([
      { n: 90_000, differing: 90_000, longest: 3_000_000, photos: 50_000, bytes: tally.columns[1]?.sum },
    ]);
  });
});

test('a page of a few long texts ends before they are too many to be written out', () => {
  const pressure = { full: false };
  const column = new BytesColumn(20_000, pressure);
  const texts = [1, 2, 3].map((fill) => new Uint8Array(64 * 1024).fill(fill));
  const rows = (16 * 1024) / 64;
  for (let row = 0; row < rows; row++) column.append(texts[row % 3]!, 0, texts[0]!.length);
  expect(pressure.full).toBe(false);
  column.append(texts[0]!, 0, texts[0]!.length);
  expect(pressure.full).toBe(true);
});

test('a writer that writes nothing counts what a file is counted by', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rowOf, { maxLength: 60 }), async (rows) => {
      const { tally } = await write(rows, { pageRows: 7, groupBytes: 200 });
      expect(await fill(makeCountingWriter(columns), rows)).toEqual({ ...tally, bytes: 0 });
    }),
    { numRuns: 50 },
  );
  // More distinct texts than a dictionary holds, over many pages.
  const many = Array.from({ length: 90_000 }, (_, n): Value[] => [
    BigInt(n),
    n % 3 === 0 ? null : `text ${n}`,
    ...Array.from({ length: 7 }, () => null),
  ]);
  const { tally } = await write(many);
  expect(await fill(makeCountingWriter(columns), many)).toEqual({ ...tally, bytes: 0 });
});
