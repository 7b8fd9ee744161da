import { Cron } from 'croner';
import { TerminalError, toError } from '#core/errors';
import { toMoment } from '#core/ids';
import { cronOf, type Occurrence, type TimedWhen } from '#core/schedule';

/**
 * The product's calendar: which moments a schedule stands for. It decides; Cloud Scheduler only wakes, and its own
 * behaviour around a change of the clocks ("may run or not run unexpectedly") changes nothing.
 *
 * - A fixed time in the hour that is left out comes right after it, and in the hour that comes twice it comes once, the
 *   first time (Vixie cron's rule).
 * - Recurring times (`*` or a step in minute or hour) go by what the clock shows: none in the hour that is left out, and
 *   on in the hour that comes twice, so that "every 15 minutes" is every 15 minutes.
 */
export interface Calendar {
  /** The last time at or before `at`; null where there was none. Milliseconds since the epoch, as everywhere here. */
  latest(at: number): number | null;
  /** The first `n` times after `after`, and none where there never is one. */
  next(after: number, n: number): number[];
}

/** Calendars read so far: the same few are asked again and again. */
const opened = new Map<string, Calendar>();
const MOST_OPEN = 500;

/**
 * The calendar of `when`.
 * @throws TerminalError `schedule-invalid` for an expression that cannot be read, or names no moment (31 February)
 */
export function openCalendar(when: TimedWhen): Calendar {
  const expression = cronOf(when);
  const known = opened.get(`${expression} ${when.timeZone}`);
  if (known !== undefined) return known;
  const cron = readCron(expression, when.timeZone);
  const calendar: Calendar = {
    latest: (at) => cron.previousRuns(1, new Date(wholeSeconds(at) + 1000))[0]?.getTime() ?? null,
    next: (after, n) => cron.nextRuns(n, new Date(wholeSeconds(after))).map((one) => one.getTime()),
  };
  if (calendar.next(Date.UTC(2024, 0), 1).length === 0)
    throw new TerminalError('schedule-invalid', `"${expression}" names a day that never comes.`, {
      remedy: 'Choose a day that the month has.',
    });
  if (opened.size >= MOST_OPEN) opened.clear();
  opened.set(`${expression} ${when.timeZone}`, calendar);
  return calendar;
}

function readCron(expression: string, timezone: string): Cron {
  try {
    // `paused`: it reads the calendar and sets no timer.
    return new Cron(expression, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
  } catch (error) {
    throw new TerminalError(
      'schedule-invalid',
      `"${expression}" in ${timezone} cannot be read: ${toError(error).message}.`,
      { remedy: 'Write five fields as unix-cron has them, such as "30 6 * * mon-fri".', cause: error },
    );
  }
}

/** The calendar knows whole seconds. */
function wholeSeconds(at: number): number {
  return Math.floor(at / 1000) * 1000;
}

/** The first `n` times of `when` after `after` (milliseconds), by UTC and by the clock of its zone. */
export function nextOccurrences(when: TimedWhen, after: number, n: number): Occurrence[] {
  const cron = readCron(cronOf(when), when.timeZone);
  return openCalendar(when)
    .next(after, n)
    .map((at) => ({
      at: toMoment(at),
      local: localTime(at, when.timeZone),
      note: comesTwice(at, when.timeZone) ? 'hour-comes-twice' : cron.match(new Date(at)) ? null : 'moved',
    }));
}

/** `2026-03-29T03:00+02:00`: what the clock of the zone shows at `at`. */
function localTime(at: number, timeZone: string): string {
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? '';
  // "GMT" alone is no offset at all.
  const offset = part('timeZoneName').slice('GMT'.length) || '+00:00';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}${offset}`;
}

/** Clocks are set back by an hour, on Lord Howe Island by half of one. */
const SHIFTS = [30, 60].flatMap((minutes) => [minutes * 60_000, -minutes * 60_000]);

function comesTwice(at: number, timeZone: string): boolean {
  const shown = (when: number) => localTime(when, timeZone).slice(0, 16);
  return SHIFTS.some((shift) => shown(at + shift) === shown(at));
}
