/** Literals and parameters as expressions. */
import type { Cursor } from './cursor.ts';
import type { Env, Expr } from './scope.ts';
import { SqlError } from './sql-error.ts';
import { quoteText } from './types.ts';

/** The literal at the cursor: a string, bytes, integer or float token. */
export function literal(cursor: Cursor): Expr {
  const token = cursor.next();
  switch (token.kind) {
    case 'string':
      return { sql: quoteText(token.text), type: { base: 'STRING' }, text: token.text, constant: true };
    case 'bytes':
      return { sql: `from_hex('${token.text}')`, type: { base: 'BYTES' }, constant: true };
    case 'int':
      if (BigInt(token.text) > 9223372036854775807n)
        throw new SqlError(`Invalid integer literal: ${token.text}`, token.at);
      return { sql: `CAST(${token.text} AS BIGINT)`, type: { base: 'INT64' }, constant: true };
    default:
      return { sql: `CAST('${token.text}' AS DOUBLE)`, type: { base: 'FLOAT64' }, constant: true };
  }
}

/** The parameter at the cursor; an error where no value was given for it. */
export function parameter(cursor: Cursor, env: Env): Expr {
  const token = cursor.next();
  const value =
    token.text === '?' ? env.positional[env.used.positional++] : env.params.get(token.text.toLowerCase());
  if (value === undefined)
    throw new SqlError(
      `Query parameter ${token.text === '?' ? 'for a positional "?"' : `'${token.text}'`} not found`,
      token.at,
    );
  return value;
}
