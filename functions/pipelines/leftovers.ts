/*
 * What a failed stage still has at work. The run's failure is written first, so that a stage whose work happens to be done
 * cannot be failed by its own end; what it started is ended after that. The run stays on the watch list, as a leftover,
 * until nothing of it is at work: whoever wrote the failure may die before it has ended anything.
 */
import { randomUUID } from 'node:crypto';
import { TerminalError, toError } from '#core/errors';
import { inLanes } from '#core/in-lanes';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import type { Platform } from '#runtime/platform';
import { read } from '#store/document';
import { listWatched, type Watched } from '#store/exclusive';
import { type Lease, withLease } from '#store/lease';
import type { Store } from '#store/store';
import type { RunIds, StageContext, StageWork } from './run-context.ts';
import { openStage } from './stage-context.ts';
import { failedStage } from './stage-plan.ts';
import { WORKS } from './works.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** After this nothing that a stage started is at work any more: no run's cap is longer. */
const GIVE_UP_DAYS = 14;

/** After the stage's failure is written: asks for the end of its work. What does not end at once is left to the watchdog. */
export async function tidy(context: StageContext, work: StageWork): Promise<void> {
  const { store, ids, log } = context;
  try {
    if ((await work.stop(context)) !== 'stopping') await unwatch(store, ids);
  } catch (thrown) {
    log.warn(`${work.stage}: not all of its work could be ended`, { error: toError(thrown).message });
  }
}

/** Leftovers looked at side by side. */
const LANES = 8;

/** Ends what failed runs still have at work, where that was not done when they failed. */
export async function tidyLeftovers(here: Platform, works = WORKS): Promise<void> {
  await inLanes(await listWatched(here.store, 'leftover'), LANES, async (watched) => {
    try {
      await tidyLeftover(here, watched, works);
    } catch (thrown) {
      here.log.warn('leftover not ended', { run: watched.id, error: toError(thrown).message });
    }
  });
}

async function tidyLeftover(here: Platform, watched: Watched, works: typeof WORKS): Promise<void> {
  const { store } = here;
  const ids = { tenant: watched.tenant, model: watched.model, run: watched.id };
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const run = await read(store, path, PipelineRun);
  const stage = run === null ? null : failedStage(run.value);
  const since = Date.parse(run?.value.finishedAt ?? '');
  const age = store.clock() - since;
  if (stage === null || age > GIVE_UP_DAYS * 86_400_000) return unwatch(store, ids);
  // What has not ended in an hour is looked at once an hour.
  if (age > HOUR && age % HOUR > MINUTE) return undefined;
  const never = new AbortController().signal;
  const end = async (lease: Lease, lost: AbortSignal) => {
    try {
      await tidy(await openStage(here, ids, stage, lease, lost), works[stage]);
    } catch (thrown) {
      if (!(thrown instanceof TerminalError)) throw thrown;
      // The tenant is gone, and with it whatever could be ended.
      await unwatch(store, ids);
    }
  };
  // Null: whoever wrote the failure is still at it.
  await withLease(store, paths.lease(path), `leftovers-${randomUUID()}`, never, end);
}

async function unwatch({ db }: Pick<Store, 'db'>, { tenant, model, run }: RunIds): Promise<void> {
  await db.commit([{ kind: 'delete', path: paths.watched(paths.pipelineRun(tenant, model, run)) }]);
}
