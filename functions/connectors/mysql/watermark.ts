/**
 * How far an append may read without ever missing a row. `max(cursor)` is not it: a transaction that began before may
 * commit a smaller value later, and `>` that maximum would never see it. What is settled is read before the snapshot is
 * opened (in-flight.ts).
 */
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { UpperBound } from '../connector.ts';
import type { Table } from './catalog.ts';
import { LOOKBACK_SECONDS, type Settled } from './in-flight.ts';
import { quoteName, textLiteral } from './names.ts';
import type { Wire } from './wire.ts';

/** Without an index on the cursor the whole table is looked through. */
const SCAN_MS = 30 * 60 * 1000;

/** What a cursor is followed as. */
export type CursorType = 'number' | 'datetime' | 'timestamp';

/** The type of the cursor's column. Terminal `cursor-type` for types that do not grow in the order of commits. */
export function cursorTypeOf(table: Table, cursor: string): CursorType {
  const plan = table.plans.find(({ column }) => column.name === cursor);
  if (plan?.form === 'moment') return plan.column.type === 'TIMESTAMP' ? 'timestamp' : 'datetime';
  if (plan?.form === 'integer' || (plan?.form === 'decimal' && plan.column.scale === 0)) return 'number';
  throw new TerminalError(
    'cursor-type',
    `Column "${cursor}" of ${table.name} is ${plan?.column.sourceType ?? 'missing'}, which cannot be followed.`,
    { remedy: 'Choose a column of whole numbers or of moments that only grows.' },
  );
}

/** `value` as a literal; Terminal `cursor-value` for text that no bound of ours looks like. */
export function cursorLiteral(value: string, type: CursorType): string {
  const form = type === 'number' ? /^-?\d{1,65}$/ : /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/;
  if (!form.test(value))
    throw new TerminalError('cursor-value', `"${value.slice(0, 100)}" is no value of a ${type} cursor.`, {
      remedy: 'Load this table once with mode replace, which sets its cursor anew.',
    });
  return type === 'number' ? value : `TIMESTAMP'${value}'`;
}

/** The bound for `cursor` of `table`. Runs inside the snapshot. */
export async function upperBoundOf(
  wire: Wire,
  table: Table,
  cursor: string,
  after: string | null,
  settled: Settled,
): Promise<UpperBound> {
  if (!table.plans.some(({ column }) => column.name === cursor))
    throw new TerminalError('cursor-unknown', `Table ${table.name} has no column "${cursor}" to follow.`, {
      remedy: `Choose one of: ${table.plans.map(({ column }) => column.name).join(', ')}.`,
    });
  const type = cursorTypeOf(table, cursor);
  if (after !== null) cursorLiteral(after, type);
  await refuseEmpty(wire, table, cursor, type);
  return type === 'number'
    ? numberBound(wire, table, cursor, after, settled)
    : momentBound(wire, table, cursor, after, settled, type);
}

/** Rows that no cursor would ever come to: null, or the zero date, which is below every other. */
async function refuseEmpty(wire: Wire, table: Table, cursor: string, type: CursorType): Promise<void> {
  const column = quoteName(cursor);
  const zero = type === 'number' ? '' : ` OR ${column} = 0`;
  const rows = await wire.ask(
    `SELECT 1 AS found FROM ${quoteName(table.name)} WHERE ${column} IS NULL${zero} LIMIT 1`,
    SCAN_MS,
  );
  if (rows.length > 0)
    throw new TerminalError(
      'cursor-null',
      `Column "${cursor}" of ${table.name} is null${type === 'number' ? '' : ' or the zero date'} in some rows.`,
      {
        remedy: 'Those rows would never be read: fill the column, choose another, or use mode replace.',
      },
    );
}

async function greatest(wire: Wire, table: Table, value: (column: string) => string, cursor: string) {
  const sql = `SELECT ${value(`MAX(${quoteName(cursor)})`)} AS most FROM ${quoteName(table.name)}`;
  const [row] = await wire.ask(sql, SCAN_MS);
  return z.object({ most: z.string().nullable() }).parse(row).most;
}

const AS_TEXT = '%Y-%m-%d %H:%i:%s.%f';

/** A microsecond before the settled moment at most: a statement that is running writes its own start. */
async function momentBound(
  wire: Wire,
  table: Table,
  cursor: string,
  after: string | null,
  settled: Settled,
  type: CursorType,
): Promise<UpperBound> {
  const most = await greatest(wire, table, (column) => `DATE_FORMAT(${column}, '${AS_TEXT}')`, cursor);
  const before = `TIMESTAMP'${settled.before}' - INTERVAL 1 MICROSECOND`;
  const local =
    type === 'timestamp' ? before : `CONVERT_TZ(${before}, '+00:00', ${textLiteral(settled.zone)})`;
  const [row] = await wire.ask(`SELECT DATE_FORMAT(${local}, '${AS_TEXT}') AS before_it`);
  const limit = row?.['before_it'] ?? null;
  // All have the same form, in which the order of texts is that of moments.
  const settledMost = most === null || limit === null ? null : most < limit ? most : limit;
  const value = after === null || (settledMost !== null && settledMost > after) ? settledMost : after;
  if (type === 'timestamp' || settled.utc || settled.guarantee === 'lookback')
    return { value, guarantee: settled.guarantee, note: settled.note };
  return { value, guarantee: 'lookback', note: ZONE };
}

const ZONE =
  'The column has no time zone: right where its moments are set by the database’s clock in its own zone, and never set back.';
const NUMBERS =
  'Right for numbers that AUTO_INCREMENT gives out; a moment that the database sets is safer to follow.';
const LONG =
  'A transaction has been writing for longer than 10 minutes, or those of others are not to be seen: rows it has numbered already could be missed.';
const HELD =
  'A transaction is writing and may have taken numbers below the newest: new rows are left for the next run.';

/** Numbers below the next one that AUTO_INCREMENT would have given are settled when nobody writes any more. */
async function numberBound(
  wire: Wire,
  table: Table,
  cursor: string,
  after: string | null,
  settled: Settled,
): Promise<UpperBound> {
  const text = await greatest(wire, table, (column) => column, cursor);
  const most = text === null ? null : BigInt(text);
  const floor = after === null ? null : BigInt(after);
  const next = table.autoIncrement === cursor ? settled.nextNumbers.get(table.name) : undefined;
  if (next !== undefined && settled.numbers === 'held')
    return { value: after, guarantee: 'lookback', note: HELD };
  const limit = most !== null && next !== undefined && most >= next ? next - 1n : most;
  const value = floor === null || (limit !== null && limit > floor) ? limit : floor;
  const bound = value === null ? null : String(value);
  if (next === undefined) return { value: bound, guarantee: 'lookback', note: NUMBERS };
  if (settled.numbers === 'settled') return { value: bound, guarantee: 'exact', note: null };
  return { value: bound, guarantee: 'lookback', note: LONG.replace('10', String(LOOKBACK_SECONDS / 60)) };
}
