/** What the wire may do to an answer: cut it anywhere, carry big values, lie about lengths, lead elsewhere. */
import { makeTableWriter } from '#columnar/table-writer';
import { openConnection, placeOf } from '#connectors/sqlserver/connection';
import { toSourceError } from '#connectors/sqlserver/errors';
import { readRows } from '#connectors/sqlserver/rows';
import { ask } from '#connectors/sqlserver/statements';
import { extractAll, makeTestContext } from '#tests/connectors';
import { readWithHyparquet } from '#tests/parquet';
import {
  answering,
  columns,
  connect,
  endScene,
  never,
  prepare,
  READING,
  start,
} from '#tests/sqlserver-scene';
import type { TestSqlServer } from '#tests/sqlserver';
import { row } from '../support/tds-server/columns.ts';
import { routing } from '../support/tds-server/tokens.ts';

afterEach(endScene);

/** A connection without a session over it. It ends with its server. */
async function open(server: TestSqlServer) {
  const { settings, credentials } = server.access();
  if (settings.kind !== 'sqlserver') throw new Error(`a ${settings.kind} server`);
  const { hosts } = makeTestContext();
  const pinned = await hosts.pin(settings.host, settings.port);
  const connection = await openConnection(settings, credentials, pinned, hosts, never);
  return { connection, place: placeOf(settings) };
}

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

describe('servers that mean harm', () => {
  test('one that sends a session on to an inside address leads nowhere', async () => {
    const server = await start({ greeting: () => routing('169.254.169.254', 1433) });
    await expect(connect(server, { readOnlyIntent: true })).rejects.toMatchObject({ code: 'host-refused' });
  });

  test('one that sends a session on to a place that may be reached is followed there', async () => {
    const copy = await start();
    const server = await start({ greeting: () => routing('localhost', copy.port) });
    await connect(server, { readOnlyIntent: true });
    expect([...copy.sessions].map(({ login }) => login?.readOnly)).toEqual([true]);
  });

  test('one that sends a session on leads nowhere where a tunnel leads to it alone', async () => {
    const copy = await start();
    const server = await start({ greeting: () => routing('localhost', copy.port) });
    const { settings, credentials } = server.access();
    if (settings.kind !== 'sqlserver') throw new Error(`a ${settings.kind} server`);
    const { hosts } = makeTestContext();
    const pinned = await hosts.pin(settings.host, settings.port);
    const tunnel = { host: 'jump.example', port: 22, user: 'tw', hostKey: null };
    const behind = { ...settings, readOnlyIntent: true, tunnel };
    await expect(openConnection(behind, credentials, pinned, hosts, never)).rejects.toMatchObject({
      code: 'routed-past-tunnel',
      message: expect.stringContaining(`then localhost:${copy.port}`),
    });
    expect(copy.all).toHaveLength(0);
  });

  test('one that sends a session on without end is left, and the way is told', async () => {
    const server: TestSqlServer = await start({ greeting: () => routing('localhost', server.port) });
    await expect(connect(server, { readOnlyIntent: true })).rejects.toMatchObject({
      code: 'routed-too-often',
      name: 'TerminalError',
      message: expect.stringContaining(`127.0.0.1:${server.port}, then localhost:${server.port}, then`),
    });
    expect(server.all.filter(({ login }) => login !== null)).toHaveLength(4);
  });

  test('an answer about the catalogue that is too big to hold is given up', async () => {
    const big = row(columns, [1, 'x'.repeat(500_000)]);
    const server = await answering(function* () {
      yield { columns };
      for (let sent = 0; sent < 100; sent++) yield { raw: big };
    });
    const { connection, place } = await open(server);
    const error = await ask(connection, READING).catch((thrown: unknown) => thrown);
    expect(toSourceError(error, place)).toMatchObject({
      code: 'source-protocol',
      message: expect.stringContaining('64 MiB'),
    });
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

describe('a server that goes silent', () => {
  const silence = async function* () {
    yield { columns };
    yield { row: [1, 'one'] };
    yield { flush: true as const };
    await new Promise(() => undefined);
  };

  test('in the middle of an answer fails the question, and loses the connection', async () => {
    const { connection, place } = await open(await answering(silence));
    const error = await ask(connection, READING, {}, 500).catch((thrown: unknown) => thrown);
    expect(toSourceError(error, place)).toMatchObject({ code: 'source-silent', name: 'TransientError' });
    expect(connection.closed).toBe(true);
  });

  test('while rows are read is waited for only so long, unless it is the writer that rests', async () => {
    const server = await answering(silence);
    const { connection, place } = await open(server);
    let rested = 0;
    const sink = {
      rows: 0,
      rejected: 0,
      row: () => undefined,
      full: true,
      async drain() {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        rested++;
      },
    };
    const reading = readRows(connection, { sql: READING, parameters: {} }, sink, never, 60_000, 1000);
    const error = await reading.catch((thrown: unknown) => thrown);
    expect(toSourceError(error, place)).toMatchObject({ code: 'source-silent' });
    expect(rested).toBe(1);
  });
});
