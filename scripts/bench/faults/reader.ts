/* Somebody who reads the warehouse's table all the time: between two publications it must always be the same. */
import type { Warehouse } from '#cloud/bigquery';
import { every } from './every.ts';

export interface Reader {
  /** Looks so far. */
  readonly looks: () => number;
  /** What was seen that no publication has left, in words. */
  readonly halves: () => readonly string[];
  readonly close: () => Promise<void>;
}

const EVERY_MS = 200;

/** Begins to read. The ledger's rows tell, in the same statement, how many publications there were. */
export function openReader(
  warehouse: Warehouse,
  dataset: string,
  destination: string,
  marked: boolean,
): Reader {
  const seen = new Map<number, string>();
  const halves: string[] = [];
  let looks = 0;
  const sql = `SELECT (SELECT COUNT(*) FROM \`${dataset}\`.\`_ledger\` WHERE table_name = '${destination}') AS published,
COUNT(*) AS n, SUM(id) AS ids, SUM(rev) AS revs, SUM(qty) AS qtys${marked ? ', COUNTIF(_tradewind_deleted_at IS NULL) AS present' : ''} FROM \`${dataset}\`.\`${destination}\``;
  const look = async (): Promise<void> => {
    const [row] = await warehouse.query(sql);
    looks++;
    const published = Number(row?.['published']);
    const text = JSON.stringify(row);
    const before = seen.get(published);
    if (before === undefined) seen.set(published, text);
    else if (before !== text) halves.push(`after ${published} publications: ${before}, then ${text}`);
  };
  // At first the table is not there.
  const close = every(EVERY_MS, look);
  return {
    looks: () => looks,
    halves: () => halves,
    close,
  };
}
