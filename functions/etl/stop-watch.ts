import type { Failure } from '#core/errors';
import { EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { mustRead, read } from '#store/document';
import type { Place } from './place.ts';
import { timeCapReached } from './caps.ts';

/** What a run was asked for when it was made. */
export type Asked = Pick<EtlRun, 'caps' | 'together' | 'again' | 'createdAt'>;

/** How what is not over of a run ends. */
export type Ending = { readonly event: 'cancel' } | { readonly event: 'fail'; readonly failure: Failure };

/** Why a run's work is left: somebody asked for its end, or a cap is reached. Ending null: it is over already. */
export class RunStopped extends Error {
  override readonly name = 'RunStopped';
  readonly ending: Ending | null;
  constructor(ending: Ending | null) {
    super('The run is to end.');
    this.ending = ending;
  }
}

const EVERY_MILLISECONDS = 1000;

/** How the run is to end now, if it is to end before it is done: `RunStopped`. Null: it may go on. */
export function stopOf(
  run: Pick<EtlRun, 'status' | 'cancelRequestedAt' | 'startedAt' | 'caps'>,
  clock: number,
): RunStopped | null {
  if (isFinal(etlCycle, run.status)) return new RunStopped(null);
  if (run.cancelRequestedAt !== null) return new RunStopped({ event: 'cancel' });
  const failure = timeCapReached(run, clock);
  return failure === null ? null : new RunStopped({ event: 'fail', failure });
}

/** Looks every second whether the run is to end. The signal's reason is a `RunStopped`. */
export async function openStopWatch({ store, path }: Pick<Place, 'store' | 'path'>): Promise<{
  /** What the run was asked for, which does not change. */
  readonly asked: Asked;
  readonly signal: AbortSignal;
  readonly close: () => void;
}> {
  const asked: Asked = (await mustRead(store, path, EtlRun, 'run')).value;
  const stop = new AbortController();
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const run = await read(store, path, EtlRun);
      const why = run === null ? new RunStopped(null) : stopOf(run.value, store.clock());
      if (why !== null) {
        clearInterval(timer);
        stop.abort(why);
      }
    } catch {
      // The next look is a second away.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), EVERY_MILLISECONDS);
  timer.unref();
  return { asked, signal: stop.signal, close: () => clearInterval(timer) };
}
