/**
 * How far an append may read. BigQuery shows rows when their job commits, and tells nothing of jobs that are under way: a row
 * may carry an earlier moment, or a smaller number, than rows that were there before it. So nothing here is exact: what is
 * younger than the look-back waits for the next run.
 */
import { TerminalError } from '#core/errors';
import type { UpperBound } from '../connector.ts';
import type { BigQueryClient } from './client.ts';
import { boundSql, type CursorType, type From, greatestSql, nullsSql, whereSql } from './select.ts';
import { hasPast, type Relation, wholeChoice } from './tables.ts';
import { PARTITION_TIME } from './types.ts';

/** Jobs and streams that take longer than this from a row's moment to the row being there could be missed. */
export const LOOK_BACK_MINUTES = 10;

/** The type of `cursor`. @throws TerminalError `cursor-unknown`, `cursor-type` */
export function cursorTypeOf({ plans, description }: Relation, cursor: string | null): CursorType {
  const column = plans.find((plan) => plan.column.name === cursor)?.column;
  const remedy =
    'Choose a column of moments or of whole numbers that only grows, or load the table by replace.';
  if (cursor === null)
    throw new TerminalError(
      'cursor-unknown',
      `Table ${description.name} needs a cursor column for mode append.`,
      { remedy },
    );
  if (column === undefined)
    throw new TerminalError(
      'cursor-unknown',
      `Table ${description.name} has no column "${cursor}" to follow.`,
      { remedy },
    );
  if (column.type === 'INT64' || column.type === 'TIMESTAMP' || column.type === 'DATETIME')
    return column.type;
  throw new TerminalError(
    'cursor-type',
    `Column "${cursor}" of ${description.name} is ${column.sourceType}, which cannot be followed.`,
    { remedy },
  );
}

/** The bound at `moment` (milliseconds since 1970). Never below `after`. @throws TerminalError `cursor-null`, `cursor-needs-key` */
export async function upperBoundOf(
  client: BigQueryClient,
  relation: Relation,
  cursor: string,
  after: string | null,
  moment: number,
): Promise<UpperBound> {
  const type = cursorTypeOf(relation, cursor);
  if (after !== null) boundSql(after, type);
  if (type === 'INT64') return greatestNumber(client, relation, cursor, after, moment);
  await refuseNulls(client, relation, cursor, moment);
  const value = showMicros(settledUpTo(relation, cursor, client.api.own, moment));
  const note = [
    cursor === PARTITION_TIME
      ? 'Only whole partitions are read; rows that are written into a partition later are missed.'
      : `Rows that are there only ${LOOK_BACK_MINUTES} minutes after the moment they carry, or later, could be missed.`,
    ...(type === 'DATETIME' ? ['The column has no time zone and is taken for UTC.'] : []),
  ].join(' ');
  return { value: after !== null && after > value ? after : value, guarantee: 'lookback', note };
}

/** The last microsecond of which all rows are taken for there. */
function settledUpTo({ facts }: Relation, cursor: string, copied: boolean, moment: number): number {
  // A copy lacks what was streamed in and is still on its way into the table; a query sees it, but in no partition yet.
  const waits = copied || cursor === PARTITION_TIME;
  const streamed = waits ? (facts.streamingBuffer?.oldestEntryTime ?? moment) : moment;
  const settled = Math.min(moment, streamed) - LOOK_BACK_MINUTES * 60_000;
  if (cursor !== PARTITION_TIME) return settled * 1000;
  return beginOfPartition(settled, facts.timePartitioning?.type ?? 'DAY') * 1000 - 1;
}

function beginOfPartition(milliseconds: number, unit: string): number {
  const at = new Date(milliseconds);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  if (unit === 'HOUR') return Date.UTC(year, month, at.getUTCDate(), at.getUTCHours());
  if (unit === 'MONTH') return Date.UTC(year, month);
  if (unit === 'YEAR') return Date.UTC(year, 0);
  return Date.UTC(year, month, at.getUTCDate());
}

/** Microseconds since 1970 as a bound: `2026-01-31 12:00:00.000000`. */
export function showMicros(micros: number): string {
  const milliseconds = Math.floor(micros / 1000);
  const rest = String(micros - milliseconds * 1000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().replace('T', ' ').slice(0, -1)}${rest}`;
}

async function greatestNumber(
  client: BigQueryClient,
  relation: Relation,
  cursor: string,
  after: string | null,
  moment: number,
): Promise<UpperBound> {
  const { description } = relation;
  if (client.api.own)
    throw new TerminalError(
      'cursor-needs-key',
      `The numbers of "${cursor}" of ${description.name} cannot be followed without a key: nothing of a table is asked before it is copied.`,
      {
        remedy: 'Choose a column of moments, or set the key of a service account that may read the data set.',
      },
    );
  const [greatest = null, nulls] = await answerTo(client, relation, moment, (from, where) =>
    greatestSql(cursor, from, where),
  );
  if (nulls !== '0') throw cursorNull(description.name, cursor);
  const value = greatest === null || (after !== null && BigInt(greatest) < BigInt(after)) ? after : greatest;
  return {
    value,
    guarantee: 'lookback',
    note: 'Rows that are added later with smaller numbers than others that are there already are missed; a column of moments misses fewer.',
  };
}

/** Rows without a moment would never be read. Of a copy that is asked once it is there: see `transferOf`. */
async function refuseNulls(
  client: BigQueryClient,
  relation: Relation,
  cursor: string,
  moment: number,
): Promise<void> {
  const { plans, description } = relation;
  const column = plans.find((plan) => plan.column.name === cursor)?.column;
  // The partition is null for as long as a row is on its way there: its turn comes.
  if (client.api.own || cursor === PARTITION_TIME || column?.nullable === false) return;
  const [nulls] = await answerTo(client, relation, moment, (from, where) => nullsSql(cursor, from, where));
  if (nulls !== '0') throw cursorNull(description.name, cursor);
}

/** The values of the one row that a statement over the whole table answers. */
async function answerTo(
  client: BigQueryClient,
  relation: Relation,
  moment: number,
  sqlOf: (from: From, where: string | null) => string,
): Promise<(string | null)[]> {
  const { listed } = relation;
  const [project, dataset] = splitName(client.name);
  const from = { project, dataset, table: listed.name, moment: hasPast(listed) ? moment : null };
  const sql = sqlOf(from, whereSql({ ...wholeChoice(relation), range: null }));
  const [row] = await client.page(await client.run(`bound ${moment}`, sql, listed.name), 0, 1);
  return (row?.f ?? []).map(({ v }) => v);
}

/** `project` (which may hold a point) and `dataset` of a data set's name. */
function splitName(name: string): readonly [string, string] {
  const at = name.lastIndexOf('.');
  return [name.slice(0, at), name.slice(at + 1)];
}

/** Why a table with rows that have no cursor is not appended to. */
export function cursorNull(table: string, cursor: string): TerminalError {
  return new TerminalError('cursor-null', `Column "${cursor}" of ${table} is null in some rows.`, {
    remedy: 'Rows without a value would never be read: fill the column, choose another, or use mode replace.',
  });
}
