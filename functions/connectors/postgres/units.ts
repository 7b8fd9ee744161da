/**
 * Cutting a table into units. Heap tables are cut by ranges of blocks (`ctid`), which needs no key and reads each block
 * once; views, foreign tables and servers before version 14 (no range scan over ctid) are one unit.
 */
import type { Client } from 'pg';
import { z } from 'zod';
import type { CursorRange, PlanOptions, Unit } from '../connector.ts';
import type { Relation } from './catalog.ts';
import { escapeIdentifier, escapeLiteral, relationSql } from './names.ts';
import { cursorLiteral } from './watermark.ts';

const MAX_UNITS = 2000;

/** What a unit reads: a relation (a partition where the table has them), blocks, and rows by cursor. */
export const UnitPart = z.object({
  schema: z.string(),
  relation: z.string(),
  fromBlock: z.number().int().min(0).nullable(),
  toBlock: z.number().int().min(0).nullable(),
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
  const fewest = Math.max(1, (options.maxUnits ?? MAX_UNITS) - leaves.length);
  const targetBytes = Math.max(options.targetBytes, Math.ceil(total / fewest), 1);
  const parts =
    leaves.length === 0 || options.limit !== undefined
      ? [partOf(relation.name.schema, relation.name.name, null, null, options.range)]
      : leaves.flatMap((leaf) => cut(leaf, targetBytes, serverVersion, options.range));
  return parts.map((part, index) => {
    const leaf = leaves.find(({ schema, name }) => schema === part.schema && name === part.relation);
    const blocks = part.fromBlock === null ? null : (part.toBlock ?? leaf?.blocks ?? 0) - part.fromBlock;
    const share = blocks === null || !leaf?.blocks ? 1 : blocks / leaf.blocks;
    return {
      id: `u${String(index).padStart(5, '0')}`,
      table: relation.description.name,
      part,
      estimatedRows: leaf === undefined ? relation.description.estimatedRows : Math.round(leaf.rows * share),
      estimatedBytes: leaf === undefined || blocks === null ? null : blocks * leaf.block_bytes,
    };
  });
}

function cut(
  leaf: z.infer<typeof LeafRow>,
  targetBytes: number,
  serverVersion: number,
  range: CursorRange | undefined,
): UnitPart[] {
  // A short range after a watermark is found by index; cutting it by blocks would scan them all.
  const whole =
    leaf.blocks === null || serverVersion < 140_000 || (range !== undefined && range.after !== null);
  const size = Math.max(1, Math.floor(targetBytes / leaf.block_bytes));
  const blocks = leaf.blocks ?? 0;
  if (whole || blocks <= size) return [partOf(leaf.schema, leaf.name, null, null, range)];
  return Array.from({ length: Math.ceil(blocks / size) }, (_, index) => {
    const from = index * size;
    // The last is open: blocks that the table has grown by since then belong to it.
    return partOf(leaf.schema, leaf.name, from, from + size < blocks ? from + size : null, range);
  });
}

function partOf(
  schema: string,
  relation: string,
  fromBlock: number | null,
  toBlock: number | null,
  range: CursorRange | undefined,
): UnitPart {
  return {
    schema,
    relation,
    fromBlock,
    toBlock,
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
  const block = (number: number): string => escapeLiteral(`(${number},0)`) + '::pg_catalog.tid';
  if (part.fromBlock !== null && part.fromBlock > 0) conditions.push(`ctid >= ${block(part.fromBlock)}`);
  if (part.toBlock !== null) conditions.push(`ctid < ${block(part.toBlock)}`);
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
