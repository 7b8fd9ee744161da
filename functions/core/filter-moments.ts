/** Dates and moments of row filters as canonical texts. */

const MOMENT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(?: ?(Z|UTC|[-+]\d\d:\d\d))?$/;

type MomentType = 'DATE' | 'DATETIME' | 'TIMESTAMP';

/** `text` as a value of `type`; null where it is none. A moment without a zone is UTC's where the type has one. */
export function momentText(
  text: string,
  type: MomentType,
): { readonly type: 'date' | 'datetime' | 'timestamp'; readonly text: string } | null {
  const match = MOMENT.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute = '00', second = '00', fraction = '', zone] = match;
  const date = new Date(`${year}-${month}-${day}T${hour ?? '00'}:${minute}:${second}Z`);
  // Date takes 31 February for 2 March, and 24:00 for the next day.
  const valid = !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day) && year !== '0000';
  if (!valid || hour === '24') return null;
  if (type === 'DATE') return hour === undefined && zone === undefined ? { type: 'date', text } : null;
  if (zone !== undefined && (type === 'DATETIME' || hour === undefined)) return null;
  const moved = new Date(date.getTime() - zoneMinutes(zone) * 60_000);
  const utc = moved.toISOString();
  if (!/^(?!0000)\d{4}-/.test(utc)) return null;
  const canonical = `${utc.slice(0, 10)} ${utc.slice(11, 19)}.${fraction.padEnd(6, '0')}`;
  return { type: type === 'DATETIME' ? 'datetime' : 'timestamp', text: canonical };
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'UTC') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return zone.startsWith('-') ? -minutes : minutes;
}

/** The day (UTC, 2024-01-31) that was `count` units before `asOf`; of months that are shorter, their last. Not before year 1. */
export function dayBefore(asOf: number, count: number, unit: 'days' | 'weeks' | 'months' | 'years'): string {
  const now = new Date(asOf);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const days = unit === 'days' ? count : unit === 'weeks' ? count * 7 : 0;
  const months = unit === 'months' ? count : unit === 'years' ? count * 12 : 0;
  const first = new Date(Date.UTC(year, month - months, 1));
  const last = new Date(Date.UTC(year, month - months + 1, 0)).getUTCDate();
  const found = new Date(first.getTime() + (Math.min(day, last) - 1 - days) * 86_400_000);
  return found.getTime() < Date.parse('0001-01-01T00:00:00Z')
    ? '0001-01-01'
    : found.toISOString().slice(0, 10);
}

/** Microseconds since 1970 of a canonical moment. */
export function microsOfMoment(text: string): bigint {
  const millis = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19) || '00:00:00'}Z`);
  return BigInt(millis) * 1000n + BigInt(text.slice(20).padEnd(6, '0'));
}
