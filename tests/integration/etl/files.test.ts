/** Parquet files, and tables of many files, from the bucket to the warehouse. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { openFiles } from '#cloud/storage';
import { createUpload } from '#core/api/sources';
import { type Account, openAccount } from '#tests/account';
import { useLocalCloud } from '#tests/local-cloud';
import { warehouseRows } from '#tests/raw-tables';

let account: Account;
/** Where the model's uploads lie. */
let folder: string;
beforeEach(async () => {
  account = await openAccount();
  const body = { fileName: 'x', bytes: 1 };
  const { uri } = await account.call(createUpload, { params: account.params, body });
  folder = `${uri.slice(0, uri.indexOf('/uploads/'))}/uploads`;
});

async function put(name: string, bytes: Uint8Array | string): Promise<string> {
  const uri = `${folder}/${name}`;
  await openFiles(useLocalCloud().projectId).save(uri, bytes, 'application/octet-stream');
  return uri;
}

const CENTS = { name: 'price', type: 'INT64', converted_type: 'DECIMAL', precision: 12, scale: 2 } as const;

function orders(first: number, count: number): Uint8Array {
  const ids = Array.from({ length: count }, (_, n) => BigInt(first + n));
  const bytes = parquetWriteBuffer({
    schema: [
      { name: 'root', num_children: 4 },
      { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
      { repetition_type: 'REQUIRED', ...CENTS },
      { name: 'day', type: 'INT32', converted_type: 'DATE', repetition_type: 'REQUIRED' },
      { name: 'note', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    ],
    columnData: [
      { name: 'id', data: ids },
      { name: 'price', data: ids.map((id) => id * 5n) },
      // Every hundredth is no day of the calendar.
      { name: 'day', data: Int32Array.from(ids, (id) => (id % 100n === 0n ? 9_000_000 : 19_000)) },
      { name: 'note', data: ids.map((id) => (id % 2n === 0n ? null : `note ${id}`)) },
    ],
    rowGroupSize: 100,
  });
  return new Uint8Array(bytes);
}

test('a Parquet file arrives with its types; rows with a value that has no place are kept as rejects', async () => {
  const uri = await put('orders.parquet', orders(1, 1000));
  const { tables } = await account.addSource('Lake', { kind: 'parquet', uris: [uri] });
  expect(tables).toMatchObject([
    {
      name: 'orders.parquet',
      estimatedRows: 1000,
      columns: [
        { type: 'INT64' },
        { type: 'NUMERIC', precision: 12, scale: 2 },
        { type: 'DATE' },
        { type: 'STRING' },
      ],
    },
  ]);
  const run = await account.load();
  expect(run).toMatchObject({
    status: 'succeeded',
    counts: { rows: 990, rejected: { 'date-out-of-range': 10 } },
  });
  const found = await warehouseRows(
    `SELECT COUNT(*) AS n, SUM(id) AS ids, CAST(SUM(price) AS STRING) AS price, COUNT(note) AS notes, CAST(MAX(day) AS STRING) AS day FROM ${account.raw}.${tables[0]?.destination}`,
  );
  // 1 to 1000 without the hundreds.
  expect(found).toEqual([{ n: 990, ids: 495_000, price: '24750', notes: 500, day: '2022-01-08' }]);
});

test('all files of a pattern are one table, and an append takes what is new: late ones, replaced ones, once', async () => {
  await put('days/2026-01-02.parquet', orders(1, 3));
  await put('days/2026-01-03.parquet', orders(11, 2));
  await put('days/readme.txt', 'not a table');
  const { tables } = await account.addSource('Days', { kind: 'parquet', uris: [`${folder}/days/*.parquet`] });
  expect(tables).toMatchObject([{ name: `${folder}/days/*.parquet`, mode: 'replace' }]);
  const table = tables[0];
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'append' });
  const ids = () =>
    warehouseRows(`SELECT COUNT(*) AS n, SUM(id) AS s FROM ${account.raw}.${table.destination}`);

  const first = await account.load();
  expect(first).toMatchObject({ status: 'succeeded', counts: { rows: 5 } });
  expect(first.perTable[0]?.watermark).toMatch(/^2 files:/);
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 0 } });

  await put('days/2026-01-01.parquet', orders(21, 1));
  await put('days/2026-01-02.parquet', orders(31, 2));
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 3 } });
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 0 } });
  expect(await ids()).toEqual([{ n: 8, s: 1 + 2 + 3 + 11 + 12 + 21 + 31 + 32 }]);
});

test('a merge of a pattern refuses a key that two of its files have, and nothing is published', async () => {
  await put('parts/a.parquet', orders(1, 3));
  await put('parts/b.parquet', orders(3, 2));
  const { tables } = await account.addSource('Parts', {
    kind: 'parquet',
    uris: [`${folder}/parts/*.parquet`],
  });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'merge', mergeKey: ['id'] });
  expect(await account.load()).toMatchObject({
    status: 'failed',
    failure: { code: 'key-not-unique', message: expect.stringContaining('2 rows with the key id = 3;') },
  });
  await put('parts/b.parquet', orders(4, 2));
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 5 } });
  const found = await warehouseRows(
    `SELECT COUNT(*) AS n, SUM(id) AS s FROM ${account.raw}.${table.destination}`,
  );
  expect(found).toEqual([{ n: 5, s: 1 + 2 + 3 + 4 + 5 }]);
});

test('the storage answers parts of an object and lists page by page', async () => {
  const files = openFiles(useLocalCloud().projectId);
  const uri = await put('part.bin', '0123456789');
  const { generation } = (await files.stat(uri))!;
  const part = async (start: number, end: number): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of files.read(uri, generation, { start, end })) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  expect([await part(0, 1), await part(3, 7), await part(9, 10)]).toEqual(['0', '3456', '9']);
  const names = ['many/a', 'many/b', 'many/c/d', 'many/c/e', 'many/f'];
  for (const name of names) await put(name, 'x');
  const pages: string[][] = [];
  for await (const page of files.listPages(`${folder}/many/`, 2)) pages.push(page.map((one) => one.uri));
  expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(pages.flat()).toEqual(names.map((name) => `${folder}/${name}`));
});
