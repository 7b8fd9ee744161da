/**
 * What goes wrong with a SQL Server, in our words: code, what happened, what to do. The texts name host, port, database
 * and user, never the password. Source: "Database engine events and errors" (error numbers), Node's and OpenSSL's codes.
 */
import type { TerminalError, TransientError } from '#core/errors';
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

/** What every session says of a snapshot that it cannot have. */
export const SNAPSHOT_REMEDY = (database: string): string =>
  `Let the database keep old versions of rows, as its owner: ALTER DATABASE [${database.replaceAll(']', ']]')}] SET ALLOW_SNAPSHOT_ISOLATION ON.`;

/** Tried in order against `NUMBER message`, or `CODE message` where the driver failed and not the server. */
const rules: readonly ErrorRule[] = [
  {
    when: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ECONNABORTED|connect timeout|^ETIMEOUT Failed to connect/,
    again: true,
    say: (place, detail) => [
      'source-unreachable',
      `No SQL Server answered at ${at(place)} (${detail}).`,
      'Check host and port, that the server listens on TCP, and that its firewall lets this installation in.',
    ],
  },
  {
    when: /^ETIMEOUT|^ETIMEDOUT|sent nothing for|no answer within/,
    again: true,
    say: (place, detail) => [
      'source-silent',
      `The server at ${at(place)} stopped answering (${detail}).`,
      SILENT_REMEDY,
    ],
  },
  {
    when: /^40615 /,
    again: false,
    say: (place, detail) => [
      'sign-in-refused',
      `The firewall of ${at(place)} let nobody in from here: ${detail}.`,
      'Add the address that the message names to the firewall rules of the server.',
    ],
  },
  {
    when: /^(18456|18452|18470|18486|18487|18488|18451|18461|18463|18464|18465|18466|18467|18468) /,
    again: false,
    say: (place, detail) => [
      'sign-in-refused',
      `The server at ${at(place)} refused user "${place.user}": ${detail}.`,
      'Check user and password, that the login is enabled, and that the server takes SQL logins (mixed mode).',
    ],
  },
  {
    when: /^(4060|4064|911) /,
    again: false,
    say: (place) => [
      'database-unknown',
      `The server at ${at(place)} has no database named "${place.database}" that user "${place.user}" may open.`,
      'Check the spelling of the database, and that the login has a user in it.',
    ],
  },
  {
    when: /did not negotiate encryption/,
    again: false,
    say: (place) => [
      'tls-not-offered',
      `The server at ${at(place)} does not offer TLS.`,
      'Give the server a certificate, or choose SSL mode "prefer" or "disable".',
    ],
  },
  {
    when: /^EENCRYPT/,
    again: false,
    say: (place) => [
      'tls-required',
      `The server at ${at(place)} takes encrypted connections only.`,
      'Choose SSL mode "prefer", "require" or "verify-full".',
    ],
  },
  {
    when: /in plain text after TLS/,
    again: false,
    say: (place) => [
      'tls-tampered',
      `Something between here and ${at(place)} wrote into the encrypted session in plain text; nothing of it was read.`,
      'Look for who can change what this network carries: a proxy, a gateway, an attacker.',
    ],
  },
  {
    when: /SELF_SIGNED|self.signed|UNABLE_TO_|unable to (get|verify)|CERT_|ERR_TLS|DEPTH_ZERO|certificate|EPROTO|wrong version number|ssl3?_|handshake/i,
    again: false,
    say: (place, detail) => [
      'tls-unverified',
      `The TLS certificate of ${at(place)} could not be verified (${detail}).`,
      certificateRemedy(detail),
    ],
  },
  {
    when: /^(3952|3953) /,
    again: false,
    say: (place) => [
      'snapshot-not-allowed',
      `Database "${place.database}" does not allow snapshots, so its tables cannot be read as of one moment.`,
      SNAPSHOT_REMEDY(place.database),
    ],
  },
  {
    when: /^(3957|3958|3959|3960|3961|3966|3967) /,
    again: true,
    say: (_, detail) => [
      'snapshot-gone',
      `The snapshot of this run is gone: ${detail}.`,
      'The run starts these tables again with a new snapshot; if it keeps happening, give tempdb more room and change tables at another time.',
    ],
  },
  {
    when: /^41332 /,
    again: false,
    say: (_, detail) => [
      'table-not-readable',
      `A memory-optimized table cannot be read in a snapshot: ${detail}.`,
      'Leave this table out, or copy its rows into an ordinary table.',
    ],
  },
  {
    // Whoever gives way in a deadlock keeps the session, but not the transaction.
    when: /^1205 /,
    again: true,
    say: (_, detail) => [
      'snapshot-gone',
      `The server ended the snapshot of this run to resolve a deadlock: ${detail}.`,
      'The run starts these tables again with a new snapshot; sessions of this installation always give way to those of your applications.',
    ],
  },
  {
    // The statement ends, and with XACT_ABORT off nothing else does.
    when: /^(1204|1222) /,
    again: true,
    say: (_, detail) => [
      SOURCE_BUSY,
      `Something on the server is locked by somebody else: ${detail}.`,
      'It is tried again; if it keeps happening, look for changes of tables that are not committed.',
    ],
  },
  {
    when: /^(229|230|262|297|300|371|916|15247) /,
    again: false,
    say: (place, detail) => [
      'permission-denied',
      `User "${place.user}" may not do this: ${detail}.`,
      'Grant SELECT on the table or its schema to this user.',
    ],
  },
  {
    when: /^208 /,
    again: false,
    say: (place, detail) => [
      'table-not-found',
      `A table is missing in database "${place.database}": ${detail}.`,
      'Discover the tables of the source again.',
    ],
  },
  {
    when: /^207 /,
    again: false,
    say: (place, detail) => [
      'column-not-found',
      `A column is missing in database "${place.database}": ${detail}.`,
      'Discover the tables of the source again.',
    ],
  },
  {
    when: /^(17809|10928|10929|10936|40501|701|8645|8651) /,
    again: true,
    say: (place, detail) => [
      'too-many-connections',
      `The server at ${at(place)} has no room for another session (${detail}).`,
      'Run fewer tasks at a time, or give the server more room.',
    ],
  },
  {
    when: /a row of more than/,
    again: false,
    say: (place) => [
      'row-too-big',
      `The server at ${at(place)} sent a row of more than 256 MiB.`,
      'Leave the column with the big values out.',
    ],
  },
  {
    when: /took longer than/,
    again: false,
    say: (_, detail) => ['statement-timeout', `A statement took too long: ${detail}.`, TIMEOUT_REMEDY],
  },
  {
    // What the driver's parser and the takers of values say of bytes that are none of an answer.
    when: /sent more than|does not speak|unexpected end of|Unknown (type|protocol)|Unrecognised|Unsupported (dataLength|guid|numeric)|Malformed|Partially Length|Invalid type|unreachable|Unable to process incoming packet|of form \S+ got|columns instead of|out of range|outside buffer/,
    again: true,
    say: (place, detail) => [
      'source-protocol',
      `What answers at ${at(place)} does not speak SQL Server’s protocol (${detail}).`,
      PROTOCOL_REMEDY,
    ],
  },
  {
    when: /^(40197|40540|40613|4221|49918|49919|49920|18401|921|922|927|942|983|6005|596|64|121|233|10053|10054|10060|11001) |ECONNRESET|EPIPE|ESOCKET|ECLOSE|EINVALIDSTATE|socket hang up|Connection (lost|closed)/,
    again: true,
    say: (place, detail) => [
      'connection-lost',
      `The connection to ${at(place)} broke (${detail}).`,
      'It is tried again; if it keeps happening, look at the server’s error log.',
    ],
  },
];

/** `thrown` as one of ours; errors that are ours already pass unchanged. */
export function toSourceError(thrown: unknown, place: ErrorPlace): TerminalError | TransientError {
  return translateError(byNumber(thrown), place, 'SQL Server', rules);
}

/** What the server said is known by its number, which the driver keeps beside a code of its own. */
function byNumber(thrown: unknown): unknown {
  if (!(thrown instanceof Error && 'number' in thrown && typeof thrown.number === 'number')) return thrown;
  return Object.assign(new Error(thrown.message, { cause: thrown }), { code: String(thrown.number) });
}
