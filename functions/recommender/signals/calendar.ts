/**
 * Days as trade counts them: demand has months in which it is high or low, and an account has months in which it is
 * closed. A clock that runs as fast as demand turns both into plain waiting: between two purchases as much of it passes
 * in summer as in winter.
 */

/** How fast the clock runs in each month, January first; 1 is the mean. Null: always 1. */
export type Pace = Float32Array | null;

/** Slower than this no clock runs, so that every wait ends. */
const SLOWEST = 0.05;

/** Year and month (0 … 11) of a day since 1970 in UTC, without a Date. Source: Hinnant, "chrono-compatible date algorithms". */
export function monthOf(day: number): { year: number; month: number } {
  const z = Math.floor(day) + 719_468;
  const era = Math.floor(z / 146_097);
  const ofEra = z - era * 146_097;
  const years = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100));
  const shifted = Math.floor((5 * ofYear + 2) / 153);
  const month = shifted < 10 ? shifted + 2 : shifted - 10;
  return { year: years + era * 400 + (month <= 1 ? 1 : 0), month };
}

/** The day that a month begins on; months count on past December. */
export function monthStart(year: number, month: number): number {
  const y = year + Math.floor(month / 12) - (((month % 12) + 12) % 12 <= 1 ? 1 : 0);
  const m = ((month % 12) + 12) % 12;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (m > 1 ? m - 2 : m + 10) + 2) / 5);
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

/** Day of the week, Monday 0 … Sunday 6. */
export function weekdayOf(day: number): number {
  return (((Math.floor(day) + 3) % 7) + 7) % 7;
}

/** The pace of an item at an account: both must be open for a purchase. */
export function paceOf(item: Pace, account: Pace): Pace {
  if (item === null) return account;
  if (account === null) return item;
  return item.map((speed, month) => speed * account[month]!);
}

/** What the clock shows between two days, `from <= to`, in days of mean pace. */
export function passed(pace: Pace, from: number, to: number): number {
  if (pace === null || to <= from) return Math.max(0, to - from);
  let sum = 0;
  let day = from;
  let { year, month } = monthOf(from);
  while (day < to) {
    const end = Math.min(to, monthStart(year, month + 1));
    sum += (end - day) * Math.max(SLOWEST, pace[month]!);
    day = end;
    if (++month === 12) [year, month] = [year + 1, 0];
  }
  return sum;
}

/** The day on which the clock has gone `wait` on from `from`. */
export function after(pace: Pace, from: number, wait: number): number {
  if (pace === null) return from + wait;
  let left = wait;
  let day = from;
  let { year, month } = monthOf(from);
  for (;;) {
    const speed = Math.max(SLOWEST, pace[month]!);
    const end = monthStart(year, month + 1);
    if ((end - day) * speed >= left) return day + left / speed;
    left -= (end - day) * speed;
    day = end;
    if (++month === 12) [year, month] = [year + 1, 0];
  }
}

/** `day`, or the next one on whose weekday anything is ordered. `open`: seven marks, Monday first. */
export function nextOpen(day: number, open: Uint8Array): number {
  for (let wait = 0; wait < 7; wait++) if (open[weekdayOf(day + wait)] === 1) return day + wait;
  return day;
}
