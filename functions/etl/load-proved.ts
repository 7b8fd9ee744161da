/**
 * A table's rows into staging, compared with what was read. Files that are loaded as they are were written by others: where
 * BigQuery refuses them, or takes their values for other ones, they are written by us after all and loaded once more, so that
 * the table arrives whatever BigQuery thinks of its files. The next loads then write them at once (as-it-is-plan.ts).
 */
import { isDeepStrictEqual } from 'node:util';
import type { SourceSession } from '#connectors/connector';
import { TerminalError } from '#core/errors';
import type { TableTally } from '#core/tally';
import { objectsIn } from '#store/source-access';
import { loadedAsIs } from './as-it-is-plan.ts';
import { type Extracted, gather, loadStaging, prove, stagingFields } from './load.ts';
import { checkEqual } from './proof.ts';
import { writeUnit } from './read-unit.ts';
import { plannedColumns, type TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { openOver, readSource } from './sessions.ts';
import { jobName, type JobStep, stagingOf } from './staging.ts';
import { keepProof, markStep } from './tables.ts';
import { isTransfer, stageCopy } from './transfer.ts';
import type { ClaimedUnit } from './units.ts';

/** Failures of a load that may be those of a file as it is. */
const REFUSALS: readonly string[] = ['warehouse-job-failed', 'load-mismatch'];

/**
 * Loads the table's files (or the warehouse's own copy) into staging, and compares. May be done again from the start at any
 * point.
 * @returns how many staged rows do not fit the raw table's types
 * @throws TerminalError `warehouse-job-failed`, `load-mismatch`
 */
export async function loadProved(
  scope: Scope,
  plan: TablePlan,
  extracted: Extracted,
  units: readonly ClaimedUnit[],
): Promise<{ readonly unfit: number }> {
  const before = units.find(({ record }) => record.refused !== null)?.record.refused ?? null;
  const asTheyAre = units.some(({ record }) => record.asItIs);
  if (before !== null) return loadWritten(scope, plan, units, before);
  try {
    return await loadOnce(scope, plan, extracted, 'load');
  } catch (error) {
    if (!asTheyAre || !(error instanceof TerminalError) || !REFUSALS.includes(error.code)) throw error;
    const about = { table: plan.name, code: error.code, error: error.message };
    scope.log.warn('files were not taken as they are and are written anew', about);
    return loadWritten(scope, plan, units, error.message);
  }
}

async function loadOnce(
  scope: Scope,
  plan: TablePlan,
  extracted: Extracted,
  step: Extract<JobStep, 'load' | 'load-written'>,
): Promise<{ readonly unfit: number }> {
  const columns = plannedColumns(plan);
  const staging = stagingOf(scope, plan.id);
  const job = jobName(scope, plan.id, step);
  if (isTransfer(plan)) await stageCopy(scope, plan, staging, columns);
  else await loadStaging(scope, job, staging, extracted.uris, stagingFields(columns));
  scope.log.info('table staged', { table: plan.name });
  await markStep(scope, plan.id, 'proving');
  const { proof, unfit } = await prove(scope, staging, columns, extracted.tally);
  await keepProof(scope, plan.id, proof);
  checkEqual(plan.name, proof);
  return { unfit };
}

/** Writes what is left of files as they are, and loads all of the table's files. `refused`: what BigQuery said of them. */
async function loadWritten(
  scope: Scope,
  plan: TablePlan,
  units: readonly ClaimedUnit[],
  refused: string,
): Promise<{ readonly unfit: number }> {
  const source = await readSource(scope, plan.source);
  // Read from the copies, which are what was refused; they lie where no source may name anything.
  const session = await openOver(
    scope,
    source,
    objectsIn(scope.files, async () => undefined),
  );
  const written: ClaimedUnit[] = [];
  try {
    for (const unit of units)
      written.push(unit.record.asItIs ? await writeRefused(scope, session, plan, unit, refused) : unit);
  } finally {
    await session.close();
  }
  await markStep(scope, plan.id, 'loading', {
    asItIs: loadedAsIs(
      plan,
      written.map(({ record }) => record),
    ),
  });
  const names = plannedColumns(plan).map(({ name }) => name);
  return loadOnce(scope, plan, gather(written, names), 'load-written');
}

/** A unit in a state of its own: nobody claims what is done. */
async function writeRefused(
  scope: Scope,
  session: SourceSession,
  plan: TablePlan,
  unit: ClaimedUnit,
  refused: string,
): Promise<ClaimedUnit> {
  const copy = unit.record.uri === null ? null : await scope.files.stat(unit.record.uri);
  if (copy === null)
    throw new TerminalError('units-incomplete', `A file of "${plan.name}" is gone before it was loaded.`, {
      remedy: 'Run it again; if it happens again, send the run’s id to support.',
    });
  const unheard = {
    progress: { reading: () => undefined, read: () => undefined },
    meter: { over: () => null },
  };
  const result = await writeUnit(scope, session, plan, unit, unheard, scope.signal, {
    copy,
    mark: '-written',
  });
  const { uri, tally, asItIs } = result;
  if (!isDeepStrictEqual(figuresOf(tally), figuresOf(unit.record.tally)))
    throw new TerminalError('load-mismatch', `A copy of a file of "${plan.name}" is not what was read.`, {
      remedy: 'Run it again; if it happens again, send the run’s id to support.',
    });
  const change = { uri, tally, asItIs, refused: refused.slice(0, 1000) };
  await scope.store.db.commit([{ kind: 'update', path: unit.path, data: change }]);
  return { ...unit, record: { ...unit.record, ...change } };
}

/** What of a tally depends on the rows alone. */
function figuresOf(tally: TableTally | null): TableTally | null {
  return tally === null ? null : { ...tally, bytes: 0 };
}
