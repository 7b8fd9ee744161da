/** The statements that read a table: pure text. Every name and value in them comes from outside and is quoted here. */
import { TerminalError } from '#core/errors';
import type { CursorRange } from '../connector.ts';

/** An identifier in backticks, in which the escapes of texts count. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}\``;
}

/** Types of cursors, as the columns have them. */
export type CursorType = 'INT64' | 'TIMESTAMP' | 'DATETIME';

/** A bound as SQL. Moments are `2026-01-31 12:00:00.000000`, in UTC. @throws TerminalError `cursor-value` */
export function boundSql(value: string, type: CursorType): string {
  if (type === 'INT64' ? /^-?\d{1,19}$/.test(value) : /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/.test(value)) {
    if (type === 'INT64') return value;
    return type === 'TIMESTAMP' ? `TIMESTAMP '${value}+00'` : `DATETIME '${value}'`;
  }
  throw new TerminalError('cursor-value', `"${value.slice(0, 100)}" is no value of a ${type} cursor.`, {
    remedy: 'Load this table once with mode replace, which sets its cursor anew.',
  });
}

/** How the rows to be read are told from the others. */
export interface RowChoice {
  readonly range: (CursorRange & { readonly type: CursorType }) | null;
  /** The column that BigQuery wants named in every condition, and the least value of its type, as SQL. */
  readonly partition: { readonly column: string; readonly least: string } | null;
  /** One more condition, as `filter.ts` writes it. */
  readonly filter?: string | null;
  /** Of a table of dated shards: the newest date that is read, `20260131`. */
  readonly newestShard: string | null;
}

/** The condition of a `WHERE` over the alias `t`; null where every row is read. */
export function whereSql({ range, partition, newestShard, filter = null }: RowChoice): string | null {
  const conditions: string[] = [];
  // Every row meets it, and partitions can be told by both of its halves, which BigQuery asks for.
  if (partition !== null) {
    const column = `t.${quoteIdentifier(partition.column)}`;
    conditions.push(`(${column} >= ${partition.least} OR ${column} IS NULL)`);
  }
  if (newestShard !== null) {
    if (!/^\d{8}$/.test(newestShard)) throw new RangeError(`shard ${newestShard}`);
    conditions.push(`t._TABLE_SUFFIX BETWEEN '00000000' AND '${newestShard}'`);
    conditions.push(`LENGTH(t._TABLE_SUFFIX) = 8`);
  }
  if (range !== null) {
    const column = `t.${quoteIdentifier(range.column)}`;
    if (range.after !== null) conditions.push(`${column} > ${boundSql(range.after, range.type)}`);
    conditions.push(`${column} <= ${boundSql(range.upTo, range.type)}`);
  }
  if (filter !== null) conditions.push(filter);
  return conditions.length === 0 ? null : conditions.join(' AND ');
}

/** What is read from. `moment` in milliseconds since 1970; null for what has no past: views, shards, files outside. */
export interface From {
  readonly project: string;
  readonly dataset: string;
  readonly table: string;
  readonly moment: number | null;
}

/** `FROM … AS t`, as it was at the moment. */
export function fromSql({ project, dataset, table, moment }: From): string {
  const time =
    moment === null ? '' : ` FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(${Math.floor(moment).toFixed(0)})`;
  return `FROM ${quoteIdentifier(`${project}.${dataset}.${table}`)} AS t${time}`;
}

/** The statement that reads `expressions`, as columns `c0`, `c1`, …, of at most `limit` rows. */
export function selectSql(
  expressions: readonly string[],
  from: From,
  where: string | null,
  limit?: number,
): string {
  const list = expressions.map((expression, index) => `${expression} AS c${index}`).join(', ');
  const most = limit === undefined ? '' : ` LIMIT ${Math.floor(limit)}`;
  return `SELECT ${list} ${fromSql(from)}${where === null ? '' : ` WHERE ${where}`}${most}`;
}

/** How many rows have no value in `column`, as text: of a table that is partitioned by it, one partition is read. */
export function nullsSql(column: string, from: From, where: string | null): string {
  const isNull = `t.${quoteIdentifier(column)} IS NULL`;
  return selectSql(['CAST(COUNT(*) AS STRING)'], from, where === null ? isNull : `${where} AND ${isNull}`);
}

/** The greatest whole number of `column`, and how many rows have none, both as text. */
export function greatestSql(column: string, from: From, where: string | null): string {
  const name = `t.${quoteIdentifier(column)}`;
  return selectSql([`CAST(MAX(${name}) AS STRING)`, `CAST(COUNTIF(${name} IS NULL) AS STRING)`], from, where);
}
