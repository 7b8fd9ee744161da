/** What the information schema says about tables and columns of the source's database that the user may read. */
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { TableDescription, TableListing } from '../connector.ts';
import { textLiteral } from './names.ts';
import { type CatalogColumn, type ColumnPlan, planColumn, typeNotes } from './types.ts';
import type { Wire } from './wire.ts';

const Figure = z
  .string()
  .transform(Number)
  .nullable()
  .transform((value) => (value === null || Number.isNaN(value) ? null : value));

const TableRow = z.object({
  name: z.string(),
  kind: z.string(),
  engine: z.string().nullable(),
  row_count: Figure,
  bytes: Figure,
  comment: z.string().nullable(),
});
type TableRow = z.infer<typeof TableRow>;

const TABLES = `SELECT TABLE_NAME AS name, TABLE_TYPE AS kind, ENGINE AS engine, TABLE_ROWS AS row_count,
    DATA_LENGTH AS bytes, TABLE_COMMENT AS comment
  FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')`;

/** A right of any kind makes a column visible; only SELECT makes it readable. */
const MAY_READ = `FIND_IN_SET('select', REPLACE(LOWER(PRIVILEGES), ' ', ''))`;

/** All tables that the user may read, by name. */
export async function listTables(wire: Wire): Promise<readonly TableListing[]> {
  const readable = await wire.ask(
    `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND ${MAY_READ}`,
  );
  const names = new Set(readable.map(({ name }) => name));
  return z
    .array(TableRow)
    .parse(await wire.ask(TABLES))
    .filter(({ name }) => names.has(name))
    .map(toListing)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function toListing(row: TableRow): TableListing {
  const view = row.kind === 'VIEW';
  return {
    name: row.name,
    kind: view ? 'view' : 'table',
    estimatedRows: view ? null : row.row_count,
    estimatedBytes: view ? null : row.bytes,
    // What views have in place of a comment.
    comment: row.comment === '' || view ? null : row.comment,
  };
}

/** A table with the plan of each column. */
export interface Table {
  readonly name: string;
  /** Its storage engine keeps versions of rows, so that a snapshot holds for it. Of views: so they are taken to. */
  readonly versioned: boolean;
  readonly description: TableDescription;
  readonly plans: readonly ColumnPlan[];
  /** The column whose numbers the server gives out; null without one. */
  readonly autoIncrement: string | null;
}

const ColumnRow = z.object({
  table_name: z.string(),
  name: z.string(),
  data_type: z.string().transform((text) => text.toLowerCase()),
  column_type: z.string(),
  number_precision: Figure,
  number_scale: Figure,
  nullable: z.string(),
  extra: z.string().nullable(),
  readable: z.string().nullable(),
});

function columnsOf(table: string): string {
  return `SELECT TABLE_NAME AS table_name, COLUMN_NAME AS name, DATA_TYPE AS data_type, COLUMN_TYPE AS column_type,
    NUMERIC_PRECISION AS number_precision, NUMERIC_SCALE AS number_scale, IS_NULLABLE AS nullable, EXTRA AS extra,
    ${MAY_READ} AS readable
  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${textLiteral(table)}
  ORDER BY ORDINAL_POSITION`;
}

/** The table `name`. Terminal `table-not-found` when it does not exist or the user may read none of it. */
export async function describeTable(wire: Wire, name: string): Promise<Table> {
  const tables = z.array(TableRow).parse(await wire.ask(`${TABLES} AND TABLE_NAME = ${textLiteral(name)}`));
  // Where names are compared without case, another may have come.
  const row = tables.find((table) => table.name === name);
  const columns = z
    .array(ColumnRow)
    .parse(await wire.ask(columnsOf(name)))
    .filter((column) => column.table_name === name);
  const visible = columns.filter(({ readable }) => readable !== null && readable !== '0');
  if (row === undefined || visible.length === 0)
    throw new TerminalError('table-not-found', `There is no table ${name} that this user may read.`, {
      remedy: 'Check the name, grant SELECT on it, or discover the tables of the source again.',
    });
  const checked = await jsonChecks(wire, name, visible);
  const found = visible.map((column): CatalogColumn => ({
    name: column.name,
    dataType: column.data_type,
    columnType: column.column_type,
    precision: column.number_precision,
    scale: column.number_scale,
    notNull: column.nullable === 'NO',
    checkedJson: checked.has(column.name),
  }));
  const plans = found.map(planColumn);
  const versioned = row.kind === 'VIEW' || row.engine?.toLowerCase() === 'innodb';
  const hidden = columns.filter((column) => !visible.includes(column)).map((column) => column.name);
  return {
    name,
    versioned,
    plans,
    autoIncrement: columns.find(({ extra }) => /auto_increment/i.test(extra ?? ''))?.name ?? null,
    description: {
      ...toListing(row),
      columns: plans.map(({ column }) => column),
      key: await keyOf(wire, name),
      notes: [
        ...(hidden.length === 0 ? [] : [`This user may not read: ${hidden.join(', ')}.`]),
        ...(versioned
          ? []
          : [
              `The table is kept by ${row.engine ?? 'another engine'}, which has no snapshots: it is read as it is when its turn comes, not at the moment of the others.`,
            ]),
        ...typeNotes(found),
      ],
    },
  };
}

async function keyOf(wire: Wire, table: string): Promise<readonly string[]> {
  const rows = await wire.ask(
    `SELECT TABLE_NAME AS table_name, COLUMN_NAME AS name FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${textLiteral(table)} AND INDEX_NAME = 'PRIMARY'
     ORDER BY SEQ_IN_INDEX`,
  );
  return z
    .array(z.object({ table_name: z.string(), name: z.string() }))
    .parse(rows)
    .filter((row) => row.table_name === table)
    .map(({ name }) => name);
}

/** Text columns that MariaDB checks to be JSON: that is what its JSON type stands for. */
async function jsonChecks(
  wire: Wire,
  table: string,
  columns: readonly z.infer<typeof ColumnRow>[],
): Promise<ReadonlySet<string>> {
  const texts = columns.filter(({ data_type }) => data_type === 'longtext').map(({ name }) => name);
  if (texts.length === 0) return new Set();
  // MySQL has a type of its own; its view of checks does not name tables.
  const [server] = await wire.ask('SELECT VERSION() AS version');
  if (!/mariadb/i.test(server?.['version'] ?? '')) return new Set();
  const checks = await wire.ask(
    `SELECT CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS
     WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = ${textLiteral(table)}`,
  );
  const clauses = new Set(checks.map(({ clause }) => clause?.toLowerCase()));
  return new Set(
    texts.filter((name) => clauses.has(`json_valid(\`${name.replaceAll('`', '``')}\`)`.toLowerCase())),
  );
}
