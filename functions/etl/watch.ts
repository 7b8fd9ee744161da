import type { WorkState } from '#cloud/run';
import { type Failure, TerminalError, toError, toFailure } from '#core/errors';
import { EtlRun, etlCycle } from '#core/etl-run';
import { inLanes } from '#core/in-lanes';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import type { Log } from '#runtime/log';
import { read } from '#store/document';
import { listWatched } from '#store/exclusive';
import { leaseExpiry } from '#store/lease';
import type { Store } from '#store/store';
import { endTrouble, noteTrouble } from '#store/trouble';
import { timeCapReached } from './caps.ts';
import { endFromOutside, type EndWorld, type Patience } from './end-run.ts';
import { START_SECONDS, startExecution, type Starter } from './executions.ts';
import { type RunKey, runPath } from './run-key.ts';
import type { Ending } from './stop-watch.ts';
import { startWaiting } from './waiting.ts';

/** Containers made for one run, the platform's own retries of each not counted. */
const MAX_EXECUTIONS = 3;

/** Times a container is asked for, for one run. More than there may be containers: who asks may die before it can tell. */
const MAX_STARTS = 6;

/** What to do about a run that is not over. */
export type Care = 'nothing' | 'start' | 'resume' | 'give-up';

/** A run that is to end is over within this, unless what was to end it has died. */
const END_SECONDS = 20;

/** Runs looked after at a time: one that has to be waited for keeps few others waiting. */
const LANES = 8;

/**
 * Judges a run. Nothing is judged dead by its lease alone: a queued container has none, and the platform may be about to
 * try a killed one again. @param state what the platform says of its container; null where it has none
 */
export function judge(
  run: Pick<EtlRun, 'attempts' | 'askedAt' | 'executions' | 'createdAt' | 'begunAt'>,
  leaseUntil: number,
  state: WorkState['state'] | null,
  clock: number,
): Care {
  if (leaseUntil > clock) return 'nothing';
  if (state === 'running') return 'nothing';
  const startedBy = clock - START_SECONDS * 1000;
  if (state === null && Date.parse(run.begunAt ?? run.createdAt) > startedBy) return 'nothing';
  // Somebody has counted an attempt and may be at it.
  if (run.executions < run.attempts && Date.parse(run.askedAt ?? '') > startedBy) return 'nothing';
  if (run.executions >= MAX_EXECUTIONS || run.attempts >= MAX_STARTS) return 'give-up';
  return state === null ? 'start' : 'resume';
}

/** The containers as the watch needs them: asked about, and started. */
type Watch = Starter & Pick<EndWorld, 'containers' | 'config'>;

/** Nobody is there to be waited for; a container that must be stopped has its ten seconds. */
const WATCH_PATIENCE: Patience = { runner: 0, container: 11 };

/** Looks after every ETL run that is not over. One that cannot be looked after now does not keep the others waiting. */
export async function watchRuns(store: Store, watch: Watch, log: Log): Promise<void> {
  const runs = await listWatched(store, 'etl');
  await inLanes(runs, LANES, async ({ tenant, model, id, path }) => {
    try {
      await watchRun(store, watch, log, { tenant, model, run: id });
    } catch (error) {
      log.warn('a run could not be looked after', { path, error: toError(error).message });
    }
  });
}

/** How a run that should have ended by now is to end; null where it should not, or may yet see to that itself. */
export function overdue(
  run: Pick<EtlRun, 'cancelRequestedAt' | 'status' | 'startedAt' | 'caps'>,
  clock: number,
): Ending | null {
  if (run.cancelRequestedAt !== null)
    return clock - Date.parse(run.cancelRequestedAt) > END_SECONDS * 1000 ? { event: 'cancel' } : null;
  const failure = timeCapReached(run, clock - END_SECONDS * 1000);
  return failure === null ? null : { event: 'fail', failure };
}

/** Starts a container; where none is to be had, now or ever, the run fails: it must not hold its model's place for good. */
async function startAgain(
  store: Store,
  watch: Watch,
  world: EndWorld,
  key: RunKey,
  attempts: number,
): Promise<void> {
  try {
    await startExecution(store, watch, key, attempts);
  } catch (error) {
    if (!(error instanceof TerminalError) && !(await noteTrouble(store, runPath(key)))) throw error;
    const ending = { event: 'fail', failure: toFailure(error) } as const;
    await endFromOutside(store, world, key, ending, WATCH_PATIENCE);
    return;
  }
  await endTrouble(store, runPath(key));
}

async function watchRun(store: Store, watch: Watch, log: Log, key: RunKey): Promise<void> {
  const found = await read(store, runPath(key), EtlRun);
  if (found === null || isFinal(etlCycle, found.value.status)) return;
  const run = found.value;
  if (run.waitsFor !== null) {
    await startWaiting(store, key);
    return;
  }
  const world = { containers: watch.containers, config: watch.config, log };
  const ending = overdue(run, store.clock());
  if (ending !== null) {
    log.warn('a run needs care', { run: key.run, care: 'end' });
    await endFromOutside(store, world, key, ending, WATCH_PATIENCE);
    return;
  }
  // Whoever ends it is at it.
  if (run.cancelRequestedAt !== null) return;
  const leaseUntil = await leaseExpiry(store, paths.lease(found.path));
  const work = run.executor === null ? null : await watch.containers.executionState(run.executor);
  const care = judge(run, leaseUntil, work?.state ?? null, store.clock());
  if (care === 'nothing') return;
  log.warn('a run needs care', {
    run: key.run,
    care,
    container: work?.state ?? 'none',
    attempts: run.attempts,
  });
  if (care === 'start' || care === 'resume') {
    await startAgain(store, watch, world, key, run.attempts);
    return;
  }
  const said = work === null || work.message === '' ? '' : ` The platform says: ${work.message}`;
  const failure: Failure = {
    code: 'runner-lost',
    message: `The load was started ${run.attempts} times and did not come to an end.${said}`,
    remedy:
      'See the run’s log for what it did last; start it again, with fewer tables if its memory ran out.',
  };
  await endFromOutside(store, world, key, { event: 'fail', failure }, WATCH_PATIENCE);
}
