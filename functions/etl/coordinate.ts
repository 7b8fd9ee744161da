/**
 * The coordinator of a run: plans, shares the reading with the other tasks, brings each table home as soon as it is
 * complete, ends the run. It holds the run's lease; whoever holds it next goes on from what is written:
 *
 *     table over            nothing to do
 *     table extracted       its files are complete: load and publish (again)
 *     anything else         read anew in a new epoch
 *
 * A run that is to end before it is done (cancelled, over its caps, nothing to load) is left at once and settled.
 */
import { CONNECTION_FAILURES, MOMENT_GONE } from '#connectors/connector';
import { type Failure, TerminalError, toFailure } from '#core/errors';
import { EtlRun, etlCycle, type EtlEvent, EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { read, readAll, transition } from '#store/document';
import { commitFenced, type Lease } from '#store/lease';
import { now } from '#store/store';
import { type Meter, openMeter, type Spent } from './caps.ts';
import { openEpochWorker } from './extract-units.ts';
import { finishRun } from './finish.ts';
import { type Landings, makeLandings } from './landings.ts';
import { countTries, planEpoch, type SourceTries } from './epochs.ts';
import { openEpoch, type OpenEpoch } from './open-epoch.ts';
import { pause } from './pause.ts';
import { openProgress, type Progress } from './progress.ts';
import { prepareWarehouse } from './publish.ts';
import { TablePlan } from './records.ts';
import { tablePath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { openSettledFeed } from './settled-feed.ts';
import { settleRun } from './settle.ts';
import { type Ending, RunStopped } from './stop-watch.ts';
import { failTable, isOver, tablesOf } from './tables.ts';
import { stopWhereApart } from './together.ts';
import { unitsHeld, unitsOfTable } from './units.ts';
import { writeTables } from './write-tables.ts';

/** After the run was stopped the other tasks put down what they hold within this. */
const OTHERS_SECONDS = 4;

/** Does the run to its end. @returns true, for it is over. */
export async function coordinate(scope: Scope, lease: Lease): Promise<true> {
  const progress = openProgress(scope);
  const landings = makeLandings(scope);
  try {
    await work(scope, lease, landings, progress);
  } catch (error) {
    const ending = endingOf(scope, error);
    if (ending === undefined) throw error;
    await landings.idle();
    await progress.close();
    await othersIdle(scope);
    await scope.spent.tell();
    // A run that is over was ended by somebody else, but what it left is still this task's to remove.
    await settleRun(scope, ending ?? { event: 'cancel' });
  } finally {
    await progress.close();
  }
  return true;
}

async function work(scope: Scope, lease: Lease, landings: Landings, progress: Progress): Promise<void> {
  scope.signal.throwIfAborted();
  await move(scope, 'plan');
  await prepareWarehouse(scope);
  await writeTables(scope);
  const meter = openMeter(scope.caps);
  for (const plan of await readAll(scope.store, paths.etlPlans(scope.path), TablePlan)) {
    if (!plan.extracted) continue;
    const table = await tableOf(scope, plan.id);
    if (table === undefined) continue;
    meter.add(table.counts);
    if (!isOver(table)) landings.begin(plan);
  }
  await extractAll(scope, lease, landings, progress, meter);
  await move(scope, 'extract');
  await move(scope, 'publish');
  await landings.all();
  // The counts are complete before the run says that it is over.
  await progress.close();
  await scope.spent.tell();
  await finishRun(scope);
}

/**
 * How the run is to end after `error`; null where it is over already, undefined where it is not to end: whoever comes next
 * goes on with it.
 */
function endingOf(scope: Scope, error: unknown): Ending | null | undefined {
  if (scope.living.aborted) return undefined;
  if (scope.stop.reason instanceof RunStopped) return scope.stop.reason.ending;
  if (!(error instanceof TerminalError)) return undefined;
  const failure = toFailure(error);
  scope.log.error('the run cannot go on', { code: failure.code, error: failure.message });
  return { event: 'fail', failure };
}

/** Waits until no task holds a unit: what it was writing is then aborted. */
async function othersIdle(scope: Scope): Promise<void> {
  if (scope.tasks === 1) return;
  const until = scope.store.clock() + OTHERS_SECONDS * 1000;
  while ((await unitsHeld(scope)) > 0 && scope.store.clock() < until) await pause(300, scope.living);
}

async function extractAll(
  scope: Scope,
  lease: Lease,
  landings: Landings,
  progress: Progress,
  meter: Meter,
): Promise<void> {
  let tries: ReadonlyMap<string, SourceTries> = new Map();
  for (;;) {
    const open = (await tablesOf(scope.store, scope.key)).filter(
      (table) => !isOver(table) && !landings.has(table.id),
    );
    const next = planEpoch(open, tries, scope.store.clock());
    for (const { table, failure } of next.givenUp) await failTable(scope.store, scope.key, table.id, failure);
    if (next.tables.length === 0) return;
    if (next.pauseMs > 0) await pause(next.pauseMs, scope.signal);
    const epoch = await openEpoch(scope, lease, next.tables, (source) => next.patienceWith(source));
    try {
      await stopWhereApart(scope);
      await move(scope, 'extract');
      const lost = await runEpoch(scope, lease, epoch, landings, progress, meter);
      const sources = new Set(next.tables.map(({ source }) => source));
      tries = countTries(tries, sources, lost, scope.store.clock());
    } finally {
      await epoch.close();
    }
  }
}

/**
 * Reads until every table of the epoch is complete or failed, or its source went away: then it cannot be read in this epoch
 * any more. Answers the sources that went away, and why.
 */
async function runEpoch(
  scope: Scope,
  lease: Lease,
  { epoch, plans, own }: OpenEpoch,
  landings: Landings,
  progress: Progress,
  meter: Meter,
): Promise<ReadonlyMap<string, Failure>> {
  const lost = new Map<string, Failure>();
  const left = new Map(plans.map((plan) => [plan.id, { plan, units: plan.units, rows: 0, bytes: 0 }]));
  const complete = async (plan: TablePlan) => {
    left.delete(plan.id);
    const path = paths.etlPlan(scope.path, plan.id);
    await commitFenced(scope.store, lease, [{ kind: 'update', path, data: { extracted: true } }]);
    landings.begin(plan);
  };
  for (const plan of plans) if (plan.units === 0) await complete(plan);
  const forget = (id: string, { rows, bytes }: Spent) => {
    left.delete(id);
    meter.add({ rows: -rows, bytes: -bytes });
  };
  const putAside = async (source: string, failure: Failure) => {
    if (lost.has(source)) return;
    lost.set(source, failure);
    const about = { source, epoch: epoch.number, code: failure.code, error: failure.message };
    scope.log.warn('a source went away; its tables not fully read begin anew', about);
    for (const [id, table] of [...left].filter(([, { plan }]) => plan.source === source)) {
      // It is read anew, and counted then.
      forget(id, table);
      await dropIdle(scope, table.plan);
    }
  };

  const worker = openEpochWorker(scope, epoch, progress, meter, undefined, own);
  const settled = openSettledFeed(scope, epoch.number);
  try {
    while (left.size > 0) {
      scope.signal.throwIfAborted();
      if (landings.failed) await stopWhereApart(scope);
      const worked = await worker.step();
      const fresh = await settled.next();
      for (const { record } of fresh) {
        const table = left.get(record.table);
        if (table === undefined) continue;
        if (record.status === 'done') {
          table.units--;
          const { rows = 0, bytes = 0 } = record.tally ?? {};
          table.rows += rows;
          table.bytes += bytes;
          meter.add({ rows, bytes });
          stopAt(meter.over());
          if (table.units === 0) await complete(table.plan);
        } else if (record.failure?.code === 'cap-reached') {
          stopAt(record.failure);
        } else if (record.failure !== null && endsEpoch(record.failure)) {
          await putAside(record.source, record.failure);
        } else {
          left.delete(record.table);
          await tableFailed(scope, table.plan, record.failure);
          await stopWhereApart(scope);
        }
      }
      for (const [source, failure] of worker.lost) await putAside(source, failure);
      if (!worked && fresh.length === 0) await pause(300, scope.signal);
    }
    return lost;
  } finally {
    await worker.close();
    for (const [id, table] of left) forget(id, table);
  }
}

/** @throws TerminalError where a cap is reached: the run ends with it */
function stopAt(failure: Failure | null): void {
  if (failure === null) return;
  const { code, message, remedy } = failure;
  throw new TerminalError(code, message, remedy === null ? {} : { remedy });
}

async function tableFailed(scope: Scope, plan: TablePlan, failure: Failure | null): Promise<void> {
  const why = failure ?? { code: 'internal', message: `"${plan.name}" failed.`, remedy: null };
  scope.log.error('a table failed', { table: plan.name, code: why.code, error: why.message });
  await failTable(scope.store, scope.key, plan.id, why);
  await dropIdle(scope, plan);
}

/** Removes the units of a table that nobody is at work on. */
async function dropIdle(scope: Scope, plan: TablePlan): Promise<void> {
  const idle = (await unitsOfTable(scope, plan.id, plan.epoch)).filter(
    ({ record: { status } }) => status === 'pending' || status === 'reserved',
  );
  for (let at = 0; at < idle.length; at += 200)
    await scope.store.db.commit(
      idle.slice(at, at + 200).map((unit) => ({ kind: 'delete' as const, path: unit.path })),
    );
}

async function tableOf({ store, key }: Scope, table: string): Promise<EtlTable | undefined> {
  return (await read(store, tablePath(key, table), EtlTable))?.value;
}

async function move(scope: Scope, event: EtlEvent): Promise<void> {
  const { store } = scope;
  await transition(store, scope.path, EtlRun, etlCycle, event, {
    patch: (run) => ({ startedAt: run.startedAt ?? now(store) }),
  });
}

/** Whether the failure is no table's: its snapshot or its server is gone. */
function endsEpoch({ code }: Failure): boolean {
  return MOMENT_GONE.includes(code) || CONNECTION_FAILURES.includes(code);
}
