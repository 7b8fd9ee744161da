/**
 * Every statement the runner sends to BigQuery: pure text from plans. Names were made by us (letters, digits,
 * underscores) and are checked again here; values travel as parameters.
 */
import type { Column, ColumnType } from '#core/column';
import type { Field, TableRef } from '#cloud/bigquery';
import { figuresCondition, figuresQuery, unlike } from '#core/sql/figures';
import type { TableTally } from '#core/tally';
import type { LoadMode } from '#core/source';
import { DELETED_AT, LEDGER, REJECTS } from '#core/warehouse-name';

/** One row per publication: the truth about what is in the raw tables. */
export const LEDGER_FIELDS: readonly Field[] = [
  { name: 'run', type: 'STRING', description: 'The run that published.' },
  { name: 'table_name', type: 'STRING', description: 'The raw table; "#rejects" after it: its rejects.' },
  { name: 'rows_published', type: 'INT64', description: 'Rows this publication put in.' },
  { name: 'cursor_column', type: 'STRING', description: 'What the watermark belongs to.' },
  { name: 'watermark', type: 'STRING', description: 'How far the source has been read.' },
  {
    name: 'checksum',
    type: 'STRING',
    description: 'SHA-256 of the figures that the load was compared with.',
  },
  { name: 'published_at', type: 'TIMESTAMP' },
  { name: 'place', type: 'STRING', description: 'Where the rows were read.' },
  {
    name: 'columns',
    type: 'STRING',
    description: 'The columns that it brought, and former ones did, as JSON.',
  },
  { name: 'rows_added', type: 'INT64', description: 'Rows that the raw table has more than before.' },
];

/** Rows (or lines) that did not fit, with the reason. */
export const REJECT_FIELDS: readonly Field[] = [
  { name: 'run', type: 'STRING' },
  { name: 'table_name', type: 'STRING' },
  { name: 'line', type: 'INT64', description: 'Line of the file; null for databases.' },
  { name: 'column_name', type: 'STRING', description: 'Null when the whole row is at fault.' },
  { name: 'reason', type: 'STRING' },
  { name: 'value', type: 'STRING', description: 'Cut to 200 characters.' },
  { name: 'message', type: 'STRING' },
  { name: 'at', type: 'TIMESTAMP' },
];

/** Whether a name may be one that Tradewind made. */
export function isOurs(name: string): boolean {
  return /^[A-Za-z0-9_]{1,1024}$/.test(name);
}

/** A name in backticks. @throws RangeError for one that was not made by Tradewind. */
export function quoted(name: string): string {
  if (!isOurs(name)) throw new RangeError(`warehouse name ${JSON.stringify(name)}`);
  return `\`${name}\``;
}

/** A table as statements name it. */
export function tableName(ref: TableRef): string {
  return `${quoted(ref.dataset)}.${quoted(ref.table)}`;
}

/**
 * A wire value of staging as the value of the raw table. Rows that do not fit are filtered out, but a warehouse may
 * cast before it filters: hence SAFE.
 */
export function published({ name, type }: Column, from = '', into: ColumnType = type): string {
  const value = `${from === '' ? '' : `${from}.`}${quoted(name)}`;
  // The raw table's type holds every value of this one.
  if (into !== type) return `CAST(${value} AS ${into})`;
  switch (type) {
    case 'DATETIME':
      return `DATETIME(${value})`;
    case 'TIME':
      return `SAFE_CAST(${value} AS TIME)`;
    case 'JSON':
      return `SAFE.PARSE_JSON(${value})`;
    default:
      return value;
  }
}

/** `added`: an expression for the rows that the raw table has more than before. `suffix`: as of a publication. */
const ledgerInsert = (dataset: string, suffix = '', added = 'CAST(NULL AS INT64)'): string =>
  `INSERT INTO ${tableName({ dataset, table: LEDGER })} (${LEDGER_FIELDS.map((field) => quoted(field.name)).join(', ')})
SELECT @run, @table${suffix}, @rows${suffix}, NULLIF(@cursor${suffix}, ''), NULLIF(@watermark${suffix}, ''), @checksum${suffix}, CURRENT_TIMESTAMP(), NULLIF(@place${suffix}, ''), NULLIF(@columns${suffix}, ''), ${added};`;

const notPublished = (dataset: string, suffix = ''): string =>
  `ASSERT NOT EXISTS (SELECT 1 FROM ${tableName({ dataset, table: LEDGER })} WHERE run = @run AND table_name = @table${suffix}) AS 'already published';`;

/** What the statement says where another run has published the table since this one planned it. */
export const PUBLISHED_MEANWHILE = 'another run has published this table meanwhile';

/** What it says where the rows are not those that were read. */
export const NOT_AS_READ = 'the rows are not those that were read';

/** What a failed assertion says: `text`, and of which table. */
export const about = (text: string, table: string) => `'${text}: ${quoted(table).slice(1, -1)}'`;

/** The table that a failed assertion names after `text`; null where `message` tells of none. */
export function toldOf(message: string, text: string): string | null {
  return new RegExp(`${text}: (\\w+)`).exec(message)?.[1] ?? null;
}

/** The same newest publication means the same watermark to go on from, and the same rows to replace. */
const stillNewest = ({ dataset, destination, suffix = '' }: Publication): string =>
  `ASSERT COALESCE((SELECT run FROM ${tableName({ dataset, table: LEDGER })} WHERE table_name = @table${suffix} ORDER BY published_at DESC LIMIT 1), '') = @last${suffix} AS ${about(PUBLISHED_MEANWHILE, destination)};`;

/** Putting a staging table into its raw table. */
export interface Publication {
  readonly dataset: string;
  readonly destination: string;
  readonly staging: string;
  readonly write: LoadMode;
  /** Merging: what tells rows apart, under warehouse names; unique in staging. */
  readonly key?: readonly string[];
  /** Merging: columns of ours that are not brought any more; null from now on in the rows that come. */
  readonly gone?: readonly string[];
  /** Merging: of those, columns that are null in every row from now on. */
  readonly cleared?: readonly string[];
  /** Merging: rows of the raw table whose key did not come are marked as deleted. */
  readonly marks?: boolean;
  /** Statements before the rows come (making place), and after (marking what is gone). */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** Refuse where the table's newest publication is not that of the run `@last`. */
  readonly newest: boolean;
  /** Under their warehouse names. */
  readonly columns: readonly Column[];
  /** Types of the raw table that are wider than those of the columns. */
  readonly wider?: ReadonlyMap<string, ColumnType>;
  /** What the rows must be: of staging as it was read, and of those that are published. Left out: not compared. */
  readonly expected?: { readonly staged: TableTally; readonly published: TableTally };
  /** After the name of each parameter but `@run`: of several tables in one transaction each has its own. */
  readonly suffix?: string;
}

/** The statements in one transaction. */
export function inTransaction(statements: readonly string[]): string {
  return ['BEGIN TRANSACTION;', ...statements, 'COMMIT TRANSACTION;'].join('\n');
}

/**
 * Puts staging into the raw table, with its ledger row, for a transaction; rows that the raw table's types cannot hold are
 * left out. Merging, a row takes the place of the one with its key. What is published is compared before it is seen:
 *
 *     replace   the raw table
 *     merge     the rows of the raw table whose key came
 *     append    staging, and how many rows the raw table has then (unless some made place): none of its other rows is read
 *
 * Parameters: run, table, rows, cursor, watermark, place, columns ('' for none), checksum; before: the rows of the raw table;
 * and where `newest`, last: the run whose publication this one was planned from ('' for none).
 */
export function publishStatements(publication: Publication): string[] {
  const { dataset, columns, write, wider, suffix = '' } = publication;
  const destination = tableName({ dataset, table: publication.destination });
  const names = columns.map((column) => quoted(column.name));
  const rows = `SELECT ${columns.map((column) => `${published(column, '', wider?.get(column.name))} AS ${quoted(column.name)}`).join(', ')}
FROM ${fitting(tableName({ dataset, table: publication.staging }), columns)}`;
  return [
    notPublished(dataset, suffix),
    ...(publication.newest ? [stillNewest(publication)] : []),
    ...(write === 'replace' ? [`TRUNCATE TABLE ${destination};`] : []),
    ...ownParameters(publication.before, suffix),
    write === 'merge'
      ? mergeStatement(destination, rows, names, {
          key: publication.key ?? [],
          gone: publication.gone ?? [],
          marks: publication.marks ?? false,
        })
      : `INSERT INTO ${destination} (${names.join(', ')})\n${rows};`,
    ...(publication.cleared ?? []).map(
      (name) => `UPDATE ${destination} SET ${quoted(name)} = NULL WHERE ${quoted(name)} IS NOT NULL;`,
    ),
    ...ownParameters(publication.after, suffix),
    ...asRead(publication),
    ledgerInsert(dataset, suffix, addedRows(publication, destination)),
  ];
}

/** The rows of staging that the raw table's types can hold, as follows FROM. */
function fitting(staging: string, columns: readonly Column[]): string {
  const unfit = anyUnfit(columns);
  return unfit === null ? staging : `${staging}\nWHERE NOT (${unfit})`;
}

/** Statements whose parameters are, but for `@run`, those of the table of `suffix`. */
function ownParameters(statements: readonly string[] = [], suffix = ''): string[] {
  return statements.map((statement) => statement.replaceAll(/@(?!run\b)(\w+)/g, `@$1${suffix}`));
}

/** Whether rows go before others are appended. */
function makesPlace({ before = [] }: Publication): boolean {
  return before.length > 0;
}

function addedRows(publication: Publication, destination: string): string {
  const { write, suffix = '' } = publication;
  if (write === 'append' && !makesPlace(publication)) return `@rows${suffix}`;
  const before = `@before${suffix}`;
  return write === 'replace'
    ? `@rows${suffix} - ${before}`
    : `(SELECT COUNT(*) FROM ${destination}) - ${before}`;
}

function asRead(publication: Publication): string[] {
  const { dataset, columns, expected, write, suffix = '' } = publication;
  if (expected === undefined) return [];
  const raw = tableName({ dataset, table: publication.destination });
  const assert = (condition: string) =>
    `ASSERT ${condition} AS ${about(NOT_AS_READ, publication.destination)};`;
  if (write === 'append') {
    const from = tableName({ dataset, table: publication.staging });
    const staged = assert(figuresCondition({ from, columns, form: 'staged', tally: expected.staged }));
    if (makesPlace(publication)) return [staged];
    return [staged, assert(`(SELECT COUNT(*) FROM ${raw}) = @before${suffix} + @rows${suffix}`)];
  }
  const kept = unlike('kept', columns);
  const rows = `${raw} AS ${kept}${write === 'merge' ? `\nWHERE ${cameAgain(publication, kept)}` : ''}`;
  const from = narrowed(publication, rows);
  return [assert(figuresCondition({ from, columns, form: 'own', tally: expected.published }))];
}

/** The rows with the values of columns that the raw table keeps in a wider type as those of their own. */
function narrowed({ columns, wider }: Publication, rows: string): string {
  if (wider === undefined || wider.size === 0) return rows;
  const values = columns.map(({ name, type }) =>
    wider.has(name) ? `CAST(${quoted(name)} AS ${type}) AS ${quoted(name)}` : quoted(name),
  );
  return `(SELECT ${values.join(', ')} FROM ${rows})`;
}

/** Whether the key of a row of the raw table, `kept`, came. */
function cameAgain({ dataset, staging, key = [], columns, wider }: Publication, kept: string): string {
  const came = unlike('came', columns);
  const unfit = anyUnfit(columns);
  const conditions = [
    ...columns
      .filter(({ name }) => key.includes(name))
      .map(
        (column) => `${kept}.${quoted(column.name)} = ${published(column, came, wider?.get(column.name))}`,
      ),
    // Those have not come: the row that they would have changed is as it was.
    ...(unfit === null ? [] : [`NOT (${unfit})`]),
  ];
  return `EXISTS (SELECT 1 FROM ${tableName({ dataset, table: staging })} AS ${came} WHERE ${conditions.join(' AND ')})`;
}

function mergeStatement(
  destination: string,
  rows: string,
  names: readonly string[],
  {
    key,
    gone,
    marks,
  }: { readonly key: readonly string[]; readonly gone: readonly string[]; readonly marks: boolean },
): string {
  const on = key.map(quoted);
  // All of them: a statement that matches no column would match every row.
  if (on.length === 0) throw new RangeError('a merge needs a key');
  const changes = [
    ...names.filter((name) => !on.includes(name)).map((name) => `${name} = came.${name}`),
    ...gone.map((name) => `${quoted(name)} = NULL`),
  ];
  const clauses = [
    `MERGE INTO ${destination} AS kept USING (${rows}) AS came`,
    `ON ${on.map((name) => `kept.${name} = came.${name}`).join(' AND ')}`,
    ...(changes.length === 0 ? [] : [`WHEN MATCHED THEN UPDATE SET ${changes.join(', ')}`]),
    `WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `came.${name}`).join(', ')})`,
    ...(marks
      ? [
          `WHEN NOT MATCHED BY SOURCE AND kept.${quoted(DELETED_AT)} IS NULL THEN UPDATE SET ${quoted(DELETED_AT)} = CURRENT_TIMESTAMP()`,
        ]
      : []),
  ];
  return `${clauses.join('\n')};`;
}

/** `present`: rows of the raw table that are not marked as deleted; `vanished`: those of them whose key is not in staging. */
export function vanishedQuery(destination: TableRef, staging: TableRef, key: readonly Column[]): string {
  const same = key.map((column) => `kept.${quoted(column.name)} = ${published(column, 'came')}`);
  const [first] = key;
  if (first === undefined) throw new RangeError('rows without a key cannot vanish');
  return `SELECT COUNT(*) AS present, COUNTIF(came.${quoted(first.name)} IS NULL) AS vanished
FROM ${tableName(destination)} AS kept LEFT JOIN ${tableName(staging)} AS came ON ${same.join(' AND ')}
WHERE kept.${quoted(DELETED_AT)} IS NULL`;
}

/**
 * A key in staging that is null or more than one row's: `n`, its rows, and `key_i`, its values as text; no row where each
 * has a key to itself.
 */
export function keyViolationQuery(staging: TableRef, key: readonly Column[]): string {
  const names = key.map((column) => quoted(column.name));
  const values = key.map(({ type }, index) =>
    type === 'BYTES'
      ? `TO_HEX(${names[index]}) AS key_${index}`
      : `CAST(${names[index]} AS STRING) AS key_${index}`,
  );
  return `SELECT COUNT(*) AS n, ${values.join(', ')}
FROM ${tableName(staging)}
GROUP BY ${names.join(', ')}
HAVING COUNT(*) > 1 OR ${names.map((name) => `${name} IS NULL`).join(' OR ')}
LIMIT 1`;
}

/** Values kept as examples of one table and run; all are counted. */
const KEPT_REJECTS = 10_000;

/**
 * Puts the rows of staging that do not fit into the rejects table, with a ledger row. Parameters as of `publishScript`,
 * and destination: the raw table's name. `hides`: their values are not kept.
 */
export function unfitRejectsScript(
  dataset: string,
  staging: string,
  columns: readonly Column[],
  hides: boolean,
): string {
  const cases = columns.flatMap((column) => {
    const when = unfitOf(column);
    return when === null ? [] : [{ when, column }];
  });
  const choose = (then: (column: Column) => string) =>
    `CASE ${cases.map(({ when, column }) => `WHEN ${when} THEN ${then(column)}`).join(' ')} END`;
  return [
    'BEGIN TRANSACTION;',
    notPublished(dataset),
    `INSERT INTO ${tableName({ dataset, table: REJECTS })} (${REJECT_FIELDS.map((field) => quoted(field.name)).join(', ')})
SELECT @run, @destination, CAST(NULL AS INT64), ${choose(({ name }) => `'${name}'`)}, '${UNFIT}',
  ${hides ? 'CAST(NULL AS STRING)' : `SUBSTR(${choose(({ name }) => quoted(name))}, 1, 200)`}, ${choose(({ type }) => `'BigQuery cannot keep this value exactly as ${type}.'`)}, CURRENT_TIMESTAMP()
FROM ${tableName({ dataset, table: staging })}
WHERE ${cases.map(({ when }) => when).join(' OR ')}
LIMIT ${KEPT_REJECTS};`,
    ledgerInsert(dataset),
    'COMMIT TRANSACTION;',
  ].join('\n');
}

/** The newest ledger row of each of `@tables`. */
export function lastPublishedQuery(dataset: string): string {
  return `SELECT table_name, run, cursor_column, watermark, place, columns, CAST(UNIX_MICROS(published_at) AS STRING) AS micros
FROM ${tableName({ dataset, table: LEDGER })}
WHERE table_name IN UNNEST(@tables)
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC) = 1`;
}

/** Whether (`@run`, `@table`) is published: one row with `n`, the `published` rows, and those that the raw table has more (`added`). */
export function ledgerQuery(dataset: string): string {
  return `SELECT COUNT(*) AS n, MAX(rows_published) AS published, MAX(rows_added) AS added FROM ${tableName({ dataset, table: LEDGER })} WHERE run = @run AND table_name = @table`;
}

/** Why a row that BigQuery cannot take is rejected. */
export const UNFIT = 'unfit-value';

/** Whether staging's value is one that the publication's cast would refuse; null for types that always fit. */
function unfitOf({ name, type }: Column): string | null {
  if (type === 'TIME') return `(${quoted(name)} IS NOT NULL AND SAFE_CAST(${quoted(name)} AS TIME) IS NULL)`;
  if (type === 'JSON') return `(${quoted(name)} IS NOT NULL AND SAFE.PARSE_JSON(${quoted(name)}) IS NULL)`;
  return null;
}

/** Whether a row of staging is one that the raw table's types cannot hold; null where they hold every row. */
function anyUnfit(columns: readonly Column[]): string | null {
  const conditions = columns.flatMap((column) => unfitOf(column) ?? []);
  return conditions.length === 0 ? null : conditions.join(' OR ');
}

/** Figures of staging (`figuresQuery`), and `unfit`: rows that the raw table's types cannot hold. */
export function validationQuery(staging: TableRef, columns: readonly Column[], tally: TableTally): string {
  const unfit = anyUnfit(columns);
  const wanted = { from: tableName(staging), columns, form: 'staged', tally } as const;
  return figuresQuery(wanted, [`${unfit === null ? '0' : `COUNTIF(${unfit})`} AS unfit`]);
}

/** Figures of the rows of staging that the raw table's types can hold. */
export function fittingQuery(staging: TableRef, columns: readonly Column[], tally: TableTally): string {
  return figuresQuery({ from: fitting(tableName(staging), columns), columns, form: 'staged', tally });
}
