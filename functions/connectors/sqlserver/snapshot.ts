/**
 * One moment of a database for one session: a transaction of isolation level SNAPSHOT, which reads old versions of rows and
 * takes no locks on them. SQL Server gives such a moment to nobody else, so the session that opened it reads all of it.
 */
import { z } from 'zod';
import { TerminalError, TransientError } from '#core/errors';
import type { ErrorPlace } from '../source-errors.ts';
import { describeRelation, findPlainTable } from './catalog.ts';
import { SNAPSHOT_REMEDY } from './errors.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { relationSql } from './names.ts';
import { ask, tell } from './statements.ts';

/** 1: every transaction may have a snapshot. The rest is no, or on the way. */
export const SNAPSHOT_STATE =
  'SELECT CONVERT(int, snapshot_isolation_state) AS state FROM sys.databases WHERE database_id = DB_ID()';
export const BEGIN_SNAPSHOT = 'SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION';
export const ROLL_BACK =
  'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED';
/** Names the transaction, so that one session's moment is told from another's. */
export const TRANSACTION_NAME =
  "SELECT CONVERT(varchar(20), @@SPID) + ':' + CONVERT(varchar(20), CURRENT_TRANSACTION_ID()) AS name";

/** Terminal `snapshot-not-allowed`, with the statement that allows it. */
export async function requireSnapshots(connection: GuardedConnection, place: ErrorPlace): Promise<void> {
  const [{ state }] = z.tuple([z.object({ state: z.number() })]).parse(await ask(connection, SNAPSHOT_STATE));
  if (state === 1) return;
  throw new TerminalError(
    'snapshot-not-allowed',
    `Database "${place.database}" does not allow snapshots, so its tables cannot be read as of one moment.`,
    { remedy: SNAPSHOT_REMEDY(place.database) },
  );
}

/** Begins the transaction and fixes its moment; the name of the transaction. */
export async function beginSnapshot(connection: GuardedConnection): Promise<string> {
  await tell(connection, BEGIN_SNAPSHOT);
  await touch(connection);
  return transactionName(connection);
}

/**
 * Transient `snapshot-gone` where the session is no longer in the transaction `name`. Some errors make the server roll it
 * back and leave the session as it is, which would then read each statement at a moment of its own.
 */
export async function requireTransaction(connection: GuardedConnection, name: string): Promise<void> {
  if ((await transactionName(connection)) === name) return;
  throw new TransientError(
    'snapshot-gone',
    'The snapshot of this run is gone: the server rolled its transaction back.',
    { remedy: 'The run starts these tables again with a new snapshot.' },
  );
}

/** Outside of a transaction each statement has one of its own, so this answers always another. */
async function transactionName(connection: GuardedConnection): Promise<string> {
  const rows = await ask(connection, TRANSACTION_NAME);
  const [{ name }] = z.tuple([z.object({ name: z.string() })]).parse(rows);
  return name;
}

/** The moment is that of the first look at a row, not of BEGIN: so one is looked at. */
async function touch(connection: GuardedConnection): Promise<void> {
  const name = await findPlainTable(connection);
  if (name === null) return;
  const { plans } = await describeRelation(connection, name);
  const [plan] = plans;
  if (plan !== undefined) await ask(connection, anyRowSql(relationSql(name), plan.expression));
}

/** Some row of `table`, if it has any. */
export function anyRowSql(table: string, expression: string): string {
  return `SELECT TOP (1) ${expression} AS found FROM ${table}`;
}
