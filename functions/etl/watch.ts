import type { ContainerPlatform, WorkState } from '#cloud/run';
import { toError } from '#core/errors';
import { EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import type { Log } from '#runtime/log';
import { read } from '#store/document';
import { listWatched } from '#store/exclusive';
import { leaseExpiry } from '#store/lease';
import type { Store } from '#store/store';
import { startExecution, type Starter } from './executions.ts';
import { failRun } from './finish.ts';
import { type RunKey, runPath } from './run-key.ts';

/** A message is delivered, and a container asked for, well within this. */
const START_SECONDS = 60;

/** Containers started for one run, the platform's own retries of each not counted. */
const MAX_EXECUTIONS = 3;

/** What to do about a run that is not over. */
export type Care = 'nothing' | 'start' | 'resume' | 'give-up';

/**
 * Judges a run. Nothing is judged dead by its lease alone: a queued container has none, and the platform may be about to
 * try a killed one again. @param state what the platform says of its container; null where it has none
 */
export function judge(
  run: Pick<EtlRun, 'attempts' | 'executor' | 'createdAt'>,
  leaseUntil: number,
  state: WorkState['state'] | null,
  clock: number,
): Care {
  if (leaseUntil > clock) return 'nothing';
  if (state === 'running') return 'nothing';
  if (state === null && clock - Date.parse(run.createdAt) < START_SECONDS * 1000) return 'nothing';
  if (run.attempts >= MAX_EXECUTIONS) return 'give-up';
  return state === null ? 'start' : 'resume';
}

/** The containers as the watch needs them: asked about, and started. */
type Watch = Starter & { readonly containers: ContainerPlatform };

/** Looks after every ETL run that is not over. One that cannot be looked after now does not keep the others waiting. */
export async function watchRuns(store: Store, watch: Watch, log: Log): Promise<void> {
  for (const { tenant, model, id, path } of await listWatched(store, 'etl')) {
    const key: RunKey = { tenant, model, run: id };
    try {
      await watchRun(store, watch, log, key);
    } catch (error) {
      log.warn('a run could not be looked after', { path, error: toError(error).message });
    }
  }
}

async function watchRun(store: Store, watch: Watch, log: Log, key: RunKey): Promise<void> {
  const found = await read(store, runPath(key), EtlRun);
  if (found === null || isFinal(etlCycle, found.value.status)) return;
  const run = found.value;
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
    await startExecution(store, watch, key, run.attempts);
    return;
  }
  const said = work === null || work.message === '' ? '' : ` The platform says: ${work.message}`;
  await failRun(store, key, {
    code: 'runner-lost',
    message: `The load was started ${run.attempts} times and did not come to an end.${said}`,
    remedy:
      'See the run’s log for what it did last; start it again, with fewer tables if its memory ran out.',
  });
}
