import type { Warehouse } from '#cloud/bigquery';
import type { DatasetDefinition } from '#core/dataset';
import { TerminalError } from '#core/errors';
import { datasetNames } from '#core/model';
import { linesSql, type LinesOptions } from '#core/sql/lines';
import { quoteTable } from '#core/sql/quote';
import { type RawTable, type RawTables, resolveColumn } from '#core/sql/resolve';
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

/**
 * Whether a data set works over its raw tables as they are, or would be: `changed` has `columns` then. Where others of its
 * tables are not loaded yet, whether it finds its columns in that one.
 */
export async function worksOver(
  warehouse: Warehouse,
  tenant: Tenant,
  model: string,
  definition: DatasetDefinition,
  changed: string,
  columns?: RawTable['columns'],
): Promise<{ readonly works: true } | { readonly works: false; readonly why: string }> {
  const tables = new Map(await readRawTables(warehouse, tenant, model, definition));
  if (columns !== undefined) tables.set(changed, { columns });
  const tableName = (destination: string) => destination;
  try {
    if (definition.tables.every(({ destination }) => tables.has(destination)))
      linesSql(definition, tables, { asOf: new Date(0).toISOString(), historyDays: 0, tableName });
    else {
      const aliases = definition.tables
        .filter((one) => one.destination === changed)
        .map(({ alias }) => alias);
      const refs = [
        ...Object.values(definition.roles),
        ...definition.joins.flatMap(({ left, right }) => [left, right]),
      ];
      for (const ref of refs)
        if (ref !== undefined && aliases.includes(ref.table))
          resolveColumn(definition, tables, ref, 'column');
    }
    return { works: true };
  } catch (error) {
    if (error instanceof TerminalError) return { works: false, why: error.message };
    throw error;
  }
}
