/**
 * Datasets and tables: BigQuery's settings beside DuckDB's schemas and tables. Records lie in the same file and change in the
 * same transaction as the tables they describe; a copy in memory answers the translator without waiting.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { scalar, transaction } from './database.ts';
import type { Database } from './database.ts';
import { History } from './history.ts';
import { RestError } from './rest-error.ts';
import { tableSql } from './sql/from-clause.ts';
import type { TableInfo } from './sql/scope.ts';
import { SqlError } from './sql/sql-error.ts';
import type { Position } from './sql/sql-error.ts';
import { fieldType, quoteName, quoteText, storageType } from './sql/types.ts';
import type { Field } from './sql/types.ts';

/** A dataset's own settings. Times are milliseconds since 1970, as text. */
export interface DatasetRecord {
  readonly dataset: string;
  readonly location: string;
  readonly creationTime: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A table's schema and settings (`description`, `labels`, `timePartitioning`, `clustering`, …). */
export interface TableRecord {
  readonly dataset: string;
  readonly table: string;
  readonly fields: readonly Field[];
  readonly creationTime: string;
  readonly lastModifiedTime: string;
  /** From this moment on the table does not exist. */
  readonly expirationTime?: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

const nameRule = /^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd} $]{1,1024}$/u;

export class Catalog {
  readonly projectId: string;
  readonly clock: () => Date;
  readonly #database: Database;
  readonly #datasets = new Map<string, DatasetRecord>();
  readonly #tables = new Map<string, TableRecord>();
  readonly history: History;

  private constructor(database: Database, projectId: string, clock: () => Date, history: History) {
    this.history = history;
    this.#database = database;
    this.projectId = projectId;
    this.clock = clock;
  }

  static async open(database: Database, projectId: string, clock: () => Date): Promise<Catalog> {
    const history = await database.with((connection) => History.open(connection));
    const catalog = new Catalog(database, projectId, clock, history);
    await database.with(async (connection) => {
      await connection.run('CREATE SCHEMA IF NOT EXISTS "$meta"');
      await connection.run(
        'CREATE TABLE IF NOT EXISTS "$meta".records (kind VARCHAR, id VARCHAR, record VARCHAR, PRIMARY KEY (kind, id))',
      );
      const rows = await (
        await connection.run(
          `SELECT kind, id, record FROM "$meta".records WHERE kind IN ('dataset', 'table')`,
        )
      ).getRows();
      for (const [kind, id, record] of rows) {
        // This class wrote the records.
        if (kind === 'dataset')
          catalog.#datasets.set(String(id), JSON.parse(String(record)) as DatasetRecord);
        else catalog.#tables.set(String(id), JSON.parse(String(record)) as TableRecord);
      }
    });
    return catalog;
  }

  datasets(): DatasetRecord[] {
    return [...this.#datasets.values()].sort((a, b) => (a.dataset < b.dataset ? -1 : 1));
  }

  dataset(dataset: string): DatasetRecord {
    const found = this.#datasets.get(dataset);
    if (found === undefined)
      throw new RestError('notFound', `Not found: Dataset ${this.projectId}:${dataset}`);
    return found;
  }

  tables(dataset: string): TableRecord[] {
    this.dataset(dataset);
    return [...this.#tables.values()]
      .filter((t) => t.dataset === dataset && !this.#expired(t))
      .sort((a, b) => (a.table < b.table ? -1 : 1));
  }

  find(dataset: string, table: string): TableRecord | null {
    const found = this.#tables.get(`${dataset}.${table}`);
    return found === undefined || this.#expired(found) ? null : found;
  }

  need(dataset: string, table: string): TableRecord {
    this.dataset(dataset);
    const found = this.find(dataset, table);
    if (found === null)
      throw new RestError('notFound', `Not found: Table ${this.projectId}:${dataset}.${table}`);
    return found;
  }

  info(record: TableRecord): TableInfo {
    return { project: this.projectId, dataset: record.dataset, table: record.table, fields: record.fields };
  }

  /** Dataset and table of a path in a statement; `fallback` is the query's default dataset. */
  split(path: string, fallback: string | null, at: Position | null): { dataset: string; table: string } {
    const parts = path.split('.');
    const table = parts.at(-1) ?? '';
    const dataset = parts.length > 1 ? (parts.at(-2) ?? '') : fallback;
    const project = parts.length > 2 ? parts.slice(0, -2).join('.') : this.projectId;
    if (dataset === null)
      throw new SqlError(`Table "${path}" must be qualified with a dataset (e.g. dataset.table)`, at);
    if (project !== this.projectId)
      throw new SqlError(
        `Not found: Project ${project}; the local BigQuery has only ${this.projectId}`,
        at,
        'notFound',
      );
    return { dataset, table };
  }

  /** The table a statement names. */
  resolve(path: string, fallback: string | null, at: Position): TableInfo {
    const information = /^(?:(.*)\.)?INFORMATION_SCHEMA\.(\w+)$/i.exec(path);
    if (information)
      return this.#informationSchema(
        information[1] ?? fallback ?? '',
        (information[2] ?? '').toUpperCase(),
        at,
      );
    const { dataset, table } = this.split(path, fallback, at);
    if (!this.#datasets.has(dataset))
      throw new SqlError(`Not found: Dataset ${this.projectId}:${dataset} was not found`, at, 'notFound');
    const record = this.find(dataset, table);
    if (record === null)
      throw new SqlError(
        `Not found: Table ${this.projectId}:${dataset}.${table} was not found in location ${this.dataset(dataset).location}`,
        at,
        'notFound',
      );
    return this.info(record);
  }

  #informationSchema(path: string, view: string, at: Position): TableInfo {
    const dataset = path.split('.').at(-1) ?? '';
    const tables = this.tables(dataset);
    const text = (values: readonly (string | number)[]) =>
      `(${values.map((v) => (typeof v === 'number' ? String(v) : quoteText(v))).join(', ')})`;
    const make = (
      names: readonly string[],
      numbers: readonly string[],
      rows: readonly string[],
    ): TableInfo => ({
      project: this.projectId,
      dataset,
      table: view,
      fields: names.map((name) => ({ name, type: numbers.includes(name) ? 'INTEGER' : 'STRING' })),
      sql: `(SELECT * FROM (VALUES ${[...rows, `(${names.map((n) => `CAST(NULL AS ${numbers.includes(n) ? 'BIGINT' : 'VARCHAR'})`).join(', ')})`].join(', ')}) AS v(${names.map(quoteName).join(', ')}) WHERE table_name IS NOT NULL)`,
    });
    if (view === 'TABLES')
      return make(
        ['table_catalog', 'table_schema', 'table_name', 'table_type'],
        [],
        tables.map((t) => text([this.projectId, dataset, t.table, 'BASE TABLE'])),
      );
    if (view !== 'COLUMNS')
      throw new SqlError(`not supported by the local BigQuery: INFORMATION_SCHEMA.${view}`, at);
    const columns = tables.flatMap((t) =>
      t.fields.map((f, i) =>
        text([
          this.projectId,
          dataset,
          t.table,
          f.name,
          i + 1,
          f.mode === 'REQUIRED' ? 'NO' : 'YES',
          standardType(f),
        ]),
      ),
    );
    return make(
      [
        'table_catalog',
        'table_schema',
        'table_name',
        'column_name',
        'ordinal_position',
        'is_nullable',
        'data_type',
      ],
      ['ordinal_position'],
      columns,
    );
  }

  #expired(table: TableRecord): boolean {
    return table.expirationTime !== undefined && Number(table.expirationTime) <= this.clock().getTime();
  }

  async createDataset(record: DatasetRecord): Promise<void> {
    if (this.#datasets.has(record.dataset))
      throw new RestError('duplicate', `Already Exists: Dataset ${this.projectId}:${record.dataset}`);
    if (!/^[A-Za-z0-9_]{1,1024}$/.test(record.dataset))
      throw new RestError(
        'invalid',
        `Invalid dataset ID "${record.dataset}". Dataset IDs must be alphanumeric (plus underscores) and at most 1024 characters long.`,
      );
    await this.#database.with((connection) =>
      transaction(connection, async () => {
        await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(record.dataset)}`);
        await this.#write(connection, 'dataset', record.dataset, record);
      }),
    );
    this.#datasets.set(record.dataset, record);
  }

  async changeDataset(dataset: string, settings: Readonly<Record<string, unknown>>): Promise<DatasetRecord> {
    const current = this.dataset(dataset);
    const record = { ...current, settings: { ...current.settings, ...settings } };
    await this.#database.with((connection) => this.#write(connection, 'dataset', dataset, record));
    this.#datasets.set(dataset, record);
    return record;
  }

  async dropDataset(dataset: string, withContents: boolean): Promise<void> {
    this.dataset(dataset);
    if (!withContents && this.tables(dataset).length > 0)
      throw new RestError('resourceInUse', `Dataset ${this.projectId}:${dataset} is still in use`);
    await this.#database.with((connection) =>
      transaction(connection, async () => {
        await connection.run(`DROP SCHEMA ${quoteName(dataset)} CASCADE`);
        await connection.run(
          `DELETE FROM "$meta".records WHERE (kind = 'dataset' AND id = ${quoteText(dataset)}) OR (kind = 'table' AND starts_with(id, ${quoteText(`${dataset}.`)}))`,
        );
      }),
    );
    for (const [id, table] of this.#tables) if (table.dataset === dataset) this.#tables.delete(id);
    this.#datasets.delete(dataset);
  }

  /** Writes a record; `remember` afterwards makes it visible, once the transaction around it is committed. */
  async #write(connection: DuckDBConnection, kind: string, id: string, record: unknown): Promise<void> {
    await connection.run(`INSERT OR REPLACE INTO "$meta".records VALUES ($1, $2, $3)`, [
      kind,
      id,
      JSON.stringify(record),
    ]);
  }

  /** Makes or replaces a table inside the caller's transaction, empty or with `rows`; call `remember` after the commit. */
  async putTable(connection: DuckDBConnection, record: TableRecord, rows: string | null): Promise<void> {
    this.dataset(record.dataset);
    if (!nameRule.test(record.table)) throw new RestError('invalid', `Invalid table ID "${record.table}".`);
    if (record.fields.length === 0)
      throw new RestError('invalid', `Table "${record.table}" must have at least one field`);
    const name = tableSql(this.info(record));
    const columns = record.fields.map((field) => {
      try {
        return `${quoteName(field.name)} ${storageType(field)}${field.mode === 'REQUIRED' ? ' NOT NULL' : ''}`;
      } catch (error) {
        throw new RestError('invalid', error instanceof Error ? error.message : String(error), error);
      }
    });
    await connection.run(`CREATE OR REPLACE TABLE ${name} (${columns.join(', ')})`);
    if (rows !== null) await connection.run(`INSERT INTO ${name} ${rows}`);
    await this.#write(connection, 'table', `${record.dataset}.${record.table}`, record);
  }

  /** Writes a table's settings or schema inside the caller's transaction; call `remember` after the commit. */
  async writeTable(connection: DuckDBConnection, record: TableRecord): Promise<void> {
    await this.#write(connection, 'table', `${record.dataset}.${record.table}`, record);
  }

  remember(record: TableRecord): void {
    this.history.changed(record, Number(record.lastModifiedTime));
    this.#tables.set(`${record.dataset}.${record.table}`, record);
  }

  async dropTable(dataset: string, table: string): Promise<void> {
    await this.#database.with((connection) =>
      transaction(connection, async () => {
        await connection.run(`DROP TABLE IF EXISTS ${quoteName(dataset)}.${quoteName(table)}`);
        await connection.run(`DELETE FROM "$meta".records WHERE kind = 'table' AND id = $1`, [
          `${dataset}.${table}`,
        ]);
      }),
    );
    this.history.changed({ dataset, table }, this.clock().getTime());
    this.#tables.delete(`${dataset}.${table}`);
  }

  /** Drops the tables whose time has come. */
  async sweep(): Promise<void> {
    for (const table of this.#tables.values())
      if (this.#expired(table)) await this.dropTable(table.dataset, table.table);
  }

  /** Adds nullable columns, at the end, inside the caller's transaction; call `remember` with the answer after the commit. */
  async addColumns(
    connection: DuckDBConnection,
    record: TableRecord,
    fields: readonly Field[],
  ): Promise<TableRecord> {
    for (const field of fields)
      await connection.run(
        `ALTER TABLE ${tableSql(this.info(record))} ADD COLUMN ${quoteName(field.name)} ${storageType(field)}`,
      );
    const changed = {
      ...record,
      fields: [...record.fields, ...fields],
      lastModifiedTime: String(this.clock().getTime()),
    };
    await this.writeTable(connection, changed);
    return changed;
  }

  /** Gives columns other types, inside the caller's transaction; `sql` makes the new value of the old. */
  async retypeColumns(
    connection: DuckDBConnection,
    record: TableRecord,
    columns: readonly { readonly field: Field; readonly sql: string }[],
  ): Promise<TableRecord> {
    for (const { field, sql } of columns)
      await connection.run(
        `ALTER TABLE ${tableSql(this.info(record))} ALTER COLUMN ${quoteName(field.name)} SET DATA TYPE ${storageType(field)} USING ${sql}`,
      );
    const retyped = new Map(columns.map(({ field }) => [field.name, field]));
    const fields = record.fields.map((own) => {
      const field = retyped.get(own.name);
      return field === undefined ? own : { ...own, type: field.type };
    });
    return { ...record, fields, lastModifiedTime: String(this.clock().getTime()) };
  }

  async rowCount(record: TableRecord): Promise<number> {
    return this.#database.with(async (connection) =>
      Number(await scalar(connection, `SELECT count(*) FROM ${tableSql(this.info(record))}`)),
    );
  }
}

function standardType(field: Field): string {
  const type = fieldType(field);
  const text = (t: typeof type): string =>
    t.base === 'ARRAY'
      ? `ARRAY<${text(t.element)}>`
      : t.base === 'STRUCT'
        ? `STRUCT<${t.fields.map((f) => `${f.name} ${text(f.type)}`).join(', ')}>`
        : t.base;
  return text(type);
}

/**
 * Estimated bytes of a row: the widths BigQuery documents, 20 for text and bytes, whose length is not looked at.
 * Source: https://cloud.google.com/bigquery/pricing#data
 */
export function rowWidth(fields: readonly Field[]): number {
  const widths: Readonly<Record<string, number>> = {
    INT64: 8,
    FLOAT64: 8,
    BOOL: 1,
    NUMERIC: 16,
    BIGNUMERIC: 32,
    DATE: 8,
    DATETIME: 8,
    TIMESTAMP: 8,
    TIME: 8,
  };
  return fields.reduce((sum, field) => sum + (widths[fieldType(field).base] ?? 20), 0);
}
