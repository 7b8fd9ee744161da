/**
 * Signed-in connections to a customer's MySQL or MariaDB: pinned address, TLS as asked, read-only, time-limited.
 *
 * `mysql2` does what happens up to the sign-in; from then on the socket is read by ourselves (wire.ts). Its parser trusts
 * the server: what it throws is thrown out of the socket's listener, which would end the process, and everybody else's work
 * in it. So its listener is called by ours, which ends the connection instead, and takes no more than a sign-in needs.
 *
 * Nor does it ask whether a socket is encrypted yet: with TLS in its settings it writes the password to any. So where TLS
 * is wanted it hears one packet in plain, the greeting, and everything else from the encrypted socket.
 */
import { connect, type Socket } from 'node:net';
import { createConnection } from 'mysql2';
import { type Credentials, passwordOf, type SourceSettings } from '#core/source';
import { limitsOf } from '#core/source-limits';
import { toError } from '#core/errors';
import type { PinnedHost } from '../hosts.ts';
import { type ErrorPlace, tooOld } from '../source-errors.ts';
import { upgrade } from '../tls.ts';
import { toSourceError } from './errors.ts';
import { broken, HEADER, MAX_GREETING, packetLength, ServerError } from './packets.ts';
import { makeWire, type Wire } from './wire.ts';

/** The settings of a MySQL source. */
export type MysqlSettings = Extract<SourceSettings, { kind: 'mysql' }>;

/** From the first packet to the sign-in. */
const CONNECT_MS = 10_000;
/** A server that says more than this before it lets us in is none. */
const MAX_SIGN_IN_BYTES = 64 * 1024;
/** "Unknown system variable": of another version or of the other server. */
const UNKNOWN_VARIABLE = '1193';

/**
 * Moments come in UTC, texts in UTF-8, all rows of a result, CHAR without padding. The server's idle time-outs must not end
 * the session that holds the snapshot, nor its impatience the one whose reader rests for a while.
 */
const SESSION = [
  'SET NAMES utf8mb4',
  `SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', sql_select_limit = 18446744073709551615,
    sql_big_selects = 1, wait_timeout = 86400, net_read_timeout = 600, net_write_timeout = 600, lock_wait_timeout = 10`,
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
];
/**
 * What one of the servers, or a newer version, has: MySQL's limit is in milliseconds. One statement includes the SELECT of a
 * unit.
 */
const whereKnown = (statementMs: number): readonly string[] => [
  `SET SESSION max_statement_time = ${statementMs / 1000}`,
  `SET SESSION max_execution_time = ${statementMs}`,
  'SET SESSION idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0',
  'SET SESSION information_schema_stats_expiry = 0',
];

/** The names in error messages. */
export function placeOf(settings: MysqlSettings): ErrorPlace {
  const { host, port, database, user } = settings;
  return { host, port, database, user };
}

/**
 * A connection ready for use. Throws coded errors. `signal` ends the attempt, and the connection for as long as it lives.
 * `answerMs`: how long a question may stay without an answer; it fails as `source-silent`.
 */
export async function openWire(
  settings: MysqlSettings,
  credentials: Credentials | null,
  pinned: PinnedHost,
  signal: AbortSignal,
  answerMs?: number,
): Promise<Wire> {
  const open = async (tls: boolean): Promise<Wire> => {
    signal.throwIfAborted();
    const socket = connect({
      host: pinned.address,
      port: pinned.port,
      noDelay: true,
      keepAlive: true,
      // It may wait long for its turn: the system begins after two hours, firewalls forget after minutes.
      keepAliveInitialDelay: 60_000,
    });
    const abort = (): void => void socket.destroy(toError(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    // It stays: an abort ends whatever the connection is doing, for as long as it lives.
    socket.once('close', () => signal.removeEventListener('abort', abort));
    try {
      const wire = makeWire(await signIn(socket, settings, credentials, tls ? pinned : null), answerMs);
      await prepare(wire, settings);
      return wire;
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      throw error;
    }
  };
  try {
    if (settings.sslMode !== 'prefer') return await open(settings.sslMode !== 'disable');
    return await open(true).catch((error: unknown) => {
      if (toError(error).message === NO_TLS) return open(false);
      throw error;
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw toSourceError(error, placeOf(settings));
  }
}

const NO_TLS = 'Server does not support secure connection';

/** The first versions that are read. */
const OLDEST = { MySQL: [5, 7], MariaDB: [10, 3] } as const;

/** Terminal `server-too-old`; what calls its version otherwise (a proxy, another make) is taken as it is. */
function mustBeRecent(version: string, place: ErrorPlace): void {
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const [first, second] = OLDEST[product];
  if (major === undefined || Number(major) > first) return;
  if (Number(major) < first || Number(minor) < second)
    throw tooOld(place, product, version, `${product} ${first}.${second}`);
}

async function prepare(wire: Wire, settings: MysqlSettings): Promise<void> {
  const [server] = await wire.ask('SELECT VERSION() AS version');
  mustBeRecent(server?.['version'] ?? '', placeOf(settings));
  for (const sql of SESSION) await wire.ask(sql);
  for (const sql of whereKnown(limitsOf(settings).statementMs))
    await wire.ask(sql).catch((error: unknown) => {
      if (!(error instanceof ServerError && error.code === UNKNOWN_VARIABLE)) throw error;
    });
}

/**
 * What is not agreed on with a server: files of this machine, which it could ask for; attributes before each statement,
 * which would have to be written; several results for one statement; news of the session.
 */
const UNWANTED = ['LOCAL_FILES', 'CLIENT_QUERY_ATTRIBUTES', 'MULTI_RESULTS', 'SESSION_TRACK'];

/** What of a connection is not in its types. */
interface OpenedConnection {
  readonly packetParser: { execute(bytes: Buffer): void };
  startTLS(done: (error?: Error) => void): void;
  stream: Socket;
}

/**
 * Signs in over `socket`, with TLS where `pinned` says whom to verify; answers the socket to go on with. Rejects with what
 * `mysql2`, the server or the network says.
 */
function signIn(
  socket: Socket,
  settings: MysqlSettings,
  credentials: Credentials | null,
  pinned: PinnedHost | null,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' })),
      CONNECT_MS,
    );
    const failed = (error: unknown): void => {
      clearTimeout(late);
      reject(toError(error));
      socket.destroy();
    };
    socket.once('error', failed).once('close', () => failed(new Error('the connection was closed')));
    const connection = createConnection({
      stream: socket,
      host: settings.host,
      user: settings.user,
      password: passwordOf(credentials),
      database: settings.database,
      charset: 'UTF8MB4_GENERAL_CI',
      flags: UNWANTED.map((flag) => `-${flag}`),
      connectAttributes: { program_name: 'tradewind' },
      enableCleartextPlugin: false,
      ...(pinned === null ? {} : { ssl: {} }),
    });
    // The types leave out what the handshake uses.
    const opened = connection as unknown as OpenedConnection;
    const take = (bytes: Buffer): void => opened.packetParser.execute(bytes);
    const listen = (stream: Socket, hears: (bytes: Buffer) => void): void => {
      stream.removeAllListeners('data');
      stream.on('data', guarded(hears, failed));
    };
    listen(socket, pinned === null ? take : onePacket(take));
    const goSecret = async (verified: PinnedHost, done: () => void): Promise<void> => {
      try {
        const secure = await upgrade(socket, settings, verified);
        secure.on('error', failed);
        opened.stream = secure;
        listen(secure, take);
        done();
      } catch (error) {
        failed(error);
      }
    };
    if (pinned !== null)
      // In place of its own, which would verify an address against the wrong name.
      opened.startTLS = (done) => void goSecret(pinned, done);
    connection.once('connect', () => {
      clearTimeout(late);
      resolve(opened.stream);
    });
    // It stays, for what comes after: the wire tells of it.
    connection.on('error', failed);
  });
}

/** Hands on one packet, whole; throws for bytes after it: they would be taken for what is said over TLS. */
function onePacket(take: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let held = Buffer.alloc(0);
  let done = false;
  return (bytes) => {
    held = Buffer.concat([held, bytes]);
    const length = held.length < HEADER ? HEADER : packetLength(held, 0);
    if (length > MAX_GREETING) throw broken('no greeting of its protocol');
    if (done || held.length > length) throw broken('more than its greeting before TLS began');
    if (held.length < HEADER || held.length < length) return;
    done = true;
    take(held);
  };
}

/** A data listener that hands on what a sign-in may say, and fails with anything else. */
function guarded(take: (bytes: Buffer) => void, failed: (error: unknown) => void): (bytes: Buffer) => void {
  let total = 0;
  return (bytes) => {
    try {
      if (total === 0 && bytes.length > 4 && packetLength(bytes, 0) > MAX_GREETING)
        throw broken('no greeting of its protocol');
      total += bytes.length;
      if (total > MAX_SIGN_IN_BYTES) throw broken(`more than ${MAX_SIGN_IN_BYTES} bytes before the sign-in`);
      take(bytes);
    } catch (error) {
      failed(error);
    }
  };
}
