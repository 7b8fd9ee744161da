import { openWarehouse, type Row } from '#cloud/bigquery';
import { Dataset } from '#core/dataset';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { readLinesSql } from '#store/raw-tables';

const PREVIEW_ROWS = 20;
/** The moment that a preview is of is the hour's beginning: within it the same SQL is answered from BigQuery's cache. */
const CACHED_MS = 3_600_000;
/** BigQuery bills ten megabytes of every table at least: room for a hundred tables beside the estimate. */
const LEAST_BILLED = 1_000_000_000;

type Cell = string | number | boolean | null;

/** The SQL a pipeline would run now, the bytes it would read, and its first lines, with why a line is left out. */
export async function preview(
  { config, store }: Pick<Platform, 'store' | 'config'>,
  tenant: Tenant,
  model: string,
  id: string,
): Promise<{ sql: string; bytes: number; rows: Record<string, Cell>[] }> {
  const dataset = await mustRead(store, paths.dataset(tenant.id, model, id), Dataset, 'data set');
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const sql = await readLinesSql(warehouse, tenant, model, dataset.value, {
    asOf: toMoment(Math.floor(store.clock() / CACHED_MS) * CACHED_MS),
    historyDays: 0,
  });
  const bytes = await warehouse.dryRun(sql);
  const limited = `SELECT * FROM (\n${sql}\n)\nLIMIT ${PREVIEW_ROWS}`;
  // A LIMIT saves nothing: the lines are read as often as they are asked for, but for BigQuery's cache.
  const rows = await warehouse.query(limited, undefined, Math.ceil(bytes * 1.1) + LEAST_BILLED);
  return { sql, bytes, rows: rows.map(toCells) };
}

/** Plain values of a row; the client wraps times in objects that hold the text as `value`. */
function toCells(row: Row): Record<string, Cell> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toCell(value)]));
}

function toCell(value: unknown): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return value;
  if (typeof value === 'object' && 'value' in value) return String(value.value);
  return JSON.stringify(value) ?? null;
}
