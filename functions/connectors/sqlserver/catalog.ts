/** What SQL Server's catalogue says about tables and columns that the user may read. */
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { TableDescription, TableListing } from '../connector.ts';
import { formatRelation, type RelationName } from '../relation-names.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { relationSql } from './names.ts';
import { ask } from './statements.ts';
import { planColumn, type ColumnPlan, type LeftOut } from './types.ts';

const RelationRow = z.object({
  id: z.number(),
  schema: z.string(),
  name: z.string(),
  kind: z.enum(['table', 'view', 'foreign']),
  rows: z.coerce.number().nullable(),
  bytes: z.coerce.number().nullable(),
  comment: z.string().nullable(),
  row_security: z.boolean(),
  in_memory: z.boolean(),
});

/**
 * Tables and views with at least one readable column. Rows and pages come from the catalogue and not from
 * `sys.dm_db_partition_stats`, which has the same figures for those only who may watch the whole database.
 */
const RELATIONS = `
  SELECT o.object_id AS id, s.name AS [schema], o.name AS name, v.comment, p.rows, a.bytes,
    CASE WHEN o.type = 'V' THEN 'view' WHEN t.is_external = 1 THEN 'foreign' ELSE 'table' END AS kind,
    CONVERT(bit, CASE WHEN EXISTS (
      SELECT 1 FROM sys.security_predicates d JOIN sys.security_policies y ON y.object_id = d.object_id
      WHERE d.target_object_id = o.object_id AND y.is_enabled = 1) THEN 1 ELSE 0 END) AS row_security,
    CONVERT(bit, ISNULL(t.is_memory_optimized, 0)) AS in_memory
  FROM sys.objects o
  JOIN sys.schemas s ON s.schema_id = o.schema_id
  LEFT JOIN sys.tables t ON t.object_id = o.object_id
  CROSS APPLY (SELECT QUOTENAME(s.name) + '.' + QUOTENAME(o.name) AS name) q
  OUTER APPLY (
    SELECT SUM(r.rows) AS rows FROM sys.partitions r WHERE r.object_id = o.object_id AND r.index_id IN (0, 1)) p
  OUTER APPLY (
    SELECT SUM(u.used_pages) * 8192 AS bytes FROM sys.partitions r
    JOIN sys.allocation_units u ON u.container_id = CASE u.type WHEN 2 THEN r.partition_id ELSE r.hobt_id END
    WHERE r.object_id = o.object_id AND r.index_id IN (0, 1)) a
  OUTER APPLY (
    SELECT CONVERT(nvarchar(4000), e.value) AS comment FROM sys.extended_properties e
    WHERE e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = 'MS_Description') v
  WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
    AND (HAS_PERMS_BY_NAME(q.name, 'OBJECT', 'SELECT') = 1 OR EXISTS (
      SELECT 1 FROM sys.columns c WHERE c.object_id = o.object_id
        AND HAS_PERMS_BY_NAME(q.name, 'OBJECT', 'SELECT', c.name, 'COLUMN') = 1))`;
/** Of all tables, and of one. */
export const LIST_RELATIONS = `${RELATIONS} ORDER BY s.name, o.name`;
export const FIND_RELATION = `${RELATIONS} AND s.name = @schema AND o.name = @name`;

/** All tables that the user may read, by schema and name. */
export async function listRelations(connection: GuardedConnection): Promise<readonly TableListing[]> {
  return (await listRows(connection)).map(toListing);
}

/** The first table that a snapshot can read; a view where there is none, null without either. */
export async function findPlainTable(connection: GuardedConnection): Promise<RelationName | null> {
  const rows = (await listRows(connection)).filter((row) => !row.in_memory && row.kind !== 'foreign');
  return rows.find(({ kind }) => kind === 'table') ?? rows[0] ?? null;
}

async function listRows(connection: GuardedConnection): Promise<z.infer<typeof RelationRow>[]> {
  return z.array(RelationRow).parse(await ask(connection, LIST_RELATIONS));
}

function toListing(row: z.infer<typeof RelationRow>): TableListing {
  return {
    name: formatRelation(row),
    kind: row.kind,
    estimatedRows: row.rows,
    estimatedBytes: row.bytes,
    comment: row.comment,
  };
}

/** A relation with the plan of each column. */
export interface Relation {
  readonly name: RelationName;
  readonly description: TableDescription;
  readonly plans: readonly ColumnPlan[];
}

const ColumnRow = z.object({
  name: z.string(),
  type: z.string().nullable(),
  max_length: z.number(),
  precision: z.number(),
  scale: z.number(),
  nullable: z.boolean(),
  encrypted: z.boolean(),
  masked: z.boolean(),
  readable: z.boolean(),
});

/** Types of the customer's own stand for a system type, whose name is taken; only .NET types keep theirs. */
export const COLUMNS = `
  SELECT c.name, CASE c.system_type_id WHEN 240 THEN TYPE_NAME(c.user_type_id) ELSE TYPE_NAME(c.system_type_id) END AS type,
    c.max_length, c.precision, c.scale, c.is_nullable AS nullable,
    CONVERT(bit, CASE WHEN c.encryption_type IS NULL THEN 0 ELSE 1 END) AS encrypted,
    CONVERT(bit, CASE WHEN c.is_masked = 1 AND HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UNMASK') = 0 THEN 1 ELSE 0 END) AS masked,
    CONVERT(bit, ISNULL(HAS_PERMS_BY_NAME(@relation, 'OBJECT', 'SELECT', c.name, 'COLUMN'), 0)) AS readable
  FROM sys.columns c WHERE c.object_id = CONVERT(int, @id) ORDER BY c.column_id`;

export const KEY = `
  SELECT c.name FROM sys.indexes i
  JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
  JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
  WHERE i.object_id = CONVERT(int, @id) AND i.is_primary_key = 1 AND k.key_ordinal > 0 ORDER BY k.key_ordinal`;

/** The relation `name`. Terminal `table-not-found` when it does not exist or the user may read none of it. */
export async function describeRelation(connection: GuardedConnection, name: RelationName): Promise<Relation> {
  const found = await ask(connection, FIND_RELATION, { schema: name.schema, name: name.name });
  const [row] = z.array(RelationRow).parse(found);
  if (row === undefined)
    throw new TerminalError(
      'table-not-found',
      `There is no table ${formatRelation(name)} that this user may read.`,
      { remedy: 'Check the name, grant SELECT on it, or discover the tables of the source again.' },
    );
  const id = String(row.id);
  const columns = z
    .array(ColumnRow)
    .parse(await ask(connection, COLUMNS, { id, relation: relationSql(name) }));
  const key = z.array(z.object({ name: z.string() })).parse(await ask(connection, KEY, { id }));
  const planned = columns
    .filter(({ readable }) => readable)
    .map((column) =>
      planColumn({
        name: column.name,
        typeName: column.type ?? 'unknown',
        maxLength: column.max_length,
        precision: column.precision,
        scale: column.scale,
        nullable: column.nullable,
        encrypted: column.encrypted,
      }),
    );
  const plans = planned.flatMap((each) => ('expression' in each ? [each] : []));
  const leftOut = planned.flatMap((each) => ('expression' in each ? [] : [each]));
  return {
    // As the server spells it: names are found whatever their case.
    name: { schema: row.schema, name: row.name },
    plans,
    description: {
      ...toListing(row),
      columns: plans.map(({ column }) => column),
      key: key.map((each) => each.name),
      notes: [...notesOf(row, columns, leftOut), ...plans.flatMap(({ note }) => note ?? [])],
    },
  };
}

function notesOf(
  row: z.infer<typeof RelationRow>,
  columns: readonly z.infer<typeof ColumnRow>[],
  leftOut: readonly LeftOut[],
): string[] {
  const hidden = columns.filter(({ readable }) => !readable).map(({ name }) => name);
  const masked = columns.filter((column) => column.masked).map(({ name }) => name);
  return [
    ...(hidden.length === 0 ? [] : [`This user may not read: ${hidden.join(', ')}.`]),
    ...leftOut.map(({ name, why }) => `"${name}" is left out: ${why}.`),
    ...(masked.length === 0
      ? []
      : [`Masked for this user, so the mask is read and not the value: ${masked.join(', ')}. Grant UNMASK.`]),
    ...(row.in_memory ? ['It is memory-optimized, which SQL Server does not read in a snapshot.'] : []),
    ...(row.row_security ? ['Row security is on: only the rows that this user may see are read.'] : []),
  ];
}
