import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError, toError } from '#core/errors';
import { type EtlCounts, EtlTable, etlCycle } from '#core/etl-run';
import { DELETED_AT, LEDGER, REJECTS } from '#core/warehouse-name';
import { mustRead, transition } from '#store/document';
import { now } from '#store/store';
import { runJob } from './jobs.ts';
import { checksum, type Extracted, gather, loadStaging, stagingFields, validate } from './load.ts';
import { addCounts, overLimit, percent, rejectedRows } from './plan.ts';
import {
  isOurs,
  LEDGER_FIELDS,
  keyViolationQuery,
  ledgerQuery,
  planSchema,
  PUBLISHED_MEANWHILE,
  publishScript,
  REJECT_FIELDS,
  UNFIT,
  unfitRejectsScript,
  vanishedQuery,
} from './publish-sql.ts';
import { plannedColumns, type TablePlan } from './records.ts';
import { tablePath } from './run-key.ts';
import type { Place } from './place.ts';
import type { Scope } from './scope.ts';
import { jobName, rejectsStagingOf, stagingOf } from './staging.ts';
import { isOver } from './tables.ts';
import { type ClaimedUnit, unitsOfTable } from './units.ts';

/** Makes what every publication needs: the dataset, the ledger and the rejects table. */
export async function prepareWarehouse({ warehouse, dataset }: Scope): Promise<void> {
  await warehouse.ensureDataset(dataset);
  await warehouse.ensureTable({ dataset, table: LEDGER }, LEDGER_FIELDS);
  await warehouse.ensureTable({ dataset, table: REJECTS }, REJECT_FIELDS);
}

/**
 * Takes a fully extracted table into the warehouse: load, compare, publish, ledger. May be done again from the start at
 * any point: job ids are the same, and a table whose ledger row is there is not published again. One that has been given
 * up meanwhile is left alone.
 * @throws TerminalError `units-incomplete`, `too-many-rejects`, `load-mismatch`, `published-meanwhile`, …
 */
export async function landTable(scope: Scope, plan: TablePlan): Promise<void> {
  const { store, key } = scope;
  const columns = plannedColumns(plan);
  const units = await unitsOfTable(scope, plan.id, plan.epoch);
  checkComplete(plan, units);
  const extracted = gather(
    units,
    columns.map((column) => column.name),
  );
  const rejected = units.reduce((sum, unit) => addCounts(sum, unit.record.rejected), {});
  const counts = { rows: extracted.tally.rows, bytes: extracted.tally.bytes, rejected };
  const path = tablePath(key, plan.id);
  await transition(store, path, EtlTable, etlCycle, 'publish', { patch: () => ({ counts }) });
  if (await isGivenUp(scope, plan)) return;
  scope.log.info('table read', { table: plan.name, rows: counts.rows, bytes: counts.bytes });

  await publishRejects(scope, plan, extracted);
  checkRejects(plan, counts);

  const unfit = plan.nothing
    ? await makeTable(scope, plan, columns)
    : await publishRows(scope, plan, extracted, counts);
  if (unfit === null) return;
  const landed = withUnfit(counts, unfit);
  // First, for whoever goes on after a death looks no more at a table that is over.
  await removeStaging(scope, stagingOf(scope, plan.id));
  await markLanded(scope, plan, landed);
  scope.log.info('table published', { table: plan.name, rows: landed.rows, write: plan.write });
}

/** The table is published: says so. */
export async function markLanded(
  { store, key }: Pick<Place, 'store' | 'key'>,
  plan: Pick<TablePlan, 'id' | 'watermark'>,
  counts: EtlCounts,
): Promise<void> {
  await transition(store, tablePath(key, plan.id), EtlTable, etlCycle, 'succeed', {
    // The ledger in the warehouse has all of it; a list of ten thousand files is nothing to show.
    patch: () => ({ counts, watermark: plan.watermark?.slice(0, 60) ?? null, finishedAt: now(store) }),
  });
}

/** Nothing is to be published, but what uses the table wants to see its columns. */
async function makeTable(scope: Scope, plan: TablePlan, columns: readonly Column[]): Promise<number> {
  await evolve(scope, plan, columns);
  return 0;
}

/**
 * Loads the table's files and publishes their rows, unless that is done.
 * @returns how many of them the warehouse cannot keep, which went to the rejects; null where the table is given up.
 */
async function publishRows(
  scope: Scope,
  plan: TablePlan,
  extracted: Extracted,
  counts: EtlCounts,
): Promise<number | null> {
  const done = await publication(scope, plan.destination);
  if (done !== null) return extracted.tally.rows - done.rows;
  const columns = plannedColumns(plan);
  const staging = stagingOf(scope, plan.id);
  await loadStaging(scope, jobName(scope, plan.id, 'load'), staging, extracted.uris, stagingFields(columns));
  scope.log.info('table staged', { table: plan.name });
  const unfit = await validate(scope, plan.name, staging, columns, extracted.tally);
  if (unfit > 0) {
    await publishUnfit(scope, plan, staging, columns);
    checkRejects(plan, withUnfit(counts, unfit));
  }
  const key = warehouseKey(plan, columns);
  await checkUnique(scope, plan, staging, key);
  const gone = await evolve(scope, plan, columns);
  const marks = marksDeleted(scope, plan, unfit + rejectedRows(counts.rejected));
  if (marks) await checkVanished(scope, plan, staging, key);
  // Loading took its time: whoever gave the run up in between has told people so.
  if (await isGivenUp(scope, plan)) return null;
  const script = publishScript({
    dataset: scope.dataset,
    destination: plan.destination,
    staging: staging.table,
    write: plan.write,
    key: key.map(({ name }) => name),
    gone,
    marks,
    newest: true,
    columns,
  });
  const about = {
    rows: extracted.tally.rows - unfit,
    cursor: plan.cursor ?? '',
    watermark: plan.watermark ?? '',
    checksum: checksum(extracted.tally),
    last: plan.lastRun,
  };
  try {
    await publish(scope, jobName(scope, plan.id, 'publish'), script, plan.destination, about);
  } catch (error) {
    throw toError(error).message.includes(PUBLISHED_MEANWHILE) ? publishedMeanwhile(plan, error) : error;
  }
  return unfit;
}

/** Every unit that was planned is there and done: a part of a table is never published. */
function checkComplete(plan: TablePlan, units: readonly ClaimedUnit[]): void {
  const done = units.filter(({ record }) => record.status === 'done').length;
  if (done === plan.units && units.length === plan.units) return;
  throw new TerminalError(
    'units-incomplete',
    `Of "${plan.name}" ${plan.units} parts were planned; ${units.length} are there and ${done} of them are read. Nothing was published.`,
    { remedy: 'Run it again; if it happens again, send the run’s id to support.' },
  );
}

function checkRejects(plan: TablePlan, { rows, rejected }: EtlCounts): void {
  const over = overLimit(plan.name, rows, rejected, plan.rejectLimit);
  if (over !== null) throw new TerminalError('too-many-rejects', over.message, { remedy: over.remedy });
}

/** The counts of a table of whose rows so many went to the rejects at the last moment. */
export function withUnfit(counts: EtlCounts, unfit: number): EtlCounts {
  if (unfit === 0) return counts;
  return { ...counts, rows: counts.rows - unfit, rejected: addCounts(counts.rejected, { [UNFIT]: unfit }) };
}

async function isGivenUp({ store, key }: Scope, plan: TablePlan): Promise<boolean> {
  const table = (await mustRead(store, tablePath(key, plan.id), EtlTable, 'table')).value;
  return isOver(table);
}

function publishedMeanwhile(plan: TablePlan, cause: unknown): TerminalError {
  return new TerminalError(
    'published-meanwhile',
    `Another run has published "${plan.name}" while this one was reading it. Nothing of this one was published.`,
    { remedy: 'Start the load again: it goes on from what is published now.', cause },
  );
}

/** What this run has published of `table`; null where it has not. */
export async function publication(
  { warehouse, dataset, key }: Pick<Place, 'warehouse' | 'dataset' | 'key'>,
  table: string,
): Promise<{ readonly rows: number } | null> {
  const [row] = await warehouse.query(ledgerQuery(dataset), { run: key.run, table });
  return Number(row?.['n'] ?? 0) > 0 ? { rows: Number(row?.['published']) } : null;
}

async function isPublished(scope: Scope, table: string): Promise<boolean> {
  return (await publication(scope, table)) !== null;
}

async function publish(
  scope: Scope,
  name: string,
  script: string,
  table: string,
  about: Readonly<Record<string, string | number>>,
): Promise<void> {
  const params = { run: scope.key.run, table, ...about };
  await runJob(
    scope,
    name,
    (jobId) => scope.warehouse.startQuery(jobId, script, { params }),
    () => isPublished(scope, table),
  );
}

/** The merge key's columns as the warehouse has them. */
function warehouseKey(plan: TablePlan, columns: readonly Column[]): Column[] {
  return plan.key.flatMap((name) => {
    const column = columns[plan.columns.findIndex((one) => one.name === name)];
    return column === undefined ? [] : [column];
  });
}

/** Rows that share a key cannot be merged: which of them is right is not ours to choose. */
async function checkUnique(
  { warehouse }: Scope,
  plan: TablePlan,
  staging: TableRef,
  key: readonly Column[],
): Promise<void> {
  if (key.length === 0) return;
  const [found] = await warehouse.query(keyViolationQuery(staging, key));
  if (found === undefined) return;
  const values = plan.key.map((name, index) => ({ name, value: found[`key_${index}`] ?? null }));
  const shown = values
    .map(({ name, value }) => `${name} = ${typeof value === 'string' ? value.slice(0, 50) : 'null'}`)
    .join(', ');
  const isNull = values.some(({ value }) => value === null);
  throw new TerminalError(
    isNull ? 'key-null' : 'key-not-unique',
    isNull
      ? `"${plan.name}" has a row whose key is null (${shown}), so it cannot be merged.`
      : `"${plan.name}" has ${Number(found['n'])} rows with the key ${shown}; a merge needs a key that each row has to itself.`,
    { remedy: 'Choose other columns as the key of this table, or load it by replace.' },
  );
}

/** Whether this load tells which rows are gone: a row that was rejected is in the source, and not among those that came. */
function marksDeleted({ log }: Scope, plan: TablePlan, rejected: number): boolean {
  if (plan.write !== 'merge' || plan.deletes !== 'mark') return false;
  if (rejected > 0)
    log.warn('rows were rejected, so deleted ones are not looked for', { table: plan.name, rejected });
  return rejected === 0;
}

/** A source that is half there, or another one, is no reason to take half of the customers for gone. */
async function checkVanished(
  { warehouse, dataset }: Scope,
  plan: TablePlan,
  staging: TableRef,
  key: readonly Column[],
): Promise<void> {
  const raw = { dataset, table: plan.destination };
  const [found] = await warehouse.query(vanishedQuery(raw, staging, key));
  const [present, vanished] = [Number(found?.['present']), Number(found?.['vanished'])];
  if (vanished <= plan.deleteLimit * present) return;
  throw new TerminalError(
    'too-many-deletes',
    `"${plan.name}" has lost ${vanished} of its ${present} rows since the last load; the limit is ${percent(plan.deleteLimit)}. Nothing was published.`,
    {
      remedy:
        'If they are to go, raise the table’s limit of deleted rows, or load it by replace once; otherwise look at the source.',
    },
  );
}

/**
 * Makes or widens the raw table; a merged one is clustered by its key, by which every load looks rows up.
 * @returns the columns that it has and the source has no more
 * @throws TerminalError `column-type-changed`
 */
async function evolve(scope: Scope, plan: TablePlan, columns: readonly Column[]): Promise<string[]> {
  const ref = { dataset: scope.dataset, table: plan.destination };
  const marks = plan.deletes === 'mark' ? [{ name: DELETED_AT, type: 'TIMESTAMP' as const }] : [];
  const fields = [...columns.map(({ name, type }) => ({ name, type })), ...marks];
  const existing = await scope.warehouse.describe(ref);
  if (existing === null) {
    const clusterBy = clusterOf(plan, columns);
    await scope.warehouse.ensureTable(ref, fields, clusterBy.length === 0 ? {} : { clusterBy });
    return [];
  }
  const { added, changed } = planSchema(existing.fields, fields);
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
  const brought = new Set(columns.map(({ name }) => name.toLowerCase()));
  return existing.fields
    .map(({ name }) => name)
    .filter((name) => isOurs(name) && !brought.has(name.toLowerCase()));
}

/** BigQuery clusters by four columns at most, and by none of BYTES or TIME. */
function clusterOf(plan: TablePlan, columns: readonly Column[]): string[] {
  const fitting = warehouseKey(plan, columns).filter(({ type }) => type !== 'BYTES' && type !== 'TIME');
  return fitting.slice(0, 4).map(({ name }) => name);
}

/** Rejects are published by themselves, so that those of a table that fails can be looked at. */
async function publishRejects(scope: Scope, plan: TablePlan, extracted: Extracted): Promise<void> {
  const name = `${plan.destination}#rejects`;
  if (extracted.rejectUris.length === 0 || (await isPublished(scope, name))) return;
  const staging = rejectsStagingOf(scope, plan.id);
  await loadStaging(
    scope,
    jobName(scope, plan.id, 'load-rejects'),
    staging,
    extracted.rejectUris,
    REJECT_FIELDS,
  );
  const script = publishScript({
    dataset: scope.dataset,
    destination: REJECTS,
    staging: staging.table,
    write: 'append',
    newest: false,
    columns: REJECT_FIELDS.map(({ name, type }) => ({ name, type, nullable: true, sourceType: 'reject' })),
  });
  const about = { rows: 0, cursor: '', watermark: '', checksum: '' };
  await publish(scope, jobName(scope, plan.id, 'publish-rejects'), script, name, about);
  await removeStaging(scope, staging);
}

/** The rows of staging that the raw table's types cannot hold, kept as rejects before the limit is applied. */
async function publishUnfit(
  scope: Scope,
  plan: TablePlan,
  staging: TableRef,
  columns: readonly Column[],
): Promise<void> {
  const name = `${plan.destination}#unfit`;
  if (await isPublished(scope, name)) return;
  const script = unfitRejectsScript(scope.dataset, staging.table, columns);
  const about = { rows: 0, cursor: '', watermark: '', checksum: '', destination: plan.destination };
  await publish(scope, jobName(scope, plan.id, 'publish-unfit'), script, name, about);
}

/** Removes a staging table; one that cannot be removed now goes by itself after a day. */
export async function removeStaging(scope: Pick<Scope, 'warehouse' | 'log'>, ref: TableRef): Promise<void> {
  try {
    await scope.warehouse.deleteTable(ref);
  } catch (error) {
    scope.log.warn('staging stays until it expires', { table: ref.table, error: String(error) });
  }
}
