import { PostgresSettings } from '#core/source';

/** The fields of the PostgreSQL form, as a person types them. */
export interface PostgresForm {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly sslMode: PostgresSettingsMode;
}
type PostgresSettingsMode = (typeof SSL_MODES)[number];
export const SSL_MODES = PostgresSettings.shape.sslMode.unwrap().options;

export const EMPTY_FORM: PostgresForm = {
  host: '',
  port: '5432',
  database: '',
  user: '',
  password: '',
  sslMode: 'prefer',
};

/** The fields in `postgres://user:password@host:port/database?sslmode=…`; null where `text` is no such address. */
export function readConnectionString(text: string): PostgresForm | null {
  if (!/^postgres(ql)?:\/\//.test(text.trim()) || !URL.canParse(text.trim())) return null;
  const url = new URL(text.trim());
  if (url.hostname === '') return null;
  const mode = url.searchParams.get('sslmode');
  return {
    host: url.hostname,
    port: url.port === '' ? '5432' : url.port,
    database: decodeURIComponent(url.pathname.slice(1)),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    sslMode: SSL_MODES.find((each) => each === mode) ?? 'prefer',
  };
}
