/** GoogleSQL's types, their names in BigQuery's schema JSON, and how DuckDB stores them. */

export type ScalarName =
  | 'INT64'
  | 'FLOAT64'
  | 'BOOL'
  | 'NUMERIC'
  | 'BIGNUMERIC'
  | 'STRING'
  | 'BYTES'
  | 'DATE'
  | 'DATETIME'
  | 'TIMESTAMP'
  | 'TIME'
  | 'JSON';

/** A scalar; an array of `element`; a struct of `fields`. `NULL` is the type of a bare NULL. */
export type SqlType =
  | { readonly base: ScalarName | 'NULL' }
  | { readonly base: 'ARRAY'; readonly element: SqlType }
  | {
      readonly base: 'STRUCT';
      readonly fields: readonly { readonly name: string; readonly type: SqlType }[];
    };

/** One field of a table's schema as BigQuery's JSON has it. */
export interface Field {
  readonly name: string;
  /** Legacy (`INTEGER`) or standard (`INT64`) spelling. */
  readonly type: string;
  readonly mode?: 'NULLABLE' | 'REQUIRED' | 'REPEATED';
  readonly description?: string;
  readonly fields?: readonly Field[];
  readonly precision?: string;
  readonly scale?: string;
  readonly maxLength?: string;
}

const spellings: Readonly<Record<string, ScalarName>> = {
  INT64: 'INT64',
  INTEGER: 'INT64',
  INT: 'INT64',
  SMALLINT: 'INT64',
  BIGINT: 'INT64',
  TINYINT: 'INT64',
  BYTEINT: 'INT64',
  FLOAT64: 'FLOAT64',
  FLOAT: 'FLOAT64',
  BOOL: 'BOOL',
  BOOLEAN: 'BOOL',
  NUMERIC: 'NUMERIC',
  DECIMAL: 'NUMERIC',
  BIGNUMERIC: 'BIGNUMERIC',
  BIGDECIMAL: 'BIGNUMERIC',
  STRING: 'STRING',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  TIMESTAMP: 'TIMESTAMP',
  TIME: 'TIME',
  JSON: 'JSON',
};

/** The scalar a type name stands for, in any of BigQuery's spellings; null for RECORD, GEOGRAPHY and the like. */
export function scalarNamed(name: string): ScalarName | null {
  return spellings[name.toUpperCase()] ?? null;
}

/**
 * BIGNUMERIC has 76 digits, DuckDB's widest decimal 38. It is stored with 20 digits after the point and 18 before it; a value
 * that does not fit is refused, never rounded.
 */
export const bigNumericStorage = 'DECIMAL(38,20)';

const storage: Readonly<Record<ScalarName | 'NULL', string>> = {
  INT64: 'BIGINT',
  FLOAT64: 'DOUBLE',
  BOOL: 'BOOLEAN',
  NUMERIC: 'DECIMAL(38,9)',
  BIGNUMERIC: bigNumericStorage,
  STRING: 'VARCHAR',
  BYTES: 'BLOB',
  DATE: 'DATE',
  DATETIME: 'TIMESTAMP',
  TIMESTAMP: 'TIMESTAMPTZ',
  TIME: 'TIME',
  JSON: 'JSON',
  NULL: 'BIGINT',
};

/** DuckDB's name of a type. */
export function duckType(type: SqlType): string {
  if (type.base === 'ARRAY') return `${duckType(type.element)}[]`;
  if (type.base === 'STRUCT')
    return `STRUCT(${type.fields.map((f) => `${quoteName(f.name)} ${duckType(f.type)}`).join(', ')})`;
  return storage[type.base];
}

/** DuckDB's column type of a field: as `duckType`, but NUMERIC(p, s) keeps its own precision so that it is enforced. */
export function storageType(field: Field): string {
  const type = fieldType(field);
  if (type.base === 'NUMERIC' && field.precision !== undefined)
    return `DECIMAL(${Number(field.precision)},${Number(field.scale ?? 0)})`;
  return duckType(type);
}

/** The type of a schema field. Throws RangeError for a type that is not offered here. */
export function fieldType(field: Field): SqlType {
  const name = field.type.toUpperCase();
  let type: SqlType;
  if (name === 'RECORD' || name === 'STRUCT')
    type = {
      base: 'STRUCT',
      fields: (field.fields ?? []).map((f) => ({ name: f.name, type: fieldType(f) })),
    };
  else {
    const base = scalarNamed(name);
    if (base === null)
      throw new RangeError(
        `Invalid value for type: ${field.type} is not a valid value (field ${field.name})`,
      );
    type = { base };
  }
  return field.mode === 'REPEATED' ? { base: 'ARRAY', element: type } : type;
}

const legacy: Readonly<Partial<Record<string, string>>> = {
  INT64: 'INTEGER',
  FLOAT64: 'FLOAT',
  BOOL: 'BOOLEAN',
  NULL: 'INTEGER',
};

/** The schema field of a column of `type`, in the legacy spelling that the REST API answers. */
export function toField(name: string, type: SqlType, mode: 'NULLABLE' | 'REQUIRED' = 'NULLABLE'): Field {
  if (type.base === 'ARRAY') return { ...toField(name, type.element), mode: 'REPEATED' };
  if (type.base === 'STRUCT')
    return { name, type: 'RECORD', mode, fields: type.fields.map((f) => toField(f.name, f.type)) };
  return { name, type: legacy[type.base] ?? type.base, mode };
}

/** A type as GoogleSQL writes it: `ARRAY<STRING>`. */
export function typeText(type: SqlType): string {
  if (type.base === 'ARRAY') return `ARRAY<${typeText(type.element)}>`;
  if (type.base === 'STRUCT')
    return `STRUCT<${type.fields.map((f) => `${f.name} ${typeText(f.type)}`).join(', ')}>`;
  return type.base === 'NULL' ? 'INT64' : type.base;
}

const numericRank: Readonly<Partial<Record<string, number>>> = {
  INT64: 1,
  NUMERIC: 2,
  BIGNUMERIC: 3,
  FLOAT64: 4,
};

export const isNumber = (type: SqlType): boolean => type.base in numericRank;

export function sameType(a: SqlType, b: SqlType): boolean {
  if (a.base === 'ARRAY' && b.base === 'ARRAY') return sameType(a.element, b.element);
  if (a.base === 'STRUCT' && b.base === 'STRUCT')
    return (
      a.fields.length === b.fields.length &&
      a.fields.every((f, i) => sameType(f.type, b.fields[i]?.type ?? { base: 'NULL' }))
    );
  return a.base === b.base;
}

/** Whether a value of `from` goes into `to` without a cast (GoogleSQL's coercion). */
export function coerces(from: SqlType, to: SqlType): boolean {
  if (sameType(from, to) || from.base === 'NULL') return true;
  const a = numericRank[from.base];
  const b = numericRank[to.base];
  if (a !== undefined && b !== undefined) return a < b;
  if (from.base === 'ARRAY' && to.base === 'ARRAY') return from.element.base === 'NULL';
  return from.base === 'DATE' && to.base === 'DATETIME';
}

/** The type that all of `types` coerce to, or null. */
export function superType(types: readonly SqlType[]): SqlType | null {
  let found: SqlType = { base: 'NULL' };
  for (const type of types) {
    if (coerces(type, found)) continue;
    if (!coerces(found, type)) return null;
    found = type;
  }
  return found;
}

/** A DuckDB identifier. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A DuckDB string literal. */
export const quoteText = (text: string): string =>
  text.includes('\0')
    ? `decode(from_hex('${Buffer.from(text).toString('hex')}'))`
    : `'${text.replaceAll("'", "''")}'`;
