/** Tables of many files: which they are, and which of them were read before. */
import * as fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { SourceSession, Unit } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { makeMatcher } from '#connectors/files/pattern';
import { ledgerOf, unreadFiles } from '#connectors/files/read-ledger';
import { extractAll, makeMemoryObjects, makeTestContext, type MemoryObjects } from '#tests/connectors';
import { extractTable } from '#tests/file-sources';
import { readWithHyparquet } from '#tests/parquet';

const pattern = 'gs://shop/days/*.csv';

async function connect(objects: MemoryObjects, ...uris: string[]): Promise<SourceSession> {
  const access = { settings: { kind: 'csv' as const, uris, encoding: 'utf-8' as const }, credentials: null };
  return connectors.csv.connect(access, makeTestContext(objects), new AbortController().signal);
}

test.each([
  ['gs://b/*.csv', ['gs://b/a.csv', 'gs://b/.csv'], ['gs://b/x/a.csv', 'gs://b/a.csv.gz', 'gs://c/a.csv']],
  ['gs://b/**.csv', ['gs://b/a.csv', 'gs://b/x/y/a.csv'], ['gs://b/a.txt']],
  ['gs://b/**/a.csv', ['gs://b/a.csv', 'gs://b/x/a.csv', 'gs://b/x/y/a.csv'], ['gs://b/xa.csv']],
  ['gs://b/day=*/part-*', ['gs://b/day=1/part-0'], ['gs://b/day=1/x/part-0', 'gs://b/day=1/path']],
  ['gs://b/a+(b).*', ['gs://b/a+(b).csv'], ['gs://b/aab.csv']],
  ['gs://b/*/*', ['gs://b/x/y'], ['gs://b/x', 'gs://b/x/y/z']],
])('%s', (given, yes, no) => {
  const matches = makeMatcher(given);
  expect(yes.filter((uri) => !matches(uri))).toEqual([]);
  expect(no.filter((uri) => matches(uri))).toEqual([]);
});

test('a pattern of many stars takes no longer than its length', () => {
  const matches = makeMatcher(`gs://b/${'*a'.repeat(300)}`);
  expect(matches(`gs://b/${'a'.repeat(900)}b`)).toBe(false);
});

test('the ledger knows every file by address and generation, in any order', () => {
  const file = fc.record({
    uri: fc.nat({ max: 30 }).map((n) => `gs://b/${n}.csv`),
    generation: fc.nat({ max: 5 }).map(String),
    bytes: fc.constant(1),
  });
  const files = fc.uniqueArray(file, { selector: ({ uri, generation }) => `${uri} ${generation}` });
  fc.assert(
    fc.property(files, files, (before, now) => {
      const known = new Set(before.map(({ uri, generation }) => `${uri} ${generation}`));
      const fresh = now.filter(({ uri, generation }) => !known.has(`${uri} ${generation}`));
      expect(unreadFiles(now, ledgerOf(before))).toEqual(fresh);
      expect(ledgerOf(before.toReversed())).toBe(ledgerOf(before));
    }),
  );
  expect(() => unreadFiles([], '2026-01-01')).toThrow('does not say which files were read');
});

test('the ledger of ten thousand files stays below 170 kB', () => {
  const files = Array.from({ length: 10_000 }, (_, n) => ({ uri: `gs://bucket/a/long/folder/part-${n}.parquet`, generation: String(1e15 + n), bytes: 1 })); // prettier-ignore
  expect(ledgerOf(files).length).toBeLessThan(170_000);
  expect(unreadFiles(files, ledgerOf(files.slice(1)))).toEqual([files[0]]);
});

async function ids(session: SourceSession, units: readonly Unit[]): Promise<number[]> {
  const { columns } = await session.describe(pattern);
  const { files } = await extractAll(session, units, columns);
  const rows = (await Promise.all(files.map(readWithHyparquet))).flat();
  return rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b);
}

test('an append takes each file once: late ones with older names, replaced ones again, and none after another', async () => {
  const objects = makeMemoryObjects();
  const day = (name: string, ...rows: number[]) =>
    objects.put(`gs://shop/days/${name}.csv`, `id\n${rows.join('\n')}\n`);
  let after: string | null = null;
  const next = async (): Promise<number[]> => {
    const session = await connect(objects, pattern);
    const { token } = await session.openSnapshot();
    const { value: upTo } = await session.safeUpperBound(pattern, null, after);
    if (upTo === null || upTo === after) return [];
    const units = await session.planUnits(pattern, { targetBytes: 1e9, range: { column: '', after, upTo } });
    const reader = await connect(objects, pattern);
    await reader.importSnapshot({ token });
    const found = await ids(reader, JSON.parse(JSON.stringify(units)));
    after = upTo;
    return found;
  };
  day('2026-01-02', 1, 2);
  day('2026-01-03', 3);
  objects.put('gs://shop/days/notes.txt', 'nothing');
  objects.put('gs://shop/days/more/2026-01-03.csv', 'id\n99\n');
  expect(await next()).toEqual([1, 2, 3]);
  expect(await next()).toEqual([]);
  day('2026-01-01', 4);
  expect(await next()).toEqual([4]);
  day('2026-01-02', 5, 6);
  day('2026-01-04', 7);
  expect(await next()).toEqual([5, 6, 7]);
  expect(await next()).toEqual([]);
});

test('what comes after the snapshot waits for the next', async () => {
  const objects = makeMemoryObjects();
  objects.put('gs://shop/days/a.csv', 'id\n1\n');
  const session = await connect(objects, pattern);
  await session.openSnapshot();
  const first = await session.safeUpperBound(pattern, null, null);
  objects.put('gs://shop/days/b.csv', 'id\n2\n');
  expect(await session.safeUpperBound(pattern, null, null)).toEqual(first);
  expect(await ids(session, await session.planUnits(pattern, { targetBytes: 1e9 }))).toEqual([1]);
});

test('a table without files fails alone', async () => {
  const objects = makeMemoryObjects();
  objects.put('gs://shop/a.csv', 'id\n1\n');
  const session = await connect(objects, 'gs://shop/a.csv', pattern, 'gs://shop/gone.csv');
  await session.openSnapshot();
  expect(await session.planUnits('a.csv', { targetBytes: 1e9 })).toHaveLength(1);
  for (const table of [pattern, 'gone.csv'])
    await expect(session.describe(table)).rejects.toMatchObject({
      code: 'object-not-found',
      message: expect.stringContaining(table),
    });
  // What is there later is not of this snapshot.
  objects.put('gs://shop/gone.csv', 'id\n2\n');
  await expect(session.planUnits('gone.csv', { targetBytes: 1e9 })).rejects.toMatchObject({
    code: 'object-not-found',
  });
});

test('columns go by name, in any order; a file with others fails the table by its name', async () => {
  const objects = makeMemoryObjects();
  objects.put('gs://shop/days/1.csv', 'id,label\n1,label 1\n');
  objects.put('gs://shop/days/2.csv', 'label;id\nlabel 2;2\n');
  const session = await connect(objects, pattern);
  await session.openSnapshot();
  const { columns } = await session.describe(pattern);
  expect(columns.map(({ name, type }) => [name, type])).toEqual([['id', 'INT64'], ['label', 'STRING']]); // prettier-ignore
  const { files } = await extractAll(
    session,
    await session.planUnits(pattern, { targetBytes: 1e9 }),
    columns,
  );
  const rows = (await Promise.all(files.map(readWithHyparquet))).flat();
  expect(rows).toEqual([{ id: 1n, label: 'label 1' }, { id: 2n, label: 'label 2' }]); // prettier-ignore

  // A column that is not loaded is no other column.
  const units = await session.planUnits(pattern, { targetBytes: 1e9 });
  const some = await extractAll(session, units, columns.slice(1));
  expect(some.tally).toMatchObject({ rows: 2, columns: [{ name: 'label' }] });

  for (const [text, what] of [
    ['id\n3\n', 'has no column "label"'],
    ['id,label,size\n3,label 3,9\n', 'has the column "size"'],
  ] as const) {
    const failure = {
      code: 'columns-differ',
      message: expect.stringContaining(`gs://shop/days/3.csv ${what}`),
      remedy: expect.any(String),
    };
    objects.put('gs://shop/days/3.csv', text);
    const few = await connect(objects, pattern);
    await expect(few.describe(pattern)).rejects.toMatchObject(failure);
    // Of more files some are looked at before they are read.
    const more = makeMemoryObjects();
    for (const n of [1, 2, 4, 5, 6]) more.put(`gs://shop/days/${n}.csv`, `id,label\n${n},label ${n}\n`);
    more.put('gs://shop/days/3.csv', text);
    const many = await connect(more, pattern);
    await many.openSnapshot();
    const planned = await many.planUnits(pattern, { targetBytes: 1e9 });
    await expect(extractAll(many, planned, columns)).rejects.toMatchObject(failure);
  }
});

test('of Parquet files the columns are compared while the table is planned, before any is read', async () => {
  const objects = makeMemoryObjects();
  const put = (name: string, ...columns: string[]) => {
    const columnData = columns.map((column) => ({ name: column, data: [1, 2], type: 'INT32' as const }));
    objects.put(`gs://shop/lake/${name}.parquet`, new Uint8Array(parquetWriteBuffer({ columnData })));
  };
  put('1', 'id', 'qty');
  put('2', 'qty', 'id');
  const uri = 'gs://shop/lake/*.parquet';
  expect((await extractTable({ kind: 'parquet', uris: [uri] }, objects)).tally.rows).toBe(4);
  put('3', 'id');
  const access = { settings: { kind: 'parquet' as const, uris: [uri] }, credentials: null };
  const session = await connectors.parquet.connect(
    access,
    makeTestContext(objects),
    new AbortController().signal,
  );
  await session.openSnapshot();
  await expect(session.planUnits(uri, { targetBytes: 1e9 })).rejects.toMatchObject({
    code: 'columns-differ',
    message: expect.stringContaining('gs://shop/lake/3.parquet has no column "qty"'),
  });
});

test('types are guessed over several files, and rejects name theirs', async () => {
  const objects = makeMemoryObjects();
  for (let n = 10; n < 40; n++) objects.put(`gs://shop/days/${n}.csv`, `id,v\n${n},1\n`);
  objects.put('gs://shop/days/99.csv', 'id,v\n99,1.5\n');
  objects.put('gs://shop/days/20.csv', 'id,v\n20,lots\n');
  const session = await connect(objects, pattern);
  await session.openSnapshot();
  const { columns, notes } = await session.describe(pattern);
  expect(columns.map(({ type }) => type)).toEqual(['INT64', 'NUMERIC']);
  expect(notes).toEqual(['The types were guessed from the beginnings of 5 of 31 files.']);
  const units = await session.planUnits(pattern, { targetBytes: 1e9, maxUnits: 4 });
  expect(units).toHaveLength(4);
  const { rejects, tally } = await extractAll(session, units, columns);
  expect(tally.rows).toBe(30);
  expect(rejects).toMatchObject([{ column: 'v', message: expect.stringContaining('20.csv: Line 2') }]);
});

test('more files than a table may have are refused', async () => {
  const objects = makeMemoryObjects();
  const endless = {
    ...objects,
    async *list() {
      for (let n = 0; ; n += 1000)
        yield Array.from({ length: 1000 }, (_, k) => ({ uri: `gs://shop/days/${n + k}.csv`, generation: '1', bytes: 1 })); // prettier-ignore
    },
  };
  const session = await connect(endless, pattern);
  await expect(session.openSnapshot()).rejects.toMatchObject({
    code: 'too-many-files',
    message: expect.stringContaining('10000'),
  });
});
