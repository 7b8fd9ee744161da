/**
 * Partitions as units: each is read in one place, where ranges of the key would be looked for in all of them. Small neighbours
 * are read together.
 */
import { z } from 'zod';
import { joinNeighbours } from '../neighbours.ts';
import { quoteName, textLiteral } from './names.ts';
import type { Wire } from './wire.ts';

/** A partition with all of its subpartitions. */
export interface Partition {
  readonly name: string;
  /** By the server's statistics. */
  readonly rows: number;
  readonly bytes: number;
}

const Figure = z.string().nullable().transform((text) => Number(text ?? 0) || 0); // prettier-ignore
const PartitionRow = z.object({ name: z.string(), row_count: Figure, bytes: Figure });

/**
 * Of a table with system versions another thing comes of a partition than of the table: rows of former times. Such tables are
 * read as wholes.
 */
function partitionsSql(table: string): string {
  return `SELECT p.PARTITION_NAME AS name, CAST(SUM(p.TABLE_ROWS) AS CHAR) AS row_count, CAST(SUM(p.DATA_LENGTH) AS CHAR) AS bytes
    FROM information_schema.PARTITIONS p
    WHERE p.TABLE_SCHEMA = DATABASE() AND p.TABLE_NAME = ${textLiteral(table)} AND p.PARTITION_NAME IS NOT NULL
      AND EXISTS (SELECT 1 FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = p.TABLE_SCHEMA
        AND t.TABLE_NAME = p.TABLE_NAME AND t.TABLE_TYPE = 'BASE TABLE')
    GROUP BY p.PARTITION_NAME, p.PARTITION_ORDINAL_POSITION ORDER BY p.PARTITION_ORDINAL_POSITION`;
}

/**
 * The partitions of `table` in their order; none where it has no more than one. The table is touched first, and so held for
 * the snapshot's transaction: nobody can move rows between partitions until all of them are read.
 */
export async function readPartitions(wire: Wire, table: string): Promise<readonly Partition[]> {
  const sql = partitionsSql(table);
  if ((await wire.ask(sql)).length < 2) return [];
  await wire.ask(`SELECT 1 FROM ${quoteName(table)} LIMIT 0`);
  const found = z.array(PartitionRow).parse(await wire.ask(sql));
  const partitions = found.map(({ name, row_count, bytes }) => ({ name, rows: row_count, bytes }));
  return partitions.length < 2 ? [] : partitions;
}

/**
 * Neighbours joined until they have about `targetBytes`, into at most `most` groups; each partition is in one of them. Pure.
 */
export function joinPartitions(
  partitions: readonly Partition[],
  targetBytes: number,
  most: number,
): readonly (readonly Partition[])[] {
  const total = partitions.reduce((sum, { bytes }) => sum + bytes, 0);
  const wanted = Math.max(targetBytes, total / Math.max(1, most));
  return joinNeighbours(partitions, ({ bytes }) => bytes, wanted, most);
}
