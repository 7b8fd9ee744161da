/** INSERT, UPDATE, DELETE, TRUNCATE and MERGE. */
import type { Cursor } from './cursor.ts';
import { castTo, coerceTo, fits } from './cast.ts';
import { parseExpression } from './expression.ts';
import { acceptAlias, parseFrom, tablePath, tableRelation, tableSql } from './from-clause.ts';
import type { DmlPlan } from './plan.ts';
import { asTypes, parseQuery } from './query.ts';
import { emptyScope } from './scope.ts';
import type { Env, Expr, Scope, TableInfo } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import type { Position } from './sql-error.ts';
import { coerces, fieldType, quoteName, typeText } from './types.ts';
import type { Field } from './types.ts';

const bool = { base: 'BOOL' } as const;

function needTarget(cursor: Cursor, env: Env): TableInfo {
  const at = cursor.at;
  const target = env.table(tablePath(cursor), at);
  env.used.tables.add(`${target.project}.${target.dataset}.${target.table}`);
  return target;
}

function needField(target: TableInfo, name: string, at: Position): Field {
  const field = target.fields.find((f) => f.name.toLowerCase() === name.toLowerCase());
  if (field === undefined)
    throw new SqlError(
      `Column ${name} is not present in table ${target.project}.${target.dataset}.${target.table}`,
      at,
    );
  return field;
}

/** `value` for a column, or BigQuery's refusal; DEFAULT is NULL, since no column has another. */
function assigned(value: Expr, field: Field, at: Position): string {
  const type = fieldType(field);
  if (!fits(value, type))
    throw new SqlError(
      `Value of type ${typeText(value.type)} cannot be assigned to ${field.name}, which has type ${typeText(type)}`,
      at,
    );
  return coerceTo(value, type, at).sql;
}

function valueOrDefault(cursor: Cursor, env: Env, scope: Scope, field: Field): string {
  const at = cursor.at;
  return cursor.acceptWord('DEFAULT') ? 'NULL' : assigned(parseExpression(cursor, env, scope), field, at);
}

function columnList(cursor: Cursor, target: TableInfo): Field[] | null {
  if (!cursor.isOp('(') || (cursor.peek(1).kind === 'name' && /^(SELECT|WITH)$/i.test(cursor.peek(1).text)))
    return null;
  cursor.needOp('(');
  const fields: Field[] = [];
  do {
    const at = cursor.at;
    const field = needField(target, cursor.needName(), at);
    if (fields.includes(field))
      throw new SqlError(`INSERT has columns with duplicate name: ${field.name}`, at);
    fields.push(field);
  } while (cursor.acceptOp(','));
  cursor.needOp(')');
  return fields;
}

function rowValues(cursor: Cursor, env: Env, scope: Scope, fields: readonly Field[]): string {
  const at = cursor.at;
  cursor.needOp('(');
  const values: string[] = [];
  do {
    const field = fields[values.length];
    if (field === undefined)
      throw new SqlError(
        `Inserted row has wrong column count; Has more than ${fields.length}, expected ${fields.length}`,
        at,
      );
    values.push(valueOrDefault(cursor, env, scope, field));
  } while (cursor.acceptOp(','));
  cursor.needOp(')');
  if (values.length !== fields.length)
    throw new SqlError(
      `Inserted row has wrong column count; Has ${values.length}, expected ${fields.length}`,
      at,
    );
  return `(${values.join(', ')})`;
}

const names = (fields: readonly Field[]) => fields.map((f) => quoteName(f.name)).join(', ');

export function parseInsert(cursor: Cursor, env: Env): DmlPlan {
  cursor.acceptWord('INTO');
  const at = cursor.at;
  const target = needTarget(cursor, env);
  const fields = columnList(cursor, target) ?? target.fields;
  const head = `INSERT INTO ${tableSql(target)} (${names(fields)})`;
  if (cursor.acceptWord('VALUES')) {
    const rows: string[] = [];
    do rows.push(rowValues(cursor, env, emptyScope(null), fields));
    while (cursor.acceptOp(','));
    return { type: 'dml', statementType: 'INSERT', sql: `${head} VALUES ${rows.join(', ')}`, target };
  }
  const query = parseQuery(cursor, env, emptyScope(null));
  if (query.columns.length !== fields.length)
    throw new SqlError(
      `Inserted row has wrong column count; Has ${query.columns.length}, expected ${fields.length}`,
      at,
    );
  const columns = fields.map((field, i) => {
    const type = fieldType(field);
    const from = query.columns[i]?.type ?? type;
    if (!coerces(from, type))
      throw new SqlError(
        `Query column ${i + 1} has type ${typeText(from)} which cannot be inserted into column ${field.name}, which has type ${typeText(type)}`,
        at,
      );
    return { name: field.name, type };
  });
  return { type: 'dml', statementType: 'INSERT', sql: `${head} ${asTypes(query, columns)}`, target };
}

/** `SET a = …, b = …` */
function assignments(cursor: Cursor, env: Env, scope: Scope, target: TableInfo, alias: string): string {
  const sets: string[] = [];
  do {
    const at = cursor.at;
    let name = cursor.needName();
    if (name.toLowerCase() === alias.toLowerCase() && cursor.acceptOp('.')) name = cursor.needName(true);
    const field = needField(target, name, at);
    cursor.needOp('=');
    sets.push(`${quoteName(field.name)} = ${valueOrDefault(cursor, env, scope, field)}`);
  } while (cursor.acceptOp(','));
  return sets.join(', ');
}

const twice = 'must match at most one source row for each target row';

/** The message of a failed `check`. */
export const twiceMessage = (statementType: string): string => `UPDATE/MERGE ${twice} (${statementType})`;

export function parseUpdate(cursor: Cursor, env: Env): DmlPlan {
  const target = needTarget(cursor, env);
  const alias = cursor.isWord('SET') ? target.table : (acceptAlias(cursor) ?? target.table);
  cursor.needWord('SET');
  const scope = emptyScope(null);
  scope.relations.push(tableRelation(target, alias));
  const start = cursor.index;
  // As for SELECT: FROM says what the names in SET mean.
  const from = cursor.find('FROM', 'WHERE');
  let source = '';
  let after = from;
  if (cursor.tokens[from]?.text.toUpperCase() === 'FROM' && from < cursor.last) {
    cursor.index = from + 1;
    source = parseFrom(cursor, env, scope);
    after = cursor.index;
    cursor.index = start;
  }
  const sets = assignments(cursor, env, scope, target, alias);
  if (cursor.index !== from) throw cursor.unexpected('Expected "," or WHERE');
  cursor.index = after;
  if (!cursor.acceptWord('WHERE')) throw new SqlError('UPDATE must have a WHERE clause', cursor.at);
  const where = coerceTo(parseExpression(cursor, env, scope), bool, cursor.at).sql;
  const name = `${tableSql(target)} AS ${quoteName(alias)}`;
  const sql = `UPDATE ${name} SET ${sets}${source === '' ? '' : ` FROM ${source}`} WHERE ${where}`;
  if (source === '') return { type: 'dml', statementType: 'UPDATE', sql, target };
  const check = `SELECT 1 FROM ${name} CROSS JOIN ${source} WHERE ${where} GROUP BY ${quoteName(alias)}.rowid HAVING count(*) > 1 LIMIT 1`;
  return { type: 'dml', statementType: 'UPDATE', sql, target, check };
}

export function parseDelete(cursor: Cursor, env: Env): DmlPlan {
  cursor.acceptWord('FROM');
  const target = needTarget(cursor, env);
  const alias = cursor.isWord('WHERE') ? target.table : (acceptAlias(cursor) ?? target.table);
  if (!cursor.acceptWord('WHERE')) throw new SqlError('DELETE must have a WHERE clause', cursor.at);
  const scope = emptyScope(null);
  scope.relations.push(tableRelation(target, alias));
  const where = coerceTo(parseExpression(cursor, env, scope), bool, cursor.at).sql;
  return {
    type: 'dml',
    statementType: 'DELETE',
    sql: `DELETE FROM ${tableSql(target)} AS ${quoteName(alias)} WHERE ${where}`,
    target,
  };
}

export function parseTruncate(cursor: Cursor, env: Env): DmlPlan {
  cursor.needWord('TABLE');
  const target = needTarget(cursor, env);
  return { type: 'dml', statementType: 'TRUNCATE_TABLE', sql: `DELETE FROM ${tableSql(target)}`, target };
}

export function parseMerge(cursor: Cursor, env: Env): DmlPlan {
  cursor.acceptWord('INTO');
  const target = needTarget(cursor, env);
  const alias = cursor.isWord('USING') ? target.table : (acceptAlias(cursor) ?? target.table);
  cursor.needWord('USING');
  const both = emptyScope(null);
  const targetOnly = emptyScope(null);
  const sourceOnly = emptyScope(null);
  const relation = tableRelation(target, alias);
  const source = parseFrom(cursor, env, sourceOnly);
  targetOnly.relations.push(relation);
  both.relations.push(relation, ...sourceOnly.relations);
  cursor.needWord('ON');
  const on = coerceTo(parseExpression(cursor, env, both), bool, cursor.at).sql;
  const clauses: string[] = [];
  let touchesMatched = false;
  while (cursor.acceptWord('WHEN')) {
    const matched = cursor.acceptWord('MATCHED');
    if (!matched) cursor.needWord('NOT', 'MATCHED');
    const bySource = !matched && cursor.acceptWord('BY', 'SOURCE');
    if (!matched && !bySource) cursor.acceptWord('BY', 'TARGET');
    touchesMatched ||= matched;
    const scope = matched ? both : bySource ? targetOnly : sourceOnly;
    let head = `WHEN ${matched ? 'MATCHED' : bySource ? 'NOT MATCHED BY SOURCE' : 'NOT MATCHED BY TARGET'}`;
    if (cursor.acceptWord('AND'))
      head += ` AND ${coerceTo(parseExpression(cursor, env, scope), bool, cursor.at).sql}`;
    cursor.needWord('THEN');
    clauses.push(`${head} THEN ${mergeAction(cursor, env, scope, target, alias, matched || bySource)}`);
  }
  if (clauses.length === 0) throw cursor.unexpected('Expected WHEN');
  const name = `${tableSql(target)} AS ${quoteName(alias)}`;
  const sql = `MERGE INTO ${name} USING ${source} ON ${on} ${clauses.join(' ')}`;
  if (!touchesMatched) return { type: 'dml', statementType: 'MERGE', sql, target };
  const check = `SELECT 1 FROM ${name} INNER JOIN ${source} ON ${on} GROUP BY ${quoteName(alias)}.rowid HAVING count(*) > 1 LIMIT 1`;
  return { type: 'dml', statementType: 'MERGE', sql, target, check };
}

function mergeAction(
  cursor: Cursor,
  env: Env,
  scope: Scope,
  target: TableInfo,
  alias: string,
  onTarget: boolean,
): string {
  const at = cursor.at;
  if (onTarget) {
    if (cursor.acceptWord('DELETE')) return 'DELETE';
    cursor.needWord('UPDATE', 'SET');
    return `UPDATE SET ${assignments(cursor, env, scope, target, alias)}`;
  }
  cursor.needWord('INSERT');
  if (cursor.acceptWord('ROW')) {
    const columns = scope.relations.flatMap((r) =>
      r.columns.map((c) =>
        castTo(
          { sql: c.sql ?? `${quoteName(r.alias)}.${quoteName(c.name)}`, type: c.type },
          c.type,
          false,
          at,
        ),
      ),
    );
    if (columns.length !== target.fields.length)
      throw new SqlError(
        `Inserted row has wrong column count; Has ${columns.length}, expected ${target.fields.length}`,
        at,
      );
    return `INSERT (${names(target.fields)}) VALUES (${target.fields.map((f, i) => assigned(columns[i] ?? { sql: 'NULL', type: { base: 'NULL' } }, f, at)).join(', ')})`;
  }
  const fields = columnList(cursor, target) ?? target.fields;
  if (cursor.acceptWord('ROW')) throw unsupported('INSERT (…) ROW', at);
  cursor.needWord('VALUES');
  return `INSERT (${names(fields)}) VALUES ${rowValues(cursor, env, scope, fields)}`;
}
