/** A SQL Server with one table, and sessions with it: what tests of its troubles share. All of it ends after each test. */
import { makeTableWriter } from '#columnar/table-writer';
import type { SourceSession, TestedStep } from '#connectors/connector';
import type { SqlServerSettings } from '#connectors/sqlserver/connection';
import { sqlserver } from '#connectors/sqlserver/sqlserver';
import { makeTestContext } from './connectors.ts';
import { makeMemorySink } from './parquet.ts';
import { startTestSqlServer, type TestSqlServer } from './sqlserver.ts';
import type { Answer, SessionOptions } from './tds-server/session.ts';

/** A signal that is never given. */
export const never = new AbortController().signal;
const servers: TestSqlServer[] = [];
const sessions: SourceSession[] = [];

/** To be called after each test. */
export async function endScene(): Promise<void> {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
}

/** A server with a table `dbo.things` of 3,000 rows. */
export async function start(options: Partial<SessionOptions> = {}): Promise<TestSqlServer> {
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

export async function connect(
  server: TestSqlServer,
  changes: Partial<SqlServerSettings> = {},
  signal = never,
): Promise<SourceSession> {
  const session = await sqlserver.connect(server.access(changes), makeTestContext(), signal);
  sessions.push(session);
  return session;
}

/** Everything up to the reading of the only unit. */
export async function prepare(
  server: TestSqlServer,
  signal = never,
  changes: Partial<SqlServerSettings> = {},
) {
  const session = await connect(server, changes, signal);
  await session.openSnapshot();
  const { columns } = await session.describe('dbo.things');
  const [unit] = await session.planUnits('dbo.things', { targetBytes: 1e12 });
  const sink = makeMemorySink();
  const writer = makeTableWriter(columns, sink);
  const request = { unit: unit!, columns, writer, reject: () => undefined, signal: never };
  return { session, columns, unit: unit!, sink, writer, request };
}

/** How the table is read. */
export const READING = 'SELECT [id], [label] FROM [dbo].[things]';

/** A server whose answer to the reading of the table is `answer`. */
export async function answering(
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

/** What the wire has for a row of the table. */
export const columns = [
  { name: 'id', type: 'int' },
  { name: 'label', type: 'nvarchar', length: 'max' },
] as const;

/** The outcomes of a connection test. */
export async function steps(
  server: TestSqlServer,
  changes: Partial<SqlServerSettings> = {},
): Promise<TestedStep[]> {
  const found: TestedStep[] = [];
  for await (const step of sqlserver.test(server.access(changes), makeTestContext(), never)) found.push(step);
  return found;
}
