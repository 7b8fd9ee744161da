/** What a load of a table will probably take, from what former loads took: pure, and the reading it needs. */
import type { TableListing } from '#connectors/connector';
import { EtlRun, EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import type { TableEstimate } from '#core/preflight';
import { scanCost } from '#core/prices';
import type { SourceTable } from '#core/source';
import { readAll } from '#store/document';
import type { ModelKey } from '#store/source-access';
import type { Store } from '#store/store';

/** Loads that are looked at, the newest first. */
const RUNS = 5;

/** How large the raw table is in the warehouse now; null: it is not there. */
export type RawSize = { readonly rows: number; readonly bytes: number } | null;

/**
 * Rows, bytes and seconds are the medians of former loads of the same way (`mode`); before the first, what the source's own
 * statistics say. BigQuery bills what publishing reads: the staged rows twice (compared, then put in), and to merge the raw
 * table once. Loading itself is free.
 * @param source what the source says of its size; null: nothing
 * @param former the table's own loads that succeeded, in any order
 */
export function estimateTable(
  table: Pick<SourceTable, 'id' | 'name' | 'mode'>,
  source: Pick<TableListing, 'estimatedRows' | 'estimatedBytes'> | null,
  former: readonly EtlTable[],
  raw: RawSize,
): TableEstimate {
  const alike = former.filter(({ mode, status }) => mode === table.mode && status === 'succeeded');
  const known = alike.length > 0;
  const rows = known ? median(alike.map(({ counts }) => counts.rows)) : (source?.estimatedRows ?? null);
  // What BigQuery counts is the size of values, not of compressed files.
  const perRow = raw !== null && raw.rows > 0 ? raw.bytes / raw.rows : null;
  const bytes =
    rows !== null && perRow !== null ? rows * perRow : known ? null : (source?.estimatedBytes ?? null);
  const scanned = bytes === null ? null : 2 * bytes + (table.mode === 'merge' ? (raw?.bytes ?? 0) : 0);
  return {
    table: table.id,
    name: table.name,
    basis: known ? 'former-loads' : rows === null ? 'unknown' : 'source',
    rows: rows === null ? null : Math.round(rows),
    bytes: bytes === null ? null : Math.round(bytes),
    seconds: known ? Math.round(median(alike.map(secondsOf)) * 10) / 10 : null,
    scannedBytes: scanned === null ? null : Math.round(scanned),
    cost: scanned === null ? null : scanCost(scanned),
  };
}

function secondsOf({ marks, createdAt, finishedAt }: EtlTable): number {
  const from = Date.parse(marks.planning ?? createdAt);
  return Math.max(0, (Date.parse(finishedAt ?? createdAt) - from) / 1000);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** The tables of the model's newest loads that published something, by the table's id. */
export async function formerLoads(
  store: Store,
  { tenant, model }: ModelKey,
): Promise<Map<string, EtlTable[]>> {
  const runs = await readAll(store, paths.etlRuns(tenant, model), EtlRun, {
    orderBy: ['createdAt', 'desc'],
    limit: 4 * RUNS,
  });
  const good = runs.filter(({ status }) => status === 'succeeded' || status === 'partial').slice(0, RUNS);
  const found = new Map<string, EtlTable[]>();
  for (const tables of await Promise.all(
    good.map(({ id }) => readAll(store, paths.etlTables(tenant, model, id), EtlTable)),
  ))
    for (const table of tables) found.set(table.id, [...(found.get(table.id) ?? []), table]);
  return found;
}
