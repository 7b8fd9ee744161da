/** What can go wrong with a SQL Server, on the wire: refusals, cancels, cut packets, TLS, servers that mean harm. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTableWriter } from '#columnar/table-writer';
import type { SourceSession, TestedStep } from '#connectors/connector';
import type { SqlServerSettings } from '#connectors/sqlserver/connection';
import { sqlserver } from '#connectors/sqlserver/sqlserver';
import { extractAll, makeTestContext } from '#tests/connectors';
import { makeMemorySink, readWithHyparquet } from '#tests/parquet';
import { startTestSqlServer, type TestSqlServer } from '#tests/sqlserver';
import { row } from '../support/tds-server/columns.ts';
import type { Answer, SessionOptions } from '../support/tds-server/session.ts';
import { routing } from '../support/tds-server/tokens.ts';

const never = new AbortController().signal;
const servers: TestSqlServer[] = [];
const sessions: SourceSession[] = [];

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(options: Partial<SessionOptions> = {}): Promise<TestSqlServer> {
  const server = await startTestSqlServer(options);
  servers.push(server);
  server.database.add(
    {
      schema: 'dbo',
      name: 'things',
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'label', type: 'nvarchar', length: -1 },
      ],
      key: ['id'],
    },
    Array.from({ length: 3000 }, (_, index) => [index, `label ${index}`]),
  );
  return server;
}

async function connect(
  server: TestSqlServer,
  changes: Partial<SqlServerSettings> = {},
  signal = never,
): Promise<SourceSession> {
  const session = await sqlserver.connect(server.access(changes), makeTestContext(), signal);
  sessions.push(session);
  return session;
}

/** Everything up to the reading of the only unit. */
async function prepare(server: TestSqlServer, signal = never) {
  const session = await connect(server, {}, signal);
  await session.openSnapshot();
  const { columns } = await session.describe('dbo.things');
  const [unit] = await session.planUnits('dbo.things', { targetBytes: 1e12 });
  const sink = makeMemorySink();
  const writer = makeTableWriter(columns, sink);
  const request = { unit: unit!, columns, writer, reject: () => undefined, signal: never };
  return { session, columns, unit: unit!, sink, writer, request };
}

const READING = 'SELECT [id], [label] FROM [dbo].[things]';

/** A server whose answer to the reading of the table is `answer`. */
async function answering(
  answer: () => Answer,
  options: Partial<SessionOptions> = {},
): Promise<TestSqlServer> {
  const server: TestSqlServer = await start({
    answer: ({ sql, parameters }, session) =>
      sql === READING ? answer() : server.database.answer(sql, parameters, session),
    ...options,
  });
  return server;
}

const columns = [
  { name: 'id', type: 'int' },
  { name: 'label', type: 'nvarchar', length: 'max' },
] as const;

describe('errors of the server', () => {
  test.each([
    [1205, 'deadlock', 'TransientError'],
    [1222, 'lock-timeout', 'TransientError'],
    [3960, 'snapshot-gone', 'TransientError'],
    [3961, 'snapshot-gone', 'TransientError'],
    [3952, 'snapshot-not-allowed', 'TerminalError'],
    [41332, 'table-not-readable', 'TerminalError'],
    [229, 'permission-denied', 'TerminalError'],
    [208, 'table-not-found', 'TerminalError'],
    [207, 'column-not-found', 'TerminalError'],
    [40197, 'connection-lost', 'TransientError'],
    [10928, 'too-many-connections', 'TransientError'],
    [8134, 'source-error', 'TerminalError'],
  ])('%d is %s', async (number, code, name) => {
    const server = await answering(() => [
      { columns },
      { row: [1, 'one'] },
      { error: { number, message: 'What the server says.' } },
    ]);
    const { session, request } = await prepare(server);
    await expect(session.extract(request)).rejects.toMatchObject({
      code,
      name,
      message: expect.stringMatching(/\.$/),
      remedy: expect.any(String),
    });
  });

  test('a connection that breaks while rows are read is told as lost', async () => {
    const server = await answering(() => [{ columns }, { row: [1, 'one'] }, { hangUp: true }]);
    const { session, request } = await prepare(server);
    await expect(session.extract(request)).rejects.toMatchObject({
      code: 'connection-lost',
      name: 'TransientError',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });

  test('a database without snapshots is refused with the statement that allows them, by a test and by a run', async () => {
    const server = await start();
    server.database.allowsSnapshots = false;
    const remedy = expect.stringContaining('ALTER DATABASE [shop] SET ALLOW_SNAPSHOT_ISOLATION ON');
    const session = await connect(server);
    await expect(session.openSnapshot()).rejects.toMatchObject({ code: 'snapshot-not-allowed', remedy });
    const failed = (await steps(server)).find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({ name: 'read', code: 'snapshot-not-allowed', remedy });
  });

  test('a server before 2016 is told to be too old', async () => {
    const server = await start();
    server.database.productVersion = '12.0.6024.0';
    const failed = (await steps(server)).find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({ name: 'sign-in', code: 'server-too-old' });
    expect(failed?.message).toContain('12.0.6024.0');
  });

  test('a snapshot belongs to the session that opened it', async () => {
    const server = await start();
    const holder = await connect(server);
    const snapshot = await holder.openSnapshot();
    await holder.importSnapshot(snapshot);
    const other = await connect(server);
    await expect(other.importSnapshot(snapshot)).rejects.toMatchObject({
      code: 'snapshot-not-shared',
      name: 'TerminalError',
    });
  });

  test('the moment is that of openSnapshot, not of the first table that is read', async () => {
    const server = await start();
    const { session, unit, columns: chosen } = await prepare(server);
    const [table] = server.database.tables;
    server.database.change(table!, () => null);
    expect((await extractAll(session, [unit], chosen)).tally.rows).toBe(3000);
  });
});

describe('cancelling', () => {
  test('an abort is heard by the server, throws its reason, and the session goes on', async () => {
    const reason = new Error('the run was cancelled');
    const controller = new AbortController();
    const server = await answering(async function* () {
      yield { columns };
      yield { row: [1, 'one'] };
      controller.abort(reason);
      await new Promise(() => undefined);
    });
    const { session, request } = await prepare(server);
    await expect(session.extract({ ...request, signal: controller.signal })).rejects.toBe(reason);
    expect([...server.sessions].map(({ cancels }) => cancels)).toEqual([1]);
    await expect(session.listTables()).resolves.toHaveLength(1);
  });

  test('an abort before the first byte of an answer is heard too', async () => {
    const reason = new Error('the run was cancelled');
    const controller = new AbortController();
    const server = await answering(async function* () {
      controller.abort(reason);
      await new Promise(() => undefined);
      yield { columns };
    });
    const { session, request } = await prepare(server);
    await expect(session.extract({ ...request, signal: controller.signal })).rejects.toBe(reason);
    await expect(session.listTables()).resolves.toHaveLength(1);
  });

  test('a server that is deaf to it loses the connection', async () => {
    const reason = new Error('the run was cancelled');
    const controller = new AbortController();
    const server = await answering(
      async function* () {
        yield { columns };
        controller.abort(reason);
        await new Promise(() => undefined);
      },
      { deafToCancel: true },
    );
    const { session, request } = await prepare(server);
    await expect(session.extract({ ...request, signal: controller.signal })).rejects.toBe(reason);
  });

  test('what a reject callback throws ends the extraction and is thrown on', async () => {
    const server = await answering(async function* () {
      yield { columns };
      for (let id = 0; ; id++) {
        yield { row: [id, '\ud83c'] };
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const { session, request } = await prepare(server);
    const limit = new Error('too many rejects');
    const reject = (): never => {
      throw limit;
    };
    await expect(session.extract({ ...request, reject })).rejects.toMatchObject({ cause: limit });
    await expect(session.listTables()).resolves.toHaveLength(1);
  });

  test('an abort of the session ends a question that hangs', async () => {
    const controller = new AbortController();
    const reason = new Error('nobody waits any longer');
    let silent = false;
    const server: TestSqlServer = await start({
      answer: ({ sql, parameters }, session) => {
        if (!silent) return server.database.answer(sql, parameters, session);
        controller.abort(reason);
        return (async function* () {
          await new Promise(() => undefined);
          yield { columns };
        })();
      },
    });
    const session = await connect(server, {}, controller.signal);
    silent = true;
    await expect(session.listTables()).rejects.toBe(reason);
  });
});

describe('the wire', () => {
  test.each([
    ['packets of 512 bytes', { packetSize: 512 }],
    ['packets cut into pieces of 7 bytes', { packetSize: 512, pieces: 7 }],
    ['packets of the largest size', { packetSize: 32_767, pieces: 5001 }],
  ])('%s lose nothing', async (_, options) => {
    const server = await start(options);
    const { session, unit, columns: chosen } = await prepare(server);
    const { files } = await extractAll(session, [unit], chosen);
    const rows = await readWithHyparquet(files[0]!);
    expect(rows).toHaveLength(3000);
    for (const { id, label } of rows) expect(label).toBe(`label ${String(id)}`);
  });

  test('values of 8 MB go through, and memory does not grow with their number', async () => {
    // Made once: it is the reader's memory that is looked at.
    const big = row(columns, [1, 'x'.repeat(4_000_000)]);
    const server = await answering(function* () {
      yield { columns };
      for (let sent = 0; sent < 40; sent++) yield { raw: big };
    });
    const { session, request } = await prepare(server);
    const peak = { bytes: 0 };
    const sink = {
      async write() {
        peak.bytes = Math.max(peak.bytes, process.memoryUsage.rss());
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    const before = process.memoryUsage.rss();
    const writer = makeTableWriter(request.columns, sink);
    await session.extract({ ...request, writer });
    expect((await writer.close()).columns[1]).toMatchObject({ sum: '160000000' });
    // 320 MB have passed, as the wire counts them.
    expect(peak.bytes - before).toBeLessThan(220 * 1024 * 1024);
  });
});

describe('TLS', () => {
  let folder: string;
  const made = { ca: '', cert: '', key: '' };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tradewind-tls-'));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA');
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost');
    openssl('x509', '-req', '-in', 'csr.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'cert.pem', '-days', '2', '-copy_extensions', 'copy');
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    Object.assign(made, { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') });
  }); // prettier-ignore
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const encrypted = (options: Partial<SessionOptions> = {}) =>
    start({ certificate: { cert: made.cert, key: made.key }, ...options });

  test.each(['prefer', 'require', 'verify-full'] as const)(
    '%s encrypts all of a session',
    async (sslMode) => {
      const server = await encrypted();
      const changes = { host: 'localhost', sslMode, ...(sslMode === 'verify-full' ? { ca: made.ca } : {}) };
      const session = await connect(server, changes);
      expect([...server.sessions].map((each) => each.encrypted)).toEqual([true]);
      await session.openSnapshot();
      const { columns: chosen } = await session.describe('dbo.things');
      const units = await session.planUnits('dbo.things', { targetBytes: 1e12 });
      expect((await extractAll(session, units, chosen)).tally.rows).toBe(3000);
      const tls = (await steps(server, changes)).find(({ name }) => name === 'tls');
      expect(tls).toMatchObject({ status: 'passed', message: expect.stringContaining('TLSv1.2') });
    },
  );

  test.each([
    ['without its authority', { host: 'localhost', sslMode: 'verify-full' }],
    ['of another name', { host: '127.0.0.1', sslMode: 'verify-full', ca: 'made' }],
  ] as const)('a certificate %s is refused, by a test and by a run', async (_, given) => {
    const server = await encrypted();
    const changes = { ...given, ...('ca' in given ? { ca: made.ca } : {}) };
    await expect(connect(server, changes)).rejects.toMatchObject({ code: 'tls-unverified' });
    expect([...server.sessions].every(({ login }) => login === null)).toBe(true);
    const failed = (await steps(server, changes)).find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({ name: 'tls', code: 'tls-unverified' });
  });

  test('a server that denies TLS is told no password where TLS was asked for', async () => {
    const server = await start();
    for (const sslMode of ['require', 'verify-full'] as const)
      await expect(connect(server, { sslMode })).rejects.toMatchObject({ code: 'tls-not-offered' });
    expect([...server.sessions].every(({ login }) => login === null)).toBe(true);
  });

  test('a server that takes encrypted sessions only says so', async () => {
    const server = await start({ tlsRequired: true });
    await expect(connect(server, { sslMode: 'disable' })).rejects.toMatchObject({ code: 'tls-required' });
  });
});

describe('servers that mean harm', () => {
  test('one that sends a session on to an inside address leads nowhere', async () => {
    const server = await start({ greeting: routing('169.254.169.254', 1433) });
    await expect(connect(server, { readOnlyIntent: true })).rejects.toMatchObject({ code: 'host-refused' });
  });

  test('one that sends a session on to a place that may be reached is followed there', async () => {
    const copy = await start();
    const server = await start({ greeting: routing('localhost', copy.port) });
    await connect(server, { readOnlyIntent: true });
    expect([...copy.sessions].map(({ login }) => login?.readOnly)).toEqual([true]);
  });

  test.each([
    ['a token that there is not', Buffer.from([0x13, 0x37])],
    ['a column type that there is not', Buffer.from([0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0x99, 1, 65, 0])],
    ['a chunk that never comes', Buffer.concat([Buffer.from([0xd1, 4, 1, 0, 0, 0, 0xfe]), Buffer.alloc(7, 0xff), Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(100)])],
  ])('%s ends the reading, not the process', async (_, raw) => {
    const server = await answering(() => [{ columns }, { raw }]);
    const { session, request } = await prepare(server);
    await expect(session.extract(request)).rejects.toMatchObject({ name: 'TransientError' });
  }); // prettier-ignore

  test('a value without end is given up', async () => {
    const head = Buffer.concat([Buffer.from([0xd1, 4, 1, 0, 0, 0, 0xfe]), Buffer.alloc(7, 0xff)]);
    const chunk = Buffer.concat([Buffer.from([0, 0, 16, 0]), Buffer.alloc(1 << 20)]);
    const server = await answering(function* () {
      yield { columns };
      yield { raw: head };
      for (;;) yield { raw: chunk };
    });
    const { session, request } = await prepare(server);
    await expect(session.extract(request)).rejects.toMatchObject({
      code: 'row-too-big',
      message: expect.stringContaining('256 MiB'),
    });
  });
});

async function steps(server: TestSqlServer, changes: Partial<SqlServerSettings> = {}): Promise<TestedStep[]> {
  const found: TestedStep[] = [];
  for await (const step of sqlserver.test(server.access(changes), makeTestContext(), never)) found.push(step);
  return found;
}
