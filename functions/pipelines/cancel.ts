import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { pipelineCycle, PipelineRun } from '#core/pipeline-run';
import type { Platform } from '#runtime/platform';
import { mustRead, read, revise } from '#store/document';
import { now, type Store } from '#store/store';
import type { RunIds } from './run-context.ts';
import { driveWhenFree } from './stage-event.ts';
import { cancelRun, currentStage } from './stage-plan.ts';
import { WORKS } from './works.ts';
import { writeRun } from './write-run.ts';

/**
 * Asks for the run's end. One that only waits is cancelled at once; one at work says `cancelRequestedAt` until nothing of
 * it is at work any more. Asked again, nothing changes.
 * @throws TerminalError `run-over` where it has ended otherwise
 */
export async function requestCancel(store: Store, ids: RunIds, actor: string): Promise<PipelineRun> {
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const audit = { tenant: ids.tenant, actor, action: 'pipeline.cancel', target: path };
  await mustRead(store, path, PipelineRun, 'pipeline run');
  const asked = (run: PipelineRun): PipelineRun => ({
    ...run,
    cancelRequestedAt: now(store),
    cancelRequestedBy: actor,
  });
  const waited = await writeRun(
    store,
    ids,
    (run) => (run.waiting ? cancelRun(asked(run), now(store)) : null),
    { audit },
  );
  if (waited !== null) return waited;
  const requested = await revise(store, path, PipelineRun, (run) =>
    isFinal(pipelineCycle, run.status) || run.cancelRequestedAt !== null
      ? null
      : { value: asked(run), announcements: [announce('pipeline-cancel-requested', { ...ids })], audit },
  );
  if (requested !== null) return requested;
  const run = (await mustRead(store, path, PipelineRun, 'pipeline run')).value;
  if (run.status === 'cancelled' || !isFinal(pipelineCycle, run.status)) return run;
  throw new TerminalError('run-over', `The run ${ids.run} has ${run.status} already.`, {
    remedy: 'There is nothing left to cancel.',
  });
}

/**
 * Ends a run whose end was asked for. Whoever drives it now notices within a second and lets go, or ends it first.
 * @throws BusyError where that takes long; the watchdog then ends it
 */
export async function endCancelled(here: Platform, ids: RunIds): Promise<void> {
  const found = await read(here.store, paths.pipelineRun(ids.tenant, ids.model, ids.run), PipelineRun);
  if (found === null || found.value.cancelRequestedAt === null) return;
  const stage = currentStage(found.value);
  if (stage !== null) await driveWhenFree(here, ids, WORKS[stage]);
}
