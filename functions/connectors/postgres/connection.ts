/** Signed-in connections to a customer's PostgreSQL: pinned address, TLS as asked, read-only, time-limited. */
import type { Socket } from 'node:net';
import { Client } from 'pg';
import { type Credentials, passwordOf, type SourceSettings } from '#core/source';
import { limitsOf } from '#core/source-limits';
import { toError } from '#core/errors';
import type { PinnedHost } from '../hosts.ts';
import { type ErrorPlace, tooOld } from '../source-errors.ts';
import { tlsOptions } from '../tls.ts';
import { toSourceError } from './errors.ts';
import { guardParser } from './parser-guard.ts';

/** The settings of a PostgreSQL source. */
export type PostgresSettings = Extract<SourceSettings, { kind: 'postgres' }>;

/** What sessions show as in pg_stat_activity; watermarks do not wait for transactions of this name. */
export const APPLICATION_NAME = 'tradewind';

const CONNECT_MS = 10_000;
/** How long an answer may take that is no COPY: of the catalogue, of a cursor's bound. The server may be gone silently. */
const ANSWER_MS = 120_000;
/** A goodbye that is not answered by then is left unsaid. */
const CLOSE_MS = 2000;

/**
 * `search_path` is emptied so that no object of the customer's shadows a system function. The idle time-outs of the
 * server must not end the session that holds the snapshot. Intervals come out in one documented form.
 */
const sessionSql = (settings: PostgresSettings): string =>
  [
    'SET default_transaction_read_only = on',
    // One statement includes the COPY of a unit.
    `SET statement_timeout = ${limitsOf(settings).statementMs}`,
    'SET lock_timeout = 10000',
    'SET idle_in_transaction_session_timeout = 0',
    "SET search_path = ''",
    "SET client_encoding = 'UTF8'",
    "SET timezone = 'UTC'",
    "SET datestyle = 'ISO, YMD'",
    "SET intervalstyle = 'iso_8601'",
    'SET extra_float_digits = 1',
  ].join('; ');

/** The first version whose catalogue tells all that is asked of it (pg_partition_tree). */
const OLDEST = 12;

/** The names in error messages. */
export function placeOf(settings: PostgresSettings): ErrorPlace {
  const { host, port, database, user } = settings;
  return { host, port, database, user };
}

/** What of a client is not in its public type. */
interface Opened {
  readonly connection: {
    readonly stream: Socket;
    on(
      event: 'parameterStatus',
      heard: (told: { parameterName: string; parameterValue: string }) => void,
    ): void;
  };
}
const opened = (client: Client): Opened['connection'] => (client as Client & Opened).connection;

/** Ends the connection at once; what waits for an answer fails. */
function destroyClient(client: Client): void {
  opened(client).stream.destroy();
}

/** Ends the connection: politely, and in any case within seconds. Never throws. */
export async function closeClient(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
  destroyClient(client);
}

/**
 * A client ready for use. Throws coded errors. `signal` ends the attempt, and the client for as long as it lives.
 * `answerMs`: how long a statement may stay without an answer; it fails as `source-silent`.
 */
export async function openClient(
  settings: PostgresSettings,
  credentials: Credentials | null,
  pinned: PinnedHost,
  signal: AbortSignal,
  answerMs = ANSWER_MS,
): Promise<Client> {
  guardParser();
  const open = async (tls: boolean): Promise<Client> => {
    signal.throwIfAborted();
    const client = new Client({
      host: pinned.address,
      port: pinned.port,
      database: settings.database,
      user: settings.user,
      // Never undefined: `pg` would look into the environment and ~/.pgpass of this machine.
      password: passwordOf(credentials),
      ssl: tls ? tlsOptions(settings, pinned) : false,
      application_name: APPLICATION_NAME,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000,
      query_timeout: answerMs,
    });
    let version = '';
    // Every server tells it while it lets somebody in.
    opened(client).on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version') version = parameterValue;
    });
    client.on('error', () => undefined); // a lost connection fails the next query, which reports it
    // Not `end`: that waits for the server, which may be what does not answer.
    const abort = (): void => destroyClient(client);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await client.connect();
      if (Number.parseInt(version, 10) < OLDEST)
        throw tooOld(placeOf(settings), 'PostgreSQL', version, `PostgreSQL ${OLDEST}`);
      await client.query(sessionSql(settings));
      // It stays: an abort ends whatever the client is doing, for as long as it lives.
      client.once('end', () => signal.removeEventListener('abort', abort));
      return client;
    } catch (error) {
      signal.removeEventListener('abort', abort);
      destroyClient(client);
      signal.throwIfAborted();
      throw error;
    }
  };
  try {
    if (settings.sslMode !== 'prefer') return await open(settings.sslMode !== 'disable');
    return await open(true).catch((error: unknown) => {
      if (/does not support SSL/.test(toError(error).message)) return open(false);
      throw error;
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw toSourceError(error, placeOf(settings));
  }
}
