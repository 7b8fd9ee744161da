/**
 * What goes wrong with a MySQL or MariaDB server, in our words: code, what happened, what to do. The texts name host, port,
 * database and user, never the password. Source: the error references of both servers, mysql2's, Node's and OpenSSL's codes.
 */
import { type TerminalError, toError, TransientError } from '#core/errors';
import { SOURCE_BUSY } from '../connector.ts';
import {
  at,
  type ErrorPlace,
  type ErrorRule,
  PROTOCOL_REMEDY,
  SILENT_REMEDY,
  TIMEOUT_REMEDY,
  translateError,
} from '../source-errors.ts';
import { certificateRemedy } from '../tls.ts';

/** Tried in order against `NUMBER message`, or `CODE message` where no server said it. */
const rules: readonly ErrorRule[] = [
  {
    when: /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EHOSTDOWN|ECONNABORTED)|connect timeout/,
    again: true,
    say: (place, detail) => [
      'source-unreachable',
      `No MySQL server answered at ${at(place)} (${detail}).`,
      'Check host and port, that the server runs, and that its firewall lets this installation in.',
    ],
  },
  {
    when: /sent nothing for/,
    again: true,
    say: (place, detail) => [
      'source-silent',
      `The server at ${at(place)} stopped answering (${detail}).`,
      SILENT_REMEDY,
    ],
  },
  {
    when: /^(1045|1698|1524|1820|1862|3118|4151) /,
    again: false,
    say: (place, detail) => [
      'sign-in-refused',
      `The server at ${at(place)} refused user "${place.user}": ${detail}.`,
      'Check user and password, and that this user may come from here (its host may be "%").',
    ],
  },
  {
    when: /^1130 /,
    again: false,
    say: (place, detail) => [
      'sign-in-refused',
      `The server at ${at(place)} lets nobody in from here, "${place.user}" neither: ${detail}.`,
      'Create the user for this installation’s address, or for "%".',
    ],
  },
  {
    when: /^1129 /,
    again: false,
    say: (place, detail) => [
      'host-blocked',
      `The server at ${at(place)} has blocked this installation: ${detail}.`,
      'Run FLUSH HOSTS (mysqladmin flush-hosts) on it, and raise max_connect_errors.',
    ],
  },
  {
    when: /^(AUTH_SWITCH_PLUGIN_ERROR|1251|2059) |unknown plugin|cleartext|clear_password/i,
    again: false,
    say: (place, detail) => [
      'sign-in-method',
      `The server at ${at(place)} asks user "${place.user}" to sign in by a way that is not known here (${detail}).`,
      'Give the user caching_sha2_password, mysql_native_password or sha256_password.',
    ],
  },
  {
    when: /^(1049|1044) /,
    again: false,
    say: (place) => [
      'database-unknown',
      `The server at ${at(place)} has no database named "${place.database}" that user "${place.user}" may use.`,
      'Check the spelling of the database (case may matter), and grant SELECT on it to this user.',
    ],
  },
  {
    when: /^HANDSHAKE_NO_SSL_SUPPORT|does not support (SSL|secure) connection/i,
    again: false,
    say: (place) => [
      'tls-not-offered',
      `The server at ${at(place)} does not offer TLS.`,
      'Turn TLS on at the server (ssl_cert, ssl_key), or choose SSL mode "prefer" or "disable".',
    ],
  },
  {
    when: /^3159 /,
    again: false,
    say: (place) => [
      'tls-required',
      `The server at ${at(place)} lets nobody in without TLS.`,
      'Choose SSL mode "require" or "verify-full".',
    ],
  },
  {
    when: /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|certificate|EPROTO|wrong version number/i,
    again: false,
    say: (place, detail) => [
      'tls-unverified',
      `The TLS certificate of ${at(place)} could not be verified (${detail}).`,
      certificateRemedy(detail),
    ],
  },
  {
    when: /^(1142|1143|1227|1370|1356) /,
    again: false,
    say: (place, detail) => [
      'permission-denied',
      `User "${place.user}" may not do this: ${detail}.`,
      'Grant SELECT on the table (or the view, and what it reads) to this user.',
    ],
  },
  {
    when: /^(1146|1051) /,
    again: false,
    say: (place, detail) => [
      'table-not-found',
      `A table is missing in database "${place.database}": ${detail}.`,
      'Discover the tables of the source again.',
    ],
  },
  {
    when: /^1054 /,
    again: false,
    say: (place, detail) => [
      'column-not-found',
      `A column is missing in database "${place.database}": ${detail}.`,
      'Discover the tables of the source again.',
    ],
  },
  {
    when: /^(1969|3024) /,
    again: false,
    say: (_, detail) => ['statement-timeout', `A statement took too long: ${detail}.`, TIMEOUT_REMEDY],
  },
  {
    when: /^1412 /,
    again: true,
    say: (_, detail) => [
      'snapshot-gone',
      `A table was altered since its snapshot was opened: ${detail}.`,
      'The run starts these tables again with a new snapshot.',
    ],
  },
  {
    when: /^(1040|1203|1226) /,
    again: true,
    say: (place, detail) => [
      'too-many-connections',
      `The server at ${at(place)} has no connection left (${detail}).`,
      'Raise max_connections (or the user’s own limit), or run fewer tasks at a time.',
    ],
  },
  {
    // The statement has given up; the session and its snapshot are as they were.
    when: /^1205 /,
    again: true,
    say: (place, detail) => [
      SOURCE_BUSY,
      `Somebody else holds what was to be read at ${at(place)} locked (${detail}).`,
      'It is tried again; if it keeps happening, look for ALTER TABLE and LOCK TABLES on the server, or read at a quieter time.',
    ],
  },
  {
    when: /^(1053|1077|1079|1080|1152|1158|1159|1160|1161|1184|1213|1317|1927|2006|2013|3169|4031) |ECONNRESET|EPIPE|PROTOCOL_|closed|terminated|socket hang up|socket disconnected/i,
    again: true,
    say: (place, detail) => [
      'connection-lost',
      `The connection to ${at(place)} broke (${detail}).`,
      'It is tried again; if it keeps happening, look at the server’s log.',
    ],
  },
];

/** `thrown` as one of ours; errors that are ours already pass unchanged, but for those that do not say of which server. */
export function toSourceError(thrown: unknown, place: ErrorPlace): TerminalError | TransientError {
  const known = thrown instanceof TransientError && thrown.code === 'source-protocol';
  return known ? placed(thrown, place) : translateError(numbered(thrown), place, 'MySQL', rules);
}

/** What reads packets knows of no place. */
function placed(error: TransientError, place: ErrorPlace): TransientError {
  const begin = `What answers at ${at(place)} does not speak MySQL’s protocol: `;
  if (error.message.startsWith(begin)) return error;
  return new TransientError(error.code, `${begin}${error.message}`, {
    remedy: PROTOCOL_REMEDY,
    cause: error,
  });
}

/** `mysql2` names what a server said; the number is what both servers document. */
function numbered(thrown: unknown): unknown {
  const error = toError(thrown);
  if (!('errno' in error) || typeof error.errno !== 'number' || error.errno < 1000) return thrown;
  return Object.assign(new Error(error.message, { cause: error }), { code: String(error.errno) });
}
