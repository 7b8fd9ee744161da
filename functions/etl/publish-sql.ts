/**
 * Every statement the runner sends to BigQuery: pure text from plans. Names were made by us (letters, digits,
 * underscores) and are checked again here; values travel as parameters.
 */
import { decimalShape, wireTypeOf, type Column } from '#core/column';
import type { Field, TableRef } from '#cloud/bigquery';
import type { TableTally } from '#core/tally';

/** One row per publication: the truth about what is in the raw tables. */
export const LEDGER = '_ledger';
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
];

/** Rows (or lines) that did not fit, with the reason. */
export const REJECTS = '_rejects';
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

/** A name in backticks. @throws RangeError for one that was not made by Tradewind. */
export function quoted(name: string): string {
  if (!/^[A-Za-z0-9_]{1,1024}$/.test(name)) throw new RangeError(`warehouse name ${JSON.stringify(name)}`);
  return `\`${name}\``;
}

/** A table as statements name it. */
export function tableName(ref: TableRef): string {
  return `${quoted(ref.dataset)}.${quoted(ref.table)}`;
}

/** A wire value of staging as the value of the raw table. */
function published({ name, type }: Column): string {
  switch (type) {
    case 'DATETIME':
      return `DATETIME(${quoted(name)})`;
    case 'TIME':
      return `CAST(${quoted(name)} AS TIME)`;
    case 'JSON':
      return `PARSE_JSON(${quoted(name)})`;
    default:
      return quoted(name);
  }
}

const ledgerInsert = (dataset: string): string =>
  `INSERT INTO ${tableName({ dataset, table: LEDGER })} (${LEDGER_FIELDS.map((field) => quoted(field.name)).join(', ')})
VALUES (@run, @table, @rows, NULLIF(@cursor, ''), NULLIF(@watermark, ''), @checksum, CURRENT_TIMESTAMP());`;

const notPublished = (dataset: string): string =>
  `ASSERT NOT EXISTS (SELECT 1 FROM ${tableName({ dataset, table: LEDGER })} WHERE run = @run AND table_name = @table) AS 'already published';`;

/**
 * Puts staging into the raw table in one transaction, with its ledger row. Parameters: run, table, rows, cursor,
 * watermark ('' for none), checksum.
 */
export function publishScript(options: {
  readonly dataset: string;
  readonly destination: string;
  readonly staging: string;
  readonly write: 'replace' | 'append';
  /** Under their warehouse names. */
  readonly columns: readonly Column[];
}): string {
  const { dataset, columns } = options;
  const destination = tableName({ dataset, table: options.destination });
  const names = columns.map((column) => quoted(column.name)).join(', ');
  return [
    'BEGIN TRANSACTION;',
    notPublished(dataset),
    ...(options.write === 'replace' ? [`TRUNCATE TABLE ${destination};`] : []),
    `INSERT INTO ${destination} (${names})
SELECT ${columns.map(published).join(', ')}
FROM ${tableName({ dataset, table: options.staging })};`,
    ledgerInsert(dataset),
    'COMMIT TRANSACTION;',
  ].join('\n');
}

/** The newest ledger row of each of `@tables`. */
export function lastPublishedQuery(dataset: string): string {
  return `SELECT table_name, cursor_column, watermark
FROM ${tableName({ dataset, table: LEDGER })}
WHERE table_name IN UNNEST(@tables)
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC) = 1`;
}

/** Whether (`@run`, `@table`) is published: one row with `n`. */
export function ledgerQuery(dataset: string): string {
  return `SELECT COUNT(*) AS n FROM ${tableName({ dataset, table: LEDGER })} WHERE run = @run AND table_name = @table`;
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

/** Values of staging that the publication's cast would refuse. */
function unfitOf({ name, type }: Column): string | null {
  if (type === 'TIME')
    return `COUNTIF(${quoted(name)} IS NOT NULL AND SAFE_CAST(${quoted(name)} AS TIME) IS NULL)`;
  if (type === 'JSON')
    return `COUNTIF(${quoted(name)} IS NOT NULL AND SAFE.PARSE_JSON(${quoted(name)}) IS NULL)`;
  return null;
}

/** One row of figures about a staging table: `n`, and per column i `nulls_i`, `sum_i`, `unfit_i`. */
export function validationQuery(staging: TableRef, columns: readonly Column[]): string {
  const figures = columns.flatMap((column, index) => {
    const sum = sumOf(column);
    const unfit = unfitOf(column);
    return [
      `COUNTIF(${quoted(column.name)} IS NULL) AS nulls_${index}`,
      ...(sum === null ? [] : [`${sum} AS sum_${index}`]),
      ...(unfit === null ? [] : [`${unfit} AS unfit_${index}`]),
    ];
  });
  return `SELECT ${['COUNT(*) AS n', ...figures].join(',\n  ')}\nFROM ${tableName(staging)}`;
}

/** What is wrong with a loaded staging table: `different` from what was extracted, or `unfit` to be published. */
export interface Finding {
  readonly kind: 'different' | 'unfit';
  readonly message: string;
}

/** Compares the validation query's row with what was counted while the files were written. */
export function compare(
  row: Readonly<Record<string, unknown>>,
  tally: TableTally,
  columns: readonly Column[],
): Finding[] {
  const findings: Finding[] = [];
  const differ = (what: string, wanted: unknown, found: unknown) =>
    findings.push({
      kind: 'different',
      message: `${what}: ${String(wanted)} written, ${String(found)} loaded`,
    });
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
    const unfit = Number(row[`unfit_${index}`] ?? 0);
    if (unfit > 0)
      findings.push({
        kind: 'unfit',
        message: `${unfit} values of "${column.name}" cannot be kept exactly as ${column.type}`,
      });
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

/** How a raw table must change to take `columns`: fields to add, and columns whose type is another one now. */
export function planSchema(
  existing: readonly Field[],
  columns: readonly Column[],
): { readonly added: Field[]; readonly changed: { name: string; from: string; to: string }[] } {
  const known = new Map(existing.map((field) => [field.name.toLowerCase(), field]));
  const added: Field[] = [];
  const changed: { name: string; from: string; to: string }[] = [];
  for (const column of columns) {
    const field = known.get(column.name.toLowerCase());
    if (field === undefined) added.push({ name: column.name, type: column.type });
    else if (field.type !== column.type)
      changed.push({ name: column.name, from: field.type, to: column.type });
  }
  return { added, changed };
}
