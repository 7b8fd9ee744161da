/** FROM: tables, subqueries, UNNEST and joins; fills the scope with what they name. */
import { coerceTo } from './cast.ts';
import type { Cursor } from './cursor.ts';
import { parseExpression } from './expression.ts';
import { columnExpr, emptyScope } from './scope.ts';
import type { Env, Relation, Scope, TableInfo } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { fieldType, quoteName, storageType, typeText } from './types.ts';

/** A table's path in any spelling: `` `p.d.t` ``, `` `p`.d.t ``, `p-1.d.t`, `d.t`. */
export function tablePath(cursor: Cursor): string {
  const parts: string[] = [];
  do {
    let part = cursor.needName(parts.length > 0);
    // Only a project id may have dashes without backticks.
    while (parts.length === 0 && cursor.isOp('-') && cursor.peek().start === cursor.peek(-1).end) {
      cursor.next();
      part += `-${cursor.next().text}`;
    }
    parts.push(part);
  } while (cursor.acceptOp('.'));
  return parts.join('.');
}

/** The DuckDB name of a table. */
export const tableSql = (table: TableInfo): string =>
  table.sql ?? `${quoteName(table.dataset)}.${quoteName(table.table)}`;

/** The relation that a table is under an alias. A column narrower than its type (NUMERIC(10, 2)) is widened when read. */
export function tableRelation(table: TableInfo, alias: string): Relation {
  const columns = table.fields.map((field) => {
    const type = fieldType(field);
    const plain = `${quoteName(alias)}.${quoteName(field.name)}`;
    const narrow = type.base === 'NUMERIC' && storageType(field) !== 'DECIMAL(38,9)';
    return { name: field.name, type, ...(narrow ? { sql: `CAST(${plain} AS DECIMAL(38,9))` } : {}) };
  });
  return { alias, columns };
}

/** Parses what follows FROM and returns its DuckDB text. */
export function parseFrom(cursor: Cursor, env: Env, scope: Scope): string {
  let sql = parseJoins(cursor, env, scope);
  while (cursor.acceptOp(',')) sql += ` CROSS JOIN ${parseJoins(cursor, env, scope)}`;
  return sql;
}

function parseJoins(cursor: Cursor, env: Env, scope: Scope): string {
  let sql = parsePrimary(cursor, env, scope);
  for (;;) {
    const at = cursor.at;
    const kind = joinKind(cursor);
    if (kind === null) return sql;
    const before = scope.relations.length;
    const right = parsePrimary(cursor, env, scope);
    if (kind === 'CROSS') sql += ` CROSS JOIN ${right}`;
    else if (cursor.acceptWord('USING'))
      sql += ` ${kind} JOIN ${right} ON ${using(cursor, scope, before, kind)}`;
    else if (cursor.acceptWord('ON'))
      sql += ` ${kind} JOIN ${right} ON ${coerceTo(parseExpression(cursor, env, scope), { base: 'BOOL' }, at).sql}`;
    // A correlated UNNEST needs no condition.
    else if (right.startsWith('LATERAL')) sql += ` ${kind} JOIN ${right} ON TRUE`;
    else throw cursor.unexpected('Expected ON or USING');
  }
}

function joinKind(cursor: Cursor): 'CROSS' | 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | null {
  if (cursor.acceptWord('JOIN') || cursor.acceptWord('INNER', 'JOIN')) return 'INNER';
  if (cursor.acceptWord('CROSS', 'JOIN')) return 'CROSS';
  for (const kind of ['LEFT', 'RIGHT', 'FULL'] as const)
    if (cursor.acceptWord(kind, 'OUTER', 'JOIN') || cursor.acceptWord(kind, 'JOIN')) return kind;
  return null;
}

/** USING as an ON condition; from now on each name means the value both sides share. */
function using(cursor: Cursor, scope: Scope, before: number, kind: string): string {
  const conditions: string[] = [];
  cursor.needOp('(');
  do {
    const at = cursor.at;
    const name = cursor.needName();
    const key = name.toLowerCase();
    const side = (relations: readonly Relation[]) => {
      const found = relations.flatMap((r) =>
        r.columns.filter((c) => c.name.toLowerCase() === key).map((c) => columnExpr(r, c).sql),
      );
      if (found.length === 0)
        throw new SqlError(`Column ${name} in USING clause not found on one side of join`, at);
      return found;
    };
    const lefts = side(scope.relations.slice(0, before));
    const merged = scope.merged.get(key);
    if (lefts.length > 1 && merged === undefined)
      throw new SqlError(`Column ${name} in USING clause is ambiguous on left side of join`, at);
    const left = merged ?? lefts[0] ?? '';
    const right = side(scope.relations.slice(before))[0] ?? '';
    conditions.push(`${left} = ${right}`);
    scope.merged.set(key, kind === 'RIGHT' ? right : kind === 'FULL' ? `coalesce(${left}, ${right})` : left);
  } while (cursor.acceptOp(','));
  cursor.needOp(')');
  return `(${conditions.join(' AND ')})`;
}

/** An alias after AS or right behind; null where none is given. */
export function acceptAlias(cursor: Cursor): string | null {
  if (cursor.acceptWord('AS')) return cursor.needName();
  return cursor.isName() && !cursor.isWord('QUALIFY') ? cursor.needName() : null;
}

function add(scope: Scope, relation: Relation, cursor: Cursor): void {
  if (scope.relations.some((r) => r.alias.toLowerCase() === relation.alias.toLowerCase()))
    throw new SqlError(`Duplicate table alias ${relation.alias} in the same FROM clause`, cursor.at);
  scope.relations.push(relation);
}

function parsePrimary(cursor: Cursor, env: Env, scope: Scope): string {
  const at = cursor.at;
  if (cursor.acceptWord('UNNEST')) return unnest(cursor, env, scope);
  if (cursor.acceptOp('(')) {
    if (cursor.isWord('SELECT') || cursor.isWord('WITH') || cursor.isOp('(')) {
      const query = env.query(
        cursor,
        env,
        emptyScope(
          scope.parent === null
            ? { ...emptyScope(null), ctes: scope.ctes }
            : { ...scope.parent, ctes: scope.ctes },
        ),
      );
      cursor.needOp(')');
      const alias = acceptAlias(cursor) ?? `tw_subquery_${(env.used.aliases += 1)}`;
      add(scope, { alias, columns: query.columns }, cursor);
      return `(${query.sql}) AS ${quoteName(alias)}`;
    }
    const joined = parseFrom(cursor, env, scope);
    cursor.needOp(')');
    return `(${joined})`;
  }
  const path = tablePath(cursor);
  const name = path.split('.').at(-1) ?? path;
  const alias = (cursor.isWord('FOR') ? null : acceptAlias(cursor)) ?? name;
  const moment = acceptMoment(cursor);
  if (
    cursor.isWord('TABLESAMPLE') ||
    cursor.isWord('PIVOT') ||
    cursor.isWord('UNPIVOT') ||
    cursor.isWord('FOR')
  )
    throw unsupported(cursor.peek().text.toUpperCase(), cursor.at);
  const cte = path.includes('.') ? undefined : scope.ctes.get(path.toLowerCase());
  if (cte !== undefined) {
    if (moment !== null) throw new SqlError('FOR SYSTEM_TIME AS OF is not allowed on a WITH query', at);
    add(scope, { alias, columns: cte.columns }, cursor);
    return `${quoteName(`tw_cte_${path.toLowerCase()}`)} AS ${quoteName(alias)}`;
  }
  const table = moment === null ? env.table(path, at) : env.tableAt(path, moment, at);
  env.used.tables.add(`${table.project}.${table.dataset}.${table.table}`);
  add(scope, tableRelation(table, alias), cursor);
  return `${tableSql(table)} AS ${quoteName(alias)}`;
}

/** `FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(…)`, in milliseconds since 1970; null where a table is read as it is now. */
function acceptMoment(cursor: Cursor): number | null {
  if (!cursor.acceptWord('FOR', 'SYSTEM_TIME', 'AS', 'OF')) return null;
  if (!cursor.acceptWord('TIMESTAMP_MILLIS'))
    throw unsupported('FOR SYSTEM_TIME AS OF anything but TIMESTAMP_MILLIS of a number', cursor.at);
  cursor.needOp('(');
  const moment = cursor.needInt();
  cursor.needOp(')');
  return moment;
}

function unnest(cursor: Cursor, env: Env, scope: Scope): string {
  const at = cursor.at;
  cursor.needOp('(');
  const list = parseExpression(cursor, env, scope);
  cursor.needOp(')');
  if (list.type.base !== 'ARRAY')
    throw new SqlError(
      `Values referenced in UNNEST must be arrays. UNNEST contains expression of type ${typeText(list.type)}`,
      at,
    );
  const inner = `tw_unnest_${(env.used.aliases += 1)}`;
  const alias = acceptAlias(cursor) ?? inner;
  const column = {
    name: alias === inner ? 'f0_' : alias,
    type: list.type.element,
    sql: `${quoteName(inner)}."value"`,
  };
  let offset: string | null = null;
  if (cursor.acceptWord('WITH', 'OFFSET')) offset = acceptAlias(cursor) ?? 'offset';
  add(scope, { alias, columns: [column], value: true }, cursor);
  if (offset !== null)
    add(
      scope,
      {
        alias: offset,
        value: true,
        columns: [{ name: offset, type: { base: 'INT64' }, sql: `${quoteName(inner)}."position"` }],
      },
      cursor,
    );
  const positions = offset === null ? '' : `, unnest(range(len(${list.sql}))) AS "position"`;
  return `LATERAL (SELECT unnest(${list.sql}) AS "value"${positions}) AS ${quoteName(inner)}`;
}
