/**
 * How far an append may read without ever missing a row. `max(cursor)` is not it: a transaction that began before may
 * commit a smaller value later, and `>` that maximum would never see it.
 *
 * - Moments set by the database's clock (`now()` is the start of the transaction): everything before the start of the
 *   oldest transaction still open is settled. Facts are read *before* the snapshot is taken.
 * - Whole numbers from a sequence: what lies below the rows of all transactions younger than the oldest one still open.
 *   PostgreSQL keeps no order of commits, so this can miss a number where transactions that insert several times
 *   overlap, where the sequence has a CACHE, or where applications make the numbers; the answer says so.
 */
import type { Client } from 'pg';
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { UpperBound } from '../connector.ts';
import type { Relation } from './catalog.ts';
import { APPLICATION_NAME } from './connection.ts';
import { escapeIdentifier, escapeLiteral, relationSql } from './names.ts';

/** Without the right to see when others' transactions began, so much of the newest is left for the next run. */
const LOOKBACK_SECONDS = 600;

/** What was true just before the snapshot. */
export interface SettledMoment {
  /** All moments before this one are settled, as PostgreSQL writes a timestamptz in UTC. */
  readonly before: string;
  readonly guarantee: UpperBound['guarantee'];
  readonly note: string | null;
}

const MomentRow = z.object({
  clock: z.string(),
  oldest: z.string().nullable(),
  prepared: z.boolean(),
  sees_others: z.boolean(),
  lookback: z.string(),
});

/** Any open transaction counts, not only those that have written: one that has only read so far may write yet. */
const MOMENT = `
  SELECT pg_catalog.clock_timestamp()::text AS clock,
    (pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${LOOKBACK_SECONDS}))::text AS lookback,
    (SELECT min(xact_start)::text FROM pg_catalog.pg_stat_activity
      WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
        AND application_name <> ${escapeLiteral(APPLICATION_NAME)}) AS oldest,
    EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()) AS prepared,
    pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_others`;

/** Reads the facts; to be called before the snapshot is taken. */
export async function readSettledMoment(client: Client): Promise<SettledMoment> {
  const [row] = z.array(MomentRow).parse((await client.query(MOMENT)).rows);
  if (row === undefined) throw new RangeError('PostgreSQL answered no row to SELECT clock_timestamp()');
  if (row.sees_others && !row.prepared)
    return { before: row.oldest ?? row.clock, guarantee: 'exact', note: null };
  const why = row.prepared
    ? 'There are prepared transactions, whose start is not known'
    : 'This user may not see when the transactions of others began (grant pg_read_all_stats)';
  const note = `${why}: the newest ${LOOKBACK_SECONDS / 60} minutes are left for the next run, and transactions longer than that could be missed.`;
  return { before: row.lookback, guarantee: 'lookback', note };
}

/** Without an index on the cursor the whole table is looked through. */
const SCAN_MS = 30 * 60 * 1000;

/** A query config whose answer may take its time; `pg` knows the field, its types do not. */
function scan(text: string): { text: string; query_timeout: number } {
  return { text, query_timeout: SCAN_MS };
}

const momentTypes = new Set(['timestamp', 'timestamptz']);
const integerTypes = new Set(['int2', 'int4', 'int8']);

/** The bound for `cursor` of `relation`. Runs inside the snapshot. */
export async function upperBoundOf(
  client: Client,
  relation: Relation,
  cursor: string,
  after: string | null,
  settled: SettledMoment,
): Promise<UpperBound> {
  const plan = relation.plans.find(({ column }) => column.name === cursor);
  const table = relation.description.name;
  if (plan === undefined)
    throw new TerminalError('cursor-unknown', `Table ${table} has no column "${cursor}" to follow.`, {
      remedy: `Choose one of: ${relation.plans.map(({ column }) => column.name).join(', ')}.`,
    });
  const type = cursorTypeOf(relation, cursor);
  const column = escapeIdentifier(cursor);
  const from = relationSql(relation.name);
  if (plan.column.nullable) {
    const text = `SELECT 1 FROM ${from} WHERE ${column} IS NULL LIMIT 1`;
    const { rows } = await client.query(scan(text));
    if (rows.length > 0)
      throw new TerminalError('cursor-null', `Column "${cursor}" of ${table} is null in some rows.`, {
        remedy:
          'Rows without a value would never be read: fill the column, choose another, or use mode replace.',
      });
  }
  const view = relation.description.kind === 'view';
  const bound = momentTypes.has(type)
    ? momentBound(from, column, type, settled)
    : integerBound(from, column, view);
  // `greatest` ignores nulls. Never below the last bound: the rows in between would be read twice.
  const floor = after === null ? '' : `, ${cursorLiteral(after, type)}`;
  const text = `SELECT greatest((${bound})${floor})::text AS bound`;
  const { rows } = await client.query(scan(text));
  const [row] = z.array(z.object({ bound: z.string().nullable() })).parse(rows);
  const value = row?.bound ?? null;
  if (type === 'timestamptz') return { value, guarantee: settled.guarantee, note: settled.note };
  return { value, guarantee: 'lookback', note: assumptions[type === 'timestamp' ? 'zone' : 'sequence'] };
}

const assumptions = {
  zone: 'The column has no time zone: right where its moments are set by the database’s clock in its own zone.',
  sequence:
    'Right for numbers from a sequence without CACHE, taken as rows are inserted by short transactions; a moment that the database sets is safer to follow.',
};

/** A microsecond before the settled moment at most: a transaction still open writes its own start. */
function momentBound(from: string, column: string, type: string, settled: SettledMoment): string {
  const before = `(${escapeLiteral(settled.before)}::pg_catalog.timestamptz - pg_catalog.make_interval(secs => 0.000001))`;
  // Without a zone, the server's default zone is the likeliest to have been meant.
  const zone = `(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone')`;
  const limit = type === 'timestamptz' ? before : `(${before} AT TIME ZONE ${zone})`;
  return `SELECT least(max(${column}), ${limit}) FROM ${from} HAVING max(${column}) IS NOT NULL`;
}

/**
 * The greatest number below those of all transactions younger than the oldest one still open. The row's `xmin` is the
 * transaction that wrote it; `age` compares across the wrap-around of its 32 bits; up to 2 are marks, not transactions.
 */
function integerBound(from: string, column: string, view: boolean): string {
  if (view) return `SELECT max(${column}) FROM ${from}`;
  const oldest = `(pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::int8 % 4294967296)::text::pg_catalog.xid`;
  const youngest = `(SELECT min(${column}) FROM ${from}
    WHERE pg_catalog.age(xmin) BETWEEN 0 AND pg_catalog.age(${oldest}) AND xmin::text::int8 > 2)`;
  return `SELECT max(${column}) FROM ${from} WHERE ${youngest} IS NULL OR ${column} < ${youngest}`;
}

/** The catalogue's name of the cursor's type. Terminal `cursor-type` for types that do not grow in commit order. */
export function cursorTypeOf(relation: Relation, cursor: string): string {
  const plan = relation.plans.find(({ column }) => column.name === cursor);
  const type =
    plan?.form === 'timestamp'
      ? plan.column.type === 'TIMESTAMP'
        ? 'timestamptz'
        : 'timestamp'
      : plan?.form;
  if (type === undefined || !(momentTypes.has(type) || integerTypes.has(type)))
    throw new TerminalError(
      'cursor-type',
      `Column "${cursor}" of ${relation.description.name} is ${plan?.column.sourceType ?? 'missing'}, which cannot be followed.`,
      { remedy: 'Choose a column of whole numbers or of moments that only grows.' },
    );
  return type;
}

/** `value` as a literal of `type`; Terminal `cursor-value` for text that no bound of ours looks like. */
export function cursorLiteral(value: string, type: string): string {
  const form = integerTypes.has(type)
    ? /^-?\d{1,19}$/
    : /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?(\+00)?$/;
  if (!form.test(value))
    throw new TerminalError('cursor-value', `"${value.slice(0, 100)}" is no value of a ${type} cursor.`, {
      remedy: 'Load this table once with mode replace, which sets its cursor anew.',
    });
  return `${escapeLiteral(value)}::pg_catalog.${type}`;
}
