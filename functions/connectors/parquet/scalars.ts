/** Values of bytes: decimals, half floats, identifiers, spans. */
import type { PageValues, PhysicalType } from './page-values.ts';
import { longOf } from './moments.ts';

/** Longer decimals have more digits than anything takes. */
const MAX_DECIMAL_BYTES = 512;

/** The unscaled decimal at `index`; null where it is longer than any number. */
export function unscaledAt(physical: PhysicalType, values: PageValues, index: number): bigint | null {
  if (physical === 'INT32') return BigInt(values.words[index]!);
  if (physical === 'INT64') return longOf(values.words[index * 2]!, values.words[index * 2 + 1]!);
  const start = values.starts[index]!;
  const end = values.ends[index]!;
  if (end - start > MAX_DECIMAL_BYTES) return null;
  if (end === start) return 0n;
  const { bytes } = values;
  let value = BigInt((bytes[start]! << 24) >> 24);
  for (let at = start + 1; at < end; at++) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

/** `unscaled` with the point where `scale` puts it. */
export function showDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${negative ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(digits.length - scale)}`}`;
}

/** A half float of two bytes, little endian. All of them are exact doubles. */
export function halfAt({ bytes, starts }: PageValues, index: number): number {
  const at = starts[index]!;
  const bits = bytes[at]! | (bytes[at + 1]! << 8);
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** `01234567-89ab-cdef-0123-456789abcdef`. */
export function uuidAt({ bytes, starts }: PageValues, index: number): string {
  const hex = Buffer.from(bytes.subarray(starts[index], starts[index]! + 16)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Months, days and milliseconds as ISO 8601 writes them: `P14M3DT0.250S`. */
export function intervalAt({ bytes, starts }: PageValues, index: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset + starts[index]!, 12);
  const milliseconds = view.getUint32(8, true);
  const seconds = `${Math.floor(milliseconds / 1000)}.${String(milliseconds % 1000).padStart(3, '0')}`;
  return `P${view.getUint32(0, true)}M${view.getUint32(4, true)}DT${seconds}S`;
}
