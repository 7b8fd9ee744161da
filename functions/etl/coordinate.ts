/**
 * The coordinator of a run: plans, shares the reading with the other tasks, brings each table home as soon as it is
 * complete, ends the run. It holds the run's lease; whoever holds it next goes on from what is written:
 *
 *     table over            nothing to do
 *     table extracted       its files are complete: load and publish (again)
 *     anything else         read anew in a new epoch
 */
import { CONNECTION_FAILURES } from '#connectors/connector';
import type { Failure } from '#core/errors';
import { EtlRun, etlCycle, type EtlEvent, type EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { readAll, transition } from '#store/document';
import { commitFenced, type Lease } from '#store/lease';
import { now } from '#store/store';
import { openEpochWorker } from './extract-units.ts';
import { finishRun } from './finish.ts';
import { type Landings, makeLandings } from './landings.ts';
import { openEpoch, type OpenEpoch } from './open-epoch.ts';
import { pause } from './pause.ts';
import { openProgress, type Progress } from './progress.ts';
import { prepareWarehouse } from './publish.ts';
import { TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { openSettledFeed } from './settled-feed.ts';
import { failTable, isOver, tablesOf } from './tables.ts';
import { unitsOfTable } from './units.ts';
import { writeTables } from './write-tables.ts';

/** Epochs one coordinator tries before it believes that the source does not stay there for as long as it takes. */
const MAX_EPOCHS = 3;

/** Before each new epoch, times the rounds so far: a server that restarts is back by then. */
const EPOCH_PAUSE_SECONDS = 10;

/** Does the run to its end. @returns true, for it is over. */
export async function coordinate(scope: Scope, lease: Lease): Promise<true> {
  const progress = openProgress(scope);
  try {
    await move(scope, 'plan');
    await prepareWarehouse(scope);
    await writeTables(scope);
    const landings = makeLandings(scope);
    for (const plan of await readAll(scope.store, paths.etlPlans(scope.path), TablePlan))
      if (plan.extracted && (await isOpen(scope, plan.id))) landings.begin(plan);
    await extractAll(scope, lease, landings, progress);
    await move(scope, 'extract');
    await move(scope, 'publish');
    await landings.all();
    // The counts are complete before the run says that it is over.
    await progress.close();
    await finishRun(scope);
    return true;
  } finally {
    await progress.close();
  }
}

async function extractAll(scope: Scope, lease: Lease, landings: Landings, progress: Progress): Promise<void> {
  let ended: Failure | null = null;
  for (let round = 1; ; round++) {
    const open = (await tablesOf(scope.store, scope.key)).filter(
      (table) => !isOver(table) && !landings.has(table.id),
    );
    if (open.length === 0) return;
    if (round > MAX_EPOCHS) {
      for (const table of open) await failTable(scope.store, scope.key, table.id, unreadable(table, ended));
      return;
    }
    if (round > 1) await pause((round - 1) * EPOCH_PAUSE_SECONDS * 1000, scope.signal);
    // A source that was there a moment ago is worth waiting for; one that never answered is not.
    const epoch = await openEpoch(scope, lease, open, round === 1 || round === MAX_EPOCHS ? 'fail' : 'leave');
    try {
      await move(scope, 'extract');
      ended = await runEpoch(scope, lease, epoch, landings, progress);
    } finally {
      await epoch.close();
    }
  }
}

/**
 * Reads until every table of the epoch is complete or failed (null), or what was left of it cannot be read in this
 * epoch any more: why.
 */
async function runEpoch(
  scope: Scope,
  lease: Lease,
  { epoch, plans }: OpenEpoch,
  landings: Landings,
  progress: Progress,
): Promise<Failure | null> {
  const left = new Map(plans.map((plan) => [plan.id, { plan, units: plan.units }]));
  const complete = async (plan: TablePlan) => {
    left.delete(plan.id);
    const path = paths.etlPlan(scope.path, plan.id);
    await commitFenced(scope.store, lease, [{ kind: 'update', path, data: { extracted: true } }]);
    landings.begin(plan);
  };
  for (const plan of plans) if (plan.units === 0) await complete(plan);

  const worker = openEpochWorker(scope, epoch, progress);
  const settled = openSettledFeed(scope, epoch.number);
  try {
    while (left.size > 0) {
      scope.signal.throwIfAborted();
      const worked = await worker.step();
      const fresh = await settled.next();
      for (const { record } of fresh) {
        const table = left.get(record.table);
        if (table === undefined) continue;
        if (record.status === 'done') {
          table.units--;
          if (table.units === 0) await complete(table.plan);
        } else if (record.failure !== null && endsEpoch(record.failure)) {
          const { code, message } = record.failure;
          const about = { epoch: epoch.number, code, error: message };
          scope.log.warn('the source went away; tables not fully read begin anew', about);
          return record.failure;
        } else {
          left.delete(record.table);
          await tableFailed(scope, table.plan, record.failure);
        }
      }
      if (!worked && fresh.length === 0) await pause(300, scope.signal);
    }
    return null;
  } finally {
    await worker.close();
  }
}

async function tableFailed(scope: Scope, plan: TablePlan, failure: Failure | null): Promise<void> {
  const why = failure ?? { code: 'internal', message: `"${plan.name}" failed.`, remedy: null };
  scope.log.error('a table failed', { table: plan.name, code: why.code, error: why.message });
  await failTable(scope.store, scope.key, plan.id, why);
  const idle = (await unitsOfTable(scope, plan.id, plan.epoch)).filter(
    (unit) => unit.record.status === 'pending',
  );
  for (let at = 0; at < idle.length; at += 200)
    await scope.store.db.commit(
      idle.slice(at, at + 200).map((unit) => ({ kind: 'delete' as const, path: unit.path })),
    );
}

async function isOpen(scope: Scope, table: string): Promise<boolean> {
  const found = (await tablesOf(scope.store, scope.key)).find((one) => one.id === table);
  return found !== undefined && !isOver(found);
}

async function move(scope: Scope, event: EtlEvent): Promise<void> {
  const { store } = scope;
  await transition(store, scope.path, EtlRun, etlCycle, event, {
    patch: (run) => ({ startedAt: run.startedAt ?? now(store) }),
  });
}

/** Whether the failure is no table's: its snapshot or its server is gone. */
function endsEpoch({ code }: Failure): boolean {
  return code === 'snapshot-gone' || CONNECTION_FAILURES.includes(code);
}

function unreadable(table: EtlTable, ended: Failure | null): Failure {
  if (ended !== null && ended.code !== 'snapshot-gone')
    return { ...ended, message: `"${table.name}" could not be read to its end. ${ended.message}` };
  return {
    code: 'snapshot-lost',
    message: `"${table.name}" could not be read to its end: the server closed the snapshot ${MAX_EPOCHS} times.`,
    remedy:
      'Let the server keep a transaction open for as long as the tables take (idle and statement time limits, poolers), or load fewer tables.',
  };
}
