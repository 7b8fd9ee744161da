import type { Failure } from '#core/errors';
import type { EtlCaps, EtlRun } from '#core/etl-run';

/** What a run has read: rows, and bytes of the files written. */
export interface Spent {
  readonly rows: number;
  readonly bytes: number;
}

const number = (value: number): string => value.toLocaleString('en-US');

function capReached(cap: string, passed: string): Failure {
  return {
    code: 'cap-reached',
    message: `The run was stopped at its cap of ${cap}: ${passed}.`,
    remedy: 'Start it with a higher cap, or load fewer tables at a time.',
  };
}

/** Why a run that has read so much is to stop, or null while it is within its caps. */
export function capReachedBy(spent: Spent, { maxRows, maxBytes }: EtlCaps): Failure | null {
  if (maxRows !== null && spent.rows > maxRows)
    return capReached(`${number(maxRows)} rows (maxRows)`, `${number(spent.rows)} were read`);
  if (maxBytes !== null && spent.bytes > maxBytes)
    return capReached(`${number(maxBytes)} bytes (maxBytes)`, `${number(spent.bytes)} were written`);
  return null;
}

/** Why a run that began when it did is to stop at `clock`, or null while it is within its time. */
export function timeCapReached(run: Pick<EtlRun, 'startedAt' | 'caps'>, clock: number): Failure | null {
  if (run.startedAt === null) return null;
  const minutes = (clock - Date.parse(run.startedAt)) / 60_000;
  if (minutes <= run.caps.maxMinutes) return null;
  return capReached(
    `${number(run.caps.maxMinutes)} minutes (maxMinutes)`,
    `it had been at work for ${number(Math.floor(minutes))}`,
  );
}

/** Adds up what a run has read, and says when that is too much. */
export interface Meter {
  /** Counts what is read for good; negative where it has to be read again. */
  add(spent: Spent): void;
  /** Why the run is to stop when `current` comes on top of what was counted, or null. */
  over(current?: Spent): Failure | null;
}

/** A meter that begins at nothing. */
export function openMeter(caps: EtlCaps): Meter {
  let rows = 0;
  let bytes = 0;
  return {
    add(spent) {
      rows += spent.rows;
      bytes += spent.bytes;
    },
    over: (current = { rows: 0, bytes: 0 }) =>
      capReachedBy({ rows: rows + current.rows, bytes: bytes + current.bytes }, caps),
  };
}
