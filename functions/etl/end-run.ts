/**
 * Ends a run from outside its container: cancelled, over its time, or given up.
 *
 *     the runner sees that its run is to end, and ends it itself       within a few seconds
 *     it does not: its container is stopped and waited for             the platform kills it after ten seconds
 *     no container is at work: its lease is taken, the run is settled
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerPlatform } from '#cloud/run';
import { BusyError, TerminalError, toFailure, TransientError } from '#core/errors';
import { EtlRun, etlCycle, executionsOf } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import type { Config } from '#runtime/config';
import { type Log, makeLog } from '#runtime/log';
import { mustRead } from '#store/document';
import { withLease } from '#store/lease';
import { openRunLog } from '#store/run-log';
import type { Store } from '#store/store';
import { failRun } from './finish.ts';
import { openPlace } from './place.ts';
import { type RunKey, runPath } from './run-key.ts';
import { settleRun } from './settle.ts';
import type { Ending } from './stop-watch.ts';

/** What ending a run works with. */
export interface EndWorld {
  readonly containers: Pick<ContainerPlatform, 'executionState' | 'cancelExecution'>;
  readonly config: Pick<Config, 'endpoints'>;
  readonly log: Log;
}

/** How long is waited for whom, in seconds. */
export interface Patience {
  /** For the runner to end its run itself. */
  readonly runner: number;
  /** For a container that was told to stop. */
  readonly container: number;
}

/** Somebody waits for the cancellation: 15 seconds in all, of which settling takes the rest. */
export const CANCEL_PATIENCE: Patience = { runner: 2, container: 11 };

/** Holders of this kind are alive until their lease runs out; containers are known to be dead otherwise. */
const ENDER = 'etl-end-';

/**
 * Ends the run as `ending` says unless it is over, and its container. May be called again at any point, by several at once.
 * @throws BusyError where somebody else is settling it; TransientError `container-running`, and what settling throws
 */
export async function endFromOutside(
  store: Store,
  world: EndWorld,
  key: RunKey,
  ending: Ending,
  patience: Patience,
): Promise<void> {
  await within(patience.runner, async () => isOver(await runOf(store, key)));
  let run = await runOf(store, key);
  // Another container may have been started while one was being stopped; it is known before the run can be over.
  const stopped = new Set<string>();
  for (let left = executionsOf(run); left.length > 0;) {
    for (const one of left) {
      await stopContainer(world, one, isOver(run) ? 2 : 0, patience.container);
      stopped.add(one);
    }
    run = await runOf(store, key);
    left = executionsOf(run).filter((one) => !stopped.has(one));
  }
  if (isOver(run)) return;
  const settled = await withLease(
    store,
    paths.lease(runPath(key)),
    `${ENDER}${randomUUID()}`,
    new AbortController().signal,
    async () => {
      await settle(store, world, key, ending);
      return true;
    },
    // Without a container that could be asked about, a lease says all there is to know.
    (holder) => run.executor !== null && !holder.startsWith(ENDER),
  );
  if (settled === null) throw new BusyError('run-held', `Somebody else is at the run ${key.run}.`);
}

/** Settles the run, and tells of it in the run's own log. */
async function settle(store: Store, world: EndWorld, key: RunKey, ending: Ending): Promise<void> {
  const place = await openPlace(store, world.config, key);
  const runLog = openRunLog(store, place.path, 'end');
  const log = makeLog('etl-end', store.clock, (line) => runLog.write(line));
  try {
    await settleRun({ ...place, log }, ending);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    // It would be refused each time. Nothing can be stopped or looked up there, and the run must not hold the model for good.
    const failure = toFailure(error);
    log.error('the run could not be wound up in the warehouse', {
      code: failure.code,
      error: failure.message,
    });
    await failRun(store, key, failure);
  } finally {
    await runLog.close();
  }
}

/** Sees that an execution is not running any more: waits `leave` seconds for its own end, then stops it. */
async function stopContainer(
  { containers, log }: EndWorld,
  executor: string,
  leave: number,
  wait: number,
): Promise<void> {
  const ended = async () => (await containers.executionState(executor)).state !== 'running';
  if (await within(leave, ended)) return;
  log.info('a container is stopped', { executor });
  await containers.cancelExecution(executor);
  if (await within(wait, ended)) return;
  throw new TransientError('container-running', `The container ${executor} has not ended yet.`);
}

async function runOf(store: Store, key: RunKey): Promise<EtlRun> {
  return (await mustRead(store, runPath(key), EtlRun, 'run')).value;
}

function isOver(run: EtlRun): boolean {
  return isFinal(etlCycle, run.status);
}

/** Looks until `look` says yes, at least once and for at most `seconds`. @returns whether it did */
async function within(seconds: number, look: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    if (await look()) return true;
    if (performance.now() >= until) return false;
    await sleep(300);
  }
}
