/** Load jobs: Parquet, newline-delimited JSON and CSV from `gs://`, by an explicit schema or the table's own. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { Catalog, TableRecord } from './catalog.ts';
import { selectFromJson } from './json-rows.ts';
import { RestError } from './rest-error.ts';
import { writeRows } from './run-script.ts';
import { castTo } from './sql/cast.ts';
import { fieldType, quoteName, quoteText, storageType, toField } from './sql/types.ts';
import type { Field, SqlType } from './sql/types.ts';
import { sourceFiles } from './transfer.ts';
import { withoutWideDecimals } from './wide-decimals.ts';
import { Disposition, FieldSchema, TableReference } from './requests.ts';

/** The options taken; any other is refused by name rather than ignored. */
export const LoadConfig = z.strictObject({
  ...Disposition.shape,
  destinationTable: TableReference,
  sourceUris: z.array(z.string()).min(1),
  sourceFormat: z.string().default('CSV'),
  schema: z.object({ fields: z.array(FieldSchema) }).optional(),
  autodetect: z.literal(false).optional(),
  decimalTargetTypes: z.array(z.string()).optional(),
  parquetOptions: z.strictObject({ enableListInference: z.boolean().optional() }).optional(),
  ignoreUnknownValues: z.boolean().optional(),
  maxBadRecords: z.literal(0).optional(),
  skipLeadingRows: z.union([z.string(), z.number()]).optional(),
  fieldDelimiter: z.string().optional(),
  quote: z.string().optional(),
  nullMarker: z.string().optional(),
  allowQuotedNewlines: z.boolean().optional(),
  encoding: z.literal('UTF-8').optional(),
  schemaUpdateOptions: z.array(z.string()).max(0).optional(),
  timePartitioning: z.record(z.string(), z.unknown()).optional(),
  clustering: z.record(z.string(), z.unknown()).optional(),
});

/** Numbers for the job's statistics. */
export interface LoadResult {
  readonly inputFiles: number;
  readonly outputRows: number;
}

/** Runs a load. All or nothing: a bad value anywhere leaves the table as it was. */
export async function runLoad(
  connection: DuckDBConnection,
  catalog: Catalog,
  storageDir: string,
  config: z.infer<typeof LoadConfig>,
): Promise<LoadResult> {
  const { datasetId, tableId } = config.destinationTable;
  catalog.dataset(datasetId);
  const files = sourceFiles(storageDir, config.sourceUris);
  const existing = catalog.find(datasetId, tableId);
  const fields: readonly Field[] | null = config.schema?.fields ?? existing?.fields ?? null;
  const to = {
    dataset: datasetId,
    table: tableId,
    writeDisposition: config.writeDisposition ?? 'WRITE_APPEND',
    createDisposition: config.createDisposition ?? 'CREATE_IF_NEEDED',
  } as const;
  const settings = {
    ...(config.timePartitioning ? { timePartitioning: config.timePartitioning } : {}),
    ...(config.clustering ? { clustering: config.clustering } : {}),
  };
  if (existing !== null && config.schema !== undefined && to.writeDisposition === 'WRITE_APPEND')
    checkSchema(catalog, existing, config.schema.fields);
  const readable =
    config.sourceFormat === 'PARQUET'
      ? withoutWideDecimals(files)
      : { files, wide: new Map<string, number>(), forget: () => undefined };
  try {
    const list = `[${readable.files.map(quoteText).join(', ')}]`;
    const plan = await selection(connection, list, fields, config, readable.wide);
    const done = await writeRows(connection, catalog, to, plan.fields, plan.sql, settings);
    return { inputFiles: files.length, outputRows: done.rows };
  } catch (error) {
    const message =
      typeof error === 'object' && error !== null && 'message' in error
        ? String(error.message)
        : String(error);
    if (
      error instanceof RestError ||
      !/^(Invalid Input|Conversion|Out of Range|Constraint|IO|Invalid) /.test(message)
    )
      throw error;
    throw new RestError(
      'invalid',
      `Error while reading data, error message: ${message.replace(/^[\w ]+ Error: /, '')}`,
      error,
    );
  } finally {
    readable.forget();
  }
}

function checkSchema(catalog: Catalog, table: TableRecord, given: readonly Field[]): void {
  const name = `${catalog.projectId}:${table.dataset}.${table.table}`;
  for (const field of given) {
    const own = table.fields.find((f) => f.name.toLowerCase() === field.name.toLowerCase());
    if (own === undefined)
      throw new RestError(
        'invalid',
        `Provided Schema does not match Table ${name}. Cannot add fields (field: ${field.name})`,
      );
    if (storageType(own) !== storageType(field))
      throw new RestError(
        'invalid',
        `Provided Schema does not match Table ${name}. Field ${field.name} has changed type from ${own.type} to ${field.type}`,
      );
  }
}

async function selection(
  connection: DuckDBConnection,
  list: string,
  fields: readonly Field[] | null,
  config: z.infer<typeof LoadConfig>,
  wide: ReadonlyMap<string, number>,
): Promise<{ fields: readonly Field[]; sql: string }> {
  if (config.sourceFormat === 'PARQUET') return parquet(connection, list, fields, wide);
  if (fields === null) throw new RestError('invalid', 'No schema specified on job or table.');
  if (config.sourceFormat === 'NEWLINE_DELIMITED_JSON')
    return {
      fields,
      sql: selectFromJson(
        `read_ndjson_objects(${list}) AS t(json)`,
        fields,
        config.ignoreUnknownValues ?? false,
      ),
    };
  if (config.sourceFormat === 'CSV') return { fields, sql: csv(list, fields, config) };
  throw new RestError(
    'invalid',
    `not supported by the local BigQuery: load format ${config.sourceFormat}; use PARQUET, NEWLINE_DELIMITED_JSON or CSV`,
  );
}

/** The warehouse type of a Parquet column as DuckDB reads it; null for what BigQuery would not load as a scalar here. */
function parquetType(duck: string): SqlType | null {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(duck);
  if (decimal)
    return {
      base:
        Number(decimal[2]) <= 9 && Number(decimal[1]) - Number(decimal[2]) <= 29 ? 'NUMERIC' : 'BIGNUMERIC',
    };
  if (/^U?(TINY|SMALL|BIG)?INT(EGER)?$/.test(duck)) return { base: 'INT64' };
  const types: Readonly<Record<string, SqlType>> = {
    DOUBLE: { base: 'FLOAT64' },
    FLOAT: { base: 'FLOAT64' },
    BOOLEAN: { base: 'BOOL' },
    VARCHAR: { base: 'STRING' },
    BLOB: { base: 'BYTES' },
    DATE: { base: 'DATE' },
    TIMESTAMP: { base: 'DATETIME' },
    'TIMESTAMP WITH TIME ZONE': { base: 'TIMESTAMP' },
    TIME: { base: 'TIME' },
  };
  return types[duck] ?? null;
}

async function parquet(
  connection: DuckDBConnection,
  list: string,
  given: readonly Field[] | null,
  wide: ReadonlyMap<string, number>,
): Promise<{ fields: readonly Field[]; sql: string }> {
  const source = `read_parquet(${list}, union_by_name = true)`;
  const described = await (await connection.run(`DESCRIBE SELECT * FROM ${source}`)).getRows();
  const inFile = new Map(
    described.map(([name, type]) => [String(name).toLowerCase(), { name: String(name), duck: String(type) }]),
  );
  const fields =
    given ??
    described.map(([name, type]) => {
      const found = parquetType(String(type));
      if (found === null)
        throw new RestError(
          'invalid',
          `Parquet column '${String(name)}' has type ${String(type)}, which is not supported by the local BigQuery without a schema`,
        );
      return toField(String(name), found);
    });
  for (const { name } of inFile.values())
    if (!fields.some((f) => f.name.toLowerCase() === name.toLowerCase()))
      throw new RestError(
        'invalid',
        `Error while reading data, error message: Parquet column '${name}' is not in the schema (no such field: ${name})`,
      );
  const columns = fields.map((field) => {
    const column = inFile.get(field.name.toLowerCase());
    const target = storageType(field);
    if (column === undefined) return `CAST(NULL AS ${target}) AS ${quoteName(field.name)}`;
    const sql = quoteName(column.name);
    const scale = wide.get(field.name.toLowerCase());
    if (scale !== undefined && fieldType(field).base === 'BIGNUMERIC')
      return `${fromWide(sql, scale, field, target)} AS ${quoteName(field.name)}`;
    return `${fromParquet(sql, column.duck, field, target)} AS ${quoteName(field.name)}`;
  });
  return { fields, sql: `SELECT ${columns.join(', ')} FROM ${source}` };
}

/** A wide decimal that the local BIGNUMERIC has room for; any other is refused. */
function fromWide(sql: string, scale: number, field: Field, target: string): string {
  const text = `wide_decimal(${sql}, ${scale})`;
  const [, precision = '38', decimals = '0'] = /^DECIMAL\((\d+),(\d+)\)$/.exec(target) ?? [];
  const fits = `^-?\\d{1,${Number(precision) - Number(decimals)}}(\\.\\d{1,${decimals}})?$`;
  return `CASE WHEN ${sql} IS NULL OR regexp_matches(${text}, '${fits}') THEN CAST(${text} AS ${target}) ELSE error('not supported by the local BigQuery: the BIGNUMERIC value ' || ${text} || ' in column ${field.name.replaceAll("'", "''")} (it has room for ${target})') END`;
}

function fromParquet(sql: string, duck: string, field: Field, target: string): string {
  const wanted = fieldType(field);
  const found = parquetType(duck);
  const mismatch = new RestError(
    'invalid',
    `Error while reading data, error message: Parquet column '${field.name}' has type ${duck} which does not match the target type ${field.type}`,
  );
  if (wanted.base === 'ARRAY' || wanted.base === 'STRUCT') return `CAST(${sql} AS ${target})`;
  if (found === null) throw mismatch;
  // A timestamp without zone is read as UTC.
  if (wanted.base === 'TIMESTAMP' && found.base === 'DATETIME') return `timezone('UTC', ${sql})`;
  if (wanted.base === 'NUMERIC' || wanted.base === 'BIGNUMERIC') {
    if (found.base !== 'NUMERIC' && found.base !== 'BIGNUMERIC' && found.base !== 'INT64') throw mismatch;
    // Digits that would be rounded away are refused.
    return `CASE WHEN CAST(CAST(${sql} AS ${target}) AS ${duck}) = ${sql} OR ${sql} IS NULL THEN CAST(${sql} AS ${target}) ELSE error('Invalid ${wanted.base} value ' || CAST(${sql} AS VARCHAR) || ' in column ${field.name.replaceAll("'", "''")}') END`;
  }
  if (found.base !== wanted.base) throw mismatch;
  return `CAST(${sql} AS ${target})`;
}

/** CSV as text first, then each value by its column's type. An empty field is NULL, but in a STRING column it is ''. */
function csv(list: string, fields: readonly Field[], config: z.infer<typeof LoadConfig>): string {
  const names = fields.map((_, i) => `${quoteText(`c${i}`)}: 'VARCHAR'`).join(', ');
  const noMarker = '\u0001no-null-marker\u0001';
  const options = [
    `columns = {${names}}`,
    'auto_detect = false',
    'header = false',
    `skip = ${Number(config.skipLeadingRows ?? 0)}`,
    `delim = ${quoteText(config.fieldDelimiter ?? ',')}`,
    `quote = ${quoteText(config.quote ?? '"')}`,
    `escape = ${quoteText(config.quote ?? '"')}`,
    `nullstr = ${quoteText(config.nullMarker ?? noMarker)}`,
    'allow_quoted_nulls = false',
  ];
  const columns = fields.map((field, i) => {
    const type = fieldType(field);
    const text = type.base === 'STRING' ? `"c${i}"` : `nullif("c${i}", '')`;
    const value =
      type.base === 'BYTES'
        ? `from_base64(${text})`
        : type.base === 'JSON'
          ? `json(${text})`
          : castTo({ sql: text, type: { base: 'STRING' } }, type, false, null).sql;
    return `${value} AS ${quoteName(field.name)}`;
  });
  return `SELECT ${columns.join(', ')} FROM read_csv(${list}, ${options.join(', ')})`;
}
