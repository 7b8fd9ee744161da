import { TerminalError } from '#core/errors';
import { type Credentials, SourceSettings } from '#core/source';

/** A database as the API takes it: the password apart from the rest. */
export interface DatabaseAddress {
  readonly settings: Extract<SourceSettings, { host: string }>;
  readonly credentials: Credentials;
}

const EXAMPLE =
  'postgres://user:password@host:5432/database, or with mysql:// and port 3306, or sqlserver:// and port 1433';

/** Kinds of database by how their addresses begin. */
const KINDS = new Map<string, DatabaseAddress['settings']['kind']>([
  ['postgres:', 'postgres'],
  ['postgresql:', 'postgres'],
  ['mysql:', 'mysql'],
  ['mariadb:', 'mysql'],
  ['sqlserver:', 'sqlserver'],
  ['mssql:', 'sqlserver'],
]);

/**
 * A `postgres://`, `mysql://` or `sqlserver://` URL as source settings and credentials. Query: `sslmode` only.
 * @throws TerminalError `usage`, naming the wrong part; never the password.
 */
export function parseSourceUrl(text: string): DatabaseAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  const kind = url === null ? undefined : KINDS.get(url.protocol);
  if (url === null || kind === undefined)
    throw usage(
      `--source is not a postgres://, mysql:// or sqlserver:// address${url === null ? '' : `: it begins with ${url.protocol}//`}.`,
    );
  const unknown = [...url.searchParams.keys()].filter((name) => name !== 'sslmode');
  if (unknown.length > 0)
    throw usage(`--source has ${unknown.join(', ')} after the "?"; only sslmode is known there.`);
  for (const [part, value] of Object.entries({
    host: url.hostname,
    user: url.username,
    database: url.pathname.slice(1),
  }))
    if (value === '') throw usage(`--source names no ${part}.`);
  const sslMode = url.searchParams.get('sslmode');
  const settings = SourceSettings.safeParse({
    kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    database: decoded('database', url.pathname.slice(1)),
    user: decoded('user', url.username),
    ...(sslMode === null ? {} : { sslMode }),
  });
  if (!settings.success || !('host' in settings.data)) {
    const issue = settings.error?.issues[0];
    throw usage(`--source: ${issue?.path.join('.') ?? 'address'}: ${issue?.message ?? 'not valid'}.`);
  }
  return { settings: settings.data, credentials: { password: decoded('password', url.password) } };
}

function decoded(part: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw usage(`--source: the ${part} holds a % that is no %-code; write %25 for a percent sign.`);
  }
}

function usage(message: string): TerminalError {
  return new TerminalError('usage', message, { remedy: `Write it as ${EXAMPLE}, special signs as %-codes.` });
}
