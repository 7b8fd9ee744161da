import { MysqlSettings, PostgresSettings, type SourceSettings, SqlServerSettings } from '#core/source';
import { readAdoString } from './ado-string.ts';

/** The kinds of source that are servers. */
export type ServerKind = Extract<SourceSettings, { host: string }>['kind'];

/** The fields of a server's form, as a person types them. */
export interface ServerForm {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly sslMode: SslMode;
}
type SslMode = (typeof SSL_MODES)[number];
export const SSL_MODES = PostgresSettings.shape.sslMode.unwrap().options;

/** What is said of each kind of server, and how its addresses begin. */
export const SERVERS: Readonly<
  Record<
    ServerKind,
    {
      readonly label: string;
      readonly example: string;
      readonly port: string;
      readonly address: RegExp;
      /** Reads addresses that are none of a URL's form. */
      readonly read?: (text: string, port: string) => ServerForm | null;
    }
  >
> = {
  postgres: {
    label: 'PostgreSQL',
    example: 'postgres://user:password@host:5432/database',
    port: String(PostgresSettings.shape.port.parse(undefined)),
    address: /^postgres(ql)?:\/\//,
  },
  mysql: {
    label: 'MySQL or MariaDB',
    example: 'mysql://user:password@host:3306/database',
    port: String(MysqlSettings.shape.port.parse(undefined)),
    address: /^(mysql|mariadb):\/\//,
  },
  sqlserver: {
    label: 'SQL Server',
    example: 'sqlserver://user:password@host:1433/database',
    port: String(SqlServerSettings.shape.port.parse(undefined)),
    address: /^(sqlserver|mssql):\/\//,
    read: readAdoString,
  },
};

/** The form as it begins. */
export function emptyForm(kind: ServerKind): ServerForm {
  return { host: '', port: SERVERS[kind].port, database: '', user: '', password: '', sslMode: 'prefer' };
}

/** The fields in `postgres://user:password@host:port/database?sslmode=…`; null where `text` is no such address of `kind`. */
export function readConnectionString(kind: ServerKind, text: string): ServerForm | null {
  const { address, port, read } = SERVERS[kind];
  if (!address.test(text.trim())) return read?.(text.trim(), port) ?? null;
  if (!URL.canParse(text.trim())) return null;
  const url = new URL(text.trim());
  if (url.hostname === '') return null;
  const mode = url.searchParams.get('sslmode') ?? url.searchParams.get('ssl-mode');
  return {
    host: url.hostname,
    port: url.port === '' ? port : url.port,
    database: decodeURIComponent(url.pathname.slice(1)),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    sslMode: SSL_MODES.find((each) => each === mode?.toLowerCase()) ?? 'prefer',
  };
}
