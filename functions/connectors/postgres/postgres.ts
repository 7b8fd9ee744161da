/** PostgreSQL databases, version 12 and later. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES } from '#core/source';
import type { Connector, SourceAccess } from '../connector.ts';
import { serverPlace } from '../server-place.ts';
import { asReached, connectOver } from '../tunnel.ts';
import { testPostgres } from './connection-test.ts';
import { openClient, placeOf, type PostgresSettings } from './connection.ts';
import { makePostgresSession } from './session.ts';

function settingsOf({ settings }: SourceAccess): PostgresSettings {
  if (settings.kind === 'postgres') return asReached(settings);
  throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to PostgreSQL.`);
}

export const postgres: Connector = {
  kind: 'postgres',
  label: 'PostgreSQL',
  capabilities: {
    chunks: true,
    cursorTypes: CURSOR_TYPES.postgres,
    ownCursor: false,
    sharedSnapshot: true,
  },
  placeOf: serverPlace,
  test: (access, context, signal) => testPostgres(settingsOf(access), access.credentials, context, signal),
  async connect(access, context, signal) {
    const settings = settingsOf(access);
    const { credentials } = access;
    return connectOver(settings, credentials, context, signal, async (pinned) =>
      makePostgresSession(await openClient(settings, credentials, pinned, signal), placeOf(settings), signal),
    );
  },
};
