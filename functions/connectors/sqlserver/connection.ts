/** Signed-in connections to a customer's SQL Server: checked addresses, TLS as asked, time-limited. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { TerminalError, toError, TransientError } from '#core/errors';
import { type Credentials, passwordOf, type SourceSettings } from '#core/source';
import type { HostGuard, PinnedHost } from '../hosts.ts';
import { reach } from '../reach.ts';
import type { ErrorPlace } from '../source-errors.ts';
import { toSourceError } from './errors.ts';
import { GuardedConnection, type Routed } from './guarded-connection.ts';
import { tell } from './statements.ts';

/** The settings of a SQL Server source. */
export type SqlServerSettings = Extract<SourceSettings, { kind: 'sqlserver' }>;

/** What sessions show as in sys.dm_exec_sessions; watermarks do not wait for transactions of this name. */
export const APPLICATION_NAME = 'tradewind';

const CONNECT_MS = 10_000;
/** A cancel that the server has not answered by then ends the connection. */
const CANCEL_MS = 5000;
/** A goodbye that has not come to its end by then is left unsaid. */
const CLOSE_MS = 2000;
/** A session may be sent on so often: from a listener to a gateway, from there to a copy, and once more. */
const MAX_HOPS = 3;
/** About the most that a server takes from an encrypted session. */
const PACKET_BYTES = 16_000;

/** Locks are not waited for long, and in a deadlock it is this session that gives way. */
export const SESSION_SQL = [
  'SET LOCK_TIMEOUT 10000',
  'SET DEADLOCK_PRIORITY LOW',
  // Indexed views and computed columns cannot be read without it.
  'SET ARITHABORT ON',
  'SET XACT_ABORT OFF',
  'SET ROWCOUNT 0',
].join('; ');

/** The names in error messages. */
export function placeOf(settings: SqlServerSettings): ErrorPlace {
  const { host, port, database, user } = settings;
  return { host, port, database, user };
}

/**
 * A connection ready for use. Throws coded errors. `signal` ends the attempt, and the connection for as long as it lives.
 * `hosts` checks where the server sends the session on to, as it does with copies that are only read.
 */
export async function openConnection(
  settings: SqlServerSettings,
  credentials: Credentials | null,
  pinned: PinnedHost,
  hosts: HostGuard,
  signal: AbortSignal,
): Promise<GuardedConnection> {
  const open = (encrypt: boolean): Promise<GuardedConnection> => {
    const route: string[] = [];
    const dial = async (routed: Routed): Promise<Socket> => {
      const { host, port } = routed ?? pinned;
      route.push(`${host}:${port}`);
      if (route.length > 1 + MAX_HOPS) throw sentOnTooOften(route);
      if (routed !== null && (settings.tunnel ?? settings.cloudSql) !== undefined)
        throw sentOnPastTunnel(route);
      const target = routed === null ? pinned : await hosts.pin(host, port);
      // The time-out was one for getting there.
      return (await reach(target, signal)).setTimeout(0);
    };
    return signIn(new GuardedConnection(configOf(settings, credentials, pinned, encrypt), dial), signal);
  };
  try {
    if (settings.sslMode !== 'prefer') return await open(settings.sslMode !== 'disable');
    return await open(true).catch((error: unknown) => {
      if (/did not negotiate encryption/.test(toError(error).message)) return open(false);
      throw error;
    });
  } catch (error) {
    signal.throwIfAborted();
    throw toSourceError(error, placeOf(settings));
  }
}

/** The other server is a name of the private network, and no tunnel leads there; nor does an instance of Cloud SQL. */
function sentOnPastTunnel(route: readonly string[]): TerminalError {
  return new TerminalError(
    'routed-past-tunnel',
    `The server sent the session on: ${route.join(', then ')}. The way leads to the first of them alone.`,
    { remedy: 'Name that server as the host of the source, or turn read-only intent off.' },
  );
}

function sentOnTooOften(route: readonly string[]): TerminalError {
  return new TerminalError(
    'routed-too-often',
    `Each server sent the session on to another: ${route.join(', then ')}.`,
    {
      remedy:
        'Let the read-only routing of the availability group lead to a copy that takes sessions itself, or turn read-only intent off.',
    },
  );
}

type Config = ConstructorParameters<typeof GuardedConnection>[0];

function configOf(
  settings: SqlServerSettings,
  credentials: Credentials | null,
  pinned: PinnedHost,
  encrypt: boolean,
): Config {
  const { sslMode, ca, user, database, readOnlyIntent } = settings;
  return {
    // What a certificate is compared with; where the bytes go is up to the dialling.
    server: pinned.host,
    authentication: { type: 'default', options: { userName: user, password: passwordOf(credentials) } },
    options: {
      port: pinned.port,
      database,
      appName: APPLICATION_NAME,
      // In place of the name of this machine.
      workstationId: APPLICATION_NAME,
      readOnlyIntent,
      encrypt,
      trustServerCertificate: sslMode !== 'verify-full',
      cryptoCredentialsDetails: ca === undefined ? {} : { ca },
      connectTimeout: CONNECT_MS,
      // Every question has a clock of its own, which goes on after the first bytes of an answer.
      requestTimeout: 0,
      cancelTimeout: CANCEL_MS,
      maxRetriesOnTransientErrors: 0,
      packetSize: PACKET_BYTES,
      // Dates are counts of milliseconds then, and the zone of this machine has no say.
      useUTC: true,
    },
  };
}

async function signIn(connection: GuardedConnection, signal: AbortSignal): Promise<GuardedConnection> {
  signal.throwIfAborted();
  const abort = (): void => connection.close();
  signal.addEventListener('abort', abort, { once: true });
  // It stays: an abort ends whatever the connection is doing, for as long as it lives.
  connection.once('end', () => signal.removeEventListener('abort', abort));
  try {
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => {
        if (error === undefined) resolve();
        else reject(connection.refusal ?? ours(error) ?? error);
      });
    });
    await tell(connection, SESSION_SQL);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The driver wraps what the dialling throws. */
function ours(error: Error): Error | null {
  const { cause } = error;
  return cause instanceof TerminalError || cause instanceof TransientError ? cause : null;
}

/** Ends the connection, and in any case within seconds. Never throws. */
export async function closeConnection(connection: GuardedConnection): Promise<void> {
  if (connection.closed) return;
  const ended = once(connection, 'end', { signal: AbortSignal.timeout(CLOSE_MS) }).catch(() => undefined);
  connection.close();
  await ended;
}
