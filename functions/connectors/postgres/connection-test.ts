/** The connection test of a PostgreSQL source. */
import type { Socket } from 'node:net';
import type { Credentials } from '#core/source';
import type { ConnectorContext, TestedStep } from '../connector.ts';
import type { PinnedHost } from '../hosts.ts';
import { testServer } from '../server-test.ts';
import { upgrade } from '../tls.ts';
import { listRelations } from './catalog.ts';
import { closeClient, openClient, placeOf, type PostgresSettings } from './connection.ts';
import { toSourceError } from './errors.ts';
import { parseRelation, relationSql } from './names.ts';

/** SSLRequest: length 8, code 80877103. */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);
const [YES, NO, ERROR] = Buffer.from('SNE');

/** Yields each step as it ends; see `Connector.test`. */
export function testPostgres(
  settings: PostgresSettings,
  credentials: Credentials | null,
  context: ConnectorContext,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const inOurWords = (error: unknown): Error => toSourceError(error, placeOf(settings));
  return testServer(
    {
      settings,
      inOurWords,
      grantRemedy: `Grant USAGE on a schema and SELECT on its tables to the user "${settings.user}", or choose the database that has the tables.`,
      negotiateTls: (socket, pinned) => negotiateTls(socket, settings, pinned),
      tlsNotOffered: () => inOurWords(new Error('The server does not support SSL connections')),
      async signIn(pinned) {
        const client = await openClient(settings, credentials, pinned, signal);
        const version = "SELECT pg_catalog.current_setting('server_version') AS v";
        try {
          const { rows } = await client.query(version);
          return {
            server: `PostgreSQL ${String(rows[0]?.v)}`,
            listTables: () => listRelations(client),
            hasRow: async (table) => {
              const sql = `SELECT 1 FROM ${relationSql(parseRelation(table))} LIMIT 1`;
              return (await client.query(sql)).rowCount !== 0;
            },
            close: () => closeClient(client),
          };
        } catch (error) {
          await closeClient(client);
          throw error;
        }
      },
    },
    context,
    signal,
    credentials,
  );
}

/** The TLS version agreed on, null when the server does not offer TLS. Rejects when verification fails. */
async function negotiateTls(
  socket: Socket,
  settings: PostgresSettings,
  pinned: PinnedHost,
): Promise<string | null> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject).once('close', () => reject(new Error('Connection terminated')));
    socket.write(SSL_REQUEST);
  });
  const [first] = answer;
  // A server that does not know the question, or has no room, answers with an error ('E').
  if (first === NO || first === ERROR) return null;
  // More than the one byte would be an attempt to slip in plain text before the handshake (CVE-2021-23222).
  if (first !== YES || answer.length > 1) throw new Error('it does not speak PostgreSQL’s protocol');
  const secure = await upgrade(socket, settings, pinned);
  const protocol = secure.getProtocol() ?? 'TLS';
  secure.destroy();
  return protocol;
}
