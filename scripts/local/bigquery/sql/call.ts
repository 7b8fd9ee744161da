/** Function calls: scalar, aggregate, window; `SAFE.` prefixes; the forms with syntax of their own (EXTRACT, …, INTERVAL). */
import { aggregates, windowOnly } from './aggregates.ts';
import type { AggregateParts } from './aggregates.ts';
import type { Cursor } from './cursor.ts';
import { dateFunctions } from './date-functions.ts';
import { datePart } from './date-parts.ts';
import { functions } from './functions.ts';
import type { Env, Expr, Scope } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';

type Parse = (cursor: Cursor, env: Env, scope: Scope) => Expr;

const scalar: typeof functions = { ...functions, ...dateFunctions };

/** Whether a function call starts at the cursor. */
export function isFunction(cursor: Cursor): boolean {
  return cursor.isOp('(', 1) || (cursor.isWord('SAFE') && cursor.isOp('.', 1) && cursor.isOp('(', 3));
}

export function callFunction(cursor: Cursor, env: Env, scope: Scope, parse: Parse): Expr {
  const at = cursor.at;
  const safe = cursor.isWord('SAFE') && cursor.isOp('.', 1);
  if (safe) cursor.index += 2;
  const name = cursor.next().text.toUpperCase();
  cursor.needOp('(');
  if (name === 'EXTRACT') return extract(cursor, env, scope, parse);
  const aggregate = aggregates[name] ?? windowOnly[name];
  if (aggregate !== undefined && !safe) return callAggregate(name, cursor, env, scope, parse);
  const call = scalar[name];
  if (call === undefined) throw unsupported(`the function ${name}`, at);
  const args: Expr[] = [];
  let part: string | undefined;
  if (!cursor.isOp(')'))
    do {
      if (cursor.acceptWord('INTERVAL')) {
        args.push(parse(cursor, env, scope));
        part = datePart(cursor);
      } else if (call.takesPart === true && args.length === call.partAt) {
        part = datePart(cursor);
        args.push({ sql: '', type: { base: 'NULL' } });
      } else if (cursor.peek().kind === 'name' && cursor.isOp('=>', 1)) {
        // The one named argument in the list: it only says how numbers too wide for a double are kept.
        if (cursor.next().text.toLowerCase() !== 'wide_number_mode') throw unsupported('named arguments', at);
        cursor.needOp('=>');
        cursor.needString();
      } else args.push(parse(cursor, env, scope));
    } while (cursor.acceptOp(','));
  cursor.needOp(')');
  if (args.length < call.min || args.length > call.max)
    throw new SqlError(
      `Number of arguments does not match for function ${name}: got ${args.length}, wants ${call.min} to ${call.max}`,
      at,
    );
  const result = call.emit(args, { at, part: part ?? '', name });
  if (cursor.isWord('OVER')) throw unsupported(`${name} as a window function`, at);
  if (safe && name === 'PARSE_JSON')
    return { ...result, sql: `(CASE WHEN json_valid(${args[0]?.sql}) THEN json(${args[0]?.sql}) END)` };
  // DuckDB cannot try what raises errors of its own making.
  if (safe && /\berror\(|\btw_/.test(result.sql)) throw unsupported(`SAFE.${name}`, at);
  // TRY answers NULL where the expression inside fails, which is what SAFE. means.
  return safe ? { ...result, sql: `TRY(${result.sql})` } : result;
}

function extract(cursor: Cursor, env: Env, scope: Scope, parse: Parse): Expr {
  const at = cursor.at;
  const part = datePart(cursor);
  cursor.needWord('FROM');
  const value = parse(cursor, env, scope);
  let zone: Expr | null = null;
  if (cursor.acceptWord('AT', 'TIME', 'ZONE')) zone = parse(cursor, env, scope);
  cursor.needOp(')');
  const call = scalar['EXTRACT'];
  if (call === undefined) throw unsupported('EXTRACT', at);
  return call.emit(zone === null ? [value] : [value, zone], { at, part, name: 'EXTRACT' });
}

function callAggregate(name: string, cursor: Cursor, env: Env, scope: Scope, parse: Parse): Expr {
  const at = cursor.at;
  const args: Expr[] = [];
  const distinct = cursor.acceptWord('DISTINCT');
  const star = name === 'COUNT' && cursor.acceptOp('*');
  if (!star && !cursor.isOp(')'))
    do args.push(parse(cursor, env, scope));
    while (cursor.acceptOp(','));
  let nulls: AggregateParts['nulls'] = null;
  if (cursor.acceptWord('IGNORE', 'NULLS')) nulls = 'IGNORE';
  else if (cursor.acceptWord('RESPECT', 'NULLS')) nulls = 'RESPECT';
  let having: AggregateParts['having'] = null;
  if (cursor.acceptWord('HAVING')) {
    const which = cursor.acceptWord('MAX') ? 'MAX' : 'MIN';
    if (which === 'MIN') cursor.needWord('MIN');
    having = { which, by: parse(cursor, env, scope) };
  }
  const order = cursor.acceptWord('ORDER', 'BY') ? orderList(cursor, env, scope, parse) : null;
  const limit = cursor.acceptWord('LIMIT') ? cursor.needInt() : null;
  cursor.needOp(')');
  const over = cursor.acceptWord('OVER') ? overClause(cursor, env, scope, parse) : null;
  const definition = over === null ? aggregates[name] : (windowOnly[name] ?? aggregates[name]);
  if (definition === undefined)
    throw new SqlError(`Analytic function ${name} cannot be called without an OVER clause`, at);
  return definition(args, { name, at, star, distinct, nulls, having, order, limit, over });
}

function overClause(cursor: Cursor, env: Env, scope: Scope, parse: Parse): string {
  cursor.needOp('(');
  const parts: string[] = [];
  if (cursor.acceptWord('PARTITION', 'BY')) {
    const keys: string[] = [];
    do keys.push(parse(cursor, env, scope).sql);
    while (cursor.acceptOp(','));
    parts.push(`PARTITION BY ${keys.join(', ')}`);
  }
  if (cursor.acceptWord('ORDER', 'BY')) parts.push(`ORDER BY ${orderList(cursor, env, scope, parse)}`);
  const unit = ['ROWS', 'RANGE'].find((word) => cursor.acceptWord(word));
  if (unit !== undefined) {
    const bound = (): string => {
      if (cursor.acceptWord('UNBOUNDED', 'PRECEDING')) return 'UNBOUNDED PRECEDING';
      if (cursor.acceptWord('UNBOUNDED', 'FOLLOWING')) return 'UNBOUNDED FOLLOWING';
      if (cursor.acceptWord('CURRENT', 'ROW')) return 'CURRENT ROW';
      const distance = parse(cursor, env, scope).sql;
      if (cursor.acceptWord('PRECEDING')) return `${distance} PRECEDING`;
      cursor.needWord('FOLLOWING');
      return `${distance} FOLLOWING`;
    };
    if (cursor.acceptWord('BETWEEN')) {
      const from = bound();
      cursor.needWord('AND');
      parts.push(`${unit} BETWEEN ${from} AND ${bound()}`);
    } else parts.push(`${unit} ${bound()}`);
  }
  cursor.needOp(')');
  return `(${parts.join(' ')})`;
}

/** An ORDER BY list. GoogleSQL sorts NULLs first ascending and last descending; said explicitly, since DuckDB's default differs. */
export function orderList(cursor: Cursor, env: Env, scope: Scope, parse: Parse): string {
  const keys: string[] = [];
  do keys.push(`${parse(cursor, env, scope).sql} ${direction(cursor)}`);
  while (cursor.acceptOp(','));
  return keys.join(', ');
}

export function direction(cursor: Cursor): string {
  const down = cursor.acceptWord('DESC');
  if (!down) cursor.acceptWord('ASC');
  if (cursor.acceptWord('NULLS', 'FIRST')) return down ? 'DESC NULLS FIRST' : 'ASC NULLS FIRST';
  if (cursor.acceptWord('NULLS', 'LAST')) return down ? 'DESC NULLS LAST' : 'ASC NULLS LAST';
  return down ? 'DESC NULLS LAST' : 'ASC NULLS FIRST';
}
