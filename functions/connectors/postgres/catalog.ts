/** What PostgreSQL's catalogue says about tables and columns that the user may read. */
import type { Client } from 'pg';
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { TableDescription, TableListing } from '../connector.ts';
import { formatRelation, type RelationName } from '../relation-names.ts';
import { planColumn, type ColumnPlan } from './types.ts';

const kinds = { r: 'table', p: 'partitioned', v: 'view', m: 'view', f: 'foreign' } as const;

const RelationRow = z.object({
  oid: z.coerce.number(),
  schema: z.string(),
  name: z.string(),
  relkind: z.enum(['r', 'p', 'v', 'm', 'f']),
  rows: z.coerce.number().nullable(),
  bytes: z.coerce.number().nullable(),
  comment: z.string().nullable(),
  row_security: z.boolean(),
});

/** Tables, views and partitioned tables (their partitions are not listed) with at least one readable column. */
const RELATIONS = `
  SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind, c.relrowsecurity AS row_security,
    CASE WHEN c.relkind = 'p' THEN p.rows WHEN c.reltuples >= 0 AND c.relkind <> 'v' THEN c.reltuples END::float8 AS rows,
    CASE WHEN c.relkind = 'p' THEN p.bytes WHEN c.relkind IN ('r','m') THEN pg_catalog.pg_table_size(c.oid) END AS bytes,
    pg_catalog.obj_description(c.oid, 'pg_class') AS comment
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
    SELECT sum(greatest(l.reltuples, 0)) AS rows, sum(pg_catalog.pg_table_size(l.oid))::int8 AS bytes
    FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf
  ) p ON c.relkind = 'p'
  WHERE c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')`;

/** All tables that the user may read, by schema and name. */
export async function listRelations(client: Client): Promise<readonly TableListing[]> {
  const { rows } = await client.query(`${RELATIONS} ORDER BY n.nspname, c.relname`);
  return z.array(RelationRow).parse(rows).map(toListing);
}

function toListing(row: z.infer<typeof RelationRow>): TableListing {
  return {
    name: formatRelation(row),
    kind: kinds[row.relkind],
    estimatedRows: row.rows,
    estimatedBytes: row.bytes,
    comment: row.comment,
  };
}

/** A relation with the plan of each column. */
export interface Relation {
  readonly oid: number;
  readonly name: RelationName;
  readonly description: TableDescription;
  readonly plans: readonly ColumnPlan[];
}

const ColumnRow = z.object({
  name: z.string(),
  not_null: z.boolean(),
  readable: z.boolean(),
  type_name: z.string(),
  type_kind: z.string(),
  category: z.string(),
  type_modifier: z.number(),
  shown_type: z.string(),
});

/** Domains are followed down to the type they stand for; the innermost type modifier counts. */
const COLUMNS = `
  WITH RECURSIVE base AS (
    SELECT a.attnum, a.atttypid AS oid, a.atttypmod AS modifier FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, t.typbasetype, t.typtypmod FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid
    WHERE t.typtype = 'd'
  )
  SELECT a.attname AS name, a.attnotnull AS not_null, t.typname AS type_name, t.typtype AS type_kind,
    t.typcategory AS category, b.modifier AS type_modifier,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS shown_type,
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable
  FROM base b
  JOIN pg_catalog.pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
  JOIN pg_catalog.pg_attribute a ON a.attrelid = $1 AND a.attnum = b.attnum
  ORDER BY a.attnum`;

const KEY = `
  SELECT a.attname AS name FROM pg_catalog.pg_index i
  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.place`;

/** The relation `name`. Terminal `table-not-found` when it does not exist or the user may read none of it. */
export async function describeRelation(client: Client, name: RelationName): Promise<Relation> {
  const found = await client.query(`${RELATIONS} AND n.nspname = $1 AND c.relname = $2`, [
    name.schema,
    name.name,
  ]);
  const [row] = z.array(RelationRow).parse(found.rows);
  if (row === undefined)
    throw new TerminalError(
      'table-not-found',
      `There is no table ${formatRelation(name)} that this user may read.`,
      {
        remedy: 'Check the name, grant SELECT on it, or discover the tables of the source again.',
      },
    );
  const columns = z.array(ColumnRow).parse((await client.query(COLUMNS, [row.oid])).rows);
  const key = z.array(z.object({ name: z.string() })).parse((await client.query(KEY, [row.oid])).rows);
  const plans = columns
    .filter(({ readable }) => readable)
    .map((column) =>
      planColumn({
        name: column.name,
        typeName: column.type_name,
        typeKind: column.type_kind,
        category: column.category,
        typeModifier: column.type_modifier,
        shownType: column.shown_type,
        notNull: column.not_null,
      }),
    );
  return {
    oid: row.oid,
    name,
    plans,
    description: {
      ...toListing(row),
      columns: plans.map(({ column }) => column),
      key: key.map((each) => each.name),
      notes: notesOf(row, columns),
    },
  };
}

function notesOf(row: z.infer<typeof RelationRow>, columns: readonly z.infer<typeof ColumnRow>[]): string[] {
  const hidden = columns.filter(({ readable }) => !readable).map(({ name }) => name);
  return [
    ...(hidden.length === 0 ? [] : [`This user may not read: ${hidden.join(', ')}.`]),
    ...(row.row_security ? ['Row security is on: only the rows that this user may see are read.'] : []),
  ];
}
