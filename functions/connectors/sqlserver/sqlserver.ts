/** Microsoft SQL Server, version 2016 and later, and Azure SQL. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES } from '#core/source';
import { limitsOf } from '#core/source-limits';
import type { Connector, SourceAccess } from '../connector.ts';
import { serverPlace } from '../server-place.ts';
import { openWay, withWay } from '../tunnel.ts';
import { testSqlServer } from './connection-test.ts';
import { openConnection, placeOf, type SqlServerSettings } from './connection.ts';
import { makeSqlServerSession } from './session.ts';

function settingsOf({ settings }: SourceAccess): SqlServerSettings {
  if (settings.kind === 'sqlserver') return settings;
  throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to SQL Server.`);
}

export const sqlserver: Connector = {
  kind: 'sqlserver',
  label: 'SQL Server',
  capabilities: {
    chunks: true,
    cursorTypes: CURSOR_TYPES.sqlserver,
    ownCursor: false,
    sharedSnapshot: false,
  },
  placeOf: serverPlace,
  test: (access, context, signal) => testSqlServer(settingsOf(access), access.credentials, context, signal),
  async connect(access, context, signal) {
    const settings = settingsOf(access);
    const way = await openWay(settings, access.credentials, context, signal);
    try {
      const connection = await openConnection(
        settings,
        access.credentials,
        way.pinned,
        context.hosts,
        signal,
      );
      const { statementMs } = limitsOf(settings);
      return withWay(makeSqlServerSession(connection, placeOf(settings), statementMs, signal), way);
    } catch (error) {
      way.close();
      throw error;
    }
  },
};
