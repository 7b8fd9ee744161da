/** MySQL databases, version 5.7 and later, and MariaDB's, version 10.3 and later. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES } from '#core/source';
import type { Connector, SourceAccess } from '../connector.ts';
import { serverPlace } from '../server-place.ts';
import { openWay, withWay } from '../tunnel.ts';
import { testMysql } from './connection-test.ts';
import { type MysqlSettings, openWire, placeOf } from './connection.ts';
import { makeMysqlSession } from './session.ts';

function settingsOf({ settings }: SourceAccess): MysqlSettings {
  if (settings.kind === 'mysql') return settings;
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
  test: (access, context, signal) => testMysql(settingsOf(access), access.credentials, context, signal),
  async connect(access, context, signal) {
    const settings = settingsOf(access);
    const way = await openWay(settings, access.credentials, context, signal);
    try {
      const wire = await openWire(settings, access.credentials, way.pinned, signal);
      return withWay(makeMysqlSession(wire, placeOf(settings), signal), way);
    } catch (error) {
      way.close();
      throw error;
    }
  },
};
