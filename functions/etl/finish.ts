import type { Write } from '#cloud/firestore';
import type { Failure } from '#core/errors';
import { type EtlCounts, type EtlEvent, EtlRun, etlCycle, type EtlTable } from '#core/etl-run';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { etlCost } from '#core/prices';
import { type Transition, transition } from '#store/document';
import { now, type Store } from '#store/store';
import { usageWrite } from '#store/usage';
import { cleanUp } from './clean-up.ts';
import { addCounts, sumMisfits } from './plan.ts';
import { type RunKey, runPath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { spentOn } from './spent.ts';
import type { Ending } from './stop-watch.ts';
import { failTable, isOver, tablesOf } from './tables.ts';

/** How a run ends. */
export interface RunEnd {
  readonly event: EtlEvent;
  readonly counts: EtlCounts;
  readonly failure: Failure | null;
}

/**
 * How a run whose tables are all over ends: as they did. `ending`: it was to end before it was done, which decides where
 * there are no tables yet.
 */
export function planEnd(tables: readonly EtlTable[], ending: Ending | null = null): RunEnd {
  const good = tables.filter((table) => table.status === 'succeeded');
  const bad = tables.filter((table) => table.status !== 'succeeded');
  const counts: EtlCounts = {
    rows: good.reduce((sum, table) => sum + table.counts.rows, 0),
    bytes: good.reduce((sum, table) => sum + table.counts.bytes, 0),
    rejected: tables.reduce((sum, table) => addCounts(sum, table.counts.rejected), {}),
    ...sumMisfits(good.map((table) => table.counts)),
  };
  if (tables.length === 0 && ending?.event === 'fail')
    return { event: 'fail', counts, failure: ending.failure };
  if ((tables.length === 0 && ending !== null) || bad.some((table) => table.status === 'cancelled'))
    return { event: 'cancel', counts, failure: null };
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

/** Ends the run as its tables ended, lets the next one begin, and tells. What it used on the way is removed before. */
export async function finishRun(scope: Scope): Promise<void> {
  const { store, key, log } = scope;
  const tables = await tablesOf(store, key);
  await cleanUp(scope, tables, log);
  const end = planEnd(tables);
  await endRun(store, key, end);
  log.info('run finished', { result: end.event, rows: end.counts.rows, bytes: end.counts.bytes });
}

/**
 * Fails what of a run is not over and ends it as its tables ended: what was published is published. For runs that no
 * container is at work on and that have begun nothing in the warehouse, or whose warehouse refuses to be asked (settle.ts
 * ends the others). Harmless when over.
 */
export async function failRun(store: Store, key: RunKey, failure: Failure): Promise<void> {
  for (const table of await tablesOf(store, key))
    if (!isOver(table)) await failTable(store, key, table.id, failure);
  await endRun(store, key, planEnd(await tablesOf(store, key), { event: 'fail', failure: { ...failure } }));
}

/** Ends the run, from whatever state it is in. Null where it was over. */
export async function endRun(store: Store, key: RunKey, { event, ...end }: RunEnd): Promise<EtlRun | null> {
  // A run ends well or in part from `publishing` alone.
  if (event === 'succeed' || event === 'part')
    for (const step of ['plan', 'extract', 'publish'] as const)
      await transition(store, runPath(key), EtlRun, etlCycle, step);
  const finishedAt = now(store);
  const containerSeconds = await spentOn(store, runPath(key));
  const options: Transition<EtlRun> = {
    patch: (run) => ({
      counts: end.counts,
      failure: end.failure === null ? null : { ...end.failure },
      usage: {
        ...run.usage,
        bytesWritten: end.counts.bytes,
        rows: end.counts.rows,
        containerSeconds,
        estimatedCost: etlCost(containerSeconds),
      },
      finishedAt,
    }),
    writes: (run) => endWrites(key, run, finishedAt),
    announcements: () => [announce('etl-finished', { ...key })],
  };
  return transition(store, runPath(key), EtlRun, etlCycle, event, options);
}

/** What belongs to the end of `run`: its place is free for another, and what it used is kept, once. */
export function endWrites(
  { tenant, model }: RunKey,
  run: Pick<EtlRun, 'id' | 'waitsFor' | 'usage' | 'attempts'>,
  endedAt: string,
): Write[] {
  const held = run.waitsFor === null ? paths.lock(tenant, model, 'etl') : paths.waiting(tenant, model, 'etl');
  const used = { run: run.id, model, kind: 'etl' as const, endedAt, amounts: run.usage };
  return [{ kind: 'delete', path: held }, ...(run.attempts === 0 ? [] : [usageWrite(tenant, used)])];
}
