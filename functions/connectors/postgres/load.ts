/** What a PostgreSQL server says of how much it can bear. */
import type { Client } from 'pg';
import { z } from 'zod';

/**
 * A replica that has replayed all that it received is not behind, however long ago that was; one that takes its log from an
 * archive does not know. The server's clock counts, not the moment of the transaction.
 */
const LAG = `SELECT CASE WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
  ELSE extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::float8 END AS seconds`;

/**
 * Seconds that the server is behind its primary; null where it is one, or does not say. Where a server of PostgreSQL's kind
 * knows no such question, the transaction that it is asked in goes on.
 */
export async function readReplicaLag(client: Client, inTransaction: boolean): Promise<number | null> {
  const { rows } = await client.query('SELECT pg_catalog.pg_is_in_recovery() AS replica');
  const [{ replica }] = z.tuple([z.object({ replica: z.boolean() })]).parse(rows);
  if (!replica) return null;
  if (inTransaction) await client.query('SAVEPOINT lag');
  try {
    const answer = await client.query(LAG);
    const [{ seconds }] = z.tuple([z.object({ seconds: z.number().nullable() })]).parse(answer.rows);
    return seconds === null ? null : Math.max(0, seconds);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (inTransaction) await client.query('ROLLBACK TO SAVEPOINT lag');
    return null;
  } finally {
    if (inTransaction) await client.query('RELEASE SAVEPOINT lag').catch(() => undefined);
  }
}

/** Connections that the server lets the user hold at once, as far as user or database are limited; null where they are not. */
export async function readConnectionsAllowed(client: Client): Promise<number | null> {
  const { rows } =
    await client.query(`SELECT least(nullif(CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END, -1),
      nullif(CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END, -1))::int AS allowed
    FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
    WHERE r.rolname = current_user AND d.datname = current_database()`);
  const [{ allowed }] = z.tuple([z.object({ allowed: z.number().nullable() })]).parse(rows);
  return allowed;
}
