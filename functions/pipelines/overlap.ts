import { ConflictError } from '#cloud/firestore';
import { TerminalError } from '#core/errors';
import type { Overlap } from '#core/events';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { mustRead, read, revise } from '#store/document';
import { createExclusively } from '#store/exclusive';
import { type AuditEntry, commitChange, now, type Store } from '#store/store';
import { stageMessage } from './stage-message.ts';
import { currentStage } from './stage-plan.ts';

/** A run that is asked for, with where it belongs. */
export interface Asked {
  readonly tenant: string;
  readonly model: string;
  readonly run: PipelineRun;
  readonly overlap: Overlap;
  /** Throws where the tenant may have no further run: asked before one is written, not where an active one is joined. */
  readonly admit: () => Promise<void>;
  readonly audit: Omit<AuditEntry, 'target'>;
}

/**
 * Writes the run, or does what `overlap` says while another is active. Of any number of callers at once one creates. The
 * same request again (its Idempotency-Key, or its message's key, makes the same id) gets the run that it made before.
 * @returns the run that is the answer: the new one, the active one, or the one that waits
 * @throws TerminalError `run-active` where the active run is to refuse others
 */
export async function createRun(store: Store, asked: Asked): Promise<PipelineRun> {
  const { tenant, model, run } = asked;
  const path = paths.pipelineRun(tenant, model, run.id);
  const lock = paths.lock(tenant, model, 'pipeline');
  const [known, active] = await Promise.all([store.db.get(path), store.db.get(lock)]);
  if (known === null && (active === null || asked.overlap === 'queue')) await asked.admit();
  const { created, id } = await createExclusively(store, {
    lock,
    path,
    data: run,
    watched: { kind: 'pipeline', path, tenant, model, id: run.id },
    announcements: firstMessages(tenant, model, run),
    audit: { ...asked.audit, target: path },
  });
  const answerWith = async (wanted: string) =>
    (await mustRead(store, paths.pipelineRun(tenant, model, wanted), PipelineRun, 'pipeline run')).value;
  if (created || id === run.id || asked.overlap === 'join') return answerWith(id);
  if (asked.overlap === 'refuse')
    throw new TerminalError('run-active', `The run ${id} of this model is not over.`, {
      remedy: 'Wait for its end, cancel it, or start with the overlap policy "queue".',
    });
  return answerWith(await createWaiting(store, asked));
}

/** Writes the run as the one that waits, or finds the one that does. @returns its id */
async function createWaiting(store: Store, { tenant, model, run, audit }: Asked): Promise<string> {
  const path = paths.pipelineRun(tenant, model, run.id);
  const waiting = paths.waiting(tenant, model, 'pipeline');
  const data: PipelineRun = { ...run, waiting: true, begunAt: null };
  for (let attempt = 1; ; attempt++) {
    try {
      await commitChange(store, {
        writes: [
          { kind: 'create', path: waiting, data: { run: run.id } },
          { kind: 'create', path, data },
          {
            kind: 'create',
            path: paths.watched(path),
            data: { kind: 'pipeline', path, tenant, model, id: run.id },
          },
        ],
        audit: { after: data, ...audit, target: path },
      });
      // The active run may have ended in between, and found nobody waiting.
      await beginWaiting(store, tenant, model);
      return run.id;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
      if ((await store.db.get(path)) !== null) return run.id;
      const holder = await store.db.get(waiting);
      // Null: the one that waited has just begun; there is room again.
      if (holder !== null) return String(holder.data['run']);
    }
  }
}

/**
 * Lets the run that waits begin, if no other is active: at the end of each run, and from time to time, for the process
 * that ended the last one may have died before it came to this. Harmless to repeat.
 */
export async function beginWaiting(store: Store, tenant: string, model: string): Promise<void> {
  const waiting = paths.waiting(tenant, model, 'pipeline');
  const lock = paths.lock(tenant, model, 'pipeline');
  const holder = await store.db.get(waiting);
  if (holder === null) return;
  const id = String(holder.data['run']);
  const path = paths.pipelineRun(tenant, model, id);
  if ((await read(store, path, PipelineRun)) === null) return;
  try {
    await revise(store, path, PipelineRun, async (run) => {
      if (!run.waiting || (await store.db.get(lock)) !== null) return null;
      const at = now(store);
      // A run that waited takes what has been loaded meanwhile, unless it repeats another on what that one extracted.
      const asOf = run.stages.extraction.status === 'pending' ? at : run.asOf;
      const value: PipelineRun = { ...run, waiting: false, begunAt: at, asOf };
      return {
        value,
        writes: [
          { kind: 'create', path: lock, data: { run: id } },
          { kind: 'delete', path: waiting },
        ],
        announcements: firstMessages(tenant, model, value),
      };
    });
  } catch (error) {
    // Somebody else has taken the model first: it is still this run's turn when that one ends.
    if (!(error instanceof ConflictError)) throw error;
  }
}

/** The message that begins the run's first stage that is not reused. */
function firstMessages(tenant: string, model: string, run: PipelineRun) {
  const stage = currentStage(run);
  return stage === null ? [] : [stageMessage(stage, { tenant, model, run: run.id })];
}
