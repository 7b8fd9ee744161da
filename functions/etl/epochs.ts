/**
 * When which source is read. One that goes away in the middle takes its own tables with it and no others: those of the other
 * sources are read to their end, then what it lost is read anew in a further epoch, a few times at most. Pure.
 */
import type { Failure } from '#core/errors';
import type { EtlTable } from '#core/etl-run';

/** Epochs one coordinator tries before it believes that the source does not stay there for as long as it takes. */
export const MAX_EPOCHS = 3;

/** After a source went away, times the epochs it had so far: a server that restarts is back by then. */
const EPOCH_PAUSE_MS = 10_000;

/** What becomes of the tables of a source that does not answer: they fail, or are left for the next epoch. */
export type Patience = 'fail' | 'leave';

/** How a source has fared so far. */
export interface SourceTries {
  /** Epochs that it was opened for, or would have been had it answered. */
  readonly epochs: number;
  /** When the last of them was over for it, in milliseconds since the epoch of clocks. */
  readonly endedAt: number;
  /** Why it was, where it is known. */
  readonly why: Failure | null;
}

/** What the next epoch is to be. */
export interface EpochPlan {
  /** Read in it; none: there is nothing more to be read. */
  readonly tables: readonly EtlTable[];
  /** Given up: their source has gone away too often. */
  readonly givenUp: readonly { readonly table: EtlTable; readonly failure: Failure }[];
  readonly pauseMs: number;
  /** A source that was there a moment ago is worth waiting for; one that never answered, or is tried for the last time, is not. */
  patienceWith(source: string): Patience;
}

/**
 * Plans the next epoch.
 * @param open tables that are not over and not fully read
 * @param tries by source; one that is missing has not been tried
 */
export function planEpoch(
  open: readonly EtlTable[],
  tries: ReadonlyMap<string, SourceTries>,
  now: number,
): EpochPlan {
  const epochsOf = (source: string) => tries.get(source)?.epochs ?? 0;
  const spent = open.filter(({ source }) => epochsOf(source) >= MAX_EPOCHS);
  const tables = open.filter((table) => !spent.includes(table));
  const rested = tables.flatMap(({ source }) => {
    const tried = tries.get(source);
    return tried === undefined ? [] : [tried.endedAt + tried.epochs * EPOCH_PAUSE_MS];
  });
  return {
    tables,
    givenUp: spent.map((table) => ({
      table,
      failure: unreadable(table, tries.get(table.source)?.why ?? null),
    })),
    pauseMs: Math.max(0, ...rested.map((at) => at - now)),
    patienceWith: (source) =>
      epochsOf(source) === 0 || epochsOf(source) === MAX_EPOCHS - 1 ? 'fail' : 'leave',
  };
}

/** The tries after an epoch over `sources`, in which those in `lost` went away. */
export function countTries(
  tries: ReadonlyMap<string, SourceTries>,
  sources: Iterable<string>,
  lost: ReadonlyMap<string, Failure>,
  now: number,
): Map<string, SourceTries> {
  const next = new Map(tries);
  for (const source of sources) {
    const before = tries.get(source);
    const why = lost.get(source) ?? before?.why ?? null;
    next.set(source, { epochs: (before?.epochs ?? 0) + 1, endedAt: now, why });
  }
  return next;
}

function unreadable({ name }: EtlTable, why: Failure | null): Failure {
  if (why !== null && why.code !== 'snapshot-gone')
    return { ...why, message: `"${name}" could not be read to its end. ${why.message}` };
  return {
    code: 'snapshot-lost',
    message: `"${name}" could not be read to its end: the server closed the snapshot ${MAX_EPOCHS} times.`,
    remedy:
      'Let the server keep a transaction open for as long as the tables take (idle and statement time limits, poolers), or load fewer tables.',
  };
}
