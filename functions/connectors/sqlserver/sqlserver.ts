/** Microsoft SQL Server, version 2016 and later, and Azure SQL. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES } from '#core/source';
import type { Connector, SourceAccess } from '../connector.ts';
import { serverPlace } from '../server-place.ts';
import { asReached } from '../tunnel.ts';
import type { SqlServerSettings } from './connection.ts';

function settingsOf({ settings }: SourceAccess): SqlServerSettings {
  if (settings.kind === 'sqlserver') return asReached(settings);
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
  async *test(access, context, signal) {
    const { testSqlServer } = await import('./connect.ts');
    yield* testSqlServer(settingsOf(access), access.credentials, context, signal);
  },
  connect: async (access, context, signal) =>
    (await import('./connect.ts')).connectSqlServer(settingsOf(access), access, context, signal),
};
