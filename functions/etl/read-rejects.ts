/** Rows that a run left out, read back from the warehouse page by page. */
import { z } from 'zod';
import { openWarehouse, type Row } from '#cloud/bigquery';
import type { RejectedRow } from '#core/rejected-row';
import { EtlRun, EtlTable } from '#core/etl-run';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { SourceTable } from '#core/source';
import { Tenant } from '#core/tenant';
import { REJECTS } from '#core/warehouse-name';
import type { Config } from '#runtime/config';
import { mustRead, read } from '#store/document';
import type { Store } from '#store/store';
import { rejectsQuery } from './rejects-sql.ts';
import { type RunKey, runPath } from './run-key.ts';

/** A row as the statement answers it; whole numbers of BigQuery may come as text. */
const Kept = z.object({
  line: z.coerce.number().nullable(),
  column: z.string().nullable(),
  reason: z.string(),
  value: z.string().nullable(),
  message: z.string().nullable(),
});

/** A page costs at most this, in bytes: the table of rejects is clustered by run, but may be from before it was. */
const MOST_BILLED = 20_000_000_000;

/** Which rejected rows. */
export interface RejectsWanted {
  /** The table's id. */
  readonly table: string;
  readonly reason?: string | undefined;
  readonly offset: number;
  readonly limit: number;
}

/**
 * One page of a table's rejected rows, by reason, line and column. `counts`: of all, by reason; of those at most 10,000 per
 * unit of work are kept as examples. Values are left out unless `values`, for they are the customer's own data, and of a
 * table that has columns to be hashed by now, whatever was chosen when they were kept.
 * @throws TerminalError `not-found` (the run, the table)
 */
export async function readRejects(
  store: Store,
  config: Pick<Config, 'endpoints'>,
  key: RunKey,
  { table, reason, offset, limit }: RejectsWanted,
  values: boolean,
): Promise<{
  counts: Record<string, number>;
  items: RejectedRow[];
  next: number | null;
  values: boolean;
}> {
  const { tenant: t, model, run } = key;
  await mustRead(store, runPath(key), EtlRun, 'run');
  const found = await mustRead(store, paths.etlTable(t, model, run, table), EtlTable, 'table in this run');
  const { source, destination, counts } = found.value;
  const chosen = await read(store, paths.sourceTable(t, model, source, table), SourceTable);
  const shows = values && (chosen?.value.hashed ?? []).length === 0;
  const { cloud } = (await mustRead(store, paths.tenant(t), Tenant, 'tenant')).value;
  const warehouse = openWarehouse({ ...cloud, endpoints: config.endpoints });
  const { raw: dataset } = datasetNames(cloud, t, model);
  const told = { counts: counts.rejected, values };
  // A model that has rejected nothing yet has no such table.
  if ((await warehouse.describe({ dataset, table: REJECTS })) === null)
    return { ...told, items: [], next: null };
  const rows = await warehouse.query(
    rejectsQuery(dataset, reason !== undefined),
    {
      run,
      destination,
      // One more tells whether there is another page.
      most: limit + 1,
      from: offset,
      ...(reason === undefined ? {} : { reason }),
    },
    MOST_BILLED,
  );
  return {
    ...told,
    items: rows.slice(0, limit).map((row) => toRejected(row, shows)),
    next: rows.length > limit ? offset + limit : null,
  };
}

function toRejected(row: Row, values: boolean): RejectedRow {
  const { line, column, reason, value, message } = Kept.parse(row);
  return { line, column, reason, message: values ? message : null, value: values ? value : null };
}
