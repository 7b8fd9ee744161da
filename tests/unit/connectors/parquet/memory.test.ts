/** What a task holds while it reads: its own limit, and other work that goes on beside it. */
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { makeTableWriter } from '#columnar/table-writer';
import { makeParquetFormat } from '#connectors/parquet/format';
import { makeMemoryObjects } from '#tests/connectors';
import { extractTable } from '#tests/file-sources';
import { makeMemorySink } from '#tests/parquet';
import { levels, plain, rawParquet, varint } from '#tests/raw-parquet';

const uri = 'gs://files/large.parquet';

test('columns whose pages do not fit memory together are refused with a remedy', async () => {
  const element: SchemaElement = { name: 'v', type: 'INT64', repetition_type: 'OPTIONAL' };
  // Half a million nulls in nine bytes, in each of a hundred columns.
  const body = levels([0, 2 ** 19]);
  const columns = Array.from({ length: 100 }, (_, n) => ({
    element: { ...element, name: `v${n}` },
    pages: [{ values: 2 ** 19, body }],
  }));
  const objects = makeMemoryObjects();
  objects.put(uri, rawParquet({ columns, rows: 2 ** 19 }));
  await expect(extractTable({ kind: 'parquet', uris: [uri] }, objects)).rejects.toMatchObject({
    code: 'page-too-big',
    message: expect.stringContaining(uri),
    remedy: expect.stringContaining('smaller'),
  });
});

test('a long row group leaves room for timers, and an abort ends it', async () => {
  const element: SchemaElement = { name: 'v', type: 'INT32', repetition_type: 'REQUIRED' };
  const rows = 2 ** 24;
  const indices = Uint8Array.from([0, ...varint(rows * 2)]);
  const objects = makeMemoryObjects();
  objects.put(
    uri,
    rawParquet({
      rows,
      columns: [
        {
          element,
          pages: [
            { kind: 'dictionary', values: 1, body: plain.i32(7) },
            { values: rows, encoding: 'RLE_DICTIONARY', body: indices },
          ],
        },
      ],
    }),
  );
  const format = makeParquetFormat(objects);
  const file = (await objects.stat(uri))!;
  const { columns } = await format.describe([file]);
  const writer = makeTableWriter(columns, makeMemorySink());
  const stop = new AbortController();
  const reason = new Error('the run was cancelled');
  let told = 0;
  const ended = format.extract({
    file,
    part: { first: 0, end: 1 },
    like: null,
    request: {
      unit: { id: 'u', table: 't', part: {}, estimatedRows: null, estimatedBytes: null },
      columns,
      writer,
      reject: () => undefined,
      signal: stop.signal,
      onProgress: () => {
        // Somebody else hears of it and stops the run, at the next turn of the event loop.
        if (++told === 1) setTimeout(() => stop.abort(reason), 0);
      },
    },
  });
  await expect(ended).rejects.toBe(reason);
  expect(writer.rows).toBeLessThan(rows);
});

test('a file is read in few requests: its footer, and small row groups at once', async () => {
  const ids = Array.from({ length: 3000 }, (_, n) => n);
  const objects = makeMemoryObjects();
  const data = { columnData: ['a', 'b', 'c'].map((name) => ({ name, data: ids, type: 'INT32' as const })), rowGroupSize: 1000 }; // prettier-ignore
  objects.put(uri, new Uint8Array(parquetWriteBuffer(data)));
  const asked: string[] = [];
  const counted = {
    ...objects,
    range(...[of, generation, start, end]: Parameters<typeof objects.range>) {
      asked.push(`${start}-${end}`);
      return objects.range(of, generation, start, end);
    },
  };
  const { tally } = await extractTable({ kind: 'parquet', uris: [uri] }, counted);
  expect(tally.rows).toBe(3000);
  expect(asked).toHaveLength(1 + 3);
});
