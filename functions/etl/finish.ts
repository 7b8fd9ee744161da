import type { Failure } from '#core/errors';
import { type EtlCounts, type EtlEvent, EtlRun, etlCycle, type EtlTable } from '#core/etl-run';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { type Transition, transition } from '#store/document';
import { now, type Store } from '#store/store';
import { addCounts } from './plan.ts';
import { type RunKey, runPath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { failTable, isOver, tablesOf } from './tables.ts';
import { dropUnits } from './units.ts';

/** How a run whose tables are all over ends. */
export function planEnd(tables: readonly EtlTable[]): {
  readonly event: EtlEvent;
  readonly counts: EtlCounts;
  readonly failure: Failure | null;
} {
  const good = tables.filter((table) => table.status === 'succeeded');
  const bad = tables.filter((table) => table.status !== 'succeeded');
  const counts: EtlCounts = {
    rows: good.reduce((sum, table) => sum + table.counts.rows, 0),
    bytes: good.reduce((sum, table) => sum + table.counts.bytes, 0),
    rejected: tables.reduce((sum, table) => addCounts(sum, table.counts.rejected), {}),
  };
  const [first] = bad;
  if (first === undefined) return { event: 'succeed', counts, failure: null };
  const why = first.failure ?? { code: 'internal', message: `"${first.name}" failed.`, remedy: null };
  const others = bad.length > 1 ? ` (and ${bad.length - 1} more)` : '';
  const failure: Failure = {
    ...why,
    message:
      tables.length === 1
        ? why.message
        : `${bad.length} of ${tables.length} tables failed. ${why.message}${others}`,
  };
  return { event: good.length === 0 ? 'fail' : 'part', counts, failure };
}

/** Ends the run as its tables ended, lets the next one begin, and tells. */
export async function finishRun(scope: Scope): Promise<void> {
  const { store, key, log } = scope;
  const { event, counts, failure } = planEnd(await tablesOf(store, key));
  await endRun(store, key, event, { counts, failure });
  log.info('run finished', { result: event, rows: counts.rows, bytes: counts.bytes });
  try {
    await scope.files.deleteAll(scope.stage);
    await dropUnits(scope);
  } catch (error) {
    // The bucket's life cycle rule removes staged files after a week.
    log.warn('staged files stay for now', { error: String(error) });
  }
}

/**
 * Fails what of a run is not over (its message came to nothing, or its container did) and ends it as its tables ended:
 * what was published is published. Harmless when it is over.
 */
export async function failRun(store: Store, key: RunKey, failure: Failure): Promise<void> {
  for (const table of await tablesOf(store, key))
    if (!isOver(table)) await failTable(store, key, table.id, failure);
  const tables = await tablesOf(store, key);
  const end = planEnd(tables);
  if (tables.length === 0 || end.event === 'fail') {
    const why =
      tables.length === 0 ? { failure: { ...failure } } : { counts: end.counts, failure: end.failure };
    await endRun(store, key, 'fail', why);
    return;
  }
  // A run ends well or in part from `publishing` alone.
  for (const event of ['plan', 'extract', 'publish'] as const)
    await transition(store, runPath(key), EtlRun, etlCycle, event);
  await endRun(store, key, end.event, { counts: end.counts, failure: end.failure });
}

function endRun(
  store: Store,
  key: RunKey,
  event: EtlEvent,
  patch: Partial<Pick<EtlRun, 'counts' | 'failure'>>,
): Promise<EtlRun | null> {
  const options: Transition<EtlRun> = {
    patch: () => ({ ...patch, finishedAt: now(store) }),
    writes: () => [{ kind: 'delete', path: paths.lock(key.tenant, key.model, 'etl') }],
    announcements: () => [announce('etl-finished', { ...key })],
  };
  return transition(store, runPath(key), EtlRun, etlCycle, event, options);
}
