/** How BigQuery's types become the warehouse's: the same where there is one, JSON or text where there is none. Pure. */
import type { Column, ColumnType } from '#core/column';
import type { SchemaField } from './resources.ts';
import { quoteIdentifier } from './select.ts';

/** A column, and the SQL of its value as a wire type, of a table under the alias `t`. */
export interface ColumnPlan {
  readonly column: Column;
  readonly expression: string;
  readonly note: string | null;
}

/** The REST API spells some types as they were called before. */
const SPELLINGS: Readonly<Record<string, ColumnType>> = {
  INTEGER: 'INT64',
  INT64: 'INT64',
  FLOAT: 'FLOAT64',
  FLOAT64: 'FLOAT64',
  BOOLEAN: 'BOOL',
  BOOL: 'BOOL',
  NUMERIC: 'NUMERIC',
  BIGNUMERIC: 'BIGNUMERIC',
  STRING: 'STRING',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  TIMESTAMP: 'TIMESTAMP',
  TIME: 'TIME',
  JSON: 'JSON',
};

/** Types that the warehouse's raw tables do not have, and their text. */
const AS_TEXT: Readonly<Record<string, { readonly sql: (value: string) => string; readonly note: string }>> =
  {
    GEOGRAPHY: { sql: (value) => `ST_ASTEXT(${value})`, note: 'GEOGRAPHY arrives as text (WKT)' },
    INTERVAL: { sql: (value) => `CAST(${value} AS STRING)`, note: 'INTERVAL arrives as text' },
    RANGE: { sql: (value) => `CAST(${value} AS STRING)`, note: 'RANGE arrives as text' },
  };

/** The moment at which BigQuery itself put a row into its partition; a column of tables partitioned so. */
export const PARTITION_TIME = '_PARTITIONTIME';

/** How a field is read; null for a type that is not known, whose note says so. */
export function planColumn(
  field: SchemaField,
): ColumnPlan | { readonly column: null; readonly note: string } {
  const { name, mode } = field;
  const value = `t.${quoteIdentifier(name)}`;
  const upper = field.type.toUpperCase();
  const nested = mode === 'REPEATED' || upper === 'RECORD' || upper === 'STRUCT';
  const plan = (type: ColumnType, expression: string, note: string | null = null): ColumnPlan => ({
    column: {
      name,
      type,
      nullable: mode !== 'REQUIRED',
      ...shapeOf(field, type),
      sourceType: typeText(field),
    },
    expression,
    note,
  });
  if (nested)
    return plan(
      'JSON',
      mode === 'REPEATED' ? listSql(value) : jsonSql(value),
      `"${name}" (${typeText(field)}) arrives as JSON`,
    );
  const text = AS_TEXT[upper];
  if (text !== undefined) return plan('STRING', text.sql(value), `"${name}": ${text.note}`);
  const type = SPELLINGS[upper];
  if (type === undefined)
    return {
      column: null,
      note: `"${name}" is left out: its type ${field.type.slice(0, 50)} is not known here`,
    };
  const collated = type === 'STRING' && (field.collation ?? '') !== '';
  return plan(type, collated ? plainText(value) : wireSql(value, type));
}

/** The pseudo-column of a table that is partitioned by when its rows arrived. */
export const PARTITION_TIME_PLAN: ColumnPlan = {
  column: {
    name: PARTITION_TIME,
    type: 'TIMESTAMP',
    nullable: true,
    sourceType: 'TIMESTAMP (pseudo-column)',
  },
  expression: `t.${PARTITION_TIME}`,
  note: `${PARTITION_TIME} is BigQuery’s own: the partition that a row arrived in; null while it is on its way there`,
};

/** A text without its collation, which would follow it into every comparison: of keys that are merged, too. */
function plainText(value: string): string {
  return `CAST(CAST(${value} AS BYTES) AS STRING)`;
}

function wireSql(value: string, type: ColumnType): string {
  switch (type) {
    case 'DATETIME':
      return `TIMESTAMP(${value}, 'UTC')`;
    case 'TIME':
      return `CAST(${value} AS STRING)`;
    case 'JSON':
      return jsonSql(value);
    default:
      return value;
  }
}

/** TO_JSON_STRING writes `null` for what is null: a text, where there was no value. */
function jsonSql(value: string): string {
  return `IF(${value} IS NULL, NULL, TO_JSON_STRING(${value}))`;
}

/** An array that was never given is empty, as BigQuery shows it. */
function listSql(value: string): string {
  return `TO_JSON_STRING(IFNULL(${value}, []))`;
}

function shapeOf({ precision, scale }: SchemaField, type: ColumnType): Pick<Column, 'precision' | 'scale'> {
  if (precision === undefined || (type !== 'NUMERIC' && type !== 'BIGNUMERIC')) return {};
  return { precision, scale: scale ?? 0 };
}

/** The type as BigQuery writes it: `NUMERIC(12, 2)`, `ARRAY<STRUCT<…>>`, `RANGE<DATE>`. */
function typeText({ type, mode, precision, scale, rangeElementType }: SchemaField): string {
  const upper = type.toUpperCase();
  const modern = SPELLINGS[upper] ?? (upper === 'RECORD' ? 'STRUCT<…>' : upper);
  const digits = precision === undefined ? '' : `(${precision}${scale === undefined ? '' : `, ${scale}`})`;
  const element = rangeElementType === undefined ? '' : `<${rangeElementType.type}>`;
  const own = `${modern}${digits}${element}`.slice(0, 200);
  return mode === 'REPEATED' ? `ARRAY<${own}>` : own;
}
