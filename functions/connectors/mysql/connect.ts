/** What reaches a MySQL or MariaDB server, the driver with it: loaded when the first one is asked for. */
import type { ConnectorContext, SourceAccess, SourceSession } from '../connector.ts';
import { connectOver } from '../tunnel.ts';
import { type MysqlSettings, openWire, placeOf } from './connection.ts';
import { makeMysqlSession } from './session.ts';

export { testMysql } from './connection-test.ts';

/** A session of its own with the server; its errors are coded. */
export async function connectMysql(
  settings: MysqlSettings,
  { credentials }: SourceAccess,
  context: ConnectorContext,
  signal: AbortSignal,
): Promise<SourceSession> {
  return connectOver(settings, credentials, context, signal, async (pinned) =>
    makeMysqlSession(await openWire(settings, credentials, pinned, signal), placeOf(settings), signal),
  );
}
