import { readWithHyparquet } from '#tests/parquet';
import { makeRejectSink } from '../../../functions/etl/rejects.ts';

function memoryFiles() {
  const files = new Map<string, Uint8Array[]>();
  return {
    files,
    openWriter(uri: string) {
      const chunks: Uint8Array[] = [];
      return {
        write: async (chunk: Uint8Array) => void chunks.push(chunk.slice()),
        close: async () => void files.set(uri, chunks),
        abort: () => undefined,
      };
    },
  };
}
const about = { run: 'r1', destination: 'orders' };

test('rejects are counted by reason and kept with their place, reason and value', async () => {
  const store = memoryFiles();
  const sink = makeRejectSink(store, 'gs://b/r.parquet', about, () => 1_700_000_000_123);
  sink.take({ line: 7, column: 'qty', reason: 'not-a-number', value: 'twö', message: 'no number' });
  sink.take({ line: null, column: null, reason: 'field-count', value: null, message: 'too few' });
  sink.take({ line: 9, column: 'qty', reason: 'not-a-number', value: '', message: 'no number' });
  expect(await sink.close()).toBe('gs://b/r.parquet');
  expect(sink.counts).toEqual({ 'not-a-number': 2, 'field-count': 1 });
  const rows = await readWithHyparquet(
    new Uint8Array(Buffer.concat(store.files.get('gs://b/r.parquet') ?? [])),
  );
  expect(rows).toMatchObject([
    { run: 'r1', table_name: 'orders', line: 7n, column_name: 'qty', reason: 'not-a-number', value: 'twö' },
    { line: null, column_name: null, reason: 'field-count', value: null },
    { line: 9n, value: '' },
  ]);
});

test('without rejects there is no file', async () => {
  const store = memoryFiles();
  expect(await makeRejectSink(store, 'gs://b/r', about, Date.now).close()).toBeNull();
  expect(store.files.size).toBe(0);
});

test('a file full of nonsense is counted to the end and kept in part', async () => {
  const store = memoryFiles();
  const sink = makeRejectSink(store, 'gs://b/r', about, Date.now);
  for (let line = 0; line < 25_000; line++)
    sink.take({ line, column: null, reason: 'field-count', value: 'x'.repeat(200), message: 'm' });
  await sink.close();
  expect(sink.counts).toEqual({ 'field-count': 25_000 });
  const rows = await readWithHyparquet(new Uint8Array(Buffer.concat(store.files.get('gs://b/r') ?? [])));
  expect(rows).toHaveLength(10_000);
});
