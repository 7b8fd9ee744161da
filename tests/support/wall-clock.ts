/**
 * When a cron expression comes, told another way than by the product's library: every minute of a year is looked at on the
 * wall clock of a zone. Only `*`, lists, ranges and steps of numbers.
 */

/** Twenty expressions: fixed times around both changes of the clocks, lists, ranges, steps, days, months. */
export const CRONS = [
  '30 2 * * *',
  '0 2 * * *',
  '59 1 * * *',
  '0 3 * * *',
  '15,45 2 * * *',
  '30 1-3 * * *',
  '30 2,14 * * *',
  '0 0 * * *',
  '30 2 29 3 *',
  '30 2 * * 0',
  '30 2 1,15 * 0',
  '0 6 31 * *',
  '45 23 * * 6',
  '0 9 * * 1-5',
  '0 0 1 1,7 *',
  '0 * * * *',
  '30 */2 * * *',
  '*/30 0-4 * * *',
  '0 2-4/2 * * *',
  '20 1,2 25 10 *',
];

/** One minute: the moment, and what the clock of the zone shows. */
interface Shown {
  readonly at: number;
  /** Minutes since the epoch that the wall shows, as if it were UTC. */
  readonly wall: number;
}

const MINUTE = 60_000;

/** Every minute in [from, to) with the wall clock of `timeZone`. Offsets change on a quarter of an hour. */
export function minutesOf(timeZone: string, from: number, to: number): Shown[] {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' });
  const shown: Shown[] = [];
  let offset = 0;
  for (let at = from; at < to; at += MINUTE) {
    if (at % (15 * MINUTE) === 0 || at === from) offset = offsetOf(format, at);
    shown.push({ at, wall: at / MINUTE + offset });
  }
  return shown;
}

function offsetOf(format: Intl.DateTimeFormat, at: number): number {
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const found = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(name);
  if (found?.[1] === undefined) return 0;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

/** The minutes at which a scheduler fires that knows nothing but the clock on the wall: twice in an hour that comes twice. */
export function wallTimes(cron: string, minutes: readonly Shown[]): number[] {
  const fits = matcher(cron);
  return minutes.filter(({ wall }) => fits(wall)).map(({ at }) => at);
}

/**
 * The minutes by the documented rule: fixed times once a day, right behind the hour that is left out where they fall into
 * it; recurring times (`*` or a step in minute or hour) as the wall shows them.
 */
export function ruledTimes(cron: string, minutes: readonly Shown[]): number[] {
  const [minute = '', hour = ''] = cron.split(' ');
  if (/[*/]/.test(minute + hour)) return wallTimes(cron, minutes);
  const fits = matcher(cron);
  const seen = new Set<number>();
  const times = new Set<number>();
  for (const [index, { at, wall }] of minutes.entries()) {
    const before = minutes[index - 1]?.wall ?? wall - 1;
    for (let skipped = before + 1; skipped < wall; skipped++) if (fits(skipped)) times.add(at);
    if (!fits(wall) || seen.has(wall)) continue;
    times.add(at);
    seen.add(wall);
  }
  return [...times];
}

/** Whether a minute of the wall fits. Both days restricted: either will do, as in unix-cron. */
function matcher(cron: string): (wall: number) => boolean {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.split(' ');
  const minutes = numbers(minute, 0, 59);
  const hours = numbers(hour, 0, 23);
  const days = numbers(day, 1, 31);
  const months = numbers(month, 1, 12);
  const weekdays = new Set([...numbers(weekday, 0, 7)].map((one) => one % 7));
  return (wall) => {
    if (!minutes.has(wall % 60) || !hours.has(Math.floor(wall / 60) % 24)) return false;
    const date = new Date(wall * MINUTE);
    if (!months.has(date.getUTCMonth() + 1)) return false;
    const byDay = days.has(date.getUTCDate());
    const byWeekday = weekdays.has(date.getUTCDay());
    return day !== '*' && weekday !== '*' ? byDay || byWeekday : byDay && byWeekday;
  };
}

function numbers(part: string, from: number, to: number): Set<number> {
  const all = new Set<number>();
  for (const item of part.split(',')) {
    const [range = '', step = '1'] = item.split('/');
    const [low, high] = range === '*' ? [from, to] : range.split('-').map(Number);
    for (let value = low ?? from; value <= (high ?? low ?? from); value += Number(step)) all.add(value);
  }
  return all;
}
