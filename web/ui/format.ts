const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SHARE = new Intl.NumberFormat('en', { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const ABSOLUTE = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });

/** 541909 → `541,909`. */
export const count = (value: number) => WHOLE.format(value);

/** A share between 0 and 1 with three decimals, as metrics are read. */
export const metric = (value: number) => SHARE.format(value);

/** `1 table`, `2 tables`, `1,234 rows`. */
export const counted = (value: number, one: string, many = `${one}s`) =>
  `${count(value)} ${value === 1 ? one : many}`;

/** 1536 → `1.5 KiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power] ?? 'B'}`;
}

/** Milliseconds as `12 ms`, `0.4 s`, `12 s`, `3 min 5 s`, `1 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 100) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600
    ? parts(Math.floor(whole / 60), 'min', whole % 60, 's')
    : parts(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
}

const parts = (large: number, unit: string, small: number, smaller: string) =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;

/** `moment` as seen from `now` (milliseconds): `5 minutes ago`. */
export function ago(moment: string, now: number): string {
  const seconds = Math.round((Date.parse(moment) - now) / 1000);
  const steps = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const;
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return Math.abs(seconds) < 10 ? 'just now' : RELATIVE.format(Math.round(seconds / size), unit);
}

export const absolute = (moment: string) => ABSOLUTE.format(new Date(moment));
export const day = (moment: string) => DAY.format(new Date(moment));
