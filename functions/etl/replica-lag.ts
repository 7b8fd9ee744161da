/**
 * A replica that is behind is left in peace for a while: before a load fixes the moment that it reads, and between units. It
 * waits longer each time, for ten minutes in all at most; then it reads on, and the run says so. What is read is one moment
 * of the source in any case: lag is a matter of load and of how old that moment is.
 */
import type { SourceSession } from '#connectors/connector';
import type { Source } from '#core/source';
import { limitsOf } from '#core/source-limits';
import { pause } from './pause.ts';
import type { Scope } from './scope.ts';

const FIRST_WAIT_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 60;
/** What one task waits for one source in a run. */
export const MOST_WAIT_SECONDS = 600;

/** Waits of a task for a source so far. */
export interface Waits {
  readonly times: number;
  readonly seconds: number;
}

/**
 * How many seconds to wait before more is read: 5, 10, 20, 40, then a minute each time. 0: it may go on, for the source is
 * no replica, is near enough, or was waited for long enough. Pure.
 * @param lag seconds behind; null where it is no replica, or does not say
 * @param limit seconds; null: it is never waited for
 */
export function planLagWait(lag: number | null, limit: number | null, { times, seconds }: Waits): number {
  if (lag === null || limit === null || lag <= limit) return 0;
  const next = Math.min(FIRST_WAIT_SECONDS * 2 ** times, LONGEST_WAIT_SECONDS);
  return Math.max(0, Math.min(next, MOST_WAIT_SECONDS - seconds));
}

/** Lets replicas catch up, on behalf of one task of a run. */
export interface LagWatch {
  /** Returns when more may be read of the source. @throws the signal's reason, and what `session.replicaLag` throws */
  ready(source: Source, session: Pick<SourceSession, 'replicaLag'>, signal: AbortSignal): Promise<void>;
}

/** The watch of a task; `wait` in milliseconds. */
export function makeLagWatch(
  { log, uses }: Pick<Scope, 'log' | 'uses'>,
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void> = pause,
): LagWatch {
  const waits = new Map<string, Waits>();
  /** Sources that are not waited for any more, which is told once. */
  const given = new Set<string>();
  return {
    async ready(source, session, signal) {
      const limit = limitsOf(source.settings).maxLagSeconds;
      if (limit === null || session.replicaLag === undefined || given.has(source.id)) return;
      for (;;) {
        const before = waits.get(source.id) ?? { times: 0, seconds: 0 };
        const lag = await session.replicaLag();
        if (lag === null || lag <= limit) return;
        const seconds = planLagWait(lag, limit, before);
        const about = { source: source.name, lagSeconds: Math.round(lag), limit };
        if (seconds === 0) {
          given.add(source.id);
          log.warn('a replica is still behind; the load reads on all the same', {
            ...about,
            waitedSeconds: before.seconds,
          });
          return;
        }
        log.warn('a replica is behind; the load waits for it', { ...about, waitSeconds: seconds });
        await wait(seconds * 1000, signal);
        waits.set(source.id, { times: before.times + 1, seconds: before.seconds + seconds });
        await uses.waited(source, seconds, Math.round(lag));
      }
    },
  };
}
