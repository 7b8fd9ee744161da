import type { TableRef } from '#cloud/bigquery';
import { TerminalError } from '#core/errors';
import { datasetNames } from '#core/model';
import { quoteTable } from '#core/sql/quote';
import { snapshotFolder } from '#core/training-result';
import type { Tenant } from '#core/tenant';
import type { RunIds, StageContext, StageOutcome, StageWork } from './drive.ts';
import { customersSql, interactionsSql, itemsSql } from './snapshot-sql.ts';
import { RUN_TABLE_HOURS, runPhases, type WarehouseJob } from './warehouse-jobs.ts';

/** Vocabulary: dense ids for customers and items, the interactions by id, all three exported for the trainer. */
export const vocabulary: StageWork = { stage: 'vocabulary', advance };

/** Below these nothing can be learned or measured. */
const LEAST = { customers: 5, items: 5, interactions: 50 } as const;

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, tenant, warehouse, attempt, deadline, store } = context;
  const { features } = datasetNames(tenant.cloud, ids.tenant, ids.model);
  const table = (name: string): TableRef => ({ dataset: features, table: `run_${ids.run}_${name}` });
  const quoted = (name: string) => quoteTable(tenant.cloud.projectId, features, table(name).table);
  const jobId = (step: string) => `tw-${ids.run}-${step}-${attempt}`;
  const make = (name: string, sql: string): WarehouseJob => ({
    id: jobId(name),
    start: (w) => w.startQuery(jobId(name), sql, { into: table(name) }),
  });
  const made = await runPhases(
    warehouse,
    [
      [make('customers', customersSql(quoted('lines'))), make('items', itemsSql(quoted('lines')))],
      [make('interactions', interactionsSql(quoted('lines'), quoted('customers'), quoted('items')))],
    ],
    deadline,
    store.clock,
  );
  if (made !== null) return made;
  const names = ['customers', 'items', 'interactions'];
  await Promise.all(names.map((name) => warehouse.expireTable(table(name), RUN_TABLE_HOURS)));
  const rows = async (name: string) => (await warehouse.describe(table(name)))?.rows ?? 0;
  const [customers, items, interactions] = await Promise.all([
    rows('customers'),
    rows('items'),
    rows('interactions'),
  ]);
  const counts = { customers, items, interactions };
  requireEnough(counts);

  const snapshot = snapshotOf(tenant, ids, attempt);
  const exportId = (name: string) => jobId(`export-${name}`);
  const exported = await runPhases(
    warehouse,
    [
      names.map((name) => ({
        id: exportId(name),
        start: (w) => w.startExport(exportId(name), table(name), `${snapshot}${name}-*.parquet`),
      })),
    ],
    deadline,
    store.clock,
  );
  if (exported !== null) return exported;
  context.log.info('vocabulary: snapshot written', counts);
  return { state: 'done', found: { vocabulary: counts }, executor: exportId('interactions') };
}

/** Where the vocabulary stage's given attempt exports the run's snapshot to. */
export function snapshotOf(tenant: Tenant, ids: RunIds, attempt: number): string {
  return snapshotFolder(tenant.cloud.bucket, ids.tenant, ids.model, ids.run, attempt);
}

/** @throws TerminalError `too-little-data`, naming what there is too little of. */
export function requireEnough(counts: Readonly<Record<keyof typeof LEAST, number>>): void {
  for (const name of ['customers', 'items', 'interactions'] as const) {
    if (counts[name] >= LEAST[name]) continue;
    throw new TerminalError(
      'too-little-data',
      `There are only ${counts[name]} ${name} after cleaning; a model needs at least ${LEAST[name]}.`,
      { remedy: 'Load more orders, or check which columns mean what and what cleaning leaves out.' },
    );
  }
}
