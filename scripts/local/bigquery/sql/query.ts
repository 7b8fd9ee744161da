/** Query expressions: WITH, SELECT, set operations, ORDER BY, LIMIT. */
import { castTo, coerceTo } from './cast.ts';
import { direction } from './call.ts';
import type { Cursor } from './cursor.ts';
import { parseExpression } from './expression.ts';
import { parseFrom } from './from-clause.ts';
import { columnExpr, emptyScope } from './scope.ts';
import type { Env, Expr, OutputColumn, Query, Relation, Scope } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { quoteName, superType, typeText } from './types.ts';

/** One item of a SELECT list. */
interface Item {
  readonly name: string;
  readonly expr: Expr;
  /** Neither given nor taken from a column. */
  readonly anonymous?: boolean;
}

/** What a single SELECT leaves for the ORDER BY behind it. */
interface Select {
  readonly query: Query;
  readonly order: { readonly scope: Scope; readonly items: readonly Item[] } | null;
}

/** Parses a query expression. `outer` is an empty scope whose parent is what the query may refer to. */
export function parseQuery(cursor: Cursor, env: Env, outer: Scope): Query {
  let ctes = outer.ctes;
  const definitions: string[] = [];
  if (cursor.acceptWord('WITH')) {
    if (cursor.isWord('RECURSIVE')) throw unsupported('WITH RECURSIVE', cursor.at);
    do {
      const at = cursor.at;
      const name = cursor.needName();
      cursor.needWord('AS');
      cursor.needOp('(');
      const query = parseQuery(cursor, env, { ...outer, ctes });
      cursor.needOp(')');
      if (definitions.some((d) => d.startsWith(`${quoteName(`tw_cte_${name.toLowerCase()}`)} AS`)))
        throw new SqlError(`Duplicate alias ${name} for WITH subquery`, at);
      ctes = new Map([...ctes, [name.toLowerCase(), query]]);
      definitions.push(`${quoteName(`tw_cte_${name.toLowerCase()}`)} AS (${query.sql})`);
    } while (cursor.acceptOp(','));
  }
  const scope: Scope = { ...outer, ctes };
  const select = parseSetOperations(cursor, env, scope);
  let sql = select.query.sql;
  if (cursor.acceptWord('ORDER', 'BY')) sql += ` ORDER BY ${parseOrder(cursor, env, scope, select)}`;
  if (cursor.acceptWord('LIMIT')) {
    sql += ` LIMIT ${count(cursor, env, scope)}`;
    if (cursor.acceptWord('OFFSET')) sql += ` OFFSET ${count(cursor, env, scope)}`;
  }
  if (definitions.length > 0) sql = `WITH ${definitions.join(', ')} ${sql}`;
  return { sql, columns: select.query.columns };
}

function count(cursor: Cursor, env: Env, scope: Scope): string {
  const value = parseExpression(cursor, env, scope);
  if (value.constant !== true || value.type.base !== 'INT64')
    throw new SqlError('LIMIT and OFFSET take an integer literal or parameter', cursor.at);
  return value.sql;
}

function parseOrder(cursor: Cursor, env: Env, scope: Scope, select: Select): string {
  const items =
    select.order?.items ??
    select.query.columns.map(({ name, type }) => ({ name, expr: { sql: quoteName(name), type } }));
  const inner = select.order?.scope ?? { ...emptyScope(null), ctes: scope.ctes };
  const named: Scope = { ...inner, aliases: aliasesOf(items) };
  const keys: string[] = [];
  do {
    const position = ordinal(cursor, items);
    keys.push(`${position ?? parseExpression(cursor, env, named).sql} ${direction(cursor)}`);
  } while (cursor.acceptOp(','));
  return keys.join(', ');
}

const aliasesOf = (items: readonly Item[]): Map<string, Expr> =>
  new Map(items.filter((i) => i.anonymous !== true).map((item) => [item.name.toLowerCase(), item.expr]));

/** The position of the item that a bare number or a bare name stands for; null where there is an expression. */
function ordinal(cursor: Cursor, items: readonly Item[]): number | null {
  const token = cursor.peek();
  const after = cursor.peek(1);
  const alone =
    cursor.index + 1 >= cursor.last ||
    (after.kind === 'op' && [',', ')', ';'].includes(after.text)) ||
    (after.kind === 'name' && !/^(AND|OR|NOT|IS|IN|LIKE|BETWEEN)$/i.test(after.text));
  if (!alone) return null;
  if (token.kind === 'int') {
    const position = Number(token.text);
    if (position < 1 || position > items.length)
      throw new SqlError(`ORDER BY or GROUP BY is out of SELECT column number range: ${position}`, token.at);
    cursor.next();
    return position;
  }
  if (token.kind !== 'name' && token.kind !== 'quoted') return null;
  const index = items.findIndex(
    (item) => item.anonymous !== true && item.name.toLowerCase() === token.text.toLowerCase(),
  );
  if (index < 0) return null;
  cursor.next();
  return index + 1;
}

function parseSetOperations(cursor: Cursor, env: Env, scope: Scope): Select {
  let left = parseOperand(cursor, env, scope);
  for (;;) {
    const at = cursor.at;
    const operator = ['UNION ALL', 'UNION DISTINCT', 'INTERSECT DISTINCT', 'EXCEPT DISTINCT'].find((words) =>
      cursor.acceptWord(...words.split(' ')),
    );
    if (operator === undefined) return left;
    const right = parseOperand(cursor, env, scope);
    const [a, b] = [left.query, right.query];
    if (a.columns.length !== b.columns.length)
      throw new SqlError(
        `Queries in ${operator} have mismatched column count; query 1 has ${a.columns.length} columns, query 2 has ${b.columns.length} columns`,
        at,
      );
    const columns = a.columns.map((column, i): OutputColumn => {
      const other = b.columns[i]?.type ?? column.type;
      const type = superType([column.type, other]);
      if (type === null)
        throw new SqlError(
          `Column ${i + 1} in ${operator} has incompatible types: ${typeText(column.type)}, ${typeText(other)}`,
          at,
        );
      return { name: column.name, type };
    });
    const sql = `${asTypes(a, columns)} ${operator.replace(' DISTINCT', '')} ${asTypes(b, columns)}`;
    left = { query: { sql, columns }, order: null };
  }
}

/** A query's text with its columns in the wanted types and names. */
export function asTypes(query: Query, columns: readonly OutputColumn[]): string {
  const list = columns.map((column, i) => {
    const from = query.columns[i] ?? column;
    // Positions are named so that duplicate names do not matter.
    return `${castTo({ sql: `"tw_q"."tw_c${i}"`, type: from.type }, column.type, false, null).sql} AS ${quoteName(column.name)}`;
  });
  const names = columns.map((_, i) => `"tw_c${i}"`);
  return `(SELECT ${list.join(', ')} FROM (${query.sql}) AS "tw_q"(${names.join(', ')}))`;
}

function parseOperand(cursor: Cursor, env: Env, scope: Scope): Select {
  if (cursor.acceptOp('(')) {
    const query = parseQuery(cursor, env, scope);
    cursor.needOp(')');
    return { query: { ...query, sql: `(${query.sql})` }, order: null };
  }
  return parseSelect(cursor, env, scope);
}

/** Index of this SELECT's own FROM, or where its list ends without one. */
function findFrom(cursor: Cursor): number {
  const start = cursor.index;
  for (;;) {
    const found = cursor.find('FROM', 'UNION', 'INTERSECT', 'EXCEPT', 'ORDER', 'LIMIT', 'WHERE');
    const word = cursor.tokens[found]?.text.toUpperCase();
    const before = cursor.tokens[found - 1]?.text.toUpperCase();
    const after = cursor.tokens[found + 1]?.text.toUpperCase();
    const partOfList =
      found < cursor.last &&
      ((word === 'FROM' && before === 'DISTINCT') || (word === 'EXCEPT' && after !== 'DISTINCT'));
    if (!partOfList) {
      cursor.index = start;
      return found;
    }
    cursor.index = found + 1;
  }
}

function parseSelect(cursor: Cursor, env: Env, outer: Scope): Select {
  cursor.needWord('SELECT');
  const distinct = cursor.acceptWord('DISTINCT');
  if (!distinct) cursor.acceptWord('ALL');
  const asStruct = cursor.acceptWord('AS', 'STRUCT');
  if (cursor.isWord('AS', 'VALUE')) throw unsupported('SELECT AS VALUE', cursor.at);
  const scope: Scope = { ...emptyScope(outer.parent), ctes: outer.ctes };
  const listStart = cursor.index;
  const from = findFrom(cursor);
  let sql = '';
  let afterFrom = from;
  // FROM first: the list can only be understood when it is known what the names mean.
  if (
    cursor.tokens[from]?.text.toUpperCase() === 'FROM' &&
    from < cursor.last &&
    cursor.tokens[from]?.kind === 'name'
  ) {
    cursor.index = from + 1;
    sql += ` FROM ${parseFrom(cursor, env, scope)}`;
    afterFrom = cursor.index;
    cursor.index = listStart;
  }
  const items = parseList(cursor, env, scope);
  if (cursor.index !== from) throw cursor.unexpected('Expected "," or FROM');
  cursor.index = afterFrom;
  const bool = { base: 'BOOL' } as const;
  if (cursor.acceptWord('WHERE'))
    sql += ` WHERE ${coerceTo(parseExpression(cursor, env, scope), bool, cursor.at).sql}`;
  const named: Scope = { ...scope, aliases: aliasesOf(items) };
  if (cursor.acceptWord('GROUP', 'BY'))
    sql += ` GROUP BY ${parseGroups(cursor, env, scope, asStruct ? [] : items)}`;
  if (cursor.acceptWord('HAVING'))
    sql += ` HAVING ${coerceTo(parseExpression(cursor, env, named), bool, cursor.at).sql}`;
  if (cursor.acceptWord('QUALIFY'))
    sql += ` QUALIFY ${coerceTo(parseExpression(cursor, env, named), bool, cursor.at).sql}`;
  if (cursor.isWord('WINDOW')) throw unsupported('named windows', cursor.at);
  if (asStruct) {
    const type = { base: 'STRUCT', fields: items.map((i) => ({ name: i.name, type: i.expr.type })) } as const;
    const members = items.map((i) => `${quoteName(i.name)} := ${i.expr.sql}`);
    const query = {
      sql: `SELECT ${distinct ? 'DISTINCT ' : ''}struct_pack(${members.join(', ')}) AS "f0_"${sql}`,
      columns: [{ name: 'f0_', type }],
    };
    return {
      query,
      order: { scope, items: [{ name: 'f0_', anonymous: true, expr: { sql: '"f0_"', type } }] },
    };
  }
  const list = items.map(
    (item) =>
      `${item.expr.type.base === 'NULL' ? 'CAST(NULL AS BIGINT)' : item.expr.sql} AS ${quoteName(item.name)}`,
  );
  const columns = items.map((item): OutputColumn => ({
    name: item.name,
    type: item.expr.type.base === 'NULL' ? { base: 'INT64' } : item.expr.type,
  }));
  return {
    query: { sql: `SELECT ${distinct ? 'DISTINCT ' : ''}${list.join(', ')}${sql}`, columns },
    order: { scope, items },
  };
}

function parseGroups(cursor: Cursor, env: Env, scope: Scope, items: readonly Item[]): string {
  for (const word of ['ROLLUP', 'CUBE', 'GROUPING'])
    if (cursor.isWord(word)) throw unsupported(`GROUP BY ${word}`, cursor.at);
  if (cursor.acceptWord('ALL')) return 'ALL';
  const keys: string[] = [];
  do {
    const position = ordinal(cursor, items);
    keys.push(position === null ? parseExpression(cursor, env, scope).sql : String(position));
  } while (cursor.acceptOp(','));
  return keys.join(', ');
}

function parseList(cursor: Cursor, env: Env, scope: Scope): Item[] {
  const items: Item[] = [];
  do {
    if (cursor.isOp('*')) {
      cursor.next();
      if (scope.relations.length === 0) throw new SqlError('SELECT * must have a FROM clause', cursor.at);
      items.push(...changed(cursor, env, scope, starOf(scope)));
      continue;
    }
    const relation = scope.relations.find((r) => r.alias.toLowerCase() === cursor.peek().text.toLowerCase());
    if (relation !== undefined && cursor.isOp('.', 1) && cursor.isOp('*', 2)) {
      cursor.index += 3;
      items.push(...changed(cursor, env, scope, columnsOf(relation)));
      continue;
    }
    // A trailing comma before FROM is allowed.
    if (items.length > 0 && (cursor.atEnd || cursor.isWord('FROM'))) break;
    const start = cursor.index;
    const expr = parseExpression(cursor, env, scope);
    items.push(nameItem(cursor, start, expr, items.length));
  } while (cursor.acceptOp(','));
  return items;
}

function nameItem(cursor: Cursor, start: number, expr: Expr, index: number): Item {
  if (cursor.acceptWord('AS')) return { name: cursor.needName(), expr };
  const words = cursor.tokens.slice(start, cursor.index);
  if (cursor.isName() && !cursor.isWord('QUALIFY') && !cursor.isWord('WINDOW'))
    return { name: cursor.needName(), expr };
  const last = words.at(-1);
  const isPath = words.every((token, i) =>
    i % 2 === 0 ? token.kind === 'name' || token.kind === 'quoted' : token.text === '.',
  );
  const bare = words.length === 1 && last?.kind === 'name' && /^(NULL|TRUE|FALSE)$/i.test(last.text);
  if ((isPath || endsInField(words)) && last !== undefined && !bare) return { name: last.text, expr };
  return { name: `f${index}_`, expr, anonymous: true };
}

/** `array[OFFSET(0)].field` takes its name from the field. */
function endsInField(words: readonly { readonly kind: string; readonly text: string }[]): boolean {
  const last = words.at(-1);
  return (last?.kind === 'name' || last?.kind === 'quoted') && words.at(-2)?.text === '.';
}

function columnsOf(relation: Relation): Item[] {
  return relation.columns.flatMap((column): Item[] => {
    const expr = columnExpr(relation, column);
    if (relation.value === true && column.type.base === 'STRUCT')
      return column.type.fields.map((f) => ({
        name: f.name,
        expr: { sql: `struct_extract(${expr.sql}, '${f.name.replaceAll("'", "''")}')`, type: f.type },
      }));
    return [{ name: column.name, expr }];
  });
}

/** The columns of `*`: those joined by USING first and once. */
function starOf(scope: Scope): Item[] {
  const all = scope.relations.flatMap(columnsOf);
  const merged = [...scope.merged].flatMap(([key, sql]): Item[] => {
    const item = all.find((i) => i.name.toLowerCase() === key);
    return item === undefined ? [] : [{ name: item.name, expr: { ...item.expr, sql } }];
  });
  return [...merged, ...all.filter((item) => !scope.merged.has(item.name.toLowerCase()))];
}

/** Applies EXCEPT (…) and REPLACE (…) behind a star. */
function changed(cursor: Cursor, env: Env, scope: Scope, items: Item[]): Item[] {
  let result = items;
  const position = (name: string, clause: string): number => {
    const index = result.findIndex((i) => i.name.toLowerCase() === name.toLowerCase());
    if (index < 0) throw new SqlError(`Column ${name} in SELECT * ${clause} list does not exist`, cursor.at);
    return index;
  };
  if (cursor.isWord('EXCEPT') && cursor.isOp('(', 1)) {
    cursor.index += 2;
    do {
      const name = cursor.needName();
      position(name, 'EXCEPT');
      result = result.filter((i) => i.name.toLowerCase() !== name.toLowerCase());
    } while (cursor.acceptOp(','));
    cursor.needOp(')');
  }
  if (cursor.acceptWord('REPLACE')) {
    cursor.needOp('(');
    do {
      const expr = parseExpression(cursor, env, scope);
      cursor.acceptWord('AS');
      const index = position(cursor.needName(), 'REPLACE');
      result = result.map((item, i) => (i === index ? { name: item.name, expr } : item));
    } while (cursor.acceptOp(','));
    cursor.needOp(')');
  }
  return result;
}
