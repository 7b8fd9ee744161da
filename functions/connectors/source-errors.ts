/** What goes wrong with a server, in our words: each kind lists its rules, the way of applying them is one. */
import { readConnectionName } from '#core/cloud-sql';
import { TerminalError, toError, TransientError } from '#core/errors';

/** The values that messages name; never the password. */
export interface ErrorPlace {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** What to say of an error, and whether trying again may help. */
export interface ErrorRule {
  /** Matched against `CODE message`. */
  readonly when: RegExp;
  readonly again: boolean;
  readonly say: (
    place: ErrorPlace,
    detail: string,
  ) => readonly [code: string, message: string, remedy: string];
}

/** What to do where a statement took longer than the source lets it, or the server does. */
export const TIMEOUT_REMEDY =
  'Raise the statement limit of this source (statementMinutes), or the server’s own for this user; or read the table at a quieter time, or fewer of its rows.';

/** What to do where a server has stopped answering. */
export const SILENT_REMEDY =
  'Check that this port is the database’s own; look for locks and load on the server, and for a firewall that drops connections. It is tried again.';

/** What to do where something else than the database answers, or what it says is changed on its way. */
export const PROTOCOL_REMEDY =
  'Check the port, and connect to the server directly, not through a proxy that changes its answers.';

/** Host and port as people write them; an instance of Cloud SQL has its name alone. */
export const at = ({ host, port }: Pick<ErrorPlace, 'host' | 'port'>): string =>
  readConnectionName(host) === null ? `${host}:${port}` : host;

/** Of a server whose version is not read here; `oldest` as people know it. */
export function tooOld(place: ErrorPlace, product: string, version: string, oldest: string): TerminalError {
  return new TerminalError(
    'server-too-old',
    `The server at ${at(place)} is ${product} ${version.slice(0, 60)}, which is too old to be read.`,
    { remedy: `Update it to ${oldest} or later, or load from a copy that is.` },
  );
}

/** The words of `product` for `thrown`, by the first of `rules` that fits; errors that are ours already pass unchanged. */
export function translateError(
  thrown: unknown,
  place: ErrorPlace,
  product: string,
  rules: readonly ErrorRule[],
): TerminalError | TransientError {
  if (thrown instanceof TerminalError || thrown instanceof TransientError) return thrown;
  const cause = toError(thrown);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const detail = cause.message.replaceAll(/\s+/g, ' ').replace(/\.$/, '') || code;
  const rule = rules.find(({ when }) => when.test(`${code} ${detail}`));
  if (rule !== undefined) {
    const [ours, message, remedy] = rule.say(place, detail);
    return rule.again
      ? new TransientError(ours, message, { remedy, cause })
      : new TerminalError(ours, message, { remedy, cause });
  }
  return new TerminalError(
    'source-error',
    `${product} at ${at(place)} said ${code || 'no code'}: ${detail}.`,
    { remedy: 'Look the message up in the server’s log.', cause },
  );
}
