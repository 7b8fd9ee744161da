import type { EtlCaps, EtlRun } from '#core/etl-run';
import type { Config } from '#runtime/config';
import type { JobContext } from '#runtime/job';
import { type Log, makeLog, writeToStdout } from '#runtime/log';
import { openRunLog } from '#store/run-log';
import { openPlace, type Place } from './place.ts';
import { type LagWatch, makeLagWatch } from './replica-lag.ts';
import type { RunKey } from './run-key.ts';
import { openSourceUses, type SourceUses } from './source-use.ts';
import { openSpent, type SpentTold } from './spent.ts';
import { openStopWatch } from './stop-watch.ts';

/** What a task does at what size. */
export interface Tuning {
  /** Source bytes of one unit: small enough to be read again, large enough for good files. */
  readonly unitBytes: number;
}

/** The sizes that loads are made for. */
export const TUNING: Tuning = { unitBytes: 512 * 1024 * 1024 };

/** Everything a task of one run works with. */
export interface Scope extends Place {
  readonly tuning: Tuning;
  readonly config: Config;
  /** Goes to the container's output and to the run's log. */
  readonly log: Log;
  readonly task: number;
  readonly tasks: number;
  readonly holder: string;
  readonly caps: EtlCaps;
  /** All tables of the run are published in one transaction. */
  readonly together: boolean;
  /** What the run reads once more. */
  readonly again: EtlRun['again'];
  /** When the run was made: relative dates count from then. */
  readonly createdAt: string;
  readonly spent: Pick<SpentTold, 'tell'>;
  /** Connections to sources, bounded over all tasks. */
  readonly uses: SourceUses;
  readonly lag: LagWatch;
  /** Fires when the work is to be left: `living` or `stop` has fired. */
  readonly signal: AbortSignal;
  /** Fires when this process is to end, or its lease is lost: whoever comes next goes on with the run. */
  readonly living: AbortSignal;
  /** Fires when the run is to end before it is done; its reason is a `RunStopped`. */
  readonly stop: AbortSignal;
}

/** The scope of a container's task; `close` writes what is left of the log. */
export async function openScope(
  context: JobContext,
  key: RunKey,
  tuning: Tuning,
): Promise<{ readonly scope: Scope; readonly close: () => Promise<void> }> {
  const { store, config, signal: living } = context;
  const place = await openPlace(store, config, key);
  const runLog = openRunLog(store, place.path, `task-${context.task}-${context.attempt}`);
  const log = makeLog(`etl-runner/${context.task}`, store.clock, (line) => {
    writeToStdout(line);
    runLog.write(line);
  });
  const watch = await openStopWatch(place);
  const uses = openSourceUses({ ...place, task: context.task, holder: context.holder });
  const spent = openSpent({ ...place, task: context.task, holder: context.holder });
  const scope: Scope = {
    ...place,
    tuning,
    config,
    log,
    task: context.task,
    tasks: context.tasks,
    holder: context.holder,
    caps: watch.asked.caps,
    together: watch.asked.together,
    again: watch.asked.again,
    createdAt: watch.asked.createdAt,
    spent,
    uses,
    lag: makeLagWatch({ log, uses }),
    living,
    stop: watch.signal,
    signal: AbortSignal.any([living, watch.signal]),
  };
  return {
    scope,
    close: async () => {
      watch.close();
      spent.close();
      await spent.tell();
      await uses.close();
      await runLog.close();
    },
  };
}
