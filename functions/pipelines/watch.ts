import { BusyError, TerminalError, toError, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import { PipelineRun, STAGES } from '#core/pipeline-run';
import type { Platform } from '#runtime/platform';
import { read } from '#store/document';
import { listWatched, type Watched } from '#store/exclusive';
import { driveStage, recordFailure } from './drive.ts';
import { beginWaiting } from './overlap.ts';
import { currentStage } from './stage-plan.ts';
import { WORKS } from './works.ts';

/**
 * Looks after every run that is not over: goes on where a message was lost, a function died while it waited, or a
 * container ended without a word. Runs are looked at side by side; one that is busy elsewhere, or that cannot be looked
 * after now, does not keep the others waiting.
 */
export async function watchRuns(here: Platform): Promise<void> {
  await Promise.all(
    (await listWatched(here.store, 'pipeline')).map(async (watched) => {
      try {
        await watchRun(here, watched);
      } catch (thrown) {
        if (!(thrown instanceof BusyError))
          here.log.warn('run not looked after', { run: watched.id, error: toError(thrown).message });
      }
    }),
  );
}

async function watchRun(here: Platform, watched: Watched): Promise<void> {
  const ids = { tenant: watched.tenant, model: watched.model, run: watched.id };
  const current = async () => {
    const run = await read(here.store, paths.pipelineRun(ids.tenant, ids.model, ids.run), PipelineRun);
    return run === null ? null : currentStage(run.value);
  };
  // A run that waits: whoever ended the one before it may have died before letting it begin.
  await beginWaiting(here.store, ids.tenant, ids.model);
  let stage = await current();
  // On through the stages while each is done at once; no further than there are stages.
  for (let turn = 0; turn < STAGES.length && stage !== null; turn++) {
    try {
      await driveStage(here, ids, WORKS[stage]);
    } catch (thrown) {
      if (!(thrown instanceof TerminalError)) throw thrown;
      await recordFailure(here, ids, WORKS[stage], toFailure(thrown));
      return;
    }
    const next = await current();
    if (next === stage) return;
    stage = next;
  }
}
