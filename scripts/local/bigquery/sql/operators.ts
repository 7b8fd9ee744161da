/** `+ - * / ||` and the comparisons, decided by the operands' types. */
import { castTo, coerceTo, fits } from './cast.ts';
import type { Expr } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import type { Position } from './sql-error.ts';
import { isNumber, superType, typeText } from './types.ts';
import type { SqlType } from './types.ts';

function mismatch(op: string, left: Expr, right: Expr, at: Position): SqlError {
  return new SqlError(
    `No matching signature for operator ${op} for argument types: ${typeText(left.type)}, ${typeText(right.type)}`,
    at,
  );
}

/** A float literal beside a NUMERIC is a NUMERIC; any other value is left as it is. Parameters and casts are no literals. */
function literalBeside(value: Expr, other: Expr): Expr {
  if (other.type.base !== 'NUMERIC' && other.type.base !== 'BIGNUMERIC') return value;
  const text = /^CAST\('([\d.eE+-]+)' AS DOUBLE\)$/.exec(value.sql)?.[1];
  if (text === undefined) return value;
  return castTo({ sql: `'${text}'`, type: { base: 'STRING' } }, other.type, false, null);
}

/** `left op right` for `+ - * / ||`. Division by zero and overflow are errors, as in BigQuery. */
export function arithmetic(op: string, leftGiven: Expr, rightGiven: Expr, at: Position): Expr {
  const [left, right] = [literalBeside(leftGiven, rightGiven), literalBeside(rightGiven, leftGiven)];
  if (op === '||') {
    if (left.type.base === 'ARRAY' && right.type.base === 'ARRAY')
      return { sql: `list_concat(${left.sql}, ${right.sql})`, type: left.type };
    if (left.type.base !== 'STRING' || right.type.base !== 'STRING') throw mismatch(op, left, right, at);
    return { sql: `(${left.sql} || ${right.sql})`, type: { base: 'STRING' } };
  }
  if (left.type.base === 'DATE' && right.type.base === 'INT64' && (op === '+' || op === '-'))
    return { sql: `(${left.sql} ${op} CAST(${right.sql} AS INTEGER))`, type: { base: 'DATE' } };
  const common = superType([left.type, right.type]);
  if (common === null || !(isNumber(common) || common.base === 'NULL')) throw mismatch(op, left, right, at);
  if (common.base === 'NULL') return { sql: 'CAST(NULL AS BIGINT)', type: { base: 'INT64' } };
  if (op === '/') return divide(left, right, common, at);
  const [a, b] = [castTo(left, common, false, at).sql, castTo(right, common, false, at).sql];
  if (op !== '*' || common.base === 'INT64' || common.base === 'FLOAT64')
    return { sql: `(${a} ${op} ${b})`, type: common };
  if (common.base === 'BIGNUMERIC')
    throw unsupported('multiplication of BIGNUMERIC; cast to NUMERIC or FLOAT64', at);
  // An integer factor keeps the other's scale; two NUMERICs have 18 digits after the point, which NUMERIC rounds to 9.
  if (left.type.base === 'INT64') return { sql: `(CAST(${left.sql} AS DECIMAL(19,0)) * ${b})`, type: common };
  if (right.type.base === 'INT64')
    return { sql: `(${a} * CAST(${right.sql} AS DECIMAL(19,0)))`, type: common };
  return { sql: `CAST(round(${a} * ${b}, 9) AS DECIMAL(38,9))`, type: common };
}

function divide(left: Expr, right: Expr, common: SqlType, at: Position): Expr {
  if (common.base === 'NUMERIC')
    return {
      sql: `tw_numeric_divide(${castTo(left, common, false, at).sql}, ${castTo(right, common, false, at).sql})`,
      type: common,
    };
  if (common.base === 'BIGNUMERIC')
    throw unsupported('division of BIGNUMERIC; cast to NUMERIC or FLOAT64', at);
  const float: SqlType = { base: 'FLOAT64' };
  return {
    sql: `tw_divide(${castTo(left, float, false, at).sql}, ${castTo(right, float, false, at).sql})`,
    type: float,
  };
}

/** `left op right` for the comparisons; a string literal beside a DATE or TIMESTAMP is read as one. */
export function compare(op: string, left: Expr, right: Expr, at: Position): Expr {
  const type: SqlType = { base: 'BOOL' };
  let [a, b] = [literalBeside(left, right), literalBeside(right, left)];
  if (a.text !== undefined && b.type.base !== 'STRING' && fits(a, b.type)) a = coerceTo(a, b.type, at);
  else if (b.text !== undefined && a.type.base !== 'STRING' && fits(b, a.type)) b = coerceTo(b, a.type, at);
  const common = superType([a.type, b.type]);
  if (common === null || common.base === 'JSON') throw mismatch(op, left, right, at);
  if (common.base === 'ARRAY' || (common.base === 'STRUCT' && op !== '=' && op !== '!=' && op !== '<>'))
    throw mismatch(op, left, right, at);
  if (common.base === 'NULL') return { sql: 'CAST(NULL AS BOOLEAN)', type };
  // DuckDB says NaN = NaN and sorts it last; GoogleSQL's comparisons with NaN are false.
  if (common.base === 'FLOAT64')
    return {
      sql: floatCompare(op, castTo(a, common, false, at).sql, castTo(b, common, false, at).sql, a, b),
      type,
    };
  return {
    sql: `(${a.type.base === 'NULL' ? 'NULL' : castTo(a, common, false, at).sql} ${op} ${castTo(b, common, false, at).sql})`,
    type,
  };
}

function floatCompare(op: string, a: string, b: string, left: Expr, right: Expr): string {
  const plain = `(${a} ${op} ${b})`;
  const checks = [
    ...(left.constant === true || left.type.base !== 'FLOAT64' ? [] : [`isnan(${a})`]),
    ...(right.constant === true || right.type.base !== 'FLOAT64' ? [] : [`isnan(${b})`]),
  ];
  if (checks.length === 0) return plain;
  const nan = op === '!=' || op === '<>' ? 'TRUE' : 'FALSE';
  return `(CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL WHEN ${checks.join(' OR ')} THEN ${nan} ELSE ${plain} END)`;
}
