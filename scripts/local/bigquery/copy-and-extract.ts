/** Copy jobs and extract jobs. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { z } from 'zod';
import type { Catalog } from './catalog.ts';
import type { CopyConfig, ExtractConfig } from './requests.ts';
import { RestError } from './rest-error.ts';
import { writeRows } from './run-script.ts';
import type { Destination } from './run-script.ts';
import { castTo } from './sql/cast.ts';
import { tableRelation, tableSql } from './sql/from-clause.ts';
import { columnExpr } from './sql/scope.ts';
import type { TableInfo } from './sql/scope.ts';
import { fieldType, quoteName } from './sql/types.ts';
import { exportRows } from './transfer.ts';

/** The table of a reference; `name@1700000000000` is what it was at that moment (milliseconds since 1970). */
function sourceOf(
  catalog: Catalog,
  datasetId: string,
  tableId: string,
): { info: TableInfo; settings: Readonly<Record<string, unknown>> } {
  const [, table = tableId, moment] = /^(.*)@(\d+)$/s.exec(tableId) ?? [];
  const record = catalog.need(datasetId, table);
  const info = catalog.info(record);
  return {
    info: moment === undefined ? info : catalog.history.at(record, info, Number(moment), null),
    settings: record.settings,
  };
}

/** Copies tables of one location into one, atomically. */
export async function copyTables(
  connection: DuckDBConnection,
  catalog: Catalog,
  config: z.infer<typeof CopyConfig>,
): Promise<Record<string, unknown>> {
  const references = config.sourceTables ?? (config.sourceTable === undefined ? [] : [config.sourceTable]);
  const sources = references.map((r) => sourceOf(catalog, r.datasetId, r.tableId));
  const first = sources[0];
  if (first === undefined) throw new RestError('required', 'A copy job needs a source table');
  await catalog.history.keep(connection, (record) => catalog.info(record));
  const { datasetId, tableId } = config.destinationTable;
  const { location } = catalog.dataset(datasetId);
  for (const { info } of sources)
    if (catalog.dataset(info.dataset).location.toLowerCase() !== location.toLowerCase())
      throw new RestError(
        'notFound',
        `Not found: Dataset ${catalog.projectId}:${info.dataset} was not found in location ${location}`,
      );
  const columns = first.info.fields.map((f) => quoteName(f.name)).join(', ');
  const rows = sources.map(({ info }) => `SELECT ${columns} FROM ${tableSql(info)}`).join(' UNION ALL ');
  const to: Destination = {
    dataset: datasetId,
    table: tableId,
    writeDisposition: config.writeDisposition ?? 'WRITE_EMPTY',
    createDisposition: config.createDisposition ?? 'CREATE_IF_NEEDED',
  };
  const done = await writeRows(connection, catalog, to, first.info.fields, rows, first.settings);
  return { copy: { copiedRows: String(done.rows) } };
}

/** Writes a table to Parquet objects. */
export async function extractTable(
  connection: DuckDBConnection,
  catalog: Catalog,
  storageDir: string,
  config: z.infer<typeof ExtractConfig>,
): Promise<Record<string, unknown>> {
  const record = catalog.need(config.sourceTable.datasetId, config.sourceTable.tableId);
  const info = catalog.info(record);
  const relation = tableRelation(info, 't');
  const columns = record.fields.map((f) => ({ name: f.name, type: fieldType(f) }));
  const list = relation.columns.map((c) => castTo(columnExpr(relation, c), c.type, false, null).sql);
  const uri = config.destinationUris[0] ?? '';
  const plan = {
    uri,
    overwrite: true,
    sql: `SELECT ${list.join(', ')} FROM ${tableSql(info)} AS "t"`,
    columns,
  };
  const compression = config.compression === 'NONE' ? 'UNCOMPRESSED' : config.compression;
  await exportRows(connection, storageDir, plan, catalog.clock(), compression);
  return { extract: { destinationUriFileCounts: ['1'] } };
}
