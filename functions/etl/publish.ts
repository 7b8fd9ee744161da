import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { EtlTable, etlCycle } from '#core/etl-run';
import { inWarehouse } from '#core/warehouse-name';
import { transition } from '#store/document';
import { now } from '#store/store';
import { runJob } from './jobs.ts';
import { checksum, type Extracted, gather, loadStaging, stagingFields, validate } from './load.ts';
import { addCounts, overLimit } from './plan.ts';
import { LEDGER, LEDGER_FIELDS, ledgerQuery, planSchema, publishScript } from './publish-sql.ts';
import { REJECT_FIELDS, REJECTS } from './publish-sql.ts';
import type { TablePlan } from './records.ts';
import { tablePath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { unitsOfTable } from './units.ts';

/** Makes what every publication needs: the dataset, the ledger and the rejects table. */
export async function prepareWarehouse({ warehouse, dataset }: Scope): Promise<void> {
  await warehouse.ensureDataset(dataset);
  await warehouse.ensureTable({ dataset, table: LEDGER }, LEDGER_FIELDS);
  await warehouse.ensureTable({ dataset, table: REJECTS }, REJECT_FIELDS);
}

/**
 * Takes a fully extracted table into the warehouse: load, compare, publish, ledger. May be done again from the start at
 * any point: job ids are the same, and a table whose ledger row is there is not published again.
 */
export async function landTable(scope: Scope, plan: TablePlan): Promise<void> {
  const { store, key } = scope;
  const columns = inWarehouse(plan.columns);
  const units = await unitsOfTable(scope, plan.id, plan.epoch);
  const extracted = gather(
    units,
    columns.map((column) => column.name),
  );
  const rejected = units.reduce((sum, unit) => addCounts(sum, unit.record.rejected), {});
  const counts = { rows: extracted.tally.rows, bytes: extracted.tally.bytes, rejected };
  const path = tablePath(key, plan.id);
  await transition(store, path, EtlTable, etlCycle, 'publish', { patch: () => ({ counts }) });
  scope.log.info('table read', { table: plan.name, rows: counts.rows, bytes: counts.bytes });

  await publishRejects(scope, plan, extracted);
  const over = overLimit(plan.name, counts.rows, rejected, plan.rejectLimit);
  if (over !== null) throw new TerminalError('too-many-rejects', over.message, { remedy: over.remedy });

  const staging = { dataset: scope.dataset, table: `_stg_${key.run}_${plan.id}` };
  if (!(await isPublished(scope, plan.destination))) {
    const fields = stagingFields(columns);
    await loadStaging(scope, jobName(scope, plan, 'load'), staging, extracted.uris, fields);
    scope.log.info('table staged', { table: plan.name });
    await validate(scope, plan.name, staging, columns, extracted.tally);
    await evolve(scope, plan, columns);
    const script = publishScript({
      dataset: scope.dataset,
      destination: plan.destination,
      staging: staging.table,
      write: plan.write,
      columns,
    });
    await publish(scope, jobName(scope, plan, 'publish'), script, plan.destination, {
      rows: counts.rows,
      cursor: plan.cursor ?? '',
      watermark: plan.watermark ?? '',
      checksum: checksum(extracted.tally),
    });
  }
  await transition(store, path, EtlTable, etlCycle, 'succeed', {
    patch: () => ({ counts, watermark: plan.watermark, finishedAt: now(store) }),
  });
  scope.log.info('table published', { table: plan.name, rows: counts.rows, write: plan.write });
  await removeStaging(scope, staging);
}

function jobName(scope: Scope, plan: TablePlan, step: string): string {
  return `tw-${scope.key.run}-${plan.id}-${step}`;
}

async function isPublished({ warehouse, dataset, key }: Scope, table: string): Promise<boolean> {
  const [row] = await warehouse.query(ledgerQuery(dataset), { run: key.run, table });
  return Number(row?.['n'] ?? 0) > 0;
}

async function publish(
  scope: Scope,
  name: string,
  script: string,
  table: string,
  about: { rows: number; cursor: string; watermark: string; checksum: string },
): Promise<void> {
  const params = { run: scope.key.run, table, ...about };
  await runJob(
    scope,
    name,
    (jobId) => scope.warehouse.startQuery(jobId, script, { params }),
    () => isPublished(scope, table),
  );
}

/** Makes or widens the raw table. @throws TerminalError `column-type-changed` */
async function evolve(scope: Scope, plan: TablePlan, columns: readonly Column[]): Promise<void> {
  const ref = { dataset: scope.dataset, table: plan.destination };
  const fields = columns.map(({ name, type }) => ({ name, type }));
  const existing = await scope.warehouse.describe(ref);
  if (existing === null) {
    await scope.warehouse.ensureTable(ref, fields);
    return;
  }
  const { added, changed } = planSchema(existing.fields, columns);
  const [first] = changed;
  if (first !== undefined)
    throw new TerminalError(
      'column-type-changed',
      `"${plan.name}": the column "${first.name}" is ${first.to} in the source now and ${first.from} in the warehouse.`,
      {
        remedy:
          'Change it back in the source (or cast it in a view), or add the source again under another name to load it into a new table.',
      },
    );
  if (added.length > 0) {
    await scope.warehouse.addFields(ref, added);
    scope.log.info('columns added', { table: plan.name, columns: added.map((one) => one.name).join(', ') });
  }
}

/** Rejects are published by themselves, so that those of a table that fails can be looked at. */
async function publishRejects(scope: Scope, plan: TablePlan, extracted: Extracted): Promise<void> {
  const name = `${plan.destination}#rejects`;
  if (extracted.rejectUris.length === 0 || (await isPublished(scope, name))) return;
  const staging = { dataset: scope.dataset, table: `_stg_${scope.key.run}_${plan.id}_rejects` };
  await loadStaging(
    scope,
    jobName(scope, plan, 'load-rejects'),
    staging,
    extracted.rejectUris,
    REJECT_FIELDS,
  );
  const script = publishScript({
    dataset: scope.dataset,
    destination: REJECTS,
    staging: staging.table,
    write: 'append',
    columns: REJECT_FIELDS.map(({ name, type }) => ({ name, type, nullable: true, sourceType: 'reject' })),
  });
  const about = { rows: 0, cursor: '', watermark: '', checksum: '' };
  await publish(scope, jobName(scope, plan, 'publish-rejects'), script, name, about);
  await removeStaging(scope, staging);
}

async function removeStaging(scope: Scope, ref: TableRef): Promise<void> {
  try {
    await scope.warehouse.deleteTable(ref);
  } catch (error) {
    scope.log.warn('staging stays until it expires', { table: ref.table, error: String(error) });
  }
}
