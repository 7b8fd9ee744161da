/**
 * The coordinator of a run: plans, shares the reading with the other tasks, brings each table home as soon as it is
 * complete, ends the run. It holds the run's lease; whoever holds it next goes on from what is written:
 *
 *     table over            nothing to do
 *     table extracted       its files are complete: load and publish (again)
 *     anything else         read anew in a new epoch
 */
import { type Failure, TerminalError } from '#core/errors';
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
import { momentOf, TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { enabledTables, failTable, isOver, newTable, tablesOf } from './tables.ts';
import { settledUnits, unitsOfTable } from './units.ts';

/** Epochs one coordinator tries before it believes that the source does not keep a snapshot open. */
const MAX_EPOCHS = 3;

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
  for (let round = 1; ; round++) {
    const open = (await tablesOf(scope.store, scope.key)).filter(
      (table) => !isOver(table) && !landings.has(table.id),
    );
    if (open.length === 0) return;
    if (round > MAX_EPOCHS) {
      for (const table of open) await failTable(scope.store, scope.key, table.id, snapshotLost(table));
      return;
    }
    const epoch = await openEpoch(scope, lease, open);
    try {
      await move(scope, 'extract');
      await runEpoch(scope, lease, epoch, landings, progress);
    } finally {
      await epoch.close();
    }
  }
}

/** Reads until every table of the epoch is complete or failed, or its snapshot is gone. */
async function runEpoch(
  scope: Scope,
  lease: Lease,
  { epoch, plans }: OpenEpoch,
  landings: Landings,
  progress: Progress,
): Promise<void> {
  const left = new Map(plans.map((plan) => [plan.id, { plan, units: plan.units }]));
  const complete = async (plan: TablePlan) => {
    left.delete(plan.id);
    const path = paths.etlPlan(scope.path, plan.id);
    await commitFenced(scope.store, lease, [{ kind: 'update', path, data: { extracted: true } }]);
    landings.begin(plan);
  };
  for (const plan of plans) if (plan.units === 0) await complete(plan);

  const worker = openEpochWorker(scope, epoch, progress);
  const seen = new Set<string>();
  let since = '';
  try {
    while (left.size > 0) {
      scope.signal.throwIfAborted();
      const worked = await worker.step();
      const fresh = (await settledUnits(scope, epoch.number, since)).filter((one) => !seen.has(one.path));
      for (const { path, record } of fresh) {
        seen.add(path);
        since = momentOf(record.settled) > since ? momentOf(record.settled) : since;
        const table = left.get(record.table);
        if (table === undefined) continue;
        if (record.status === 'done') {
          table.units--;
          if (table.units === 0) await complete(table.plan);
        } else if (record.failure?.code === 'snapshot-gone') {
          scope.log.warn('the snapshot is gone; tables not fully read begin anew', { epoch: epoch.number });
          return;
        } else {
          left.delete(record.table);
          await tableFailed(scope, table.plan, record.failure);
        }
      }
      if (!worked && fresh.length === 0) await pause(300, scope.signal);
    }
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

/** Writes the run's tables once: what is enabled when the first coordinator begins. */
async function writeTables(scope: Scope): Promise<void> {
  const { store, key } = scope;
  if ((await tablesOf(store, key)).length > 0) return;
  const tables = await enabledTables(store, key);
  if (tables.length === 0)
    throw new TerminalError('nothing-to-load', 'No table is enabled any more.', {
      remedy: 'Enable at least one table of a source, then start again.',
    });
  const at = now(store);
  const path = (id: string) => paths.etlTable(key.tenant, key.model, key.run, id);
  await store.db.commit([
    ...tables.map((table) => ({
      kind: 'create' as const,
      path: path(table.id),
      data: newTable(key.run, table, at),
    })),
    { kind: 'update', path: scope.path, data: { tables: tables.length } },
  ]);
  const destinations = new Set<string>();
  for (const table of tables) {
    if (destinations.has(table.destination))
      await failTable(store, key, table.id, {
        code: 'destination-taken',
        message: `"${table.name}" would be loaded to "${table.destination}", as another table is.`,
        remedy: 'Discover the tables of this source again.',
      });
    destinations.add(table.destination);
  }
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

function snapshotLost(table: EtlTable): Failure {
  return {
    code: 'snapshot-lost',
    message: `"${table.name}" could not be read to its end: the server closed the snapshot ${MAX_EPOCHS} times.`,
    remedy:
      'Let the server keep a transaction open for as long as the tables take (idle and statement time limits, poolers), or load fewer tables.',
  };
}
