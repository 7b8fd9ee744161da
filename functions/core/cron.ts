import { z } from 'zod';

/*
 * Five fields of unix-cron, as Cloud Scheduler takes them:
 * https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules
 * Only their shape is looked at here; what times they name says the calendar (schedules/calendar.ts).
 */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly words: readonly string[];
}
const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  { name: 'day of the month', from: 1, to: 31, words: [] },
  { name: 'month', from: 1, to: 12, words: MONTHS },
  { name: 'day of the week', from: 0, to: 7, words: DAYS },
];

/**
 * What Cloud Scheduler would refuse in `cron`, naming the part; null where its shape is right. A part is `*`, a value, a
 * range, or a list of those; a step only after `*` or a range. No seconds, no `L`, `W`, `#` or `?`, no `@daily`.
 */
export function cronProblem(cron: string): string | null {
  const parts = cron.split(/\s+/);
  if (parts.length !== FIELDS.length)
    return `"${cron}" has ${parts.length} parts: five are needed (minute, hour, day of the month, month, day of the week), seconds are not possible`;
  for (const [index, field] of FIELDS.entries()) {
    const part = parts[index] ?? '';
    if (!part.split(',').every((item) => fits(item.toLowerCase(), field)))
      return `${field.name} "${part}": ${expected(field)}`;
  }
  return null;
}

function fits(item: string, field: Field): boolean {
  const [range = '', step, ...rest] = item.split('/');
  if (rest.length > 0) return false;
  const ends = range === '*' ? [] : range.split('-');
  const values = ends.map((end) => valueOf(end, field));
  if (ends.length > 2 || values.some((value) => value === null)) return false;
  const [low, high] = values;
  if (typeof low === 'number' && typeof high === 'number' && low > high) return false;
  if (step === undefined) return true;
  // "5/10" is a value with a step, which unix-cron does not know.
  return (range === '*' || ends.length === 2) && /^[1-9]\d?$/.test(step) && Number(step) <= field.to;
}

function valueOf(text: string, field: Field): number | null {
  const word = field.words.indexOf(text);
  if (word >= 0) return word + (field.from === 0 ? 0 : 1);
  if (!/^\d{1,2}$/.test(text)) return null;
  const value = Number(text);
  return value >= field.from && value <= field.to ? value : null;
}

function expected(field: Field): string {
  const [first] = field.words;
  const words =
    first === undefined ? '' : ` or ${first.toUpperCase()} to ${field.words.at(-1)?.toUpperCase()}`;
  return `write *, ${field.from} to ${field.to}${words}, a range (a-b), a list (a,b) or a step (*/n, a-b/n)`;
}

/** A cron expression of five fields, blanks between them evened out. */
export const Cron = z
  .string()
  .trim()
  .max(120)
  .transform((text) => text.replace(/\s+/g, ' '))
  .superRefine((text, context) => {
    const problem = cronProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

/** A time zone by its name in the tz database ("Europe/Berlin"), or UTC. Offsets ("+01:00") know no summer time. */
export const TimeZone = z
  .string()
  .max(64)
  .refine((zone) => /^(UTC|[A-Z][A-Za-z]+(\/[A-Z][A-Za-z0-9_+-]+){1,2})$/.test(zone) && isKnown(zone), {
    message: 'must be a time zone such as "Europe/Berlin" or "UTC"',
  });

function isKnown(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A time of day, `HH:MM`, 24 hours. */
export const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as "06:30"');

/** Days of the week, Monday first; `DAYS` of cron begins with Sunday. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export const Weekday = z.enum(WEEKDAYS);
