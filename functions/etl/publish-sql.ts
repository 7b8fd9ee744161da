/**
 * Every statement the runner sends to BigQuery: pure text from plans. Names were made by us (letters, digits,
 * underscores) and are checked again here; values travel as parameters.
 */
import { type Column, type ColumnType, decimalShape, wireTypeOf } from '#core/column';
import type { Field, TableRef } from '#cloud/bigquery';
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

/** `added`: an expression for the rows that the raw table has more than before. */
const ledgerInsert = (dataset: string, added = 'CAST(NULL AS INT64)'): string =>
  `INSERT INTO ${tableName({ dataset, table: LEDGER })} (${LEDGER_FIELDS.map((field) => quoted(field.name)).join(', ')})
SELECT @run, @table, @rows, NULLIF(@cursor, ''), NULLIF(@watermark, ''), @checksum, CURRENT_TIMESTAMP(), NULLIF(@place, ''), NULLIF(@columns, ''), ${added};`;

const notPublished = (dataset: string): string =>
  `ASSERT NOT EXISTS (SELECT 1 FROM ${tableName({ dataset, table: LEDGER })} WHERE run = @run AND table_name = @table) AS 'already published';`;

/** What the statement says where another run has published the table since this one planned it. */
export const PUBLISHED_MEANWHILE = 'another run has published this table meanwhile';

/** The same newest publication means the same watermark to go on from, and the same rows to replace. */
const stillNewest = (dataset: string): string =>
  `ASSERT COALESCE((SELECT run FROM ${tableName({ dataset, table: LEDGER })} WHERE table_name = @table ORDER BY published_at DESC LIMIT 1), '') = @last AS '${PUBLISHED_MEANWHILE}';`;

/**
 * Puts staging into the raw table in one transaction, with its ledger row; rows that the raw table's types cannot hold
 * are left out. Merging, a row takes the place of the one with its key. Parameters: run, table, rows, cursor, watermark, place,
 * columns ('' for none), checksum; unless appending, or where place is made, before: the rows of the raw table; and where `newest`, last: the run whose
 * publication this one was planned from ('' for none).
 */
export function publishScript(options: {
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
}): string {
  const { dataset, columns, wider } = options;
  const destination = tableName({ dataset, table: options.destination });
  const names = columns.map((column) => quoted(column.name));
  const unfit = anyUnfit(columns);
  const rows = `SELECT ${columns.map((column) => `${published(column, '', wider?.get(column.name))} AS ${quoted(column.name)}`).join(', ')}
FROM ${tableName({ dataset, table: options.staging })}${unfit === null ? '' : `\nWHERE NOT (${unfit})`}`;
  return [
    'BEGIN TRANSACTION;',
    notPublished(dataset),
    ...(options.newest ? [stillNewest(dataset)] : []),
    ...(options.write === 'replace' ? [`TRUNCATE TABLE ${destination};`] : []),
    ...(options.before ?? []),
    options.write === 'merge'
      ? mergeStatement(destination, rows, names, {
          key: options.key ?? [],
          gone: options.gone ?? [],
          marks: options.marks ?? false,
        })
      : `INSERT INTO ${destination} (${names.join(', ')})\n${rows};`,
    ...(options.cleared ?? []).map(
      (name) => `UPDATE ${destination} SET ${quoted(name)} = NULL WHERE ${quoted(name)} IS NOT NULL;`,
    ),
    ...(options.after ?? []),
    ledgerInsert(dataset, addedRows(options, destination)),
    'COMMIT TRANSACTION;',
  ].join('\n');
}

function addedRows(
  { write, before }: { readonly write: LoadMode; readonly before?: readonly string[] },
  destination: string,
): string {
  const makesPlace = before !== undefined && before.length > 0;
  if (write === 'append' && !makesPlace) return '@rows';
  return write !== 'replace' ? `(SELECT COUNT(*) FROM ${destination}) - @before` : '@rows - @before';
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
 * and destination: the raw table's name.
 */
export function unfitRejectsScript(dataset: string, staging: string, columns: readonly Column[]): string {
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
  SUBSTR(${choose(({ name }) => quoted(name))}, 1, 200), ${choose(({ type }) => `'BigQuery cannot keep this value exactly as ${type}.'`)}, CURRENT_TIMESTAMP()
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

/** SUM of an exact type as text, comparable with a tally; null where the type has none or it could overflow. */
function sumOf(column: Column): string | null {
  const name = quoted(column.name);
  switch (wireTypeOf(column.type)) {
    case 'INT64':
      return `CAST(SUM(CAST(${name} AS NUMERIC)) AS STRING)`;
    case 'NUMERIC': {
      const { precision, scale } = decimalShape(column);
      return precision - scale > 18 ? null : `CAST(SUM(${name}) AS STRING)`;
    }
    case 'DATE':
      return `CAST(SUM(UNIX_DATE(${name})) AS STRING)`;
    case 'TIMESTAMP':
      return `CAST(SUM(CAST(UNIX_MICROS(${name}) AS NUMERIC)) AS STRING)`;
    case 'BOOL':
      return `CAST(COUNTIF(${name}) AS STRING)`;
    case 'STRING':
      return `CAST(SUM(BYTE_LENGTH(${name})) AS STRING)`;
    case 'BYTES':
      return `CAST(SUM(LENGTH(${name})) AS STRING)`;
    default:
      // FLOAT64's sum depends on the order; BIGNUMERIC's may overflow.
      return null;
  }
}

/** Why a row that BigQuery cannot take is rejected. */
export const UNFIT = 'unfit-value';

/** Whether staging's value is one that the publication's cast would refuse; null for types that always fit. */
function unfitOf({ name, type }: Column): string | null {
  if (type === 'TIME') return `(${quoted(name)} IS NOT NULL AND SAFE_CAST(${quoted(name)} AS TIME) IS NULL)`;
  if (type === 'JSON') return `(${quoted(name)} IS NOT NULL AND SAFE.PARSE_JSON(${quoted(name)}) IS NULL)`;
  return null;
}

function anyUnfit(columns: readonly Column[]): string | null {
  const conditions = columns.flatMap((column) => unfitOf(column) ?? []);
  return conditions.length === 0 ? null : conditions.join(' OR ');
}

/** One row of figures about a staging table: `n`, `unfit` (rows), and per column i `nulls_i`, `sum_i`. */
export function validationQuery(staging: TableRef, columns: readonly Column[]): string {
  return figuresQuery(tableName(staging), columns);
}

/** The figures of `validationQuery` of whatever `from` is (a table, or a query in brackets) with columns of wire types. */
export function figuresQuery(from: string, columns: readonly Column[]): string {
  const figures = columns.flatMap((column, index) => {
    const sum = sumOf(column);
    return [
      `COUNTIF(${quoted(column.name)} IS NULL) AS nulls_${index}`,
      ...(sum === null ? [] : [`${sum} AS sum_${index}`]),
    ];
  });
  const unfit = anyUnfit(columns);
  const rejected = `${unfit === null ? '0' : `COUNTIF(${unfit})`} AS unfit`;
  return `SELECT ${['COUNT(*) AS n', rejected, ...figures].join(',\n  ')}\nFROM ${from}`;
}

/** Compares the validation query's row with what was counted while the files were written: each difference in words. */
export function compare(
  row: Readonly<Record<string, unknown>>,
  tally: TableTally,
  columns: readonly Column[],
): string[] {
  const findings: string[] = [];
  const differ = (what: string, wanted: unknown, found: unknown) =>
    findings.push(`${what}: ${String(wanted)} written, ${String(found)} loaded`);
  if (Number(row['n']) !== tally.rows) differ('rows', tally.rows, row['n']);
  for (const [index, column] of columns.entries()) {
    const counted = tally.columns[index];
    if (counted === undefined) continue;
    const nulls = Number(row[`nulls_${index}`]);
    if (nulls !== counted.nulls) differ(`nulls of "${column.name}"`, counted.nulls, nulls);
    const sum = row[`sum_${index}`];
    const scale = wireTypeOf(column.type) === 'NUMERIC' ? decimalShape(column).scale : 0;
    if (sum !== undefined && counted.sum !== null && unscaled(sum, scale) !== BigInt(counted.sum))
      differ(`sum of "${column.name}"`, counted.sum, sum);
  }
  return findings;
}

/** `12.5` at scale 2 as 1250n; a SUM over no values (null) is 0. */
export function unscaled(value: unknown, scale: number): bigint {
  if (value === null) return 0n;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) throw new RangeError(`decimal ${text}`);
  const digits = `${whole}${fraction.padEnd(scale, '0').slice(0, scale)}`;
  if (/[1-9]/.test(fraction.slice(scale))) throw new RangeError(`decimal ${text} at scale ${scale}`);
  return BigInt(sign + digits);
}
