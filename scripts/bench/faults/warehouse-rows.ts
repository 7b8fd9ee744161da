/* What is in a table of the warehouse, as a person would look: past every fault. */
import type { Warehouse } from '#cloud/bigquery';
import { type Kept, marksDeleted, type Way } from './guarantees.ts';
import { type Item, textOf } from './history.ts';
import { isMisfit, type See } from './seen.ts';
import type { World } from './world.ts';

/** A table, and a way to it that nothing disturbs. */
export interface Place {
  readonly direct: Warehouse;
  readonly dataset: string;
  readonly destination: string;
}

const COLUMNS = 'id, name, qty, CAST(price AS STRING) AS price, note, rev';

function itemOf(row: Readonly<Record<string, unknown>>): Item {
  const { id, name, qty, price, note, rev } = row;
  return {
    id: Number(id),
    name: String(name),
    qty: Number(qty),
    price: price === null ? null : Number(price).toFixed(2),
    note: typeof note === 'string' ? note : null,
    rev: Number(rev),
  };
}

/** The rows of the warehouse's table as they are; none where it is not there. */
export async function keptRows({ direct, dataset, destination }: Place, way: Way): Promise<Kept[]> {
  const deleted = marksDeleted(way) ? '_tradewind_deleted_at IS NOT NULL' : 'FALSE';
  const ref = { dataset, table: destination };
  if ((await direct.describe(ref)) === null) return [];
  const rows = await direct.query(
    `SELECT ${COLUMNS}, ${deleted} AS deleted FROM \`${dataset}\`.\`${destination}\``,
  );
  return rows.map((row) => ({ item: itemOf(row), deleted: row['deleted'] === true }));
}

/** How often `run` has published the table. */
export async function publications({ direct, dataset, destination }: Place, run: string): Promise<number> {
  const sql = `SELECT COUNT(*) AS n FROM \`${dataset}\`.\`_ledger\` WHERE run = @run AND table_name = @table`;
  // A load that was cancelled at once has made no ledger.
  const rows = await direct.query(sql, { run, table: destination }).catch(() => [{ n: 0 }]);
  return Number(rows[0]?.['n']);
}

/** A value of the cursor that some row has; null where there is none yet. */
export async function someMoment(
  { direct, dataset, destination }: Place,
  sql: string,
): Promise<string | null> {
  const rows = await direct
    .query(
      `SELECT ${sql} AS moment FROM \`${dataset}\`.\`${destination}\` ORDER BY FARM_FINGERPRINT(name) LIMIT 1`,
    )
    .catch(() => []);
  const moment = rows[0]?.['moment'];
  return typeof moment === 'string' ? moment : null;
}

/** At rest, every column as the source itself tells it. Rows that the source has no more are left out where they stay. */
export async function compareWhole(
  { direct, dataset, destination }: Place,
  world: World,
  way: Way,
  see: See,
): Promise<{ rows: number; wrong: string[] }> {
  const text = (item: Item, moment: unknown) => `${textOf(item)} ${String(moment)}`;
  const truth = (await world.truth()).flatMap(({ item, moment }) => {
    const seen = see(item);
    // Of what is rejected the former version stays, whichever that is.
    return seen === null || isMisfit(seen) ? [] : [text(seen, moment)];
  });
  const cursor = world.cursorSql ?? 'NULL';
  if ((await direct.describe({ dataset, table: destination })) === null)
    return { rows: 0, wrong: ['at rest: the table is not there'] };
  const rows = await direct.query(
    `SELECT ${COLUMNS}, ${cursor} AS moment FROM \`${dataset}\`.\`${destination}\`${marksDeleted(way) ? ' WHERE _tradewind_deleted_at IS NULL' : ''}`,
  );
  const have = new Set(rows.map((row) => text(itemOf(row), row['moment'])));
  const missing = truth.filter((one) => !have.has(one));
  const extra = way === 'replace' || marksDeleted(way) ? rows.length - truth.length : 0;
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
