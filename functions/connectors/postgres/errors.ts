/**
 * What goes wrong with a PostgreSQL server, in our words: code, what happened, what to do. The texts name host, port,
 * database and user, never the password. Source: PostgreSQL's appendix A (error codes), Node's and OpenSSL's codes.
 */
import type { TerminalError, TransientError } from '#core/errors';
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

/** Tried in order against `CODE message`. */
const rules: readonly ErrorRule[] = [
  {
    when: /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EHOSTDOWN|ECONNABORTED)|timeout expired|connect timeout/,
    again: true,
    say: (place, detail) => [
      'source-unreachable',
      `No PostgreSQL server answered at ${at(place)} (${detail}).`,
      'Check host and port, that the server runs, and that its firewall lets this installation in.',
    ],
  },
  {
    when: /Query read timeout|sent nothing for/,
    again: true,
    say: (place, detail) => [
      'source-silent',
      `The server at ${at(place)} stopped answering (${detail}).`,
      SILENT_REMEDY,
    ],
  },
  {
    when: /^(28P01|28000)/,
    again: false,
    say: (place, detail) => [
      'sign-in-refused',
      `The server at ${at(place)} refused user "${place.user}": ${detail}.`,
      'Check user and password, and that pg_hba.conf lets this user in from here.',
    ],
  },
  {
    when: /password must be a string|SASL|empty password/,
    again: false,
    say: (place) => [
      'sign-in-refused',
      `The server at ${at(place)} asks for a password for user "${place.user}" that was not given or did not fit.`,
      'Set the password of this source.',
    ],
  },
  {
    when: /^3D000/,
    again: false,
    say: (place) => [
      'database-unknown',
      `The server at ${at(place)} has no database named "${place.database}".`,
      'Check the spelling of the database; names are case-sensitive.',
    ],
  },
  {
    when: /does not support SSL/,
    again: false,
    say: (place) => [
      'tls-not-offered',
      `The server at ${at(place)} does not offer TLS.`,
      'Turn on ssl in postgresql.conf, or choose SSL mode "prefer" or "disable".',
    ],
  },
  {
    when: /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS|DEPTH_ZERO|certificate|EPROTO|wrong version number/i,
    again: false,
    say: (place, detail) => [
      'tls-unverified',
      `The TLS certificate of ${at(place)} could not be verified (${detail}).`,
      certificateRemedy(detail),
    ],
  },
  {
    when: /^42501/,
    again: false,
    say: (place, detail) => [
      'permission-denied',
      `User "${place.user}" may not do this: ${detail}.`,
      'Grant USAGE on the schema and SELECT on the table to this user.',
    ],
  },
  {
    when: /^(42P01|3F000)/,
    again: false,
    say: (place, detail) => [
      'table-not-found',
      `A table is missing in database "${place.database}": ${detail}.`,
      'Discover the tables of the source again.',
    ],
  },
  {
    when: /^42703/,
    again: false,
    say: (place, detail) => [
      'column-not-found',
      `A column is missing in database "${place.database}": ${detail}.`,
      'Discover the tables of the source again.',
    ],
  },
  {
    // The same code says that somebody on the server has ended it.
    when: /^57014.*timeout/,
    again: false,
    say: (_, detail) => ['statement-timeout', `A statement took too long: ${detail}.`, TIMEOUT_REMEDY],
  },
  {
    when: /^57014/,
    again: true,
    say: (place, detail) => [
      'connection-lost',
      `Somebody ended what was being read at ${at(place)} (${detail}).`,
      'It is tried again; if it keeps happening, ask whoever runs the server.',
    ],
  },
  {
    when: /^(22023|42704|55000).*snapshot/,
    again: true,
    say: () => [
      'snapshot-gone',
      'The snapshot of this run is gone: the session that held it ended.',
      'The run starts these tables again with a new snapshot.',
    ],
  },
  {
    when: /^53300/,
    again: true,
    say: (place, detail) => [
      'too-many-connections',
      `The server at ${at(place)} has no connection left (${detail}).`,
      'Raise max_connections, or run fewer tasks at a time.',
    ],
  },
  {
    when: /^ it does not speak PostgreSQL|error establishing an SSL connection/,
    again: true,
    say: (place, detail) => [
      'source-protocol',
      `What answers at ${at(place)} does not speak PostgreSQL’s protocol (${detail}).`,
      PROTOCOL_REMEDY,
    ],
  },
  {
    when: /^(57P0|40001|40P01|55P03|08|53|58|XX)|ECONNRESET|EPIPE|terminated|Connection ended|not queryable|socket hang up/,
    again: true,
    say: (place, detail) => [
      'connection-lost',
      `The connection to ${at(place)} broke (${detail}).`,
      'It is tried again; if it keeps happening, look at the server’s log.',
    ],
  },
];

/** `thrown` as one of ours; errors that are ours already pass unchanged. */
export function toSourceError(thrown: unknown, place: ErrorPlace): TerminalError | TransientError {
  return translateError(thrown, place, 'PostgreSQL', rules);
}
