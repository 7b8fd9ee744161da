/** Refusals of a SQL Server, snapshots that cannot be had, and cancelling. */
import { extractAll } from '#tests/connectors';
import { ROLL_BACK } from '#connectors/sqlserver/snapshot';
import {
  answering,
  columns,
  connect,
  endScene,
  never,
  prepare,
  READING,
  start,
  steps,
} from '#tests/sqlserver-scene';
import type { TestSqlServer } from '#tests/sqlserver';
import type { AnswerPart, Session } from '../support/tds-server/session.ts';

afterEach(endScene);

describe('errors of the server', () => {
  test.each([
    [1205, 'snapshot-gone', 'TransientError'],
    [1204, 'source-busy', 'TransientError'],
    [1222, 'source-busy', 'TransientError'],
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

  test('a table that somebody else holds is read again by the same session', async () => {
    let held = true;
    const server: TestSqlServer = await start({
      answer: ({ sql, parameters }, session) => {
        if (sql !== READING || !held) return server.database.answer(sql, parameters, session);
        held = false;
        return [{ error: { number: 1222, message: 'Lock request time out period exceeded.' } }];
      },
    });
    const { session, request, unit, columns: chosen } = await prepare(server);
    await expect(session.extract(request)).rejects.toMatchObject({ code: 'source-busy' });
    expect((await extractAll(session, [unit], chosen)).tally.rows).toBe(3000);
  });

  test('nothing is read any more once an error has rolled the snapshot back', async () => {
    let readings = 0;
    const server: TestSqlServer = await start({
      answer: ({ sql, parameters }, session) =>
        sql === READING && ++readings === 1 ? rolledBack(session) : server.database.answer(sql, parameters, session),
    });
    const rolledBack = function* (of: Session): Iterable<AnswerPart> {
      yield* server.database.answer(ROLL_BACK, {}, of);
      yield { error: { number: 245, message: 'Conversion failed.' } };
    };
    const { session, request } = await prepare(server);
    const snapshot = await session.openSnapshot();
    await expect(session.extract(request)).rejects.toMatchObject({ code: 'source-error' });
    const gone = { code: 'snapshot-gone', name: 'TransientError' };
    await expect(session.extract(request)).rejects.toMatchObject(gone);
    await expect(session.planUnits('dbo.things', { targetBytes: 1e12 })).rejects.toMatchObject(gone);
    await expect(session.safeUpperBound('dbo.things', 'id', null)).rejects.toMatchObject(gone);
    await expect(session.importSnapshot(snapshot)).rejects.toMatchObject(gone);
    expect(readings).toBe(1);
  }); // prettier-ignore

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
      yield { flush: true as const };
      controller.abort(reason);
      await new Promise(() => undefined);
    });
    const { session, request } = await prepare(server);
    await expect(session.extract({ ...request, signal: controller.signal })).rejects.toBe(reason);
    expect([...server.sessions].map(({ cancels }) => cancels)).toEqual([1]);
    await expect(session.listTables()).resolves.toHaveLength(1);
  });

  test('a statement that takes longer than the source lets it is cancelled, and the session goes on', async () => {
    const server = await answering(async function* () {
      yield { columns };
      yield { flush: true as const };
      await new Promise(() => undefined);
    });
    const { session, request } = await prepare(server, never, { statementMinutes: 0.005 });
    await expect(session.extract(request)).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'statement-timeout',
      remedy: expect.stringContaining('statementMinutes'),
    });
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

test('a table that the user sees and may not read fails the connection test at its last step', async () => {
  const message = "The SELECT permission was denied on the object 'things', database 'shop', schema 'dbo'.";
  const server: TestSqlServer = await start({
    answer: ({ sql, parameters }, session) =>
      /^SELECT TOP/i.test(sql.trim()) && sql.includes('[things]')
        ? [{ error: { number: 229, message, severity: 14 } }]
        : server.database.answer(sql, parameters, session),
  });
  const found = await steps(server);
  expect(found.at(-1)).toMatchObject({
    name: 'read',
    status: 'failed',
    code: 'permission-denied',
    message: expect.stringContaining('things'),
    remedy: expect.stringMatching(/Grant SELECT/),
  });
  expect(found.slice(0, -1).some(({ status }) => status === 'failed')).toBe(false);
});
