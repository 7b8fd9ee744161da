/* What is in the warehouse's table, as a person would look: past every fault. */
import type { Warehouse } from '#cloud/bigquery';
import type { Kept, Way } from './guarantees.ts';
import type { World } from './world.ts';

/** The table, and a way to it that nothing disturbs. */
export interface Place {
  readonly direct: Warehouse;
  readonly dataset: string;
  readonly destination: string;
}

/** The rows of the warehouse's table as they are; none where it is not there. */
export async function keptRows({ direct, dataset, destination }: Place, way: Way): Promise<Kept[]> {
  const deleted = way === 'merge-mark' ? '_tradewind_deleted_at IS NOT NULL' : 'FALSE';
  const ref = { dataset, table: destination };
  if ((await direct.describe(ref)) === null) return [];
  const rows = await direct.query(
    `SELECT id, name, qty, CAST(price AS STRING) AS price, note, rev, ${deleted} AS deleted FROM \`${dataset}\`.\`${destination}\``,
  );
  return rows.map((row) => ({
    item: {
      id: Number(row['id']),
      name: String(row['name']),
      qty: Number(row['qty']),
      price: Number(row['price']).toFixed(2),
      note: typeof row['note'] === 'string' ? row['note'] : null,
      rev: Number(row['rev']),
    },
    deleted: row['deleted'] === true,
  }));
}

/** How often `run` has published the table. */
export async function publications({ direct, dataset, destination }: Place, run: string): Promise<number> {
  const sql = `SELECT COUNT(*) AS n FROM \`${dataset}\`.\`_ledger\` WHERE run = @run AND table_name = @table`;
  // A load that was cancelled at once has made no ledger.
  const rows = await direct.query(sql, { run, table: destination }).catch(() => [{ n: 0 }]);
  return Number(rows[0]?.['n']);
}

/** At rest, every column as the source itself tells it. Rows that the source has no more are left out where they stay. */
export async function compareWhole(
  { direct, dataset, destination }: Place,
  world: World,
  way: Way,
): Promise<{ rows: number; wrong: string[] }> {
  const truth = await world.truth();
  const cursor = world.cursorSql === null ? '' : `, ${world.cursorSql} AS moment`;
  const kept = way === 'merge-mark' ? ' WHERE _tradewind_deleted_at IS NULL' : '';
  const rows = await direct.query(
    `SELECT id, name, qty, CAST(price AS STRING) AS price, note, rev${cursor} FROM \`${dataset}\`.\`${destination}\`${kept}`,
  );
  const have = new Set<string>();
  for (const row of rows)
    have.add(
      JSON.stringify(
        [
          row['id'],
          row['name'],
          row['qty'],
          Number(row['price']).toFixed(2),
          row['note'],
          row['rev'],
          ...(cursor === '' ? [] : [row['moment']]),
        ].map(String),
      ),
    );
  const missing = truth.filter((text) => !have.has(text));
  const extra = way === 'replace' || way === 'merge-mark' ? rows.length - truth.length : 0;
  return {
    rows: rows.length,
    wrong: [
      ...(missing[0] === undefined
        ? []
        : [`at rest: ${missing.length} rows of the source are not there, e.g. ${missing[0]}`]),
      ...(extra === 0 ? [] : [`at rest: ${extra} rows too many`]),
    ],
  };
}
