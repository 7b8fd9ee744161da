import type { ColumnType } from '../column.ts';
import { TerminalError } from '../errors.ts';

/** What a role's column is cast to. */
export type Meaning = 'key' | 'text' | 'time' | 'number';

/** A typed expression. `what` names it in errors: `lines.CustomerID (customer)`. */
export interface Typed {
  readonly sql: string;
  readonly type: ColumnType;
  readonly what: string;
}

/**
 * GoogleSQL for `value` with the type its meaning asks for: key and text STRING, time TIMESTAMP, number FLOAT64.
 * What does not fit becomes NULL, which cleaning then counts; blank text is NULL.
 * @throws TerminalError `column-unsuitable` where the column's type cannot carry the meaning.
 */
export function cast(value: Typed, meaning: Meaning): string {
  return CASTS[meaning](value);
}

/** GoogleSQL that is true where `value` holds nothing: NULL, or text of spaces alone. */
export function isBlank({ sql, type }: Typed): string {
  return type === 'STRING' ? `${sql} IS NULL OR TRIM(${sql}) = ''` : `${sql} IS NULL`;
}

const CASTS: Readonly<Record<Meaning, (value: Typed) => string>> = {
  key: keyOf,
  text: (value) => (value.type === 'BYTES' ? unsuitable(value, 'text') : keyOf(value)),
  time: timeOf,
  number: numberOf,
};

/** An id as text: 17850, 17850.0 and NUMERIC '17850' are all '17850'. */
function keyOf(value: Typed): string {
  const { sql, type } = value;
  switch (type) {
    case 'STRING':
      return `NULLIF(TRIM(${sql}), '')`;
    case 'FLOAT64':
      // Beyond 2^53 a FLOAT64 tells no two neighbouring ids apart, so it is left as it prints.
      return `IF(ABS(${sql}) < 9007199254740992 AND ${sql} = FLOOR(${sql}), CAST(SAFE_CAST(${sql} AS INT64) AS STRING), CAST(${sql} AS STRING))`;
    case 'BYTES':
      return `NULLIF(TO_HEX(${sql}), '')`;
    case 'JSON':
      return unsuitable(value, 'key');
    default:
      return `CAST(${sql} AS STRING)`;
  }
}

function timeOf(value: Typed): string {
  const { sql, type } = value;
  switch (type) {
    case 'TIMESTAMP':
      return sql;
    case 'DATE':
    case 'DATETIME':
      return `TIMESTAMP(${sql})`;
    case 'STRING':
      return `SAFE_CAST(TRIM(${sql}) AS TIMESTAMP)`;
    default:
      return unsuitable(value, 'time');
  }
}

function numberOf(value: Typed): string {
  const { sql, type } = value;
  switch (type) {
    case 'FLOAT64':
      return finite(sql);
    case 'INT64':
    case 'NUMERIC':
    case 'BIGNUMERIC':
      return `CAST(${sql} AS FLOAT64)`;
    case 'STRING':
      return finite(`SAFE_CAST(TRIM(${sql}) AS FLOAT64)`);
    default:
      return unsuitable(value, 'number');
  }
}

/** NaN and infinity are no quantities. */
function finite(sql: string): string {
  return `IF(IS_NAN(${sql}) OR IS_INF(${sql}), NULL, ${sql})`;
}

const WANTED: Readonly<Record<Meaning, string>> = {
  key: 'any type but JSON',
  text: 'any type but JSON and BYTES',
  time: 'TIMESTAMP, DATETIME, DATE, or STRING in ISO 8601',
  number: 'a number, or STRING with numbers',
};

function unsuitable(value: Typed, meaning: Meaning): never {
  throw new TerminalError('column-unsuitable', `The column ${value.what} is ${value.type}.`, {
    remedy: `Choose a column that is ${WANTED[meaning]}.`,
  });
}
