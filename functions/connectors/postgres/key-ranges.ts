/**
 * Ranges of a primary key by the server's statistics: how tables are cut where blocks cannot be asked for (before version
 * 14). The bounds of the histogram are the keys that cut the rows into equal parts, so nothing has to be counted.
 */
import type { Client } from 'pg';
import { z } from 'zod';

/** A range of whole-numbered keys: from `from` on, below `to`; null is open. */
export interface KeyRange {
  readonly from: string | null;
  readonly to: string | null;
}

/** A key and what the statistics tell of it. */
export interface KeySpread {
  readonly key: string;
  /** Keys with as many rows between each and the next, ascending. */
  readonly bounds: readonly bigint[];
}

/**
 * The first column of the primary key, where it is a whole number (int2, int8, int4) and its order is about that of the
 * rows: else each range would read all over the table. Statistics of columns that the user may not read are not shown.
 */
const SPREAD = `
  SELECT a.attname AS key, s.histogram_bounds::text::int8[]::text[] AS bounds
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
  WHERE i.indisprimary AND n.nspname = $1 AND c.relname = $2 AND a.atttypid IN (20, 21, 23)
    AND NOT s.inherited AND pg_catalog.abs(s.correlation) > 0.5 AND s.histogram_bounds IS NOT NULL`;

const SpreadRow = z.object({ key: z.string(), bounds: z.array(z.string().regex(/^-?\d{1,19}$/)) });

/** The spread of the key of `schema.name`; null where it has none of use, or was never analysed. */
export async function readKeySpread(client: Client, schema: string, name: string): Promise<KeySpread | null> {
  const { rows } = await client.query(SPREAD, [schema, name]);
  const [found] = z.array(SpreadRow).parse(rows);
  return found === undefined ? null : { key: found.key, bounds: found.bounds.map(BigInt) };
}

/** At most `count` ranges, open at both ends: whatever the statistics say, each key is in one. */
export function cutByBounds(bounds: readonly bigint[], count: number): readonly KeyRange[] {
  const inner = Array.from(
    { length: Math.max(0, count - 1) },
    (_, index) => bounds[Math.round(((index + 1) * (bounds.length - 1)) / count)],
  );
  const cuts: bigint[] = [];
  for (const cut of inner)
    if (cut !== undefined && (cuts.at(-1) ?? cut - 1n) < cut && cut > bounds[0]!) cuts.push(cut);
  const starts = [null, ...cuts.map(String)];
  return starts.map((from, index) => ({ from, to: starts[index + 1] ?? null }));
}
