/** CREATE TABLE [AS] and ALTER TABLE. */
import type { Cursor } from './cursor.ts';
import { castTo } from './cast.ts';
import { parseExpression } from './expression.ts';
import { tablePath } from './from-clause.ts';
import type { Plan, TableSettings } from './plan.ts';
import { asTypes, parseQuery } from './query.ts';
import { emptyScope } from './scope.ts';
import type { Env, Expr, TableInfo } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { fieldType, quoteName, scalarNamed, toField } from './types.ts';
import type { Field } from './types.ts';
import { parseType } from './type-parser.ts';

export function parseCreate(cursor: Cursor, env: Env): Plan {
  const at = cursor.at;
  const replace = cursor.acceptWord('OR', 'REPLACE');
  if (!cursor.acceptWord('TABLE')) throw unsupported(`CREATE ${cursor.peek().text.toUpperCase()}`, cursor.at);
  const ifNotExists = cursor.acceptWord('IF', 'NOT', 'EXISTS');
  const path = tablePath(cursor);
  const given = cursor.isOp('(') ? parseColumns(cursor, env) : null;
  const settings: { -readonly [K in keyof TableSettings]: TableSettings[K] } = {};
  if (cursor.acceptWord('PARTITION', 'BY')) settings.timePartitioning = parsePartition(cursor);
  if (cursor.acceptWord('CLUSTER', 'BY')) {
    const fields: string[] = [];
    do fields.push(cursor.needName());
    while (cursor.acceptOp(','));
    settings.clustering = { fields };
  }
  if (cursor.acceptWord('OPTIONS')) Object.assign(settings, parseOptions(cursor, env));
  if (!cursor.acceptWord('AS')) {
    if (given === null) throw cursor.unexpected('Expected a column list or AS');
    return {
      type: 'create',
      statementType: 'CREATE_TABLE',
      path,
      replace,
      ifNotExists,
      fields: given,
      rows: null,
      settings,
      at,
    };
  }
  const query = parseQuery(cursor, env, emptyScope(null));
  const anonymous = query.columns.findIndex((c, i) => c.name === `f${i}_`);
  if (anonymous >= 0)
    throw new SqlError(`CREATE TABLE columns must be named, but column ${anonymous + 1} has no name`, at);
  const fields = given ?? query.columns.map((c) => toField(c.name, c.type));
  if (fields.length !== query.columns.length)
    throw new SqlError(
      `The number of columns in the column definition list does not match the number of columns produced by the query`,
      at,
    );
  const rows = asTypes(
    query,
    fields.map((f) => ({ name: f.name, type: fieldType(f) })),
  );
  return {
    type: 'create',
    statementType: 'CREATE_TABLE_AS_SELECT',
    path,
    replace,
    ifNotExists,
    fields,
    rows,
    settings,
    at,
  };
}

function parseColumns(cursor: Cursor, env: Env): Field[] {
  const fields: Field[] = [];
  cursor.needOp('(');
  do {
    if (cursor.isOp(')')) break;
    if (cursor.isWord('PRIMARY', 'KEY') || cursor.isWord('FOREIGN', 'KEY'))
      throw unsupported('constraints', cursor.at);
    fields.push(parseColumn(cursor, env));
  } while (cursor.acceptOp(','));
  cursor.needOp(')');
  return fields;
}

function parseColumn(cursor: Cursor, env: Env): Field {
  const name = cursor.needName();
  const token = cursor.peek();
  let field: Field;
  const base = token.kind === 'name' ? scalarNamed(token.text) : null;
  if (base === 'NUMERIC' && cursor.isOp('(', 1)) {
    cursor.index += 2;
    const precision = cursor.needInt();
    const scale = cursor.acceptOp(',') ? cursor.needInt() : 0;
    cursor.needOp(')');
    field = { name, type: base, mode: 'NULLABLE', precision: String(precision), scale: String(scale) };
  } else field = toField(name, parseType(cursor));
  if (cursor.acceptWord('NOT', 'NULL')) field = { ...field, mode: 'REQUIRED' };
  if (cursor.isWord('DEFAULT')) throw unsupported('DEFAULT values', cursor.at);
  if (cursor.acceptWord('OPTIONS')) {
    const options = parseOptions(cursor, env);
    if (options.description !== undefined) field = { ...field, description: options.description };
  }
  return field;
}

/** Stored, not used: the local BigQuery reads whole tables. */
function parsePartition(cursor: Cursor): Record<string, unknown> {
  const wrapper = cursor.peek().text.toUpperCase();
  if (cursor.isOp('(', 1)) {
    cursor.index += 2;
    if (wrapper === 'RANGE_BUCKET') throw unsupported('PARTITION BY RANGE_BUCKET', cursor.at);
    const field = cursor.needName();
    const type = cursor.acceptOp(',') ? cursor.needName(true).toUpperCase() : 'DAY';
    cursor.needOp(')');
    return { type, field };
  }
  return { type: 'DAY', field: cursor.needName() };
}

function parseOptions(cursor: Cursor, env: Env): TableSettings {
  const settings: { -readonly [K in keyof TableSettings]: TableSettings[K] } = {};
  cursor.needOp('(');
  if (!cursor.isOp(')'))
    do {
      const at = cursor.at;
      const name = cursor.needName().toLowerCase();
      cursor.needOp('=');
      if (name === 'labels') settings.labels = parseLabels(cursor);
      else {
        const value: Expr = parseExpression(cursor, env, emptyScope(null));
        if (name === 'description' && value.text !== undefined) settings.description = value.text;
        else if (name === 'expiration_timestamp')
          settings.expirationSql = `epoch_ms(${castTo(value, { base: 'TIMESTAMP' }, false, at).sql})`;
        else throw unsupported(`the option ${name}`, at);
      }
    } while (cursor.acceptOp(','));
  cursor.needOp(')');
  return settings;
}

function parseLabels(cursor: Cursor): Record<string, string> {
  const labels: [string, string][] = [];
  cursor.needOp('[');
  if (!cursor.isOp(']'))
    do {
      cursor.acceptWord('STRUCT');
      cursor.needOp('(');
      const key = cursor.needString();
      cursor.needOp(',');
      labels.push([key, cursor.needString()]);
      cursor.needOp(')');
    } while (cursor.acceptOp(','));
  cursor.needOp(']');
  return Object.fromEntries(labels);
}

export function parseAlter(cursor: Cursor, env: Env): Plan {
  const at = cursor.at;
  if (!cursor.acceptWord('TABLE')) throw unsupported(`ALTER ${cursor.peek().text.toUpperCase()}`, at);
  const target = env.table(tablePath(cursor), at);
  const add: { field: Field; ifNotExists: boolean }[] = [];
  const retype: { field: Field; sql: string }[] = [];
  let settings: TableSettings | null = null;
  do {
    if (cursor.acceptWord('ADD', 'COLUMN')) {
      const ifNotExists = cursor.acceptWord('IF', 'NOT', 'EXISTS');
      const field = parseColumn(cursor, env);
      if (field.mode === 'REQUIRED')
        throw new SqlError(`Cannot add required columns to an existing table: ${field.name}`, at);
      add.push({ field, ifNotExists });
    } else if (cursor.acceptWord('ALTER', 'COLUMN')) retype.push(parseRetype(cursor, target.fields));
    else if (cursor.acceptWord('SET', 'OPTIONS')) settings = parseOptions(cursor, env);
    else
      throw unsupported(
        `ALTER TABLE ${cursor.peek().text.toUpperCase()} ${cursor.peek(1).text.toUpperCase()}`,
        cursor.at,
      );
  } while (cursor.acceptOp(','));
  return { type: 'alter', statementType: 'ALTER_TABLE', target, add, retype, settings };
}

/**
 * The types that BigQuery makes of a column's in place.
 * Source: https://cloud.google.com/bigquery/docs/managing-table-schemas#change_a_columns_data_type
 */
const ASSIGNABLE: Readonly<Record<string, readonly string[]>> = {
  INT64: ['NUMERIC', 'BIGNUMERIC', 'FLOAT64'],
  NUMERIC: ['BIGNUMERIC', 'FLOAT64'],
  DATE: ['DATETIME'],
};

function parseRetype(cursor: Cursor, fields: TableInfo['fields']): { field: Field; sql: string } {
  const at = cursor.at;
  const name = cursor.needName();
  if (!cursor.acceptWord('SET', 'DATA', 'TYPE'))
    throw unsupported(`ALTER COLUMN ${cursor.peek().text.toUpperCase()}`, cursor.at);
  const to = parseType(cursor);
  const own = fields.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (own === undefined) throw new SqlError(`Column not found: ${name}`, at);
  const from = fieldType(own);
  if (from.base !== to.base && ASSIGNABLE[from.base]?.includes(to.base) !== true)
    throw new SqlError(
      `ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type (${from.base}) is assignable to the new type (${to.base})`,
      at,
    );
  const value = castTo({ sql: quoteName(own.name), type: from }, to, false, at);
  return { field: toField(own.name, to), sql: value.sql };
}
