import type { Failure } from '#core/errors';
import { toMoment } from '#core/ids';
import { isAwake, isTimed, type Schedule } from '#core/schedule';
import { openCalendar } from './calendar.ts';

/**
 * Cloud Scheduler's clock and Pub/Sub's may differ by this much: a message may seem to come before its time. No more: a
 * late message of a schedule that fires each minute is not to be taken for the next one's.
 */
const EARLY_MS = 5_000;

/** A time that could not be seen to within this is left out: nobody wants last night's load at noon tomorrow. */
export const LATE_HOURS = 12;

/** Times counted that passed without anything being started; beyond that nobody counts. */
const MOST_MISSED = 1000;

/** A time of the calendar that is to be seen to. */
export interface Due {
  /** Milliseconds since the epoch. */
  readonly slot: number;
  /** Times before it that nothing was started for, up to 1,000. */
  readonly missed: number;
  /** The time after it; null where there is none. */
  readonly next: string | null;
  /** Why nothing is to be started for it after all; null where something is. */
  readonly reason: Failure | null;
  /** An older time than the newest that was seen to: it is recorded, and changes nothing of the schedule. */
  readonly outOfOrder: boolean;
}

/**
 * What the clock asks of a schedule at `at`: when Cloud Scheduler published its message, or now where the watch looks.
 * Null where nothing is due: the newest time of the calendar was seen to, is not the schedule's own, or there is none.
 * So a message that comes twice, or when the calendar knows no time (a job with times that were changed since, a forced
 * run, a clock that was set back), starts nothing. Pure.
 */
export function planClock(schedule: Schedule, at: number): Due | null {
  if (!isTimed(schedule.when) || waitsForResume(schedule)) return null;
  const calendar = openCalendar(schedule.when);
  const slot = calendar.latest(at + EARLY_MS);
  if (slot === null || slot < ownFrom(schedule)) return null;
  const last = schedule.lastSlot === null ? null : Date.parse(schedule.lastSlot);
  if (slot === last) return null;
  const outOfOrder = last !== null && slot < last;
  const from = Math.max(last ?? 0, ownFrom(schedule) - 1000);
  const missed = outOfOrder
    ? 0
    : countBefore(calendar.next(from, 1), slot, () => calendar.next(from, MOST_MISSED));
  const [next] = calendar.next(slot, 1);
  return {
    slot,
    missed,
    next: next === undefined ? null : toMoment(next),
    reason: outOfOrder ? overtaken(schedule) : dormant(schedule),
    outOfOrder,
  };
}

/**
 * The schedule once `due` was seen to; one that came out of order changes nothing. One that is paused or deleted has no next
 * time: a message that Cloud Scheduler still sends does not have the watch wake it from then on.
 */
export function seenTo(schedule: Schedule, due: Due): Schedule {
  if (due.outOfOrder) return schedule;
  return { ...schedule, lastSlot: toMoment(due.slot), nextDue: isAwake(schedule) ? due.next : null };
}

/** What comes up while it is paused is made up for once it is resumed: nothing is seen to until then. */
function waitsForResume({ paused, deletedAt, catchUp }: Schedule): boolean {
  return paused && deletedAt === null && catchUp === 'once';
}

/** The newest time of the schedule's own that was not seen to at `at` (milliseconds); null where none was missed. Pure. */
export function missedSlot(schedule: Schedule, at: number): string | null {
  if (!isTimed(schedule.when) || !isAwake(schedule)) return null;
  const slot = openCalendar(schedule.when).latest(at);
  if (slot === null || slot < ownFrom(schedule)) return null;
  return schedule.lastSlot !== null && slot <= Date.parse(schedule.lastSlot) ? null : toMoment(slot);
}

/** Whether a time is so long past that nothing is started for it. Pure. */
export function tooLate(slot: number, now: number): Failure | null {
  if (now - slot <= LATE_HOURS * 3_600_000) return null;
  return {
    code: 'too-late',
    message: `Its time was ${toMoment(slot)}, more than ${LATE_HOURS} hours ago: nothing could be started until now.`,
    remedy: 'Run it now if its work is still wanted.',
  };
}

/** The next time of the calendar after `after` (milliseconds); null where nothing comes by itself. */
export function nextDue(
  schedule: Pick<Schedule, 'when' | 'paused' | 'deletedAt' | 'notBefore'>,
  after: number,
): string | null {
  if (!isTimed(schedule.when) || !isAwake(schedule)) return null;
  const [next] = openCalendar(schedule.when).next(Math.max(after, justBefore(schedule.notBefore)), 1);
  return next === undefined ? null : toMoment(next);
}

/** A moment after which the calendar's times are none before `notBefore`; the calendar knows whole seconds. */
export function justBefore(notBefore: string | null): number {
  return notBefore === null ? 0 : Math.ceil(Date.parse(notBefore) / 1000) * 1000 - 1000;
}

/** The first moment that is the schedule's own. */
function ownFrom({ since, notBefore }: Pick<Schedule, 'since' | 'notBefore'>): number {
  return Math.max(Date.parse(since), notBefore === null ? 0 : Date.parse(notBefore));
}

/** Mostly none: the first time after the last one is this one. */
function countBefore(first: readonly number[], slot: number, all: () => readonly number[]): number {
  return first[0] === undefined || first[0] >= slot ? 0 : all().filter((one) => one < slot).length;
}

/** Why a schedule that does not fire by itself leaves an occasion out. */
export function dormant({ paused, deletedAt }: Pick<Schedule, 'paused' | 'deletedAt'>): Failure | null {
  if (deletedAt !== null)
    return { code: 'schedule-deleted', message: 'The schedule is deleted.', remedy: 'Restore it.' };
  return paused
    ? { code: 'schedule-paused', message: 'The schedule is paused.', remedy: 'Resume it.' }
    : null;
}

function overtaken({ lastSlot }: Schedule): Failure {
  return {
    code: 'out-of-order',
    message: `A later time (${lastSlot}) had been seen to before this one was heard of.`,
    remedy: null,
  };
}
