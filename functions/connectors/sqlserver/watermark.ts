/**
 * How far an append may read without ever missing a row. `max(cursor)` is not it: a transaction that began before may
 * commit a smaller value later, and `>` that maximum would never see it. Facts are read *before* the snapshot is taken.
 *
 * - `rowversion`: the server itself tells below which value no transaction is open. Exact, and asks for no right. A copy
 *   that is only read knows nothing of the transactions of the first, and is refused.
 * - Moments set by the server's clock: everything before the start of the oldest transaction still open is settled.
 * - Whole numbers: a transaction may have taken one that it has not committed yet, and nothing tells which; the answer says
 *   so. That no transaction was open before the snapshot settles nothing: one that began in between may have taken a number
 *   below the greatest in the snapshot.
 */
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { UpperBound } from '../connector.ts';
import type { Relation } from './catalog.ts';
import { APPLICATION_NAME } from './connection.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { bracket, relationSql } from './names.ts';
import { ask, numberOf, SCAN_MS } from './statements.ts';
import type { ColumnPlan } from './types.ts';

/** Without the right to see when others' transactions began, so much of the newest is left for the next run. */
const LOOKBACK_SECONDS = 600;
/**
 * A value may lie before the moment it was written at: columns round, and the server's clocks tick apart. More than all of
 * that together, except for `smalldatetime`, which rounds to minutes.
 */
const MARGIN_SECONDS = 1;

/** What was true just before the snapshot. */
export interface SettledMoment {
  /** All rowversions below this one are settled: `0x` and 16 hexadecimal digits. */
  readonly rowversion: string;
  /** All moments before this one are settled: ISO 8601 in UTC, and as the server's own clock shows it. */
  readonly utc: string;
  readonly local: string;
  /** Whether the transactions that were open are known; where not, moments are those of a look back. */
  readonly exact: boolean;
  /** A copy that is only read: what is being written to the first is not known here. */
  readonly copy: boolean;
  readonly note: string | null;
}

const FactRow = z.object({
  utc: z.string(),
  local: z.string(),
  rowversion: z.string(),
  sees_others: z.boolean(),
  read_only: z.boolean(),
});

/** What anybody may ask. On a copy that is only read, the transactions are elsewhere. */
export const FACTS = `
  SELECT CONVERT(varchar(23), DATEADD(second, -${MARGIN_SECONDS}, SYSUTCDATETIME()), 126) AS utc,
    CONVERT(varchar(23), DATEADD(second, -${MARGIN_SECONDS}, SYSDATETIME()), 126) AS local,
    CONVERT(varchar(18), CONVERT(binary(8), MIN_ACTIVE_ROWVERSION()), 1) AS rowversion,
    CONVERT(bit, ISNULL(CASE CONVERT(int, SERVERPROPERTY('EngineEdition'))
      WHEN 5 THEN HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'VIEW DATABASE STATE')
      ELSE HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE') END, 0)) AS sees_others,
    CONVERT(bit, CASE CONVERT(nvarchar(20), DATABASEPROPERTYEX(DB_NAME(), 'Updateability'))
      WHEN N'READ_ONLY' THEN 1 ELSE 0 END) AS read_only`;

const OpenRow = z.object({ seconds: z.number().nullable(), prepared: z.boolean() });

/**
 * The age of the oldest transaction of others. Any open one counts, not only those that have written: one that has only
 * read so far may write yet. Sessions in another database count where they have touched this one.
 */
export const OPEN_TRANSACTIONS = `
  SELECT DATEDIFF(second, MIN(a.transaction_begin_time), GETDATE()) AS seconds,
    CONVERT(bit, CASE WHEN EXISTS (
      SELECT 1 FROM sys.dm_tran_active_transactions WHERE dtc_state = 2) THEN 1 ELSE 0 END) AS prepared
  FROM sys.dm_tran_session_transactions s
  JOIN sys.dm_tran_active_transactions a ON a.transaction_id = s.transaction_id
  JOIN sys.dm_exec_sessions e ON e.session_id = s.session_id
  WHERE s.session_id <> @@SPID AND ISNULL(e.program_name, N'') <> @application
    AND (e.database_id = DB_ID() OR EXISTS (SELECT 1 FROM sys.dm_tran_database_transactions d
      WHERE d.transaction_id = s.transaction_id AND d.database_id = DB_ID()))`;

/** What the server says to who may not look at the transactions of others. */
const NOT_ALLOWED: readonly unknown[] = [229, 262, 297, 300];

/** Reads the facts; to be called before the snapshot is taken. */
export async function readSettledMoment(connection: GuardedConnection): Promise<SettledMoment> {
  // The clock first: what begins between both questions is later than it.
  const [facts] = z.tuple([FactRow]).parse(await ask(connection, FACTS));
  const lookback = `the newest ${LOOKBACK_SECONDS / 60} minutes are left for the next run, and transactions longer than that could be missed.`;
  const unseen = (why: string): SettledMoment => ({
    ...facts,
    utc: earlier(facts.utc, LOOKBACK_SECONDS),
    local: earlier(facts.local, LOOKBACK_SECONDS),
    exact: false,
    copy: facts.read_only,
    note: `${why}: ${lookback}`,
  });
  if (facts.read_only)
    return unseen(
      'This copy is only read, does not know what is being written to the first, and may be behind it',
    );
  if (!facts.sees_others)
    return unseen('This user may not see when the transactions of others began (grant VIEW SERVER STATE)');
  const open = await openTransactions(connection);
  if (open === null)
    return unseen('This user may not see when the transactions of others began (grant VIEW SERVER STATE)');
  if (open.prepared) return unseen('There are prepared distributed transactions, whose session is not known');
  const age = open.seconds === null ? 0 : open.seconds + 1;
  return {
    ...facts,
    utc: earlier(facts.utc, age),
    local: earlier(facts.local, age),
    exact: true,
    copy: false,
    note: null,
  };
}

async function openTransactions(connection: GuardedConnection): Promise<z.infer<typeof OpenRow> | null> {
  try {
    const rows = await ask(connection, OPEN_TRANSACTIONS, { application: APPLICATION_NAME });
    return z.tuple([OpenRow]).parse(rows)[0];
  } catch (error) {
    if (NOT_ALLOWED.includes(numberOf(error))) return null;
    throw error;
  }
}

/** An ISO moment without a zone, so many seconds before `moment`. */
function earlier(moment: string, seconds: number): string {
  return new Date(Date.parse(`${moment}Z`) - seconds * 1000).toISOString().slice(0, -1);
}

const integers = new Set(['tinyint', 'smallint', 'int', 'bigint']);
const zoneless = new Set(['datetime', 'datetime2', 'smalldatetime']);

/** The bound for `cursor` of `relation`. Runs inside the snapshot. */
export async function upperBoundOf(
  connection: GuardedConnection,
  relation: Relation,
  cursor: string,
  after: string | null,
  settled: SettledMoment,
): Promise<UpperBound> {
  const plan = planOfCursor(relation, cursor);
  const type = plan.typeName;
  if (type === 'timestamp' && settled.copy) throw unknownOnCopy(relation, cursor);
  if (after !== null) checkBound(after, type);
  await refuseNulls(connection, relation, plan);
  const table = relationSql(relation.name);
  const limit = limitOf(type, settled);
  const sql = maximumSql(table, bracket(cursor), type, limit !== null);
  const rows = await ask(connection, sql, limit === null ? {} : { limit }, SCAN_MS);
  const [{ bound }] = z.tuple([z.object({ bound: z.string().nullable() })]).parse(rows);
  // Never below the last bound: the rows in between would be read twice.
  const value = bound === null || (after !== null && isLess(bound, after, type)) ? after : bound;
  return { value, ...guaranteeOf(type, settled) };
}

function guaranteeOf(type: string, settled: SettledMoment): Omit<UpperBound, 'value'> {
  if (type === 'timestamp') return { guarantee: 'exact', note: null };
  if (integers.has(type)) return { guarantee: 'lookback', note: IN_FLIGHT };
  const note = [settled.note, zoneless.has(type) ? ZONE : null].filter((each) => each !== null).join(' ');
  return { guarantee: settled.exact ? 'exact' : 'lookback', note: note === '' ? null : note };
}

/** Nobody on a copy can tell which rowversions the first has given out and not committed; no look back helps. */
function unknownOnCopy({ description }: Relation, cursor: string): TerminalError {
  return new TerminalError(
    'cursor-on-copy',
    `Column "${cursor}" of ${description.name} is a rowversion, which cannot be followed on a copy that is only read: rows that commit late would be missed.`,
    { remedy: 'Read the primary (turn read-only intent off), or load this table with mode replace.' },
  );
}

const IN_FLIGHT =
  'Numbers that transactions had taken and not committed at that moment could be missed, and nothing tells which they are; a rowversion column misses none.';
const ZONE =
  'The column has no time zone: read up to the earlier of the server’s own time and UTC, so that moments set in either are not missed.';

/** Rows at or above it may not be read yet; null: no limit. */
function limitOf(type: string, settled: SettledMoment): string | null {
  if (integers.has(type)) return null;
  if (type === 'timestamp') return settled.rowversion;
  if (type === 'datetimeoffset') return `${settled.utc}+00:00`;
  // The columns of a database rarely say which of the two they hold.
  const moment = settled.utc < settled.local ? settled.utc : settled.local;
  return type === 'smalldatetime' ? earlier(moment, 60) : moment;
}

/** The greatest value below `@limit`, as a bound that `checkBound` takes. */
export function maximumSql(table: string, column: string, type: string, limited: boolean): string {
  const where = limited ? ` WHERE ${column} < ${boundSql('@limit', type)}` : '';
  return `SELECT ${textOf(`MAX(${column})`, type)} AS bound FROM ${table}${where}`;
}

function textOf(value: string, type: string): string {
  if (integers.has(type)) return `CONVERT(varchar(20), ${value})`;
  if (type === 'timestamp') return `CONVERT(varchar(18), CONVERT(binary(8), ${value}), 1)`;
  if (type === 'datetimeoffset')
    return `CONVERT(varchar(34), SWITCHOFFSET(CONVERT(datetimeoffset(7), ${value}), 0), 126)`;
  return `CONVERT(varchar(27), CONVERT(datetime2(7), ${value}), 126)`;
}

/**
 * `parameter`, which holds a bound, as a value of `type`. `datetime` is compared in its own type: as a `datetime2` each of
 * its values would be a third of a millisecond beside itself.
 */
export function boundSql(parameter: string, type: string): string {
  if (integers.has(type)) return `CONVERT(bigint, ${parameter})`;
  if (type === 'timestamp') return `CONVERT(binary(8), ${parameter}, 1)`;
  if (type === 'datetimeoffset') return `CONVERT(datetimeoffset(7), ${parameter}, 126)`;
  const moment = `CONVERT(datetime2(7), ${parameter}, 126)`;
  return type === 'datetime2' ? moment : `CONVERT(${type}, ${moment})`;
}

const forms: readonly (readonly [(type: string) => boolean, RegExp])[] = [
  [(type) => integers.has(type), /^-?\d{1,19}$/],
  [(type) => type === 'timestamp', /^0x[0-9A-F]{16}$/],
  [(type) => type === 'datetimeoffset', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|\+00:00)$/],
  [(type) => zoneless.has(type), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?$/],
];

/** Terminal `cursor-value` for text that no bound of ours looks like. */
export function checkBound(value: string, type: string): void {
  if (forms.some(([fits, form]) => fits(type) && form.test(value))) return;
  throw new TerminalError('cursor-value', `"${value.slice(0, 100)}" is no value of a ${type} cursor.`, {
    remedy: 'Load this table once with mode replace, which sets its cursor anew.',
  });
}

/** Two bounds of one type; those of one kind are written alike, so texts of moments and bytes compare as they are. */
function isLess(one: string, other: string, type: string): boolean {
  return integers.has(type) ? BigInt(one) < BigInt(other) : one < other;
}

async function refuseNulls(
  connection: GuardedConnection,
  relation: Relation,
  plan: ColumnPlan,
): Promise<void> {
  if (!plan.column.nullable || plan.typeName === 'timestamp') return;
  const { name } = plan.column;
  const rows = await ask(connection, nullSql(relationSql(relation.name), bracket(name)), {}, SCAN_MS);
  if (rows.length > 0)
    throw new TerminalError('cursor-null', `Column "${name}" of ${relation.description.name} is null in some rows.`, {
      remedy: 'Rows without a value would never be read: fill the column, choose another, or use mode replace.',
    }); // prettier-ignore
}

/** A row where `column` is null, if there is one. */
export function nullSql(table: string, column: string): string {
  return `SELECT TOP (1) 1 AS found FROM ${table} WHERE ${column} IS NULL`;
}

function planOfCursor(relation: Relation, cursor: string): ColumnPlan {
  const { description, plans } = relation;
  const plan = plans.find(({ column }) => column.name === cursor);
  if (plan === undefined)
    throw new TerminalError(
      'cursor-unknown',
      `Table ${description.name} has no column "${cursor}" to follow.`,
      { remedy: `Choose one of: ${plans.map(({ column }) => column.name).join(', ')}.` },
    );
  cursorTypeOf(plan, relation);
  return plan;
}

/** The catalogue's type of a cursor column. Terminal `cursor-type` for those that do not grow in the order of commits. */
export function cursorTypeOf(plan: ColumnPlan | undefined, { description }: Relation): string {
  const type = plan?.typeName ?? '';
  if (plan?.form === 'moment' || integers.has(type) || type === 'timestamp') return type;
  throw new TerminalError(
    'cursor-type',
    `Column "${plan?.column.name ?? 'missing'}" of ${description.name} is ${plan?.column.sourceType ?? 'not there'}, which cannot be followed.`,
    { remedy: 'Choose a rowversion, or a column of whole numbers or of moments that only grows.' },
  );
}
