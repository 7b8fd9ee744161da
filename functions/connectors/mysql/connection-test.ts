/** The connection test of a MySQL or MariaDB source. */
import type { Socket } from 'node:net';
import type { Credentials } from '#core/source';
import type { ConnectorContext, TestedStep } from '../connector.ts';
import type { PinnedHost } from '../hosts.ts';
import { testServer } from '../server-test.ts';
import { upgrade } from '../tls.ts';
import { listTables } from './catalog.ts';
import { type MysqlSettings, openWire, placeOf } from './connection.ts';
import { toSourceError } from './errors.ts';
import { quoteName } from './names.ts';
import { broken, HEADER, MAX_GREETING, packetLength, readGreeting, tlsRequest } from './packets.ts';

/** Yields each step as it ends; see `Connector.test`. */
export function testMysql(
  settings: MysqlSettings,
  credentials: Credentials | null,
  context: ConnectorContext,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const inOurWords = (error: unknown): Error => toSourceError(error, placeOf(settings));
  return testServer(
    {
      settings,
      inOurWords,
      grantRemedy: `Grant SELECT on the tables of "${settings.database}" to the user "${settings.user}", or choose the database that has the tables.`,
      negotiateTls: (socket, pinned) => negotiateTls(socket, settings, pinned),
      tlsNotOffered: () => inOurWords(new Error('the server does not support secure connection')),
      async signIn(pinned) {
        const wire = await openWire(settings, credentials, pinned, signal);
        try {
          const [row] = await wire.ask('SELECT VERSION() AS version');
          const version = row?.['version'] ?? '';
          return {
            server: /mariadb/i.test(version) ? `MariaDB ${version}` : `MySQL ${version}`,
            listTables: () => listTables(wire),
            hasRow: async (table) =>
              (await wire.ask(`SELECT 1 AS found FROM ${quoteName(table)} LIMIT 1`)).length > 0,
            close: () => wire.close(),
          };
        } catch (error) {
          await wire.close();
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
  settings: MysqlSettings,
  pinned: PinnedHost,
): Promise<string | null> {
  const { offersTls } = readGreeting(await readFirstPayload(socket));
  if (!offersTls) return null;
  socket.write(tlsRequest());
  const secure = await upgrade(socket, settings, pinned);
  const protocol = secure.getProtocol() ?? 'TLS';
  secure.destroy();
  return protocol;
}

/** The server speaks first. Rejects where what it says is no single packet. */
function readFirstPayload(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onData = (bytes: Buffer): void => {
      received = Buffer.concat([received, bytes]);
      const length = received.length < HEADER ? HEADER : packetLength(received, 0);
      if (received.length < length && length <= MAX_GREETING) return;
      socket.removeListener('data', onData);
      // More would be an attempt to slip in plain text before the handshake.
      if (received.length !== length) reject(broken('no greeting of its protocol'));
      else resolve(received.subarray(HEADER));
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}
