/**
 * Cutting a table into units. Heap tables are cut by ranges of blocks (`ctid`), which needs no key and reads each block
 * once; before version 14, which has no range scan over ctid, by ranges of the primary key where its statistics allow that.
 * Views, foreign tables and whatever else has neither are one unit.
 */
import type { Client } from 'pg';
import { z } from 'zod';
import type { CursorRange, PlanOptions, Unit } from '../connector.ts';
import type { Relation } from './catalog.ts';
import type { RelationName } from '../relation-names.ts';
import { cutByBounds, readKeySpread } from './key-ranges.ts';
import { escapeIdentifier, escapeLiteral, relationSql } from './names.ts';
import { cutView } from './view-ranges.ts';
import { cursorLiteral } from './watermark.ts';
import { unitName } from '../unit-name.ts';

const MAX_UNITS = 2000;

/** A whole number of 64 bits as text. */
const Key = z.string().regex(/^-?\d{1,19}$/);

/** What a unit reads: a relation (a partition where the table has them), blocks or keys, and rows by cursor. */
export const UnitPart = z.object({
  schema: z.string(),
  relation: z.string(),
  fromBlock: z.number().int().min(0).nullable(),
  toBlock: z.number().int().min(0).nullable(),
  /** A whole-numbered key, and its range: from `fromKey` on, below `toKey`. */
  key: z.string().nullable().default(null),
  fromKey: Key.nullable().default(null),
  toKey: Key.nullable().default(null),
  /** Rows without a key are among them. */
  nullKeys: z.boolean().default(false),
  cursor: z.string().nullable(),
  after: z.string().nullable(),
  upTo: z.string().nullable(),
});
export type UnitPart = z.infer<typeof UnitPart>;

const LeafRow = z.object({
  schema: z.string(),
  name: z.string(),
  blocks: z.coerce.number().nullable(),
  rows: z.coerce.number(),
  block_bytes: z.coerce.number(),
});

/** The relations that hold the rows: the table itself, or its leaf partitions where the user may read them all. */
const LEAVES = `
  WITH leaf AS (
    SELECT relid AS oid FROM pg_catalog.pg_partition_tree($1::oid::regclass) WHERE isleaf
    UNION SELECT $1::oid WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree($1::oid::regclass))
  ), readable AS (
    SELECT bool_and(pg_catalog.has_any_column_privilege(oid, 'SELECT')) AS every FROM leaf
  )
  SELECT n.nspname AS schema, c.relname AS name, greatest(c.reltuples, 0)::float8 AS rows,
    pg_catalog.current_setting('block_size')::int AS block_bytes,
    CASE WHEN m.amname = 'heap' AND c.relkind IN ('r','m')
      THEN pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int END AS blocks
  FROM leaf l JOIN pg_catalog.pg_class c ON c.oid = l.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
  WHERE (SELECT every FROM readable)
  ORDER BY n.nspname, c.relname`;

/** The units of `relation`; together they are the table (or its range) once. */
export async function planRelation(
  client: Client,
  relation: Relation,
  options: PlanOptions,
  serverVersion: number,
): Promise<readonly Unit[]> {
  const { rows } = await client.query(LEAVES, [relation.oid]);
  const leaves = z.array(LeafRow).parse(rows);
  const total = leaves.reduce((sum, leaf) => sum + (leaf.blocks ?? 0) * leaf.block_bytes, 0);
  const most = options.maxUnits ?? MAX_UNITS;
  const tapered = options.tasks !== 1 && leaves.length <= FEW_LEAVES && most >= 2 * FEW_LEAVES * MORE_UNITS;
  const fewest = Math.max(1, most - leaves.length * (tapered ? 1 + MORE_UNITS : 1));
  const targetBytes = Math.max(options.targetBytes, Math.ceil(total / fewest), 1);
  const view = await cutIfView(client, relation, leaves, options, targetBytes);
  if (view !== null) return view;
  const whole = leaves.length === 0 || options.limit !== undefined;
  const units: Cut[] = whole
    ? [{ part: partOf(relation.name, {}, options.range), leaf: null, share: 1 }]
    : [];
  if (!whole)
    for (const leaf of leaves)
      units.push(
        ...(await cut(client, leaf, targetBytes, tapered ? OF_REST : 1, serverVersion, options.range)),
      );
  return units.map(({ part, leaf, share }, index) => ({
    id: unitName(index),
    table: relation.description.name,
    part,
    estimatedRows: leaf === null ? relation.description.estimatedRows : Math.round(leaf.rows * share),
    estimatedBytes:
      leaf?.blocks == null || part.after !== null ? null : Math.round(leaf.blocks * leaf.block_bytes * share),
  }));
}

/** The units of a view by ranges of the key that was chosen; null where the relation is none, or only some of it is read. */
async function cutIfView(
  client: Client,
  { name, description, plans }: Relation,
  leaves: readonly Leaf[],
  { key, limit, range, maxUnits = MAX_UNITS }: PlanOptions,
  targetBytes: number,
): Promise<readonly Unit[] | null> {
  if (description.kind !== 'view' || leaves.length !== 1 || leaves[0]?.blocks !== null) return null;
  if (limit !== undefined || (range?.after ?? null) !== null) return null;
  const column = plans.map((plan) => plan.column).find((one) => one.name === key && one.type === 'INT64');
  const { ranges, rows, bytes, note } = await cutView(
    client,
    relationSql(name),
    column?.name ?? null,
    targetBytes,
    maxUnits,
  );
  const several = ranges.length > 1;
  return ranges.map(({ from, to }, index) => ({
    id: unitName(index),
    table: description.name,
    part: partOf(
      name,
      several ? { key: column?.name ?? null, fromKey: from, toKey: to, nullKeys: from === null } : {},
      range,
    ),
    estimatedRows: Math.round(rows / ranges.length),
    estimatedBytes: Math.round(bytes / ranges.length),
    ...(note === null || index > 0 ? {} : { note }),
  }));
}

type Leaf = z.infer<typeof LeafRow>;

/** A part of a leaf, and how much of it that is; of a relation that has none to look into, all. */
interface Cut {
  readonly part: UnitPart;
  readonly leaf: Leaf | null;
  readonly share: number;
}

async function cut(
  client: Client,
  leaf: Leaf,
  targetBytes: number,
  ofRest: number,
  serverVersion: number,
  range: CursorRange | undefined,
): Promise<readonly Cut[]> {
  const size = Math.max(1, Math.floor(targetBytes / leaf.block_bytes));
  const blocks = leaf.blocks ?? 0;
  // A short range after a watermark is found by index; cutting it would scan them all.
  const whole = leaf.blocks === null || (range !== undefined && range.after !== null) || blocks <= size;
  if (whole) return [{ part: partOf(leaf, {}, range), leaf, share: 1 }];
  const count = Math.ceil(blocks / size);
  if (serverVersion < 140_000) {
    const spread = await readKeySpread(client, leaf.schema, leaf.name);
    const ranges = spread === null ? [] : cutByBounds(spread.bounds, count);
    if (spread === null || ranges.length < 2) return [{ part: partOf(leaf, {}, range), leaf, share: 1 }];
    return ranges.map(({ from, to }) => ({
      part: partOf(leaf, { key: spread.key, fromKey: from, toKey: to }, range),
      leaf,
      share: 1 / ranges.length,
    }));
  }
  return blockRanges(blocks, size, ofRest).map(({ from, to }) => ({
    part: partOf(leaf, { fromBlock: from, toBlock: to }, range),
    leaf,
    share: ((to ?? blocks) - from) / blocks,
  }));
}

/** Of what is left of a leaf a unit takes this part at most, but down to this part of a full one. */
const OF_REST = 8;
const OF_SIZE = 4;
/** A table of more leaves than this has units of all sizes anyway. */
const FEW_LEAVES = 8;
/** Units that a leaf may have more because the last are smaller. */
const MORE_UNITS = 14;

/**
 * Ranges of about `size` blocks, smaller ones at the end: whichever task takes the last units, all end at about the same
 * time. The last is open: blocks that the table has grown by since then belong to it.
 */
export function blockRanges(
  blocks: number,
  size: number,
  ofRest = OF_REST,
): readonly { readonly from: number; readonly to: number | null }[] {
  const least = Math.max(1, Math.ceil(size / OF_SIZE));
  const starts: number[] = [];
  for (let from = 0; from < blocks;) {
    starts.push(from);
    from += Math.min(size, Math.max(least, Math.ceil((blocks - from) / ofRest)));
  }
  return starts.map((from, index) => ({ from, to: starts[index + 1] ?? null }));
}

function partOf(
  { schema, name }: RelationName,
  piece: Partial<Pick<UnitPart, 'fromBlock' | 'toBlock' | 'key' | 'fromKey' | 'toKey' | 'nullKeys'>>,
  range: CursorRange | undefined,
): UnitPart {
  return {
    schema,
    relation: name,
    fromBlock: null,
    toBlock: null,
    key: null,
    fromKey: null,
    toKey: null,
    nullKeys: false,
    ...piece,
    cursor: range?.column ?? null,
    after: range?.after ?? null,
    upTo: range?.upTo ?? null,
  };
}

/**
 * The COPY that reads `part`; `cursorType` is the catalogue's type of its cursor column, `filter` one more condition on its
 * rows, `limit` how many of them.
 */
export function copySql(
  part: UnitPart,
  expressions: readonly string[],
  cursorType: string | null,
  filter: string | null = null,
  limit: number | null = null,
): string {
  const conditions: string[] = [];
  // A bound may be none of a narrower column's numbers.
  const whole = (number: string): string => `${escapeLiteral(number)}::pg_catalog.int8`;
  const block = (number: number): string => escapeLiteral(`(${number},0)`) + '::pg_catalog.tid';
  if (part.fromBlock !== null && part.fromBlock > 0) conditions.push(`ctid >= ${block(part.fromBlock)}`);
  if (part.toBlock !== null) conditions.push(`ctid < ${block(part.toBlock)}`);
  if (part.key !== null) {
    const key = escapeIdentifier(part.key);
    if (part.fromKey !== null) conditions.push(`${key} >= ${whole(part.fromKey)}`);
    const orNone = part.nullKeys ? ` OR ${key} IS NULL` : '';
    if (part.toKey !== null) conditions.push(`(${key} < ${whole(part.toKey)}${orNone})`);
  }
  if (part.cursor !== null && cursorType !== null) {
    const column = escapeIdentifier(part.cursor);
    if (part.after !== null) conditions.push(`${column} > ${cursorLiteral(part.after, cursorType)}`);
    if (part.upTo !== null) conditions.push(`${column} <= ${cursorLiteral(part.upTo, cursorType)}`);
  }
  if (filter !== null) conditions.push(filter);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const most = limit === null ? '' : ` LIMIT ${limit}`;
  const from = relationSql({ schema: part.schema, name: part.relation });
  return `COPY (SELECT ${expressions.join(', ')} FROM ${from}${where}${most}) TO STDOUT (FORMAT binary)`;
}
