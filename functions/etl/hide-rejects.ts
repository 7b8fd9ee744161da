/** What of a table with columns of personal data was kept of rejected rows before they were chosen goes out of the warehouse. */
import { paths } from '#core/paths';
import { rawTablesOf, SourceTable } from '#core/source';
import { REJECTS } from '#core/warehouse-name';
import { read } from '#store/document';
import { HASHES_HIDE } from './hashing.ts';
import { runJob } from './jobs.ts';
import { hideRejectsStatement, shownRejectsQuery } from './rejects-sql.ts';
import { hidesValues, type TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { jobName } from './staging.ts';

/**
 * Takes the values from the rejected rows of a table that begins anew with columns of personal data: those of former loads,
 * and of former versions of its raw table. May be done again: what has none is left alone.
 */
export async function hideRejects(scope: Scope, plan: TablePlan): Promise<void> {
  if (!hidesValues(plan) || plan.write !== 'replace') return;
  const { store, key, warehouse, dataset } = scope;
  const path = paths.sourceTable(key.tenant, key.model, plan.source, plan.id);
  const table = (await read(store, path, SourceTable))?.value;
  const params = {
    tables: [...new Set([plan.destination, ...(table === undefined ? [] : rawTablesOf(table))])],
    hidden: HASHES_HIDE,
  };
  const rejects = { dataset, table: REJECTS };
  if ((await warehouse.query(shownRejectsQuery(rejects), params)).length === 0) return;
  await runJob(scope, jobName(scope, plan.id, 'hide-rejects'), (jobId) =>
    warehouse.startQuery(jobId, hideRejectsStatement(rejects), { params }),
  );
  scope.log.info('values of rejected rows that were kept before are gone', { table: plan.name });
}
