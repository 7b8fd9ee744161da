import type { SourceSession } from '#connectors/connector';
import { sqlserver } from '#connectors/sqlserver/sqlserver';
import { extractAll, makeTestContext } from '#tests/connectors';
import { readWithDuckDb } from '#tests/parquet';
import { startTestSqlServer, type TestColumn, type TestSqlServer } from '#tests/sqlserver';

let server: TestSqlServer;
const open: SourceSession[] = [];
const never = new AbortController().signal;

beforeEach(async () => {
  server = await startTestSqlServer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
  await server.stop();
});

async function connect(): Promise<SourceSession> {
  const session = await sqlserver.connect(server.access(), makeTestContext(), never);
  open.push(session);
  return session;
}

async function read(cursor: string, after: string | null) {
  const session = await connect();
  await session.openSnapshot();
  const bound = await session.safeUpperBound('dbo.events', cursor, after);
  if (bound.value === null) return { bound, ids: [] };
  const { columns } = await session.describe('dbo.events');
  const range = { column: cursor, after, upTo: bound.value };
  const units = await session.planUnits('dbo.events', { targetBytes: 1e9, range });
  const { files } = await extractAll(session, units, columns);
  const rows = await Promise.all(
    files.map((file) => readWithDuckDb(file, 'SELECT id FROM $file ORDER BY id')),
  );
  return { bound, ids: rows.flat().map(({ id }) => Number(id)) };
}

const version = (value: number): Buffer => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');

function events(cursor: Omit<TestColumn, 'name'>, rows: readonly (readonly [id: number, at: unknown])[]) {
  const columns = [
    { name: 'id', type: 'int', nullable: false },
    { name: 'at', nullable: false, ...cursor },
  ];
  return server.database.add({ schema: 'dbo', name: 'events', columns }, rows);
}

describe('a rowversion', () => {
  test('misses and doubles no row of a transaction that commits late', async () => {
    const { database } = server;
    const table = events({ type: 'timestamp', length: 8 }, [[1, version(0x7d1)]]);
    // 0x7d2 is taken by a transaction that is still open, 0x7d3 is committed.
    database.activeRowversion = 0x7d2n;
    database.change(table, (row) => row, [[3, version(0x7d3)]]);
    const first = await read('at', null);
    expect(first).toEqual({
      bound: { value: '0x00000000000007D1', guarantee: 'exact', note: null },
      ids: [1],
    });
    const meanwhile = await read('at', first.bound.value);
    expect(meanwhile).toMatchObject({ bound: { value: first.bound.value }, ids: [] });
    database.change(table, (row) => row, [[2, version(0x7d2)]]);
    database.activeRowversion = 0x7d4n;
    const second = await read('at', meanwhile.bound.value);
    expect(second.ids).toEqual([2, 3]);
    expect((await read('at', second.bound.value)).ids).toEqual([]);
  });

  test('is exact without any right, and refused on a copy', async () => {
    events({ type: 'timestamp', length: 8 }, [[1, version(5)]]);
    server.database.activeRowversion = 9n;
    server.database.showsTransactions = false;
    expect((await read('at', null)).bound.guarantee).toBe('exact');
    server.database.readOnly = true;
    await expect(read('at', null)).rejects.toMatchObject({
      code: 'cursor-on-copy',
      name: 'TerminalError',
      remedy: expect.stringContaining('primary'),
    });
  });
});

describe('a moment', () => {
  test.each([
    ['datetime2', { type: 'datetime2', scale: 3 }, '2024-06-01 11:59:50.000', '2024-06-01 11:59:56.000', '2024-06-01 12:00:00.000'],
    ['datetime', { type: 'datetime' }, '2024-06-01 11:59:50.000', '2024-06-01 11:59:56.000', '2024-06-01 12:00:00.000'],
    ['datetimeoffset', { type: 'datetimeoffset', scale: 3 }, '2024-06-01 11:59:50.000 +00:00', '2024-06-01 11:59:56.000 +00:00', '2024-06-01 12:00:00.000 +00:00'],
  ] as const)('of type %s waits for the oldest open transaction', async (_, column, early, late, quick) => {
    const { database } = server;
    const table = events(column, [
      [1, early],
      [3, quick],
    ]);
    // It began four seconds ago, and what it wrote is not seen yet.
    database.oldestTransaction = 4;
    const first = await read('at', null);
    expect(first.bound.guarantee).toBe('exact');
    expect(first.ids).toEqual([1]);
    database.change(table, (row) => row, [[2, late]]);
    database.oldestTransaction = null;
    database.utc = database.local = '2024-06-01T12:00:05.000';
    const second = await read('at', first.bound.value);
    expect(second.ids).toEqual([2, 3]);
    expect((await read('at', second.bound.value)).ids).toEqual([]);
  }); // prettier-ignore

  test('of smalldatetime, which rounds to minutes, waits for its minute', async () => {
    events({ type: 'smalldatetime' }, [
      [1, '2024-06-01 11:58:00'],
      [2, '2024-06-01 12:00:00'],
    ]);
    expect((await read('at', null)).ids).toEqual([1]);
  });

  test('without a zone is read up to the earlier of the server’s time and UTC, and says so', async () => {
    server.database.local = '2024-06-01T14:00:00.123';
    events({ type: 'datetime2', scale: 3 }, [
      [1, '2024-06-01 11:00:00.000'],
      [2, '2024-06-01 13:00:00.000'],
    ]);
    const { bound, ids } = await read('at', null);
    expect(ids).toEqual([1]);
    expect(bound.note).toContain('no time zone');
  });

  test.each([
    ['may not see the transactions of others', { showsTransactions: false }, 'VIEW SERVER STATE'],
    ['reads a copy', { readOnly: true }, 'copy'],
  ] as const)('looks back ten minutes where the user %s', async (_, settings, note) => {
    Object.assign(server.database, settings);
    events({ type: 'datetimeoffset', scale: 0 }, [
      [1, '2024-06-01 11:49:00 +00:00'],
      [2, '2024-06-01 11:51:00 +00:00'],
    ]);
    const { bound, ids } = await read('at', null);
    expect(ids).toEqual([1]);
    expect(bound).toMatchObject({ guarantee: 'lookback', note: expect.stringContaining(note) });
  });
});

test('a number says what it may miss, also where no transaction was open before the snapshot', async () => {
  events({ type: 'bigint' }, [
    [1, 7n],
    [2, 12n],
  ]);
  const bound = { value: '12', guarantee: 'lookback', note: expect.stringContaining('rowversion') };
  expect(await read('at', null)).toEqual({ bound, ids: [1, 2] });
  server.database.oldestTransaction = 1;
  expect((await read('at', '7')).bound).toEqual(bound);
});

test('nothing to read yet is null, and a bound never goes back', async () => {
  const table = events({ type: 'int' }, []);
  expect((await read('at', null)).bound.value).toBeNull();
  server.database.change(table, (row) => row, [[1, 3]]);
  expect((await read('at', '9')).bound.value).toBe('9');
});

test('does not follow a column with nulls, of another type, or that is not there', async () => {
  const columns = [
    { name: 'id', type: 'int' },
    { name: 'at', type: 'datetime2', scale: 3 },
    { name: 'fine', type: 'datetime2', scale: 7 },
    { name: 'photo', type: 'varbinary', length: 8 },
    { name: 'who', type: 'nvarchar', length: 5 },
  ];
  server.database.add({ schema: 'dbo', name: 'events', columns }, [
    [1, null, '2024-01-01 00:00:00.0000000', null, 'x'],
  ]);
  await expect(read('at', null)).rejects.toMatchObject({ code: 'cursor-null' });
  for (const cursor of ['who', 'photo', 'fine'])
    await expect(read(cursor, null)).rejects.toMatchObject({ code: 'cursor-type' });
  await expect(read('nope', null)).rejects.toMatchObject({ code: 'cursor-unknown' });
  await expect(read('id', "1'; SELECT 1")).rejects.toMatchObject({ code: 'cursor-value' });
});
