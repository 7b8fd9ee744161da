/*
 * Runs that end before they are done: somebody asked for it, or their time is up. First everything that is at work for the
 * run is ended, and seen to have ended; only then is the run's end written, which lets the next one begin.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BusyError } from '#core/errors';
import { PipelineRun } from '#core/pipeline-run';
import { read } from '#store/document';
import { now, type Store } from '#store/store';
import type { StageContext, StageWork } from './run-context.ts';
import { addSpent, cancelRun, completeStage, failStage, overtime } from './stage-plan.ts';
import { writeRun } from './write-run.ts';

/** How often a driver looks whether somebody has asked for the run's end. */
const LOOK_MS = 1000;
/** How long one call waits for what it has ended to be over; the watchdog goes on from there. */
const STOP_SECONDS = 40;
const POLL_MS = 250;

/** A signal that fires once the run's end has been asked for; `close` ends the looking. */
export function noticeCancel(
  store: Pick<Store, 'db'>,
  path: string,
): { readonly signal: AbortSignal; readonly close: () => void } {
  const noticed = new AbortController();
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const run = await read(store, path, PipelineRun);
      if (run?.value.cancelRequestedAt != null) noticed.abort(new Error('the run’s end was asked for'));
    } catch {
      // The next look is a second away.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  return { signal: noticed.signal, close: () => clearInterval(timer) };
}

/**
 * Ends what is at work for the run's stage, then the run: cancelled where that was asked for, failed where its time is up.
 * Work that turns out to be done counts as done.
 * @throws BusyError `run-stopping` where something takes longer to end than one call waits
 */
export async function stopAndWrite(context: StageContext, work: StageWork): Promise<void> {
  const { store, ids, log, run, attempt } = context;
  const { stage } = work;
  const isAtWork = run.stages[stage].status === 'running';
  const state = isAtWork ? await stopped(context, work) : 'stopped';
  const spent = isAtWork ? await work.spent(context) : null;
  // It was done before it could be stopped: what it made is there, and whoever comes next finds the stage done.
  const outcome = state === 'done' ? await work.advance(context) : null;
  const write = (current: PipelineRun): PipelineRun | null => {
    const paid = spent === null ? current : addSpent(current, stage, attempt, spent);
    const at = now(store);
    const done = outcome?.state === 'done' ? completeStage(paid, stage, 'succeed', outcome.found, at) : null;
    if (done !== null && done.status === 'succeeded') return done;
    if (current.cancelRequestedAt !== null) return cancelRun(done ?? paid, at);
    const late = overtime(current, store.clock());
    return late === null ? null : failStage(paid, stage, late, at);
  };
  const ended = await writeRun(store, ids, write, { isStopped: true });
  if (ended?.status === 'cancelled')
    log.info('run cancelled', {
      stage,
      by: ended.cancelRequestedBy ?? '',
      executor: run.stages[stage].executor,
    });
  if (ended?.status === 'failed') log.error(ended.failure?.message ?? 'run failed');
}

async function stopped(context: StageContext, work: StageWork): Promise<'stopped' | 'done'> {
  const until = performance.now() + STOP_SECONDS * 1000;
  for (;;) {
    const state = await work.stop(context);
    if (state !== 'stopping') return state;
    if (performance.now() > until)
      throw new BusyError('run-stopping', `The work on run ${context.ids.run} takes its time to end.`);
    await sleep(POLL_MS);
  }
}
