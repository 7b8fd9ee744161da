/** The connection test of a PostgreSQL source: resolve, reach, TLS, sign in, permissions, read one row. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Client } from 'pg';
import type { Credentials } from '#core/source';
import { TerminalError } from '#core/errors';
import type { ConnectorContext, TableListing, TestedStep } from '../connector.ts';
import type { PinnedHost } from '../hosts.ts';
import { runSteps } from '../test-steps.ts';
import { listRelations } from './catalog.ts';
import { closeClient, openClient, placeOf, tlsOptions, type PostgresSettings } from './connection.ts';
import { toSourceError } from './errors.ts';
import { parseRelation, relationSql } from './names.ts';

const REACH_MS = 10_000;
/** SSLRequest: length 8, code 80877103. */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** Yields each step as it ends; see `Connector.test`. */
export async function* testPostgres(
  settings: PostgresSettings,
  credentials: Credentials | null,
  context: ConnectorContext,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const place = placeOf(settings);
  const state: { pinned?: PinnedHost; client?: Client; tables?: readonly TableListing[] } = {};
  const pinned = (): PinnedHost => required(state.pinned);
  const client = (): Client => required(state.client);
  const inOurWords = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw toSourceError(error, place);
    });
  try {
    yield* runSteps(
      [
        {
          name: 'resolve',
          run: async () => {
            state.pinned = await context.hosts.pin(settings.host, settings.port);
            return `${settings.host} is a host that may be connected to.`;
          },
        },
        {
          name: 'reach',
          run: async () => {
            (await inOurWords(reach(pinned(), signal))).destroy();
            return `Something answers at ${settings.host}:${settings.port}.`;
          },
        },
        {
          name: 'tls',
          run: async () => {
            if (settings.sslMode === 'disable')
              return { skip: 'SSL mode "disable": the connection is not encrypted.' };
            const protocol = await inOurWords(negotiateTls(settings, pinned(), signal));
            if (protocol === null) {
              if (settings.sslMode === 'prefer')
                return { skip: 'The server does not offer TLS; SSL mode "prefer" goes on without.' };
              throw toSourceError(new Error('The server does not support SSL connections'), place);
            }
            const verified =
              settings.sslMode === 'verify-full' ? 'certificate and name verified' : 'not verified';
            return `Encrypted with ${protocol}, ${verified}.`;
          },
        },
        {
          name: 'sign-in',
          run: async () => {
            state.client = await openClient(settings, credentials, pinned(), signal);
            const { rows } = await inOurWords(
              client().query("SELECT pg_catalog.current_setting('server_version') AS v"),
            );
            return `Signed in as ${settings.user} to PostgreSQL ${String(rows[0]?.v)}.`;
          },
        },
        {
          name: 'permissions',
          run: async () => {
            state.tables = await inOurWords(listRelations(client()));
            if (state.tables.length === 0)
              throw new TerminalError(
                'no-tables',
                `User "${settings.user}" may read no table in database "${settings.database}".`,
                { remedy: 'Grant USAGE on a schema and SELECT on its tables, or choose another database.' },
              );
            return `May read ${state.tables.length} ${state.tables.length === 1 ? 'table' : 'tables'}.`;
          },
        },
        {
          name: 'read',
          run: async () => {
            const table = required(state.tables?.find(({ kind }) => kind === 'table') ?? state.tables?.[0]);
            const relation = relationSql(parseRelation(table.name));
            const { rowCount } = await inOurWords(client().query(`SELECT 1 FROM ${relation} LIMIT 1`));
            return rowCount === 0
              ? `${table.name} can be read; it is empty.`
              : `Read a row of ${table.name}.`;
          },
        },
      ],
      context.now,
      signal,
    );
  } finally {
    if (state.client !== undefined) await closeClient(state.client);
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('a step ran before the step it needs');
  return value;
}

/** A TCP connection; rejects on refusal, time-out or abort. */
function reach({ address, port }: PinnedHost, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port, signal });
    socket.setTimeout(REACH_MS, () =>
      socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' })),
    );
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}

/** The TLS version agreed on, null when the server does not offer TLS. Rejects when verification fails. */
async function negotiateTls(
  settings: PostgresSettings,
  pinned: PinnedHost,
  signal: AbortSignal,
): Promise<string | null> {
  const socket = await reach(pinned, signal);
  let secure: TLSSocket | null = null;
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
      socket.once('error', reject).once('close', () => reject(new Error('Connection terminated')));
      socket.write(SSL_REQUEST);
    });
    // More than the one byte would be an attempt to slip in plain text before the handshake (CVE-2021-23222).
    if (answer !== 'S') return null;
    return await new Promise<string>((resolve, reject) => {
      secure = connectTls({ socket, ...tlsOptions(settings, pinned) });
      secure.once('secureConnect', () => resolve(secure?.getProtocol() ?? 'TLS')).once('error', reject);
    });
  } finally {
    // `secure` is assigned inside the promise, which TypeScript does not follow.
    (secure as TLSSocket | null)?.destroy();
    socket.destroy();
  }
}
