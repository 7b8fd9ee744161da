/** Parquet files, and tables of many files, from the bucket to the warehouse. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { createUpload } from '#core/api/sources';
import { type Account, openAccount } from '#tests/account';
import { useLocalCloud } from '#tests/local-cloud';
import { warehouseRows } from '#tests/raw-tables';
import { openTestRunner } from '#tests/runner';
import { readConfig } from '#runtime/config';
import { runEtl } from '../../../functions/etl/run-etl.ts';

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
  // Its footer promised a file that can be loaded as it is, its values did not keep to that.
  expect(run.perTable[0]?.asItIs).toEqual({
    files: 0,
    written: 1,
    why: 'it has values that do not fit',
    refused: null,
  });
});

/** A column of every kind that BigQuery takes as it is, a third of its values null. */
function things(count: number): Uint8Array {
  const every = <T>(value: (n: number) => T) =>
    Array.from({ length: count }, (_, n) => (n % 3 === 1 ? null : value(n)));
  const optional = { repetition_type: 'OPTIONAL' } as const;
  const micros = (isAdjustedToUTC: boolean) =>
    ({ type: 'INT64', logical_type: { type: 'TIMESTAMP', unit: 'MICROS', isAdjustedToUTC } }) as const;
  const at = (n: number) => 1_700_000_000_123_456n + BigInt(n) * 86_400_000_001n;
  const columns = [
    { name: 'yes', type: 'BOOLEAN', data: every((n) => n % 2 === 0) },
    { name: 'small', type: 'INT32', data: every((n) => n - 50) },
    { name: 'large', type: 'INT64', data: every((n) => (1n << 62n) - BigInt(n)) },
    { name: 'single', type: 'FLOAT', data: every((n) => n / 8) },
    { name: 'double', type: 'DOUBLE', data: every((n) => n / 7) },
    { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', data: every((n) => `näm ${n % 9}`) },
    { name: 'raw', type: 'BYTE_ARRAY', data: every((n) => Uint8Array.of(0, 255, n)) },
    { name: 'day', type: 'INT32', converted_type: 'DATE', data: every((n) => n * 40 - 9000) },
    { name: 'at', ...micros(true), data: every(at) },
    { name: 'local', ...micros(false), data: every(at) },
    {
      name: 'cents',
      type: 'INT32',
      converted_type: 'DECIMAL',
      precision: 9,
      scale: 2,
      data: every((n) => n * 7),
    },
    { ...CENTS, data: every((n) => BigInt(n) * -5n) },
  ] as const;
  const bytes = parquetWriteBuffer({
    schema: [
      { name: 'root', num_children: columns.length },
      ...columns.map(({ data: _data, ...element }) => ({ ...optional, ...element })),
    ],
    columnData: columns.map(({ name, data }) => ({ name, data })),
    rowGroupSize: 100,
  });
  return new Uint8Array(bytes);
}

test('a file that is loaded as it is and one that is written anew make the same table, proved the same', async () => {
  await put('things/a.parquet', things(250));
  await put('things/b.parquet', things(40));
  const { tables } = await account.addSource('Things', {
    kind: 'parquet',
    uris: [`${folder}/things/*.parquet`],
  });
  const [table] = tables;
  if (table === undefined) throw new Error('no table');
  const rows = () => warehouseRows(`SELECT * FROM ${account.raw}.${table.destination} ORDER BY large, small`);

  const asItIs = await account.load();
  expect(asItIs).toMatchObject({ status: 'succeeded', counts: { rows: 290, rejected: {} } });
  expect(asItIs.perTable[0]?.asItIs).toEqual({ files: 2, written: 0, why: null, refused: null });
  expect(Object.keys(asItIs.perTable[0]?.marks ?? {}).sort()).toEqual([
    'extracting',
    'loading',
    'planning',
    'proving',
    'publishing',
  ]);
  const loaded = await rows();

  // A condition that every row meets.
  const conditions = (['null', 'not-null'] as const).map((operator) => ({
    column: 'large',
    operator,
  }));
  await account.choose(table, { filter: { match: 'any', conditions } });
  const written = await account.load();
  expect(written.perTable[0]?.asItIs).toEqual({
    files: 0,
    written: 2,
    why: 'only some of its rows are loaded',
    refused: null,
  });
  expect(written.perTable[0]?.proof).toEqual(asItIs.perTable[0]?.proof);
  expect(asItIs.perTable[0]?.proof).toMatchObject({ stage: 'published', rows: 290, differ: 0 });
  expect(await rows()).toEqual(loaded);
  expect(loaded).toHaveLength(290);
});

test('a file that BigQuery does not take as it is is written anew in the same run, and by the next at once', async () => {
  const uri = await put('things.parquet', things(50));
  const { tables } = await account.addSource('Things', { kind: 'parquet', uris: [uri] });
  const runner = openTestRunner(account.params);
  try {
    const run = await runner.newRun();
    // The job of the load to come, as it ends where BigQuery refuses what it is given.
    const warehouse = openWarehouse({ ...readConfig(process.env) });
    await warehouse.ensureDataset(account.raw);
    const job = `tw-${run}-${tables[0]?.id}-load-1`;
    const other = { dataset: account.raw, table: 'other' };
    await warehouse.startLoad(
      job,
      other,
      [await put('other.parquet', 'not a file')],
      [{ name: 'id', type: 'INT64' }],
    );
    await runEtl(runner.context(run));
    const state = await runner.state(run);
    expect(state).toMatchObject({ status: 'succeeded', failure: null, counts: { rows: 50 } });
    expect(state.perTable[0]).toMatchObject({
      asItIs: { files: 0, written: 1, why: null, refused: expect.stringContaining(job) },
      proof: { differ: 0 },
    });
    const next = await runner.newRun();
    await runEtl(runner.context(next));
    const why = 'BigQuery did not take it as it is before';
    expect((await runner.state(next)).perTable[0]?.asItIs).toEqual({
      files: 0,
      written: 1,
      why,
      refused: null,
    });
  } finally {
    await runner.close();
  }
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
