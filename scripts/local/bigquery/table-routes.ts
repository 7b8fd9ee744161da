/** The REST calls on datasets, tables and their rows. */
import { z } from 'zod';
import { rowWidth } from './catalog.ts';
import type { Catalog, DatasetRecord, TableRecord } from './catalog.ts';
import { transaction } from './database.ts';
import type { Database } from './database.ts';
import { selectFromJson } from './json-rows.ts';
import { FieldSchema, TableReference } from './requests.ts';
import { RestError, toRestError } from './rest-error.ts';
import { retryConflicts } from './run-script.ts';
import { tableRelation, tableSql } from './sql/from-clause.ts';
import { columnExpr } from './sql/scope.ts';
import { fieldType, quoteName, quoteText, storageType } from './sql/types.ts';
import { toCell } from './values.ts';
import type { Cell } from './values.ts';

/** What the routes work on. */
export interface Warehouse {
  readonly database: Database;
  readonly catalog: Catalog;
  /** `dataset.table insertId` of rows inserted lately, which are not inserted twice. */
  readonly insertIds: Set<string>;
}

export function datasetResource(catalog: Catalog, record: DatasetRecord): Record<string, unknown> {
  return {
    kind: 'bigquery#dataset',
    id: `${catalog.projectId}:${record.dataset}`,
    ...record.settings,
    datasetReference: { projectId: catalog.projectId, datasetId: record.dataset },
    location: record.location,
    creationTime: record.creationTime,
    lastModifiedTime: record.creationTime,
    etag: record.creationTime,
  };
}

const DatasetBody = z.object({
  datasetReference: z.object({ datasetId: z.string() }),
  location: z.string().optional(),
});

export async function createDataset({ catalog }: Warehouse, body: Record<string, unknown>): Promise<unknown> {
  const { datasetReference, location } = DatasetBody.parse(body);
  const settings = { ...body };
  for (const own of ['datasetReference', 'location']) delete settings[own];
  const record = {
    dataset: datasetReference.datasetId,
    location: location ?? 'US',
    creationTime: String(catalog.clock().getTime()),
    settings,
  };
  await catalog.createDataset(record);
  return datasetResource(catalog, record);
}

export async function tableResource(
  { catalog }: Warehouse,
  record: TableRecord,
  withSize: boolean,
): Promise<Record<string, unknown>> {
  const rows = withSize ? await catalog.rowCount(record) : 0;
  const { dataset, table, fields, creationTime, lastModifiedTime, expirationTime, settings } = record;
  return {
    kind: 'bigquery#table',
    id: `${catalog.projectId}:${dataset}.${table}`,
    type: 'TABLE',
    ...settings,
    tableReference: { projectId: catalog.projectId, datasetId: dataset, tableId: table },
    schema: { fields },
    creationTime,
    lastModifiedTime,
    ...(expirationTime === undefined ? {} : { expirationTime }),
    location: catalog.dataset(dataset).location,
    etag: lastModifiedTime,
    ...(withSize ? { numRows: String(rows), numBytes: String(rows * rowWidth(fields)) } : {}),
  };
}

const tableSettings = [
  'description',
  'friendlyName',
  'labels',
  'timePartitioning',
  'clustering',
  'requirePartitionFilter',
];
const TableBody = z.object({
  tableReference: TableReference.partial(),
  schema: z.object({ fields: z.array(FieldSchema) }).optional(),
  expirationTime: z.coerce.string().optional(),
});

const settingsOf = (body: Record<string, unknown>) =>
  Object.fromEntries(tableSettings.filter((name) => name in body).map((name) => [name, body[name]]));

export async function createTable(
  warehouse: Warehouse,
  dataset: string,
  body: Record<string, unknown>,
): Promise<unknown> {
  const { database, catalog } = warehouse;
  for (const kind of [
    'view',
    'materializedView',
    'externalDataConfiguration',
    'rangePartitioning',
    'snapshotDefinition',
  ])
    if (kind in body)
      throw new RestError('notImplemented', `not supported by the local BigQuery: tables with "${kind}"`);
  const parsed = TableBody.parse(body);
  const table = parsed.tableReference.tableId ?? '';
  await catalog.sweep();
  catalog.dataset(dataset);
  if (catalog.find(dataset, table) !== null)
    throw new RestError('duplicate', `Already Exists: Table ${catalog.projectId}:${dataset}.${table}`);
  const now = String(catalog.clock().getTime());
  const record: TableRecord = {
    dataset,
    table,
    fields: parsed.schema?.fields ?? [],
    creationTime: now,
    lastModifiedTime: now,
    ...(parsed.expirationTime === undefined ? {} : { expirationTime: parsed.expirationTime }),
    settings: settingsOf(body),
  };
  await database.with((connection) =>
    transaction(connection, () => catalog.putTable(connection, record, null)),
  );
  catalog.remember(record);
  return tableResource(warehouse, record, true);
}

/** PATCH: settings change, `null` removes one, nullable columns may be added, descriptions changed; nothing else of the schema. */
export async function patchTable(
  warehouse: Warehouse,
  dataset: string,
  table: string,
  body: Record<string, unknown>,
): Promise<unknown> {
  const { database, catalog } = warehouse;
  const record = catalog.need(dataset, table);
  const schema = z
    .object({ fields: z.array(FieldSchema) })
    .optional()
    .parse(body['schema']);
  const given = schema?.fields ?? record.fields;
  const name = `${catalog.projectId}:${dataset}.${table}`;
  for (const own of record.fields) {
    const match = given.find((f) => f.name.toLowerCase() === own.name.toLowerCase());
    if (match === undefined)
      throw new RestError(
        'invalid',
        `Provided Schema does not match Table ${name}. Field ${own.name} is missing in new schema`,
      );
    if (storageType(match) !== storageType(own))
      throw new RestError(
        'invalid',
        `Provided Schema does not match Table ${name}. Field ${own.name} has changed type from ${own.type} to ${match.type}`,
      );
    if (match.mode === 'REQUIRED' && own.mode !== 'REQUIRED')
      throw new RestError(
        'invalid',
        `Provided Schema does not match Table ${name}. Field ${own.name} has changed mode from NULLABLE to REQUIRED`,
      );
  }
  const fresh = given.filter(
    (f) => !record.fields.some((own) => own.name.toLowerCase() === f.name.toLowerCase()),
  );
  const required = fresh.find((f) => f.mode === 'REQUIRED');
  if (required !== undefined)
    throw new RestError(
      'invalid',
      `Provided Schema does not match Table ${name}. Cannot add required fields to an existing schema. (field: ${required.name})`,
    );
  const settings: Record<string, unknown> = { ...record.settings, ...settingsOf(body) };
  for (const [key, value] of Object.entries(settings)) if (value === null) delete settings[key];
  const expiration = body['expirationTime'];
  const changed = await database.with((connection) =>
    retryConflicts(() =>
      transaction(connection, async () => {
        const widened = await catalog.addColumns(connection, record, fresh);
        for (const own of record.fields)
          if (
            own.mode === 'REQUIRED' &&
            given.find((f) => f.name.toLowerCase() === own.name.toLowerCase())?.mode !== 'REQUIRED'
          )
            await connection.run(
              `ALTER TABLE ${tableSql(catalog.info(record))} ALTER COLUMN ${quoteName(own.name)} DROP NOT NULL`,
            );
        const { expirationTime: old, ...rest } = {
          ...widened,
          fields: [
            ...record.fields.map(
              (own) => given.find((f) => f.name.toLowerCase() === own.name.toLowerCase()) ?? own,
            ),
            ...fresh,
          ],
          settings,
        };
        const expirationTime =
          expiration === undefined
            ? old
            : expiration === null
              ? undefined
              : z.coerce.string().parse(expiration);
        const next: TableRecord = { ...rest, ...(expirationTime === undefined ? {} : { expirationTime }) };
        await catalog.writeTable(connection, next);
        return next;
      }),
    ),
  );
  catalog.remember(changed);
  return tableResource(warehouse, changed, true);
}

/** `tabledata.list`: a page of rows in the order they were stored. */
export async function listRows(
  { database, catalog }: Warehouse,
  dataset: string,
  table: string,
  query: URLSearchParams,
): Promise<unknown> {
  const record = catalog.need(dataset, table);
  const selected = query.get('selectedFields')?.split(',');
  const relation = tableRelation(catalog.info(record), 't');
  const columns = relation.columns.filter((c) => selected === undefined || selected.includes(c.name));
  const start = Number(query.get('pageToken') ?? query.get('startIndex') ?? 0);
  const limit = Math.min(Number(query.get('maxResults') ?? 100_000), 100_000);
  const int64 = query.get('formatOptions.useInt64Timestamp') === 'true';
  const rows = await database.with(async (connection) =>
    (
      await connection.run(
        `SELECT ${columns.map((c) => columnExpr(relation, c).sql).join(', ')} FROM ${tableSql(catalog.info(record))} AS "t" ORDER BY "t".rowid LIMIT ${limit} OFFSET ${start}`,
      )
    ).getRows(),
  );
  const total = await catalog.rowCount(record);
  return {
    kind: 'bigquery#tableDataList',
    totalRows: String(total),
    rows: rows.map((row) => ({
      f: columns.map((c, i): { v: Cell } => ({ v: toCell(row[i] ?? null, c.type, int64) })),
    })),
    ...(start + rows.length < total ? { pageToken: String(start + rows.length) } : {}),
  };
}

const InsertBody = z.object({
  rows: z
    .array(z.object({ insertId: z.string().optional(), json: z.record(z.string(), z.unknown()) }))
    .min(1),
  ignoreUnknownValues: z.boolean().optional(),
  skipInvalidRows: z.boolean().optional(),
});

/** `insertAll`: all rows or, unless invalid ones are to be skipped, none; a row whose insertId was seen is left out. */
export async function insertAll(
  { database, catalog, insertIds }: Warehouse,
  dataset: string,
  table: string,
  body: unknown,
): Promise<unknown> {
  const parsed = InsertBody.parse(body);
  const record = catalog.need(dataset, table);
  const idOf = (insertId: string) => `${dataset}.${table} ${insertId}`;
  const rows = parsed.rows
    .map((row, index) => ({ ...row, index }))
    .filter((row) => row.insertId === undefined || !insertIds.has(idOf(row.insertId)));
  const select = (chosen: typeof rows) =>
    selectFromJson(
      `(SELECT CAST(v.text AS JSON) FROM (VALUES ${chosen.map((r) => `(${quoteText(JSON.stringify(r.json))})`).join(', ')}) AS v(text)) AS t(json)`,
      record.fields,
      parsed.ignoreUnknownValues ?? false,
      true,
    );
  const columns = record.fields.map((f) => quoteName(f.name)).join(', ');
  return database.with(async (connection) => {
    const insert = (chosen: typeof rows) =>
      retryConflicts(() =>
        connection.run(`INSERT INTO ${tableSql(catalog.info(record))} (${columns}) ${select(chosen)}`),
      );
    const remember = (chosen: typeof rows) => {
      catalog.remember({ ...record, lastModifiedTime: String(catalog.clock().getTime()) });
      for (const row of chosen) if (row.insertId !== undefined) insertIds.add(idOf(row.insertId));
      for (const id of insertIds) if (insertIds.size > 100_000) insertIds.delete(id);
    };
    const kind = 'bigquery#tableDataInsertAllResponse';
    if (rows.length === 0) return { kind };
    try {
      await insert(rows);
      remember(rows);
      return { kind };
    } catch (whole) {
      const faults = new Map<number, string>();
      for (const row of rows) {
        const missing = record.fields.find(
          (f) => f.mode === 'REQUIRED' && (row.json[f.name] ?? null) === null,
        );
        if (missing !== undefined) faults.set(row.index, `Missing required field: ${missing.name}.`);
        else
          await connection
            .run(select([row]))
            .catch((error: unknown) => faults.set(row.index, toRestError(error).message));
      }
      if (faults.size === 0) throw whole;
      const good = rows.filter((row) => !faults.has(row.index));
      if (parsed.skipInvalidRows === true && good.length > 0) {
        await insert(good);
        remember(good);
      }
      const others =
        parsed.skipInvalidRows === true
          ? []
          : good.map((row) => ({ index: row.index, errors: [{ reason: 'stopped', message: '' }] }));
      return {
        kind,
        insertErrors: [
          ...[...faults].map(([index, message]) => ({
            index,
            errors: [{ reason: 'invalid', message, location: '' }],
          })),
          ...others,
        ],
      };
    }
  });
}

/** Columns of a table with their types, for those who read rows without a query. */
export const columnsOf = (record: TableRecord) =>
  record.fields.map((f) => ({ name: f.name, type: fieldType(f) }));
