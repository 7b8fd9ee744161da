import { TerminalError, toFailure, TransientError } from '#core/errors';
import { EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { type JobContext, requiredEnv } from '#runtime/job';
import { mustRead, read } from '#store/document';
import { leaseExpiry, withLease } from '#store/lease';
import { openMeter } from './caps.ts';
import { coordinate } from './coordinate.ts';
import { type EpochWorker, openEpochWorker } from './extract-units.ts';
import { failRun } from './finish.ts';
import { pause } from './pause.ts';
import { openProgress } from './progress.ts';
import { Epoch } from './records.ts';
import type { RunKey } from './run-key.ts';
import { openScope, type Scope, type Tuning, TUNING } from './scope.ts';
import { epochPath } from './units.ts';

/** A coordinator that has been gone for so long is not coming back in this execution. */
const COORDINATOR_GONE_SECONDS = 90;

/**
 * One task of the runner: task 0 coordinates (and reads), the others read. Killed at any time, it may be started again:
 * what is published stays, what is not begins anew.
 */
export async function runEtl(context: JobContext, tuning: Tuning = TUNING): Promise<void> {
  const key: RunKey = {
    tenant: requiredEnv(context.env, 'TRADEWIND_TENANT'),
    model: requiredEnv(context.env, 'TRADEWIND_MODEL'),
    run: requiredEnv(context.env, 'TRADEWIND_RUN'),
  };
  const { scope, close } = await openScope(context, key, tuning);
  try {
    await (context.task === 0 ? lead(scope) : follow(scope));
  } catch (error) {
    if (scope.stop.aborted && !scope.living.aborted) {
      scope.log.info('task stopped: the run is to end');
      return;
    }
    scope.log.error('task failed', toFailureFields(error));
    if (error instanceof TerminalError) await failRun(context.store, key, toFailure(error));
    throw error;
  } finally {
    await close();
  }
}

/** Coordinates as soon as the lease is free: that of a killed predecessor has to run out first. */
async function lead(scope: Scope): Promise<void> {
  while (!(await isOver(scope))) {
    const done = await withLease(
      scope.store,
      paths.lease(scope.path),
      scope.holder,
      scope.living,
      (lease, living) =>
        coordinate({ ...scope, living, signal: AbortSignal.any([living, scope.stop]) }, lease),
    );
    if (done === null) await pause(1000, scope.living);
  }
}

/** Reads units of whatever epoch there is, until nothing more is to be read. */
async function follow(scope: Scope): Promise<void> {
  const progress = openProgress(scope);
  const meter = openMeter(scope.caps);
  let number = 0;
  let worker: EpochWorker | undefined;
  const started = scope.store.clock();
  try {
    while (!(await isOver(scope, 'publishing'))) {
      const epoch = (await read(scope.store, epochPath(scope), Epoch))?.value ?? null;
      if (epoch !== null && epoch.number !== number) {
        // Later epochs read less: where all sources are read by the coordinator alone, nothing is left to do here.
        if (Object.keys(epoch.snapshots).length === 0) return;
        await worker?.close();
        number = epoch.number;
        worker = openEpochWorker(scope, epoch, progress, meter, (tally) => meter.add(tally));
      }
      if ((await worker?.step()) === true) continue;
      const alive = Math.max(started, await leaseExpiry(scope.store, paths.lease(scope.path)));
      if (scope.store.clock() > alive + COORDINATOR_GONE_SECONDS * 1000)
        throw new TransientError('coordinator-gone', 'No task coordinates this run any more.');
      await pause(1000, scope.signal);
    }
  } finally {
    await worker?.close();
    await progress.close();
  }
}

async function isOver(scope: Scope, orAt?: EtlRun['status']): Promise<boolean> {
  const { status } = (await mustRead(scope.store, scope.path, EtlRun, 'run')).value;
  return status === orAt || isFinal(etlCycle, status);
}

function toFailureFields(error: unknown): { code: string; error: string } {
  const { code, message } = toFailure(error);
  return { code, error: code === 'internal' && error instanceof Error ? error.message : message };
}
