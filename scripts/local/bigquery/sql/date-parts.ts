/** Date parts (`DAY`, `WEEK(MONDAY)`, …) and the arithmetic of weeks, which start on Sunday unless said otherwise. */
import type { Cursor } from './cursor.ts';

const weekdays = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** Reads a date part: its name in upper case, `WEEK(MONDAY)` with its day. */
export function datePart(cursor: Cursor): string {
  const name = cursor.needName(true).toUpperCase();
  if (name !== 'WEEK' || !cursor.acceptOp('(')) return name;
  const day = cursor.needName(true).toUpperCase();
  cursor.needOp(')');
  return `WEEK(${day})`;
}

/** Days after Sunday on which the weeks of a part start; null where the part is no week. */
export function weekStart(part: string): number | null {
  if (part === 'WEEK') return 0;
  if (part === 'ISOWEEK') return 1;
  const day = /^WEEK\((\w+)\)$/.exec(part)?.[1];
  const index = day === undefined ? -1 : weekdays.indexOf(day);
  return index < 0 ? null : index;
}

/** Microseconds of the parts that have a fixed length. */
export const partMicros: Readonly<Record<string, number>> = {
  MICROSECOND: 1,
  MILLISECOND: 1000,
  SECOND: 1_000_000,
  MINUTE: 60_000_000,
  HOUR: 3_600_000_000,
  DAY: 86_400_000_000,
};

/** DuckDB's interval of `amount` parts; null where the part is unknown. */
export function intervalOf(part: string, amount: string): string | null {
  const makers: Readonly<Record<string, string>> = {
    MICROSECOND: 'to_microseconds($)',
    MILLISECOND: 'to_microseconds(1000 * $)',
    SECOND: 'to_microseconds(1000000 * $)',
    MINUTE: 'to_minutes($)',
    HOUR: 'to_hours($)',
    DAY: 'to_days(CAST($ AS INTEGER))',
    WEEK: 'to_days(CAST(7 * $ AS INTEGER))',
    MONTH: 'to_months(CAST($ AS INTEGER))',
    QUARTER: 'to_months(CAST(3 * $ AS INTEGER))',
    YEAR: 'to_months(CAST(12 * $ AS INTEGER))',
  };
  return makers[part]?.replace('$', amount) ?? null;
}
