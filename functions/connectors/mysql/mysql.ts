/** MySQL databases, version 5.7 and later, and MariaDB's, version 10.3 and later. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES } from '#core/source';
import type { Connector, SourceAccess } from '../connector.ts';
import { serverPlace } from '../server-place.ts';
import { asReached } from '../tunnel.ts';
import type { MysqlSettings } from './connection.ts';

function settingsOf({ settings }: SourceAccess): MysqlSettings {
  if (settings.kind === 'mysql') return asReached(settings);
  throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to MySQL.`);
}

export const mysql: Connector = {
  kind: 'mysql',
  label: 'MySQL or MariaDB',
  capabilities: {
    chunks: true,
    cursorTypes: CURSOR_TYPES.mysql,
    ownCursor: false,
    sharedSnapshot: false,
  },
  placeOf: serverPlace,
  async *test(access, context, signal) {
    const { testMysql } = await import('./connect.ts');
    yield* testMysql(settingsOf(access), access.credentials, context, signal);
  },
  connect: async (access, context, signal) =>
    (await import('./connect.ts')).connectMysql(settingsOf(access), access, context, signal),
};
