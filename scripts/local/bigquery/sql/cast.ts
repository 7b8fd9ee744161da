/** CAST and SAFE_CAST with GoogleSQL's rules, where DuckDB's own are laxer ('t' is no BOOL) or other (halves round away from zero). */
import type { Expr } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import type { Position } from './sql-error.ts';
import { coerces, duckType, sameType, typeText } from './types.ts';
import type { SqlType } from './types.ts';

const stringForms: Readonly<Record<string, { pattern: string; says: string }>> = {
  INT64: { pattern: '\\s*[+-]?(\\d+|0[xX][0-9a-fA-F]+)\\s*', says: 'Bad int64 value: ' },
  FLOAT64: {
    pattern: '(?i)\\s*[+-]?((\\d+\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?|inf|infinity|nan)\\s*',
    says: 'Bad double value: ',
  },
  NUMERIC: {
    pattern: '(?i)\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?\\s*',
    says: 'Invalid NUMERIC value: ',
  },
  BIGNUMERIC: {
    pattern: '\\s*[+-]?\\d{0,18}(\\.\\d{0,20}0*)?\\s*',
    says: 'BIGNUMERIC value that the local BigQuery cannot hold: ',
  },
  BOOL: { pattern: '(?i)\\s*(true|false)\\s*', says: 'Bad bool value: ' },
  DATE: { pattern: '\\s*\\d{1,4}-\\d{1,2}-\\d{1,2}\\s*', says: 'Invalid date: ' },
  DATETIME: {
    pattern: '\\s*\\d{1,4}-\\d{1,2}-\\d{1,2}([ tT]\\d{1,2}:\\d{1,2}:\\d{1,2}(\\.\\d{0,6})?)?\\s*',
    says: 'Invalid datetime string ',
  },
  TIMESTAMP: {
    pattern:
      '\\s*\\d{1,4}-\\d{1,2}-\\d{1,2}([ tT]\\d{1,2}:\\d{1,2}(:\\d{1,2}(\\.\\d{0,6}0*)?)?)?\\s*([zZ]|UTC|[+-]\\d{1,2}(:?\\d{2})?)?\\s*',
    says: 'Invalid timestamp: ',
  },
  TIME: { pattern: '\\s*\\d{1,2}:\\d{1,2}:\\d{1,2}(\\.\\d{0,6})?\\s*', says: 'Invalid time string ' },
};

/** `CAST(value AS to)`; with `safe`, what cannot be converted is NULL instead of an error. */
export function castTo(value: Expr, to: SqlType, safe: boolean, at: Position | null): Expr {
  const from = value.type;
  const done = (sql: string): Expr => ({ sql, type: to });
  const cast = (sql: string): Expr => done(`${safe ? 'TRY_CAST' : 'CAST'}(${sql} AS ${duckType(to)})`);
  if (sameType(from, to)) return { ...value, type: to };
  if (from.base === 'NULL') return done(`CAST(NULL AS ${duckType(to)})`);
  if (from.base === 'STRING' && to.base in stringForms) {
    const form = stringForms[to.base] ?? { pattern: '', says: '' };
    const otherwise = safe ? 'NULL' : `error('${form.says}' || ${value.sql})`;
    const text = to.base === 'NUMERIC' || to.base === 'BIGNUMERIC' ? `trim(${value.sql})` : value.sql;
    const parsed =
      to.base === 'TIMESTAMP'
        ? `CAST(regexp_replace(${text}, 'UTC\\s*$', 'Z') AS TIMESTAMPTZ)`
        : `CAST(${text} AS ${duckType(to)})`;
    return done(
      `CASE WHEN ${value.sql} IS NULL THEN NULL WHEN regexp_full_match(${value.sql}, '${form.pattern}') THEN ${safe ? `TRY(${parsed})` : parsed} ELSE ${otherwise} END`,
    );
  }
  const path = `${from.base}>${to.base}`;
  switch (path) {
    case 'FLOAT64>INT64':
    case 'NUMERIC>INT64':
    case 'BIGNUMERIC>INT64':
      return cast(`round(${value.sql})`);
    case 'FLOAT64>NUMERIC':
    case 'FLOAT64>BIGNUMERIC':
    case 'BIGNUMERIC>NUMERIC':
    case 'INT64>FLOAT64':
    case 'INT64>NUMERIC':
    case 'INT64>BIGNUMERIC':
    case 'NUMERIC>FLOAT64':
    case 'NUMERIC>BIGNUMERIC':
    case 'BIGNUMERIC>FLOAT64':
    case 'BOOL>INT64':
    case 'INT64>BOOL':
    case 'DATE>DATETIME':
    case 'DATETIME>DATE':
    case 'TIMESTAMP>DATE':
    case 'DATETIME>TIME':
      return cast(value.sql);
    case 'TIMESTAMP>DATETIME':
      return done(`timezone('UTC', ${value.sql})`);
    case 'TIMESTAMP>TIME':
      return done(`CAST(timezone('UTC', ${value.sql}) AS TIME)`);
    case 'DATETIME>TIMESTAMP':
      return done(`timezone('UTC', ${value.sql})`);
    case 'DATE>TIMESTAMP':
      return done(`timezone('UTC', CAST(${value.sql} AS TIMESTAMP))`);
    case 'INT64>STRING':
    case 'BOOL>STRING':
    case 'DATE>STRING':
      return done(`CAST(${value.sql} AS VARCHAR)`);
    case 'FLOAT64>STRING':
      return done(`tw_float_text(${value.sql})`);
    case 'NUMERIC>STRING':
    case 'BIGNUMERIC>STRING':
      return done(`tw_decimal_text(${value.sql})`);
    case 'DATETIME>STRING':
    case 'TIME>STRING':
      return done(`tw_seconds_text(CAST(${value.sql} AS VARCHAR))`);
    case 'TIMESTAMP>STRING':
      return done(`tw_seconds_text(CAST(timezone('UTC', ${value.sql}) AS VARCHAR)) || '+00'`);
    case 'STRING>BYTES':
      return done(`encode(${value.sql})`);
    case 'BYTES>STRING':
      return done(safe ? `TRY(decode(${value.sql}))` : `decode(${value.sql})`);
  }
  if (from.base === 'ARRAY' && to.base === 'ARRAY') {
    const element = castTo({ sql: 'tw_x', type: from.element }, to.element, safe, at);
    return done(`list_transform(${value.sql}, lambda tw_x: ${element.sql})`);
  }
  if (
    from.base === 'STRUCT' &&
    to.base === 'STRUCT' &&
    from.fields.length === to.fields.length &&
    from.fields.every((f, i) => coerces(f.type, to.fields[i]?.type ?? f.type))
  ) {
    const members = to.fields.map(
      (f, i) =>
        `"${f.name}" := ${castTo({ sql: `struct_extract_at(${value.sql}, ${i + 1})`, type: from.fields[i]?.type ?? f.type }, f.type, safe, at).sql}`,
    );
    return done(`struct_pack(${members.join(', ')})`);
  }
  throw new SqlError(`Invalid cast from ${typeText(from)} to ${typeText(to)}`, at);
}

const fromText = new Set(['DATE', 'DATETIME', 'TIMESTAMP', 'TIME', 'BYTES']);

/** Whether `value` may stand where `to` is wanted: by coercion, or as a literal that takes the type of its place. */
export function fits(value: Expr, to: SqlType): boolean {
  if (coerces(value.type, to)) return true;
  if (value.text !== undefined) return fromText.has(to.base);
  // A float literal may stand for a NUMERIC; an integer literal for anything numeric (which `coerces` says already).
  return (
    value.constant === true &&
    value.type.base === 'FLOAT64' &&
    (to.base === 'NUMERIC' || to.base === 'BIGNUMERIC')
  );
}

/** `value` as `to`, which it must fit. */
export function coerceTo(value: Expr, to: SqlType, at: Position | null): Expr {
  if (!fits(value, to))
    throw unsupported(`using ${typeText(value.type)} where ${typeText(to)} is wanted`, at);
  return castTo(value, to, false, at);
}
