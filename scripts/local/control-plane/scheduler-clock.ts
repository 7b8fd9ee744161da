/** When a job of the local Cloud Scheduler fires: croner, under the rules that Cloud Scheduler documents for unix-cron. */
import { Cron } from 'croner';
import { cronProblem, TimeZone } from '#core/cron';
import { toError } from '#core/errors';

/** Timers cannot be longer than this (2^31 ms, 24 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Why Cloud Scheduler would refuse the times; null where it would not. */
export function scheduleProblem(schedule: string, timeZone: string): string | null {
  if (!TimeZone.safeParse(timeZone).success) return `unknown time zone "${timeZone}"`;
  const problem = cronProblem(schedule);
  if (problem !== null) return problem;
  try {
    return nextTime(schedule, timeZone, Date.now()) === null ? `"${schedule}" never comes` : null;
  } catch (error) {
    return toError(error).message;
  }
}

/** The first time after `after`; milliseconds since the epoch. */
export function nextTime(schedule: string, timezone: string, after: number): number | null {
  const cron = new Cron(schedule, { timezone, mode: '5-part', paused: true });
  return cron.nextRun(new Date(after))?.getTime() ?? null;
}

/** Calls `fire` at each time of the schedule until it is stopped. Times that pass while the machine sleeps are one. */
export function everyTime(schedule: string, timeZone: string, fire: (at: number) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (next: number | null): void => {
    if (next === null) return;
    timer = setTimeout(
      () => {
        if (Date.now() < next) {
          wait(next);
          return;
        }
        fire(next);
        wait(nextTime(schedule, timeZone, Date.now()));
      },
      Math.min(Math.max(0, next - Date.now()), LONGEST_TIMER_MS),
    ).unref();
  };
  wait(nextTime(schedule, timeZone, Date.now()));
  return () => clearTimeout(timer);
}
