/**
 * PostgreSQL's binary numeric: int16 digit count, int16 weight of the first digit, uint16 sign, int16 display scale, then
 * digits of base 10,000. The value is Σ digit[i] · 10000^(weight − i). Source: numeric_send in adt/numeric.c.
 */
const MAX_SAFE = Number.MAX_SAFE_INTEGER;
const POWERS = [1, 10, 100, 1000] as const;
const GROUP_POWERS = [1n, 10_000n, 100_000_000n, 1_000_000_000_000n] as const;

/** An unscaled value, as a number where it is a safe integer; or what keeps the value from having one. */
export type Decoded = number | bigint | 'not-finite' | 'inexact' | 'overflow';

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/**
 * The value times 10^scale, exactly. `inexact`: it has more than `scale` decimals; `overflow`: it has so many digits
 * that no column could take it.
 */
export function decodeNumeric(bytes: Uint8Array, at: number, scale: number): Decoded {
  const digits = uint16(bytes, at);
  const weight = (uint16(bytes, at + 2) << 16) >> 16;
  const sign = uint16(bytes, at + 4);
  if (sign >= 0xc000) return 'not-finite';
  // Groups after the point that reach `scale`, and decimals of the last of them beyond it.
  const groups = (scale + 3) >> 2;
  const surplus = POWERS[(groups << 2) - scale]!;
  const last = weight + groups;
  if (digits === 0) return 0;
  if (digits > last + 1) return 'inexact';
  if (last > 30) return 'overflow';
  const cut = last < digits ? uint16(bytes, at + 8 + 2 * last) : 0;
  if (cut % surplus !== 0) return 'inexact';
  let value = 0;
  for (let i = 0; i < last; i++) value = value * 10_000 + (i < digits ? uint16(bytes, at + 8 + 2 * i) : 0);
  value = value * (10_000 / surplus) + cut / surplus;
  if (value <= MAX_SAFE) return sign === 0 ? value : -value;
  return decodeLarge(bytes, at, digits, last, surplus, cut, sign);
}

function decodeLarge(
  bytes: Uint8Array,
  at: number,
  digits: number,
  last: number,
  surplus: number,
  cut: number,
  sign: number,
): bigint {
  let value = 0n;
  // Three groups at a time are a safe integer, and a third of the work with bigints.
  for (let i = 0; i < last; i += 3) {
    const groups = Math.min(3, last - i);
    let three = 0;
    for (let j = i; j < i + groups; j++)
      three = three * 10_000 + (j < digits ? uint16(bytes, at + 8 + 2 * j) : 0);
    value = value * GROUP_POWERS[groups]! + BigInt(three);
  }
  value = value * BigInt(10_000 / surplus) + BigInt(cut / surplus);
  return sign === 0 ? value : -value;
}

/** The value as PostgreSQL writes it, cut to 200 characters: for messages. */
export function formatNumeric(bytes: Uint8Array, at: number, length: number): string {
  const digits = Math.min(uint16(bytes, at), (length - 8) >> 1);
  const weight = (uint16(bytes, at + 2) << 16) >> 16;
  const sign = uint16(bytes, at + 4);
  if (sign === 0xc000) return 'NaN';
  if (sign > 0xc000) return sign === 0xd000 ? 'Infinity' : '-Infinity';
  const group = (i: number): string =>
    (i >= 0 && i < digits ? uint16(bytes, at + 8 + 2 * i) : 0).toString().padStart(4, '0');
  // Enough groups for the 200 characters that are shown.
  const whole = Array.from({ length: Math.min(Math.max(weight + 1, 1), 60) }, (_, i) =>
    weight < 0 ? '0' : group(i),
  );
  const firstDecimal = weight + 1;
  const decimals = Array.from({ length: Math.min(Math.max(digits - firstDecimal, 0), 60) }, (_, i) =>
    group(firstDecimal + i),
  );
  const left = whole.join('').replace(/^0+(?=\d)/, '');
  const right = decimals.join('').replace(/0+$/, '');
  return `${sign === 0x4000 ? '-' : ''}${left}${right === '' ? '' : `.${right}`}`.slice(0, 200);
}
