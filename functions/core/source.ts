import { z } from 'zod';
import { checkCloudSql, CloudSqlWay } from './cloud-sql.ts';
import { Column, type ColumnType } from './column.ts';
import { DriftPolicy, LoadedSchema, Proposal } from './drift.ts';
import { HashedColumn } from './hashed-column.ts';
import { MisfitColumn } from './misfit-policy.ts';
import { Id, Moment, Name } from './ids.ts';
import { deletable, editable } from './resource.ts';
import { FilterValue, RowFilter } from './row-filter.ts';
import { PROJECT_ID, ServiceAccountKeyText } from './service-account-key.ts';
import { MaxConnections, MaxLagSeconds, StatementMinutes } from './source-limits.ts';

const hostAlone = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^\s/@]*$/, 'must be a name or address alone, without user, password or path');
const port = z.int().min(1).max(65535);

/**
 * A server that the way to the database leads through, by SSH. Its own address is checked like any that customers give; the
 * database's is looked up by it, and may be one of its private network.
 */
export const SshTunnel = z.strictObject({
  host: hostAlone,
  port: port.default(22),
  user: z.string().min(1).max(64),
  /** The only host key that is taken, as `ssh-keygen -l` prints it. Null: none is yet, and nothing is sent there. */
  hostKey: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must look like SHA256:…, as ssh-keygen -l prints it')
    .nullable()
    .default(null),
});
export type SshTunnel = z.infer<typeof SshTunnel>;

/** What every database server is reached by. The password is a credential and not part of the settings. */
const serverSettings = {
  /** Alone: a whole connection string would be kept, and shown to every member, with the password in it. */
  host: hostAlone,
  /** Reached through it alone; left out: directly. */
  tunnel: SshTunnel.optional(),
  /** The host is a Cloud SQL instance, reached as Google's own connectors reach it. */
  cloudSql: CloudSqlWay.optional(),
  /** How far TLS is trusted, as libpq names it. */
  sslMode: z.enum(['disable', 'prefer', 'require', 'verify-full']).default('prefer'),
  /** PEM certificates that `verify-full` trusts instead of the public authorities. */
  ca: z.string().max(100_000).optional(),
  statementMinutes: StatementMinutes.optional(),
};

/** A PostgreSQL server. */
export const PostgresSettings = z
  .strictObject({
    kind: z.literal('postgres'),
    ...serverSettings,
    port: port.default(5432),
    database: z.string().min(1).max(63),
    user: z.string().min(1).max(63),
    maxConnections: MaxConnections.optional(),
    maxLagSeconds: MaxLagSeconds.optional(),
  })
  .superRefine(checkCloudSql);

/** A MySQL or MariaDB server, and the one of its databases that is read. */
export const MysqlSettings = z
  .strictObject({
    kind: z.literal('mysql'),
    ...serverSettings,
    port: port.default(3306),
    database: z.string().min(1).max(64),
    user: z.string().min(1).max(80),
    maxLagSeconds: MaxLagSeconds.optional(),
  })
  .superRefine(checkCloudSql);

/** A Microsoft SQL Server, or an Azure SQL database. Signs in with a login of the server's own, not of Windows. */
export const SqlServerSettings = z
  .strictObject({
    kind: z.literal('sqlserver'),
    ...serverSettings,
    port: port.default(1433),
    database: z.string().min(1).max(128),
    user: z.string().min(1).max(128),
    /** Tells an availability group that a copy which is only read will do. */
    readOnlyIntent: z.boolean().default(false),
  })
  .superRefine(checkCloudSql);

/** Parameters of signed addresses: whoever knows their value may read the file, and every member reads the settings. */
const SIGNATURES =
  /[?&](?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature|(?:access_?|auth_?)?token|(?:api_?)?key|password)=/i;

/**
 * Where files are: uploaded to Tradewind, the customer's own `gs://` objects, or anybody's `https://` files. One table per
 * address; in `gs://` ones `*` stands for any part of a name within a folder and `**` across folders, and all objects that
 * match are one table.
 */
const fileUris = z
  .array(
    z
      .string()
      .max(2000)
      .regex(
        /^(?:gs:\/\/[a-z0-9][a-z0-9._-]{1,220}\/[^\n\r]+|https:\/\/[^\s/@?#]+\/[^\s#]*)$/,
        'must look like gs://bucket/file.csv or https://host/file.csv',
      )
      .refine((uri) => !uri.startsWith('https:') || !SIGNATURES.test(uri), {
        error: 'must be an address that anybody may read, without a key in it',
      }),
  )
  .min(1)
  .max(100);

/** Delimited text files. gzip and zstd are detected. */
export const CsvSettings = z.strictObject({
  kind: z.literal('csv'),
  uris: fileUris,
  delimiter: z.enum([',', ';', '\t', '|']).optional(),
  /** `utf-16` goes by the byte order mark. */
  encoding: z.enum(['utf-8', 'latin1', 'windows-1252', 'utf-16']).default('utf-8'),
});

/** Parquet files. */
export const ParquetSettings = z.strictObject({ kind: z.literal('parquet'), uris: fileUris });

/**
 * A data set of BigQuery. With a key it is read as the key's account; without one as the installation's, and only if the data
 * set is labelled for the tenant.
 */
export const BigQuerySettings = z.strictObject({
  kind: z.literal('bigquery'),
  project: z.string().regex(PROJECT_ID, 'must be the id of a project'),
  dataset: z
    .string()
    .regex(/^[A-Za-z0-9_]{1,1024}$/, 'must be the name of a data set: letters, digits and _'),
  /** Where the data set is, for those who want to be told when it is elsewhere; otherwise BigQuery is asked. */
  location: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{1,40}$/, 'must be a location, such as EU or europe-west1')
    .optional(),
  /** With a key: of one query, which reads a table. */
  statementMinutes: StatementMinutes.optional(),
});

export const SourceSettings = z.discriminatedUnion('kind', [
  PostgresSettings,
  MysqlSettings,
  SqlServerSettings,
  BigQuerySettings,
  CsvSettings,
  ParquetSettings,
]);
export type SourceSettings = z.infer<typeof SourceSettings>;
export type SourceKind = SourceSettings['kind'];

/** The addresses of files that a source names; none where it is a database. */
export function filesOf(settings: SourceSettings): readonly string[] {
  return 'uris' in settings ? settings.uris : [];
}

/** Those of them that are objects in storage. */
export function objectsOf(settings: SourceSettings): readonly string[] {
  return filesOf(settings).filter((uri) => uri.startsWith('gs://'));
}

/** How the server of a tunnel is signed in to: by a private key (PEM, or OpenSSH's own form) or a password. */
export const SshCredentials = z.strictObject({
  password: z.string().max(1000).optional(),
  privateKey: z.string().max(20_000).optional(),
  passphrase: z.string().max(1000).optional(),
});
export type SshCredentials = z.infer<typeof SshCredentials>;

/**
 * What a source keeps sealed: never returned, logged, or readable by rules. A database has a password, and the way to it
 * may have secrets of its own; BigQuery the key of a service account, as the text of its file.
 */
export const Credentials = z.union([
  z.strictObject({
    password: z.string().max(1000),
    ssh: SshCredentials.optional(),
    /** Of the service account that a Cloud SQL instance is reached as; null: of none any more. */
    key: ServiceAccountKeyText.nullable().optional(),
  }),
  z.strictObject({ key: ServiceAccountKeyText }),
]);
export type Credentials = z.infer<typeof Credentials>;

/** The password among credentials; '' where there is none. */
export function passwordOf(credentials: Credentials | null): string {
  return credentials !== null && 'password' in credentials ? credentials.password : '';
}

/** The text of the key file among credentials; null where there is none. */
export function keyTextOf(credentials: Credentials | null): string | null {
  return credentials !== null && 'key' in credentials ? (credentials.key ?? null) : null;
}

/** What a source of these settings signs in with: a password, a key, or nothing. */
export function signsInWith(settings: SourceSettings): 'password' | 'key' | null {
  if ('host' in settings) return 'password';
  return 'dataset' in settings ? 'key' : null;
}

/** A place rows come from: `…/models/{m}/sources/{s}`. */
export const Source = z.object({
  id: Id,
  name: Name,
  settings: SourceSettings,
  /** When credentials were last set; null where there are none. Their value lives in `sealed/…` only. */
  credentialsSetAt: Moment.nullable(),
  /** Where not, its tables are left out of runs. */
  enabled: z.boolean(),
  ...editable,
  ...deletable,
});
export type Source = z.infer<typeof Source>;

/**
 * Where credentials are sent, and as whom: those given for one place are never used at another. Null where the kind of
 * source takes none.
 */
export function signInPlace(settings: SourceSettings): string | null {
  if ('dataset' in settings) return JSON.stringify([settings.kind, settings.project, settings.dataset]);
  if (!('host' in settings)) return null;
  const { host, port, database, user, tunnel } = settings;
  const through = tunnel === undefined ? [] : [tunnel.host.toLowerCase(), tunnel.port, tunnel.user];
  return JSON.stringify([settings.kind, host.toLowerCase(), port, database, user, ...through]);
}

/** Whether both would read the same data: the same database or data set, or at least one file in common. */
export function readTheSame(one: SourceSettings, other: SourceSettings): boolean {
  if ('host' in one && 'host' in other)
    return (
      one.kind === other.kind &&
      one.host.toLowerCase() === other.host.toLowerCase() &&
      // Cloud SQL has a port of its own, whatever the settings say.
      (one.port === other.port || one.cloudSql !== undefined) &&
      one.database === other.database &&
      one.tunnel?.host.toLowerCase() === other.tunnel?.host.toLowerCase()
    );
  if ('dataset' in one && 'dataset' in other)
    return one.project === other.project && one.dataset === other.dataset;
  const files = filesOf(one);
  return filesOf(other).some((uri) => files.includes(uri));
}

/**
 * How a table's rows replace or join those of former runs. `merge`: a row with the key of one that is there takes its
 * place, the others are added.
 */
export const LoadMode = z.enum(['replace', 'append', 'merge']);
export type LoadMode = z.infer<typeof LoadMode>;

/** What becomes of rows that the source has no more, where a table is merged. */
export const Deletes = z.enum(['keep', 'mark']);
export type Deletes = z.infer<typeof Deletes>;

const MOMENTS_AND_NUMBERS = ['INT64', 'TIMESTAMP', 'DATETIME'] as const;
/** Types of columns by which new rows may be told, by kind of source; files tell by themselves. */
export const CURSOR_TYPES: Readonly<Record<SourceKind, readonly ColumnType[]>> = {
  postgres: MOMENTS_AND_NUMBERS,
  // BIGINT UNSIGNED arrives as NUMERIC.
  mysql: [...MOMENTS_AND_NUMBERS, 'NUMERIC'],
  sqlserver: MOMENTS_AND_NUMBERS,
  bigquery: MOMENTS_AND_NUMBERS,
  csv: [],
  parquet: [],
};

/** What is at a source's new place: the same data, to be gone on with, or other data, for which a table begins anew. */
export const NewPlace = z.enum(['same', 'other']);
export type NewPlace = z.infer<typeof NewPlace>;

/** A table whose source is read somewhere else than where its watermark belongs to. A load asks, a person decides. */
export const Moved = z.object({
  /** Where the rows that are in the warehouse were read. */
  from: z.string(),
  to: z.string(),
  /** The run that read them: a decision is about that publication and no later one. */
  run: z.string(),
  askedAt: Moment,
  /** Null: nobody has decided, and nothing is read. */
  decision: NewPlace.nullable(),
});
export type Moved = z.infer<typeof Moved>;

const Destination = z.string().regex(/^[a-z_][a-z0-9_]{0,199}$/);

/** One table of a source: `…/sources/{s}/tables/{id}`. */
export const SourceTable = z.object({
  id: Id,
  source: Id,
  /** As the source names it, e.g. `public.orders` or `orders.csv`. */
  name: z.string(),
  columns: z.array(Column),
  /** The primary key's columns in the source; null where it has none. */
  key: z.array(z.string()).nullable(),
  /** Columns that are not loaded, by their names in the source. */
  excluded: z.array(z.string()).max(2000).default([]),
  /** Columns that tell rows apart in mode `merge`; null: the primary key. */
  mergeKey: z.array(z.string()).min(1).max(16).nullable().default(null),
  estimatedRows: z.number().nullable(),
  enabled: z.boolean(),
  mode: LoadMode,
  /** Merging: rows that the source has no more stay as they are, or are marked as deleted and seen by no data set. */
  deletes: Deletes.default('keep'),
  /** The share of the table's rows (0 to 1) that one load may mark; more fail it, for a source that is half there. */
  deleteLimit: z.number().min(0).max(1).default(0.5),
  /** Not for `replace`: only rows whose cursor is past the last run's are read. Null: every row each time. */
  cursor: z.string().nullable(),
  /** With a cursor: rows whose cursor is below this are never read (a date, a moment or a number, by its type). Null: all. */
  startFrom: FilterValue.nullable().default(null),
  /**
   * Merging by a cursor with `deletes: 'mark'`: the keys of all rows are read where that was not done for so many hours,
   * and rows of other keys are marked. 0: at each load.
   */
  sweepHours: z
    .int()
    .min(0)
    .max(24 * 366)
    .default(24),
  /** Which rows are loaded, as the source has them; null: all. */
  filter: RowFilter.nullable().default(null),
  /** A sample for trying out: at most so many rows, whichever the source gives first, replaced at each load. Null: all. */
  rowLimit: z.int().min(1).max(1_000_000_000).nullable().default(null),
  /** Columns of personal data, of which only keyed hashes arrive. */
  hashed: z.array(HashedColumn).max(500).default([]),
  /** Columns in which a value that the warehouse's type cannot hold costs no row. */
  misfits: z.array(MisfitColumn).max(500).default([]),
  /** Name of the table in the raw dataset. */
  destination: Destination,
  /** What a load does by itself where the table has changed in its source. */
  drift: DriftPolicy.default('propagate'),
  /** What the last load left in the warehouse; null: never loaded, or before that was kept. */
  loaded: LoadedSchema.nullable().default(null),
  /** Changes that wait for a decision, or for the load that applies it. */
  proposal: Proposal.nullable().default(null),
  /** A new version of the raw table, accepted: the next load begins it, and with that load it is the `destination`. */
  next: Destination.nullable().default(null),
  /** Versions of the raw table so far, `next` included. */
  versions: z.int().min(1).default(1),
  /** Former versions of the raw table. They stay while a data set reads them; `expiresAt`: they go then. */
  former: z
    .array(z.object({ destination: Destination, until: Moment, expiresAt: Moment.nullable() }))
    .default([]),
  /** Rows that may be rejected before the table fails, as a share of its rows (0 to 1). */
  rejectLimit: z.number().min(0).max(1),
  discoveredAt: Moment,
  /** What the discovery found remarkable: columns left out, a value that made a column text. */
  notes: z.array(z.string()).default([]),
  /** When somebody last chose how it is loaded; null: never. */
  updatedAt: Moment.nullable().default(null),
  /** Set by a load that found the source at another place; null where nothing is to be decided. */
  moved: Moved.nullable().default(null),
});
export type SourceTable = z.infer<typeof SourceTable>;

/** Whether a load takes only some of a table's rows, as a sample. */
export function samples({ rowLimit }: Pick<SourceTable, 'rowLimit'>): boolean {
  return rowLimit !== null;
}

/** The raw table into which the next load of the table goes. */
export function loadsInto({ destination, next }: Pick<SourceTable, 'destination' | 'next'>): string {
  return next ?? destination;
}

/** Every raw table that is of the table, whether it is used or not. */
export function rawTablesOf({
  destination,
  next,
  former,
}: Pick<SourceTable, 'destination' | 'next' | 'former'>): string[] {
  return [destination, ...(next === null ? [] : [next]), ...former.map((one) => one.destination)];
}

/** The name of the `version`th raw table after `destination`, which may be a version itself; none of `taken`. */
export function nextDestination(destination: string, version: number, taken: ReadonlySet<string>): string {
  const base = destination.replace(/__v\d+$/, '').slice(0, 190);
  for (let number = version; ; number++) {
    const name = `${base}__v${number}`;
    if (!taken.has(name)) return name;
  }
}

/** The warehouse name for `sourceName` + `tableName`: lower-case letters, digits, underscores; starts with no digit. */
export function destinationName(sourceName: string, tableName: string): string {
  const slug = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '');
  const name = [slug(sourceName), slug(tableName)].filter((part) => part !== '').join('__');
  return (/^[a-z_]/.test(name) ? name : `t_${name}`).slice(0, 200);
}
