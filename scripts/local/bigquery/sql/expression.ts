/** Expressions: precedence climbing over the allow-list, answering DuckDB text and the GoogleSQL type. */
import { callFunction, isFunction } from './call.ts';
import { parseBits } from './bits.ts';
import { castTo, coerceTo, fits } from './cast.ts';
import { commonType } from './common-type.ts';
import type { Cursor } from './cursor.ts';
import { literal, parameter } from './literal.ts';
import { arithmetic, compare } from './operators.ts';
import { emptyScope, resolve, rowExpr } from './scope.ts';
import type { Env, Expr, Scope } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { parseType } from './type-parser.ts';
import { duckType, quoteText, quoteName, sameType, scalarNamed, superType, typeText } from './types.ts';
import type { SqlType } from './types.ts';

const bool = { base: 'BOOL' } as const;

/** Parses one expression at the cursor. */
export function parseExpression(cursor: Cursor, env: Env, scope: Scope): Expr {
  return parseOr(cursor, env, scope);
}

function needBool(expr: Expr, operator: string, cursor: Cursor): Expr {
  if (expr.type.base === 'BOOL' || expr.type.base === 'NULL') return expr;
  throw new SqlError(
    `No matching signature for operator ${operator} for argument type: ${typeText(expr.type)}`,
    cursor.at,
  );
}

function parseOr(cursor: Cursor, env: Env, scope: Scope): Expr {
  let left = parseAnd(cursor, env, scope);
  while (cursor.acceptWord('OR')) {
    const right = parseAnd(cursor, env, scope);
    left = {
      sql: `(${needBool(left, 'OR', cursor).sql} OR ${needBool(right, 'OR', cursor).sql})`,
      type: bool,
    };
  }
  return left;
}

function parseAnd(cursor: Cursor, env: Env, scope: Scope): Expr {
  let left = parseNot(cursor, env, scope);
  while (cursor.acceptWord('AND')) {
    const right = parseNot(cursor, env, scope);
    left = {
      sql: `(${needBool(left, 'AND', cursor).sql} AND ${needBool(right, 'AND', cursor).sql})`,
      type: bool,
    };
  }
  return left;
}

function parseNot(cursor: Cursor, env: Env, scope: Scope): Expr {
  if (!cursor.acceptWord('NOT')) return parseComparison(cursor, env, scope);
  return { sql: `(NOT ${needBool(parseNot(cursor, env, scope), 'NOT', cursor).sql})`, type: bool };
}

function parseComparison(cursor: Cursor, env: Env, scope: Scope): Expr {
  const at = cursor.at;
  const left = parseOperand(cursor, env, scope);
  for (const op of ['<=', '>=', '<>', '!=', '=', '<', '>'])
    if (cursor.acceptOp(op)) return compare(op, left, parseOperand(cursor, env, scope), at);
  if (cursor.acceptWord('IS')) {
    const not = cursor.acceptWord('NOT') ? 'NOT ' : '';
    if (cursor.acceptWord('DISTINCT', 'FROM')) {
      const [a, b] = unify([left, parseOperand(cursor, env, scope)], 'IS DISTINCT FROM', cursor);
      return { sql: `(${a?.sql} IS ${not}DISTINCT FROM ${b?.sql})`, type: bool };
    }
    for (const word of ['NULL', 'TRUE', 'FALSE'])
      if (cursor.acceptWord(word)) return { sql: `(${left.sql} IS ${not}${word})`, type: bool };
    throw cursor.unexpected('Expected NULL, TRUE or FALSE');
  }
  const not = cursor.acceptWord('NOT') ? 'NOT ' : '';
  if (cursor.acceptWord('BETWEEN')) {
    const low = parseOperand(cursor, env, scope);
    cursor.needWord('AND');
    const high = parseOperand(cursor, env, scope);
    return {
      sql: `(${not}(${compare('>=', left, low, at).sql} AND ${compare('<=', left, high, at).sql}))`,
      type: bool,
    };
  }
  if (cursor.acceptWord('LIKE')) {
    const pattern = parseOperand(cursor, env, scope);
    if (left.type.base !== 'STRING' || pattern.type.base !== 'STRING')
      throw unsupported('LIKE on anything but STRING', at);
    return { sql: `(${not}(${left.sql} LIKE ${pattern.sql} ESCAPE '\\'))`, type: bool };
  }
  if (cursor.acceptWord('IN')) return parseIn(cursor, env, scope, left, not);
  if (not !== '') throw cursor.unexpected('Expected BETWEEN, LIKE or IN');
  return left;
}

function parseIn(cursor: Cursor, env: Env, scope: Scope, left: Expr, not: string): Expr {
  const at = cursor.at;
  if (cursor.acceptWord('UNNEST')) {
    cursor.needOp('(');
    const list = parseExpression(cursor, env, scope);
    cursor.needOp(')');
    if (list.type.base !== 'ARRAY')
      throw new SqlError(`Second argument of IN UNNEST must be an array but was ${typeText(list.type)}`, at);
    // Three-valued: `list_contains` alone would answer false for NULL.
    const wanted = coerceTo(left, superType([left.type, list.type.element]) ?? left.type, at);
    return { sql: `(${not}(${wanted.sql} IN (SELECT unnest(${list.sql}))))`, type: bool };
  }
  cursor.needOp('(');
  if (cursor.isWord('SELECT') || cursor.isWord('WITH')) {
    const query = env.query(cursor, env, emptyScope(scope));
    cursor.needOp(')');
    const [column, more] = query.columns;
    if (column === undefined || more !== undefined)
      throw new SqlError('Subquery of type IN must have only one output column', at);
    compare('=', left, { sql: '', type: column.type }, at);
    return { sql: `(${not}(${left.sql} IN (${query.sql})))`, type: bool };
  }
  const items: Expr[] = [];
  do items.push(parseExpression(cursor, env, scope));
  while (cursor.acceptOp(','));
  cursor.needOp(')');
  const typed = items.map((item) =>
    fits(item, left.type) && !sameType(item.type, left.type) ? coerceTo(item, left.type, at) : item,
  );
  for (const item of typed) compare('=', left, item, at);
  return { sql: `(${not}(${left.sql} IN (${typed.map((i) => i.sql).join(', ')})))`, type: bool };
}

/** What comparisons are between. */
function parseOperand(cursor: Cursor, env: Env, scope: Scope): Expr {
  return parseBits(cursor, () => parseAdditive(cursor, env, scope));
}

function parseAdditive(cursor: Cursor, env: Env, scope: Scope): Expr {
  let left = parseMultiplicative(cursor, env, scope);
  for (;;) {
    const at = cursor.at;
    const op = ['+', '-'].find((candidate) => cursor.acceptOp(candidate));
    if (op === undefined) return left;
    left = arithmetic(op, left, parseMultiplicative(cursor, env, scope), at);
  }
}

function parseMultiplicative(cursor: Cursor, env: Env, scope: Scope): Expr {
  let left = parseUnary(cursor, env, scope);
  for (;;) {
    const at = cursor.at;
    const op = ['*', '/', '||'].find((candidate) => cursor.acceptOp(candidate));
    if (op === undefined) return left;
    left = arithmetic(op, left, parseUnary(cursor, env, scope), at);
  }
}

function parseUnary(cursor: Cursor, env: Env, scope: Scope): Expr {
  if (cursor.acceptOp('+')) return parseUnary(cursor, env, scope);
  if (!cursor.acceptOp('-')) return parsePostfix(cursor, env, scope);
  // The smallest INT64 has no positive counterpart, so the sign belongs to the literal.
  const token = cursor.peek();
  if (token.kind === 'int') {
    cursor.next();
    return { sql: `CAST(-${token.text} AS BIGINT)`, type: { base: 'INT64' }, constant: true };
  }
  const value = parseUnary(cursor, env, scope);
  return { ...value, sql: `(-${value.sql})` };
}

function parsePostfix(cursor: Cursor, env: Env, scope: Scope): Expr {
  let value = parsePrimary(cursor, env, scope);
  for (;;) {
    const at = cursor.at;
    if (cursor.acceptOp('.')) {
      value = fieldOf(value, cursor.needName(true), cursor);
    } else if (cursor.acceptOp('[')) {
      const word = ['SAFE_OFFSET', 'SAFE_ORDINAL', 'OFFSET', 'ORDINAL'].find((candidate) =>
        cursor.acceptWord(candidate),
      );
      if (word === undefined) throw unsupported('array access without OFFSET or ORDINAL', at);
      cursor.needOp('(');
      const index = parseExpression(cursor, env, scope);
      cursor.needOp(')');
      cursor.needOp(']');
      if (value.type.base !== 'ARRAY')
        throw new SqlError(`Element access using [${word}] is not supported on ${typeText(value.type)}`, at);
      const macro = word.startsWith('SAFE_') ? 'tw_element_or_null' : 'tw_element';
      value = {
        sql: `${macro}(${value.sql}, ${index.sql}${word.endsWith('OFFSET') ? ' + 1' : ''})`,
        type: value.type.element,
      };
    } else return value;
  }
}

function fieldOf(value: Expr, name: string, cursor: Cursor): Expr {
  const field =
    value.type.base === 'STRUCT'
      ? value.type.fields.find((f) => f.name.toLowerCase() === name.toLowerCase())
      : undefined;
  if (field === undefined)
    throw new SqlError(`Cannot access field ${name} on a value with type ${typeText(value.type)}`, cursor.at);
  return { sql: `struct_extract(${value.sql}, ${quoteText(field.name)})`, type: field.type };
}

function parsePrimary(cursor: Cursor, env: Env, scope: Scope): Expr {
  const token = cursor.peek();
  if (cursor.atEnd) throw cursor.unexpected('Expected an expression');
  if (token.kind === 'string' || token.kind === 'bytes' || token.kind === 'int' || token.kind === 'float')
    return literal(cursor);
  if (token.kind === 'param') return parameter(cursor, env);
  if (cursor.isOp('(')) return bracket(cursor, env, scope);
  if (cursor.isOp('[') || cursor.isWord('ARRAY')) return arrayValue(cursor, env, scope);
  if (token.kind === 'name') {
    const word = token.text.toUpperCase();
    if (word === 'NULL' && cursor.acceptWord('NULL'))
      return { sql: 'NULL', type: { base: 'NULL' }, constant: true };
    if ((word === 'TRUE' || word === 'FALSE') && cursor.acceptWord(word))
      return { sql: word, type: bool, constant: true };
    if (word === 'CASE') return parseCase(cursor, env, scope);
    if (word === 'CAST' || word === 'SAFE_CAST') return parseCast(cursor, env, scope, word === 'SAFE_CAST');
    if (word === 'EXISTS' && cursor.acceptWord('EXISTS')) {
      cursor.needOp('(');
      const query = env.query(cursor, env, emptyScope(scope));
      cursor.needOp(')');
      return { sql: `EXISTS (${query.sql})`, type: bool };
    }
    if (word === 'STRUCT') return structValue(cursor, env, scope);
    const typed = scalarNamed(word);
    if (typed !== null && cursor.peek(1).kind === 'string') {
      cursor.next();
      const text = cursor.needString();
      if (typed === 'JSON') return { sql: `json(${quoteText(text)})`, type: { base: 'JSON' } };
      return {
        ...castTo({ sql: quoteText(text), type: { base: 'STRING' } }, { base: typed }, false, token.at),
        constant: true,
      };
    }
    if (isFunction(cursor)) return callFunction(cursor, env, scope, parseExpression);
  }
  return path(cursor, scope);
}

function bracket(cursor: Cursor, env: Env, scope: Scope): Expr {
  const at = cursor.at;
  cursor.needOp('(');
  if (cursor.isWord('SELECT') || cursor.isWord('WITH')) {
    const query = env.query(cursor, env, emptyScope(scope));
    cursor.needOp(')');
    const [column, more] = query.columns;
    if (column === undefined || more !== undefined)
      throw new SqlError(
        'Scalar subquery cannot have more than one column unless using SELECT AS STRUCT',
        at,
      );
    return { sql: `(${query.sql})`, type: column.type };
  }
  const items = [parseExpression(cursor, env, scope)];
  while (cursor.acceptOp(',')) items.push(parseExpression(cursor, env, scope));
  cursor.needOp(')');
  const first = items[0];
  if (first !== undefined && items.length === 1) return first;
  throw unsupported('a tuple (a, b); use STRUCT(a AS x, b AS y)', at);
}

function arrayValue(cursor: Cursor, env: Env, scope: Scope): Expr {
  const at = cursor.at;
  let wanted: SqlType | null = null;
  if (cursor.acceptWord('ARRAY')) {
    if (cursor.acceptOp('(')) {
      const query = env.query(cursor, env, emptyScope(scope));
      cursor.needOp(')');
      const [column, more] = query.columns;
      if (column === undefined || more !== undefined)
        throw new SqlError(
          'ARRAY subquery cannot have more than one column unless using SELECT AS STRUCT',
          at,
        );
      return { sql: `ARRAY(${query.sql})`, type: { base: 'ARRAY', element: column.type } };
    }
    cursor.needOp('<');
    wanted = parseType(cursor);
    cursor.needOp('>');
  }
  cursor.needOp('[');
  const items: Expr[] = [];
  if (!cursor.isOp(']'))
    do items.push(parseExpression(cursor, env, scope));
    while (cursor.acceptOp(','));
  cursor.needOp(']');
  const element: SqlType | null = wanted ?? superType(items.map((i) => i.type));
  if (element === null)
    throw new SqlError(
      `Array elements of types {${items.map((i) => typeText(i.type)).join(', ')}} do not have a common supertype`,
      at,
    );
  const values = items.map((item) => coerceTo(item, element, at).sql);
  return { sql: `CAST([${values.join(', ')}] AS ${duckType(element)}[])`, type: { base: 'ARRAY', element } };
}

function structValue(cursor: Cursor, env: Env, scope: Scope): Expr {
  cursor.needWord('STRUCT');
  if (cursor.isOp('<'))
    throw unsupported('STRUCT<…>(…); name the fields as STRUCT(value AS name)', cursor.at);
  cursor.needOp('(');
  const fields: { name: string; type: SqlType; sql: string }[] = [];
  do {
    const start = cursor.index;
    const value = parseExpression(cursor, env, scope);
    const last = cursor.tokens[cursor.index - 1];
    const isPath = last?.kind === 'name' || last?.kind === 'quoted';
    const name = cursor.acceptWord('AS')
      ? cursor.needName()
      : isPath && cursor.index > start
        ? last.text
        : null;
    if (name === null) throw unsupported('a STRUCT field without a name; write value AS name', cursor.at);
    fields.push({ name, type: value.type, sql: value.sql });
  } while (cursor.acceptOp(','));
  cursor.needOp(')');
  const members = fields.map((f) => `${quoteName(f.name)} := ${f.sql}`);
  return {
    sql: `struct_pack(${members.join(', ')})`,
    type: { base: 'STRUCT', fields: fields.map(({ name, type }) => ({ name, type })) },
  };
}

function parseCase(cursor: Cursor, env: Env, scope: Scope): Expr {
  const at = cursor.at;
  cursor.needWord('CASE');
  const subject = cursor.isWord('WHEN') ? null : parseExpression(cursor, env, scope);
  const conditions: string[] = [];
  const results: Expr[] = [];
  while (cursor.acceptWord('WHEN')) {
    const when = parseExpression(cursor, env, scope);
    conditions.push(
      subject === null ? needBool(when, 'CASE', cursor).sql : compare('=', subject, when, at).sql,
    );
    cursor.needWord('THEN');
    results.push(parseExpression(cursor, env, scope));
  }
  if (cursor.acceptWord('ELSE')) results.push(parseExpression(cursor, env, scope));
  cursor.needWord('END');
  const typed = unify(results, 'CASE', cursor);
  const branches = conditions.map((condition, i) => `WHEN ${condition} THEN ${typed[i]?.sql}`);
  const otherwise = results.length > conditions.length ? ` ELSE ${typed.at(-1)?.sql}` : '';
  return { sql: `(CASE ${branches.join(' ')}${otherwise} END)`, type: typed[0]?.type ?? { base: 'NULL' } };
}

/** All of `values` in the one type they have in common. */
function unify(values: readonly Expr[], what: string, cursor: Cursor): Expr[] {
  const type = commonType(values);
  if (type === null)
    throw new SqlError(
      `No matching signature for ${what} for argument types: ${values.map((v) => typeText(v.type)).join(', ')}`,
      cursor.at,
    );
  return values.map((value) => coerceTo(value, type, cursor.at));
}

function parseCast(cursor: Cursor, env: Env, scope: Scope, safe: boolean): Expr {
  const at = cursor.next().at;
  cursor.needOp('(');
  const value = parseExpression(cursor, env, scope);
  cursor.needWord('AS');
  const type = parseType(cursor);
  if (cursor.isWord('FORMAT')) throw unsupported('CAST with FORMAT', cursor.at);
  cursor.needOp(')');
  return castTo(value, type, safe, at);
}

/** A column, a table alias or a field path. */
function path(cursor: Cursor, scope: Scope): Expr {
  const at = cursor.at;
  const name = cursor.needName();
  if (cursor.isOp('(')) throw unsupported(`the function ${name.toUpperCase()}`, at);
  const found = resolve(scope, name, at);
  if (found === null) throw new SqlError(`Unrecognized name: ${name}`, at);
  if ('expr' in found) return found.expr;
  if (found.relation.value === true || !cursor.isOp('.')) return rowExpr(found.relation);
  cursor.needOp('.');
  const member = cursor.needName(true);
  const column = found.relation.columns.find((c) => c.name.toLowerCase() === member.toLowerCase());
  if (column === undefined) throw new SqlError(`Name ${member} not found inside ${name}`, at);
  return {
    sql: column.sql ?? `${quoteName(found.relation.alias)}.${quoteName(column.name)}`,
    type: column.type,
  };
}
