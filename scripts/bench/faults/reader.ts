/*
 * Somebody who reads the warehouse's tables all the time. Between two publications each must always be the same; and where
 * tables are published together, the publications seen of each must be those of the same runs.
 */
import type { Warehouse } from '#cloud/bigquery';
import { every } from './every.ts';

export interface Reader {
  /** Looks so far. */
  readonly looks: () => number;
  /** Ends; what was seen that no publication has left, in words. */
  readonly close: () => Promise<readonly string[]>;
}

const EVERY_MS = 300;

/** Begins to read. The ledger's rows tell, in the same statement, how many publications there were of each table. */
export function openReader(
  warehouse: Warehouse,
  dataset: string,
  destinations: readonly string[],
  marked: boolean,
): Reader {
  const seen = destinations.map(() => new Map<number, string>());
  /** Numbers of publications that were seen at one moment, of each table in order. */
  const together = new Set<string>();
  const halves: string[] = [];
  let looks = 0;
  const sql = lookSql(dataset, destinations, marked);
  const look = async (): Promise<void> => {
    const [row = {}] = await warehouse.query(sql);
    looks++;
    const published = destinations.map((_, table) => Number(row[`published_${table}`]));
    together.add(published.join());
    seen.forEach((texts, table) => {
      const own = Object.entries(row).filter(([name]) => name.endsWith(`_${table}`));
      const text = JSON.stringify(own);
      const count = published[table] ?? 0;
      const before = texts.get(count);
      if (before === undefined) texts.set(count, text);
      else if (before !== text)
        halves.push(`${destinations[table]} after ${count} publications: ${before}, then ${text}`);
    });
  };
  // At first the tables are not there.
  const close = every(EVERY_MS, look);
  return {
    looks: () => looks,
    async close() {
      await close();
      const possible = await prefixes(warehouse, dataset, destinations);
      const apart = [...together].filter((counts) => !possible.has(counts));
      return [
        ...halves,
        ...apart.map((counts) => `some tables of a run and not all: ${counts} publications`),
      ];
    },
  };
}

function lookSql(dataset: string, destinations: readonly string[], marked: boolean): string {
  const ledger = `\`${dataset}\`.\`_ledger\``;
  const counts = destinations.map(
    (name, table) =>
      `(SELECT COUNT(*) FROM ${ledger} WHERE table_name = '${name}') AS published_${table}, t${table}.*`,
  );
  const tables = destinations.map((name, table) => {
    const sums = ['id', 'rev', 'qty'].map((column) => `SUM(${column}) AS ${column}_${table}`);
    const present = marked ? [`COUNTIF(_tradewind_deleted_at IS NULL) AS present_${table}`] : [];
    return `(SELECT COUNT(*) AS n_${table}, ${[...sums, ...present].join(', ')} FROM \`${dataset}\`.\`${name}\`) AS t${table}`;
  });
  return `SELECT ${counts.join(', ')} FROM ${tables.join(' CROSS JOIN ')}`;
}

/** How many publications of each table there were after each run, and before the first. */
async function prefixes(
  warehouse: Warehouse,
  dataset: string,
  destinations: readonly string[],
): Promise<Set<string>> {
  const names = destinations.map((name) => `'${name}'`).join(', ');
  const rows = await warehouse
    .query(
      `SELECT run, table_name FROM \`${dataset}\`.\`_ledger\` WHERE table_name IN (${names}) ORDER BY published_at, run`,
    )
    .catch(() => []);
  const counts = destinations.map(() => 0);
  const found = new Set([counts.join()]);
  rows.forEach(({ run, table_name }, index) => {
    const table = destinations.indexOf(String(table_name));
    counts[table] = (counts[table] ?? 0) + 1;
    if (rows[index + 1]?.['run'] !== run) found.add(counts.join());
  });
  return found;
}
