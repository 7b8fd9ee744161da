import type { Warehouse } from '#cloud/bigquery';
import type { DatasetDefinition } from '#core/dataset';
import { datasetNames } from '#core/model';
import { linesSql, type LinesOptions } from '#core/sql/lines';
import { quoteTable } from '#core/sql/quote';
import type { RawTable, RawTables } from '#core/sql/resolve';
import type { Tenant } from '#core/tenant';

/** The raw tables that a data set names, as they are in the warehouse now; those not loaded yet are left out. */
export async function readRawTables(
  warehouse: Warehouse,
  tenant: Tenant,
  model: string,
  definition: DatasetDefinition,
): Promise<RawTables> {
  const { raw } = datasetNames(tenant.cloud, tenant.id, model);
  const found = await Promise.all(
    [...new Set(definition.tables.map((table) => table.destination))].map(
      async (table): Promise<[string, RawTable] | null> => {
        const described = await warehouse.describe({ dataset: raw, table });
        return described === null ? null : [table, { columns: described.fields }];
      },
    ),
  );
  return new Map(found.filter((one) => one !== null));
}

/**
 * The query for a data set's lines over the raw tables as they are now.
 * @throws TerminalError `table-not-loaded`, `unknown-column` and what else linesSql finds.
 */
export async function readLinesSql(
  warehouse: Warehouse,
  tenant: Tenant,
  model: string,
  definition: DatasetDefinition,
  options: Omit<LinesOptions, 'tableName'>,
): Promise<string> {
  const { raw } = datasetNames(tenant.cloud, tenant.id, model);
  return linesSql(definition, await readRawTables(warehouse, tenant, model, definition), {
    ...options,
    tableName: (destination) => quoteTable(tenant.cloud.projectId, raw, destination),
  });
}
