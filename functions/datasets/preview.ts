import { openWarehouse, type Row } from '#cloud/bigquery';
import { Dataset } from '#core/dataset';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { readLinesSql } from '#store/raw-tables';
import { now } from '#store/store';

const PREVIEW_ROWS = 20;

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
    asOf: now(store),
    historyDays: 0,
  });
  const [bytes, rows] = await Promise.all([
    warehouse.dryRun(sql),
    warehouse.query(`SELECT * FROM (\n${sql}\n)\nLIMIT ${PREVIEW_ROWS}`),
  ]);
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
