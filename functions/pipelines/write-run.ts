import { announce, type Announcement } from '#core/events';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { pipelineCost } from '#core/prices';
import { pipelineCycle, PipelineRun, STAGES } from '#core/pipeline-run';
import { type Amounts, NOTHING_USED } from '#core/usage';
import { revise } from '#store/document';
import type { Watched } from '#store/exclusive';
import { now, type AuditEntry, type Store } from '#store/store';
import { usageWrite } from '#store/usage';
import { beginWaiting } from './overlap.ts';
import type { RunIds } from './run-context.ts';
import { stageMessage } from './stage-message.ts';
import { currentStage, failedStage } from './stage-plan.ts';
import { TRAINER_SIZE } from './trainer-size.ts';

/** What goes with a write of a run. */
export interface RunWrite {
  readonly audit?: AuditEntry;
  /** Nothing of the run is at work any more: a failure leaves the watchdog nothing to end. */
  readonly isStopped?: boolean;
}

/**
 * Writes the run as `plan` says, guarded. With it, in one batch: the next stage's message; or, where the run is over, the
 * end of its lock and watch, what it used, and the message that it is over. Then the run that waits for it begins. A run
 * that failed stays watched as a leftover until what its stage started has ended.
 */
export async function writeRun(
  store: Store,
  ids: RunIds,
  plan: (run: PipelineRun) => PipelineRun | null,
  { audit, isStopped = false }: RunWrite = {},
): Promise<PipelineRun | null> {
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const written = await revise(store, path, PipelineRun, (run) => {
    const planned = plan(run);
    if (planned === null) return null;
    const guarded = audit === undefined ? {} : { audit };
    if (!isFinal(pipelineCycle, planned.status))
      return { value: planned, announcements: nextMessage(ids, run, planned), ...guarded };
    const amounts = amountsOf(planned);
    const value = { ...planned, usage: amounts };
    return {
      value,
      writes: [
        isStopped || failedStage(value) === null
          ? { kind: 'delete', path: paths.watched(path) }
          : { kind: 'set', path: paths.watched(path), data: leftover(ids, path) },
        {
          kind: 'delete',
          path: run.waiting
            ? paths.waiting(ids.tenant, ids.model, 'pipeline')
            : paths.lock(ids.tenant, ids.model, 'pipeline'),
        },
        usageWrite(ids.tenant, {
          run: ids.run,
          model: ids.model,
          kind: 'pipeline',
          endedAt: value.finishedAt ?? now(store),
          amounts,
        }),
      ],
      announcements: [announce('pipeline-finished', { ...ids })],
      ...guarded,
    };
  });
  if (written !== null && isFinal(pipelineCycle, written.status))
    await beginWaiting(store, ids.tenant, ids.model);
  return written;
}

/** As the watchdog lists it: see leftovers.ts. */
function leftover({ tenant, model, run }: RunIds, path: string): Watched {
  return { kind: 'leftover', path, tenant, model, id: run };
}

/** What all attempts of all stages have used together. */
export function amountsOf(run: PipelineRun): Amounts {
  const spent = STAGES.map((name) => run.stages[name].spent);
  const used = {
    bytesScanned: spent.reduce((sum, { bytesScanned }) => sum + bytesScanned, 0),
    trainingSeconds: spent.reduce((sum, { trainingSeconds }) => sum + trainingSeconds, 0),
  };
  return { ...NOTHING_USED, ...used, estimatedCost: pipelineCost(used, TRAINER_SIZE.machineType) };
}

function nextMessage(ids: RunIds, before: PipelineRun, after: PipelineRun): Announcement[] {
  const stage = currentStage(after);
  // A run whose end is asked for begins nothing more; whoever ends it needs no message.
  if (stage === null || stage === currentStage(before) || after.cancelRequestedAt !== null) return [];
  // The deployment is begun by whoever has seen the training's end.
  return stage === 'deployment' ? [] : [stageMessage(stage, ids)];
}
