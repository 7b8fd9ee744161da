/** How far a MySQL or MariaDB server is behind the one that it is a copy of. */
import { ServerError } from './packets.ts';
import type { Wire } from './wire.ts';

/** As the newer versions call it, and the older ones. */
const QUESTIONS = ['SHOW REPLICA STATUS', 'SHOW SLAVE STATUS'];
/** What a server says to words that it does not know, and to a user who may not ask (REPLICATION CLIENT, REPLICA MONITOR). */
const SYNTAX = '1064';
const NOT_ALLOWED = ['1227', '1044', '1045', '1142'];

/** Seconds of the channel that is furthest behind; null where there is none, it does not say, or this user may not know. */
export async function readReplicaLag(wire: Wire): Promise<number | null> {
  for (const question of QUESTIONS)
    try {
      return lagOf(await wire.ask(question));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (NOT_ALLOWED.includes(error.code)) return null;
      if (error.code !== SYNTAX) throw error;
    }
  return null;
}

/** The lag that the rows of such an answer tell. Pure. */
export function lagOf(rows: readonly Readonly<Record<string, string | null>>[]): number | null {
  const lags = rows.flatMap((row) => {
    // Null while replication stands still, for whatever reason: nobody knows how far behind it is.
    const text = row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'] ?? '';
    return /^\d+$/.test(text) ? [Number(text)] : [];
  });
  return lags.length === 0 ? null : Math.max(...lags);
}
