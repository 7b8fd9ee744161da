/** Whatever rows are written, over whatever pages and row groups, come back as they were. */
import * as fc from 'fast-check';
import type { Encoding, SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { makeMemoryObjects } from '#tests/connectors';
import { extractTable } from '#tests/file-sources';
import { readWithHyparquet } from '#tests/parquet';

const uri = 'gs://files/nested.parquet';

async function roundTrip(bytes: ArrayBuffer, targetBytes?: number): Promise<Record<string, unknown>[]> {
  const objects = makeMemoryObjects();
  objects.put(uri, new Uint8Array(bytes));
  const { files, rejects } = await extractTable({ kind: 'parquet', uris: [uri] }, objects, targetBytes);
  expect(rejects).toEqual([]);
  return (await Promise.all(files.map(readWithHyparquet))).flat();
}

const schema: SchemaElement[] = [
  { name: 'root', num_children: 3 },
  { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'lines', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 },
  { name: 'sku', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'qty', type: 'INT32', repetition_type: 'REQUIRED' },
];

test('lists of lists and lists of structs, over pages of a few bytes', async () => {
  const text = fc.option(fc.string({ maxLength: 5 }));
  const tags = fc.option(fc.array(fc.option(fc.array(text, { maxLength: 3 })), { maxLength: 3 }));
  const line = fc.record({ sku: text, qty: fc.integer({ min: -9, max: 9 }) });
  const lines = fc.option(fc.array(fc.option(line), { maxLength: 3 }));
  const rows = fc.array(fc.record({ tags, lines }), { minLength: 1, maxLength: 12 });
  const sizes = fc.record({
    pageSize: fc.integer({ min: 1, max: 60 }),
    rowGroupSize: fc.integer({ min: 1, max: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(rows, sizes, async (given, { pageSize, rowGroupSize }) => {
      const bytes = parquetWriteBuffer({
        schema,
        columnData: [
          { name: 'id', data: given.map((_, index) => index) },
          { name: 'tags', data: given.map((row) => row.tags) },
          { name: 'lines', data: given.map((row) => row.lines) },
        ],
        pageSize,
        rowGroupSize,
      });
      const found = await roundTrip(bytes, 1);
      const parsed = found.map((row) => ({
        id: Number(row['id']),
        tags: JSON.parse(String(row['tags'])),
        lines: JSON.parse(String(row['lines'])),
      }));
      expect(parsed).toEqual(given.map((row, id) => ({ id, ...row })));
    }),
    { numRuns: 150 },
  );
});

test('nulls and values in any order, over pages and row groups of any size', async () => {
  const cell = fc.record({
    n: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    d: fc.option(fc.double({ noNaN: true })),
    s: fc.option(fc.constantFrom('', 'a', 'bb', 'prefix one', 'prefix two')),
    b: fc.option(fc.boolean()),
  });
  const sizes = fc.record({
    pageSize: fc.integer({ min: 1, max: 200 }),
    rowGroupSize: fc.integer({ min: 1, max: 30 }),
    n: fc.constantFrom<Encoding>('PLAIN', 'DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT', 'RLE_DICTIONARY'),
    s: fc.constantFrom<Encoding>('PLAIN', 'DELTA_BYTE_ARRAY', 'DELTA_LENGTH_BYTE_ARRAY', 'RLE_DICTIONARY'),
    b: fc.constantFrom<Encoding>('PLAIN', 'RLE'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(cell, { minLength: 1, maxLength: 60 }),
      sizes,
      async (rows, { pageSize, rowGroupSize, n, s, b }) => {
        const bytes = parquetWriteBuffer({
          columnData: [
            { name: 'n', type: 'INT64', data: rows.map((row) => row.n), encoding: n },
            { name: 'd', type: 'DOUBLE', data: rows.map((row) => row.d) },
            { name: 's', type: 'STRING', data: rows.map((row) => row.s), encoding: s },
            { name: 'b', type: 'BOOLEAN', data: rows.map((row) => row.b), encoding: b },
          ],
          pageSize,
          rowGroupSize,
        });
        const found = await roundTrip(bytes);
        const plain = found.map(({ n, d, s, b }) => ({
          n: n ?? null,
          d: d ?? null,
          s: s ?? null,
          b: b ?? null,
        }));
        expect(plain).toEqual(rows);
      },
    ),
    { numRuns: 150 },
  );
});

test('a variant is left out with a note', async () => {
  const objects = makeMemoryObjects();
  const columnData = [{ name: 'id', data: [1], type: 'INT32' as const }, { name: 'any', data: [{ a: 1 }], type: 'VARIANT' as const }]; // prettier-ignore
  objects.put(uri, new Uint8Array(parquetWriteBuffer({ columnData })));
  const { columns, notes } = await extractTable({ kind: 'parquet', uris: [uri] }, objects);
  expect(columns.map(({ name }) => name)).toEqual(['id']);
  expect(notes).toEqual(['Column "any" is left out: variants are not read.']);
});
