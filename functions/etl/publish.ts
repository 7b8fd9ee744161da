import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError, toError, TransientError } from '#core/errors';
import { type EtlCounts, EtlTable, etlCycle } from '#core/etl-run';
import { DELETED_AT, LEDGER, REJECTS } from '#core/warehouse-name';
import { mustRead, transition } from '#store/document';
import { now } from '#store/store';
import { evolve, type Evolved } from './evolve.ts';
import { runJob } from './jobs.ts';
import { keepSchema } from './keep-schema.ts';
import { loadedAsIs } from './as-it-is-plan.ts';
import { checksum, expectedOf, type Extracted, gather, loadStaging } from './load.ts';
import { loadProved } from './load-proved.ts';
import { addCounts, leftOutNotes, marksDeleted, overLimit, rejectedRows, sumMisfits } from './plan.ts';
import { checkUnique } from './check-unique.ts';
import { publishMismatch } from './proof.ts';
import {
  inTransaction,
  isOurs,
  LEDGER_FIELDS,
  ledgerQuery,
  NOT_AS_READ,
  type Publication,
  PUBLISHED_MEANWHILE,
  publishStatements,
  REJECT_FIELDS,
  toldOf,
  UNFIT,
  unfitRejectsScript,
} from './publish-sql.ts';
import { hidesValues, plannedColumns, plannedKey, type TablePlan } from './records.ts';
import { hideRejects } from './hide-rejects.ts';
import { tablePath } from './run-key.ts';
import type { Place } from './place.ts';
import type { Scope } from './scope.ts';
import { forgetPlace } from './moved.ts';
import { copyOf, jobName, keysStagingOf, rejectsStagingOf, stagingOf } from './staging.ts';
import { besides, checkVanished, splitUnits, stageKeys, sweepNotes } from './sweep.ts';
import { UNTOLD_ROWS } from './sweep-sql.ts';
import { isOver, markStep } from './tables.ts';
import { copyTable, countedBefore, isTransfer, type Planned } from './transfer.ts';
import { speedOf } from './unit-bytes.ts';
import { type ClaimedUnit, unitsOfTable } from './units.ts';

/** Makes what every publication needs: the dataset, the ledger and the rejects table. */
export async function prepareWarehouse({ warehouse, dataset }: Scope): Promise<void> {
  await warehouse.ensureDataset(dataset);
  const ledger = { dataset, table: LEDGER };
  await warehouse.ensureTable(ledger, LEDGER_FIELDS);
  // One that an older version made has fewer.
  await warehouse.addFields(ledger, LEDGER_FIELDS);
  await warehouse.ensureTable({ dataset, table: REJECTS }, REJECT_FIELDS);
}

/** A table in staging, compared with what was read: all that is left to do is its publication. */
export interface Staged {
  readonly plan: TablePlan;
  /** Of what was read. */
  readonly counts: EtlCounts;
  /** Null: it is published, or nothing of it is to be. */
  readonly publication: Publication | null;
  /** Of its statements, without the publication's suffix; `run` and `table` apart. */
  readonly params: Readonly<Record<string, string | number>>;
}

/**
 * Takes a fully extracted table into the warehouse: load, compare, publish, ledger. May be done again from the start at
 * any point: job ids are the same, and a table whose ledger row is there is not published again. One that has been given
 * up meanwhile is left alone.
 * @throws TerminalError what `stageTable` does, `published-meanwhile`, `publish-mismatch`
 */
export async function landTable(scope: Scope, plan: TablePlan): Promise<void> {
  const staged = await stageTable(scope, plan);
  if (staged === null) return;
  const { publication, params } = staged;
  if (publication !== null) {
    const name = jobName(scope, plan.id, 'publish');
    await markStep(scope, plan.id, 'publishing');
    try {
      await publish(scope, name, inTransaction(publishStatements(publication)), plan.destination, params);
    } catch (error) {
      throw refusedOf(error, [plan]);
    }
  }
  await landed(scope, staged);
}

/**
 * Takes a fully extracted table into staging, compares it, and makes its raw table ready. May be done again from the start
 * at any point. Null: it is given up.
 * @throws TerminalError `units-incomplete`, `too-many-rejects`, `load-mismatch`, …
 */
export async function stageTable(scope: Scope, plan: TablePlan): Promise<Staged | null> {
  const { store, key } = scope;
  const columns = plannedColumns(plan);
  const planned = await unitsOfTable(scope, plan.id, plan.epoch);
  checkComplete(plan, planned);
  const { rows: units, keys } = splitUnits(planned);
  const names = columns.map((column) => column.name);
  const extracted = isTransfer(plan) ? await taken(scope, plan, columns) : gather(units, names);
  const rejected = units.reduce((sum, unit) => addCounts(sum, unit.record.rejected), {});
  const misfits = sumMisfits(units.map(({ record }) => record));
  const counts = { rows: extracted.tally.rows, bytes: extracted.tally.bytes, rejected, ...misfits };
  const path = tablePath(key, plan.id);
  const unsettled = plan.unsettled && counts.rows > 0 ? [UNSETTLED] : [];
  const notes = [...plan.notes, ...unsettled, ...sweepNotes(plan, keys)];
  const read = units.map(({ record }) => record);
  const about = { counts, notes, asItIs: loadedAsIs(plan, read), reading: speedOf(read) };
  await transition(store, path, EtlTable, etlCycle, 'publish', {
    patch: ({ marks }) => ({ ...about, marks: { ...marks, loading: now(store) } }),
  });
  if (await isGivenUp(scope, plan)) return null;
  scope.log.info('table read', { table: plan.name, rows: counts.rows, bytes: counts.bytes });

  await hideRejects(scope, plan);
  await publishRejects(scope, plan, extracted);
  checkRejects(plan, counts);
  if (!isNothing(plan, counts)) return stageRows(scope, plan, extracted, counts, units, keys);
  // Nothing is to be published, but what uses the table wants to see its columns.
  await evolve(scope, plan, columns);
  return { plan, counts, publication: null, params: {} };
}

function isNothing(plan: TablePlan, { rows }: EtlCounts): boolean {
  return plan.nothing || (plan.unsettled && rows === 0);
}

/** The staged table is published: removes what it was published from, and says so. */
export async function landed(scope: Scope, { plan, counts }: Staged): Promise<void> {
  const nothing = isNothing(plan, counts);
  const published = nothing ? { rows: counts.rows, added: 0 } : await publication(scope, plan.destination);
  if (published === null)
    throw new TransientError('not-published', `The publication of "${plan.name}" cannot be seen yet.`);
  const kept = withUnfit(counts, counts.rows - published.rows);
  // First, for whoever goes on after a death looks no more at a table that is over.
  await removeStaging(scope, stagingOf(scope, plan.id));
  if (isTransfer(plan)) await removeStaging(scope, copyOf(scope, plan.id));
  if (plan.marks === 'keys') await removeStaging(scope, keysStagingOf(scope, plan.id));
  // Nothing of it begins anew or has another place where nothing was published.
  await markLanded(scope, { ...plan, nothing }, kept, published.added);
  scope.log.info('table published', { table: plan.name, rows: kept.rows, write: plan.write });
}

const UNSETTLED =
  'Others were writing, and which rows are complete could not be told: all rows there are were loaded, and the next load reads them again.';

/** The table is published: keeps what columns it has now, then says so. */
export async function markLanded(
  place: Place,
  plan: TablePlan,
  counts: EtlCounts,
  added: number | null,
): Promise<void> {
  const { store, key } = place;
  // What was decided of its place has been done.
  if (!plan.nothing) await forgetPlace(place, plan);
  await keepSchema(place, plan);
  const looked = plan.marks === 'rows' && plan.deletes === 'mark';
  await transition(store, tablePath(key, plan.id), EtlTable, etlCycle, 'succeed', {
    // The ledger in the warehouse has all of it; a list of ten thousand files is nothing to show.
    patch: ({ notes, proof }) => ({
      counts,
      added,
      notes: [...notes, ...leftOutNotes(plan.write, looked, counts.rejected)],
      watermark: plan.watermark?.slice(0, 60) ?? null,
      // Its publication compared the rows once more, or there would be none.
      proof: proof === null ? null : { ...proof, stage: 'published' as const },
      finishedAt: now(store),
    }),
  });
}

/** What the warehouse takes of a table itself. */
async function taken(
  scope: Scope,
  plan: TablePlan & Planned,
  columns: readonly Column[],
): Promise<Extracted> {
  const done = await publication(scope, plan.destination);
  return done === null ? copyTable(scope, plan, columns) : countedBefore(scope, plan, columns);
}

/** Rows that a publication put in, and those that the table has more than before (null: published before it was counted). */
interface Published {
  readonly rows: number;
  readonly added: number | null;
}

/** Loads the table's files and compares them, unless they are published; null where the table is given up. */
async function stageRows(
  scope: Scope,
  plan: TablePlan,
  extracted: Extracted,
  counts: EtlCounts,
  units: readonly ClaimedUnit[],
  keyUnits: readonly ClaimedUnit[],
): Promise<Staged | null> {
  const { tally } = extracted;
  if (await isPublished(scope, plan.destination)) return { plan, counts, publication: null, params: {} };
  const columns = plannedColumns(plan);
  const staging = stagingOf(scope, plan.id);
  const { unfit } = await loadProved(scope, plan, extracted, units);
  if (unfit > 0) {
    await publishUnfit(scope, plan, staging, columns);
    checkRejects(plan, withUnfit(counts, unfit));
  }
  const key = plannedKey(plan);
  await checkUnique(scope, plan, staging, key);
  const raw = await evolve(scope, plan, columns);
  const rejected = unfit + rejectedRows(counts.rejected);
  const told = { write: plan.write, deletes: plan.marks === 'rows' ? plan.deletes : ('keep' as const) };
  const marks = marksDeleted(told, rejected);
  if (told.deletes === 'mark' && rejected > 0)
    scope.log.warn('rows were rejected, so deleted ones are not looked for', { table: plan.name, rejected });
  if (marks) await checkVanished(scope, plan, staging, key);
  const keys = await stageKeys(scope, plan, keyUnits);
  if (keys !== null) await checkVanished(scope, plan, keys, key);
  const { params, ...statements } = besides(scope, plan, keys);
  // Loading took its time: whoever gave the run up in between has told people so.
  if (await isGivenUp(scope, plan)) return null;
  return {
    plan,
    counts,
    publication: {
      dataset: scope.dataset,
      destination: plan.destination,
      staging: staging.table,
      write: plan.write,
      key: key.map(({ name }) => name),
      gone: columnsThere(raw, [...plan.gone, DELETED_AT]),
      cleared: columnsThere(raw, plan.cleared),
      marks,
      ...statements,
      newest: true,
      columns,
      wider: raw.wider,
      expected: { staged: tally, published: await expectedOf(scope, staging, columns, tally, unfit) },
    },
    params: {
      rows: tally.rows - unfit,
      cursor: plan.cursor ?? '',
      watermark: plan.watermark ?? '',
      checksum: checksum(tally),
      place: plan.place,
      columns: plan.columnSet,
      before: raw.rows,
      last: plan.lastRun,
      ...params,
    },
  };
}

/** Those of `names` that the raw table has, as it calls them. */
function columnsThere({ fields }: Evolved, names: readonly string[]): string[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return fields.filter((name) => isOurs(name) && wanted.has(name.toLowerCase()));
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

/** Why a publication of the tables of `plans` was refused: what its assertions say, of which table they say it. */
export function refusedOf(error: unknown, plans: readonly TablePlan[]): unknown {
  const { message } = toError(error);
  const nameOf = (text: string) => {
    const told = toldOf(message, text);
    return plans.find(({ destination }) => destination === told)?.name ?? null;
  };
  const untold = nameOf(UNTOLD_ROWS);
  if (untold !== null) return placeUntold(untold, error);
  const changed = nameOf(NOT_AS_READ);
  if (changed !== null) return publishMismatch(changed, error);
  const meanwhile = nameOf(PUBLISHED_MEANWHILE);
  if (meanwhile === null) return error;
  return new TerminalError(
    'published-meanwhile',
    `Another run has published "${meanwhile}" while this one was reading it. Nothing of this one was published.`,
    { remedy: 'Start the load again: it goes on from what is published now.', cause: error },
  );
}

function placeUntold(name: string, cause: unknown): TerminalError {
  return new TerminalError(
    'again-not-possible',
    `Rows of "${name}" have no value in the column that it is read by, so which of them to replace cannot be told. Nothing was published.`,
    { remedy: 'Read the table anew instead.', cause },
  );
}

/** What this run has published of `table`; null where it has not. */
export async function publication(
  { warehouse, dataset, key }: Pick<Place, 'warehouse' | 'dataset' | 'key'>,
  table: string,
): Promise<Published | null> {
  const [row] = await warehouse.query(ledgerQuery(dataset), { run: key.run, table });
  if (Number(row?.['n'] ?? 0) === 0) return null;
  const added = row?.['added'] ?? null;
  return { rows: Number(row?.['published']), added: added === null ? null : Number(added) };
}

/** Whether this run has published `table`. */
export async function isPublished(scope: Scope, table: string): Promise<boolean> {
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

/** What the ledger says of rejects beside their run. */
const NOTHING_TOLD = { cursor: '', watermark: '', checksum: '', place: '', columns: '' };

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
  const statements = publishStatements({
    dataset: scope.dataset,
    destination: REJECTS,
    staging: staging.table,
    write: 'append',
    newest: false,
    columns: REJECT_FIELDS.map(({ name, type }) => ({ name, type, nullable: true, sourceType: 'reject' })),
  });
  const about = { rows: 0, ...NOTHING_TOLD };
  await publish(scope, jobName(scope, plan.id, 'publish-rejects'), inTransaction(statements), name, about);
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
  const script = unfitRejectsScript(scope.dataset, staging.table, columns, hidesValues(plan));
  const about = { rows: 0, ...NOTHING_TOLD, destination: plan.destination };
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
