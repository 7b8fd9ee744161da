/** What reaches a SQL Server, the driver with it: loaded when the first one is asked for. */
import { limitsOf } from '#core/source-limits';
import type { ConnectorContext, SourceAccess, SourceSession } from '../connector.ts';
import { connectOver } from '../tunnel.ts';
import { openConnection, placeOf, type SqlServerSettings } from './connection.ts';
import { makeSqlServerSession } from './session.ts';

export { testSqlServer } from './connection-test.ts';

/** A session of its own with the server; its errors are coded. */
export async function connectSqlServer(
  settings: SqlServerSettings,
  { credentials }: SourceAccess,
  context: ConnectorContext,
  signal: AbortSignal,
): Promise<SourceSession> {
  const { statementMs } = limitsOf(settings);
  return connectOver(settings, credentials, context, signal, async (pinned) => {
    const connection = await openConnection(settings, credentials, pinned, context.hosts, signal);
    return makeSqlServerSession(connection, placeOf(settings), statementMs, signal);
  });
}
