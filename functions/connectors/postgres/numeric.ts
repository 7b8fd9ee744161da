/**
 * PostgreSQL's binary numeric: int16 digit count, int16 weight of the first digit, uint16 sign, int16 display scale, then
 * digits of base 10,000. The value is Σ digit[i] · 10000^(weight − i). Source: numeric_send in adt/numeric.c.
 */
import type { WideDecimal } from '../wide-decimal.ts';

const MAX_SAFE = Number.MAX_SAFE_INTEGER;
const POWERS = [1, 10, 100, 1000] as const;

/** An unscaled value where it is a safe integer; `wide`: one that is not; or what keeps the value from having one. */
export type Decoded = number | 'wide' | 'not-finite' | 'inexact' | 'overflow';

/**
 * The value times 10^scale, exactly; where it is no safe integer `wide` gets its amount. `inexact`: it has more than
 * `scale` decimals; `overflow`: it has so many digits that no column could take it.
 */
export function decodeNumeric(view: DataView, at: number, scale: number, wide: WideDecimal): Decoded {
  const digits = view.getUint16(at);
  const weight = view.getInt16(at + 2);
  const sign = view.getUint16(at + 4);
  if (sign >= 0xc000) return 'not-finite';
  // Groups after the point that reach `scale`, and decimals of the last of them beyond it.
  const groups = (scale + 3) >> 2;
  const surplus = POWERS[(groups << 2) - scale]!;
  const last = weight + groups;
  if (digits === 0) return 0;
  if (digits > last + 1) return 'inexact';
  // The words hold 96 digits: 24 groups of four.
  if (last > 23) return 'overflow';
  const cut = last < digits ? view.getUint16(at + 8 + 2 * last) : 0;
  if (cut % surplus !== 0) return 'inexact';
  // Digits beyond those that are sent are zeros.
  const sent = Math.min(digits, last);
  let value = 0;
  for (let i = 0; i < sent; i++) value = value * 10_000 + view.getUint16(at + 8 + 2 * i);
  for (let i = sent; i < last && value <= MAX_SAFE; i++) value *= 10_000;
  value = value * (10_000 / surplus) + cut / surplus;
  if (value <= MAX_SAFE) return sign === 0 ? value : -value;
  wide.clear();
  for (let i = 0; i < sent; i++) wide.shift(10_000, view.getUint16(at + 8 + 2 * i));
  wide.scaleUp(4 * (last - sent));
  wide.shift(10_000 / surplus, cut / surplus);
  return 'wide';
}

/** Whether the number at `at` is below zero. */
export function isNegative(view: DataView, at: number): boolean {
  return view.getUint16(at + 4) === 0x4000;
}

/** The value as PostgreSQL writes it, without zeros at its end. */
export function formatNumeric(view: DataView, at: number, length: number): string {
  const digits = Math.min(view.getUint16(at), (length - 8) >> 1);
  const weight = view.getInt16(at + 2);
  const sign = view.getUint16(at + 4);
  if (sign === 0xc000) return 'NaN';
  if (sign > 0xc000) return sign === 0xd000 ? 'Infinity' : '-Infinity';
  const group = (i: number): string =>
    (i >= 0 && i < digits ? view.getUint16(at + 8 + 2 * i) : 0).toString().padStart(4, '0');
  const whole = Array.from({ length: Math.max(weight + 1, 1) }, (_, i) => (weight < 0 ? '0' : group(i)));
  const firstDecimal = weight + 1;
  const decimals = Array.from({ length: Math.max(digits - firstDecimal, 0) }, (_, i) =>
    group(firstDecimal + i),
  );
  const left = whole.join('').replace(/^0+(?=\d)/, '');
  const right = decimals.join('').replace(/0+$/, '');
  return `${sign === 0x4000 ? '-' : ''}${left}${right === '' ? '' : `.${right}`}`;
}
