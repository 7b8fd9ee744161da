/** PostgreSQL databases, version 12 and later. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES } from '#core/source';
import type { Connector, SourceAccess } from '../connector.ts';
import { serverPlace } from '../server-place.ts';
import { testPostgres } from './connection-test.ts';
import { openClient, placeOf, type PostgresSettings } from './connection.ts';
import { makePostgresSession } from './session.ts';

function settingsOf({ settings }: SourceAccess): PostgresSettings {
  if (settings.kind === 'postgres') return settings;
  throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to PostgreSQL.`);
}

export const postgres: Connector = {
  kind: 'postgres',
  label: 'PostgreSQL',
  capabilities: {
    chunks: true,
    modes: ['replace', 'append', 'merge'],
    cursorTypes: CURSOR_TYPES.postgres,
    ownCursor: false,
    sharedSnapshot: true,
  },
  placeOf: serverPlace,
  test: (access, context, signal) => testPostgres(settingsOf(access), access.credentials, context, signal),
  async connect(access, context, signal) {
    const settings = settingsOf(access);
    const pinned = await context.hosts.pin(settings.host, settings.port);
    const client = await openClient(settings, access.credentials, pinned, signal);
    return makePostgresSession(client, placeOf(settings), signal);
  },
};
