/*
 * How a stage is worked on, whoever calls: its event, the event of its end, or the watchdog. Each call looks at what
 * the platform says, does the next thing and returns; none waits longer than its patience. So every message may come
 * twice or out of order, and a process may die anywhere: the next call goes on from what is true.
 */
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { BusyError, type Failure, TerminalError, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import { PipelineRun, type StageName } from '#core/pipeline-run';
import { type Log, makeLog } from '#runtime/log';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { type Lease, LeaseLostError, withLease } from '#store/lease';
import { openRunLog } from '#store/run-log';
import { now } from '#store/store';
import { endTrouble, noteTrouble } from '#store/trouble';
import { noticeCancel, stopAndWrite } from './end-early.ts';
import { tidy } from './leftovers.ts';
import type { RunIds, StageContext, StageOutcome, StageWork } from './run-context.ts';
import {
  addSpent,
  beginStage,
  completeStage,
  currentStage,
  endIfAsked,
  failStage,
  noteExecutor,
  overtime,
  rejectRun,
  retryStage,
} from './stage-plan.ts';
import { openStage } from './stage-context.ts';
import { writeRun } from './write-run.ts';

/**
 * Drives the run's stage until it has to wait: begins it if its turn has come, looks at its work, and writes what came
 * of it; ends the run where somebody asked for that or its time is up. Does nothing where the stage is over or its turn
 * has not come. One driver at a time, by lease. Trouble that may pass is thrown, to be tried again; trouble that has
 * lasted fails the run.
 * @throws BusyError `run-busy` where another holds the lease, `run-stopping` where its work takes its time to end
 */
export async function driveStage(here: Platform, ids: RunIds, work: StageWork): Promise<void> {
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const found = await mustRead(here.store, path, PipelineRun, 'pipeline run');
  if (currentStage(found.value) !== work.stage) return;
  const holder = `pipelines-${work.stage}-${randomUUID()}`;
  const never = new AbortController().signal;
  const driven = await withLease(here.store, paths.lease(path), holder, never, (lease, lost) =>
    driveHeld(here, ids, work, lease, lost),
  );
  if (driven === null) throw busy(ids);
}

const busy = ({ run }: RunIds) =>
  new BusyError('run-busy', `The run ${run} is being looked after elsewhere.`);

async function driveHeld(
  here: Platform,
  ids: RunIds,
  work: StageWork,
  lease: Lease,
  lost: AbortSignal,
): Promise<true> {
  const { stage } = work;
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const { store } = here;
  const runLog = openRunLog(store, path, `pipelines-${stage}`);
  const log = makeLog(`pipelines-${stage}`, store.clock, (line) => runLog.write(line));
  const cancelled = noticeCancel(store, path);
  const signal = AbortSignal.any([lost, cancelled.signal]);
  const context = () => openStage({ ...here, log }, ids, stage, lease, signal);
  try {
    await writeRun(store, ids, (run) =>
      run.cancelRequestedAt === null && currentStage(run) === stage && work.skips?.(run) === true
        ? completeStage(run, stage, 'skip', {}, now(store))
        : beginStage(run, stage, now(store)),
    );
    for (;;) {
      const scene = await context();
      const { run, attempt } = scene;
      if (currentStage(run) !== stage) return true;
      if (run.cancelRequestedAt !== null || overtime(run, store.clock()) !== null) {
        await stopAndWrite(scene, work);
        return true;
      }
      if (run.stages[stage].status !== 'running') return true;
      const outcome = await advance(scene, work);
      const spent = outcome.state === 'running' ? null : await work.spent(scene);
      const written = await writeRun(store, ids, (current) => {
        const paid = spent === null ? current : addSpent(current, stage, attempt, spent);
        return settle(paid, stage, attempt, outcome, now(store));
      });
      await endTrouble(store, path);
      if (outcome.state !== 'running' && written !== null) report(log, stage, outcome);
      if (written?.status === 'cancelled')
        log.info('run cancelled', { stage, by: written.cancelRequestedBy ?? '' });
      if (written?.stages[stage].status === 'failed') await tidy(scene, work);
      // Once more: work that died is begun again, and an end that was asked for is seen to at once.
      if (outcome.state !== 'died' && !signal.aborted) return true;
      lost.throwIfAborted();
    }
  } catch (thrown) {
    if (thrown instanceof TerminalError || thrown instanceof BusyError) throw thrown;
    if (thrown instanceof LeaseLostError) throw busy(ids);
    const failure = toFailure(thrown);
    log.warn(`${stage} does not get on: ${failure.message}`, { code: failure.code });
    here.log.warn('stage not worked on', { run: ids.run, stage, error: inspect(thrown) });
    if (!(await noteTrouble(store, path))) throw thrown;
    await giveUp(await context(), work, failure);
    return true;
  } finally {
    cancelled.close();
    await runLog.close();
  }
}

/** What came of a look; what cannot be helped is the stage's failure. */
async function advance(context: StageContext, work: StageWork): Promise<StageOutcome> {
  try {
    return await work.advance(context);
  } catch (thrown) {
    if (!(thrown instanceof TerminalError)) throw thrown;
    return { state: 'failed', failure: toFailure(thrown) };
  }
}

/** Trouble that lasted: the stage's work is stopped as far as that can be done, and the run fails. */
async function giveUp(context: StageContext, work: StageWork, failure: Failure): Promise<void> {
  const { store, ids, log, attempt } = context;
  const spent = await work.spent(context).catch(() => ({ bytesScanned: 0, trainingSeconds: 0 }));
  const failed = await writeRun(store, ids, (run) =>
    failStage(addSpent(run, work.stage, attempt, spent), work.stage, failure, now(store)),
  );
  if (failed === null) return;
  log.error(`${work.stage} failed: ${failure.message}`, { code: failure.code });
  await tidy(context, work);
}

/**
 * Records on the run that the stage came to nothing: a message that could not be handled. Ends what the stage has at work,
 * as far as that can be done. Harmless where the stage is over; left to who is at the run, if somebody is.
 */
export async function recordFailure(
  here: Platform,
  ids: RunIds,
  work: StageWork,
  failure: Failure,
): Promise<void> {
  const { store } = here;
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const runLog = openRunLog(store, path, `pipelines-${work.stage}`);
  const log = makeLog(`pipelines-${work.stage}`, store.clock, (line) => runLog.write(line));
  const never = new AbortController().signal;
  try {
    await withLease(store, paths.lease(path), `pipelines-${randomUUID()}`, never, async (lease, lost) => {
      let scene: StageContext;
      try {
        scene = await openStage({ ...here, log }, ids, work.stage, lease, lost);
      } catch (thrown) {
        if (!(thrown instanceof TerminalError)) throw thrown;
        // The tenant is gone, and with it whatever could be ended.
        await writeRun(store, ids, (run) => failStage(run, work.stage, failure, now(store)), {
          isStopped: true,
        });
        return;
      }
      await giveUp(scene, work, failure);
    });
  } finally {
    await runLog.close();
  }
}

/** The run after what a look at its stage's attempt came to; null where that changes nothing. */
function settle(
  run: PipelineRun,
  stage: StageName,
  attempt: number,
  outcome: StageOutcome,
  at: string,
): PipelineRun | null {
  // A driver that stood still while another went on: what it saw is of an attempt that is over.
  if (run.stages[stage].attempts !== attempt) return null;
  const settled = applied(run, stage, attempt, outcome, at);
  return settled === null ? null : endIfAsked(settled, at);
}

function applied(
  run: PipelineRun,
  stage: StageName,
  attempt: number,
  outcome: StageOutcome,
  at: string,
): PipelineRun | null {
  switch (outcome.state) {
    case 'running':
      return outcome.executor === undefined ? null : noteExecutor(run, stage, attempt, outcome.executor);
    case 'done': {
      const noted =
        outcome.executor === undefined ? null : noteExecutor(run, stage, attempt, outcome.executor);
      return completeStage(noted ?? run, stage, 'succeed', outcome.found, at);
    }
    case 'reused':
      return completeStage(run, stage, 'reuse', outcome.found, at, {
        reusedFrom: outcome.from.run,
        attempts: outcome.from.attempts,
      });
    case 'left':
      return completeStage(run, stage, 'skip', {}, at, { failure: outcome.why });
    case 'rejected':
      return rejectRun(run, outcome.found, outcome.failure, at);
    case 'died':
      return retryStage(run, stage, attempt, outcome.failure, at);
    case 'failed':
    default:
      return failStage(run, stage, outcome.failure, at);
  }
}

function report(log: Log, stage: StageName, outcome: StageOutcome): void {
  if (outcome.state === 'done') log.info(`${stage} done`);
  else if (outcome.state === 'reused')
    log.info(`${stage}: the outputs of run ${outcome.from.run} are reused`);
  else if (outcome.state === 'left') log.info(`${stage} left to people: ${outcome.why.message}`);
  else if ('failure' in outcome) log.error(`${stage} ${outcome.state}: ${outcome.failure.message}`);
}
