import * as fc from 'fast-check';
import { decodeNumeric, formatNumeric, isNegative } from '#connectors/postgres/numeric';
import { WideDecimal, wideLimit } from '#connectors/wide-decimal';

/** `unscaled` / 10^scale as the server sends it: groups of four digits around the point, zeros at both ends left out. */
function sent(unscaled: bigint, scale: number): Buffer {
  const groups = Math.ceil(scale / 4);
  const digits = String(unscaled < 0n ? -unscaled : unscaled) + '0'.repeat(groups * 4 - scale);
  const whole = digits.padStart(Math.ceil(Math.max(digits.length, groups * 4) / 4) * 4, '0');
  const all = whole.match(/.{4}/g)?.map(Number) ?? [];
  const first = all.findIndex((group) => group > 0);
  const kept = first < 0 ? [] : all.slice(first, all.findLastIndex((group) => group > 0) + 1);
  const bytes = Buffer.alloc(8 + kept.length * 2);
  bytes.writeUInt16BE(kept.length, 0);
  bytes.writeInt16BE(first < 0 ? 0 : all.length - groups - 1 - first, 2);
  bytes.writeUInt16BE(unscaled < 0n ? 0x4000 : 0, 4);
  bytes.writeUInt16BE(scale, 6);
  kept.forEach((group, index) => bytes.writeUInt16BE(group, 8 + 2 * index));
  return bytes;
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The unscaled value, however it was decoded, as decimals of 32 bytes keep it. */
function decode(bytes: Buffer, scale: number): bigint | string {
  const wide = new WideDecimal();
  const value = decodeNumeric(viewOf(bytes), 0, scale, wide);
  if (typeof value === 'number') return BigInt(value);
  if (value !== 'wide') return value;
  let words: Uint32Array = new Uint32Array();
  // All that is asked of a column of decimals here.
  wide.appendTo(
    { kind: 'decimal', appendWords: (got: Uint32Array) => (words = got.slice()) } as never,
    false,
  );
  const amount = words.reduceRight((sum, word) => (sum << 32n) + BigInt(word), 0n);
  expect(wide.isBelow(wideLimit(amount + 1n))).toBe(true);
  expect(wide.isBelow(wideLimit(amount))).toBe(false);
  return isNegative(viewOf(bytes), 0) ? -amount : amount;
}

test('numbers of up to 76 digits, exactly, in columns of their scale and of larger ones', () => {
  const number = fc
    .tuple(fc.integer({ min: 1, max: 76 }), fc.bigInt({ min: 0n, max: 10n ** 76n }), fc.boolean())
    .map(([digits, any, negative]) => (negative ? -1n : 1n) * (any % 10n ** BigInt(digits)));
  fc.assert(
    fc.property(
      number,
      fc.integer({ min: 0, max: 38 }),
      fc.integer({ min: 0, max: 38 }),
      (unscaled, scale, more) => {
        const wanted = Math.min(38, scale + more);
        const scaled = unscaled * 10n ** BigInt(wanted - scale);
        fc.pre(String(scaled).length < 78);
        expect(decode(sent(unscaled, scale), wanted)).toBe(scaled);
      },
    ),
    { numRuns: 2000 },
  );
});

test('more decimals than the column has are not cut off, and more digits than any column has are told', () => {
  expect(decode(sent(12_345n, 4), 3)).toBe('inexact');
  expect(decode(sent(12_340n, 4), 3)).toBe(1234n);
  expect(decode(sent(1n, 5), 0)).toBe('inexact');
  expect(decode(sent(10n ** 100n, 0), 0)).toBe('overflow');
  expect(decode(Buffer.from([0, 0, 0, 0, 0xc0, 0, 0, 0]), 9)).toBe('not-finite');
});

test('a number that no column takes has all of its digits as text', () => {
  const digits = '7'.repeat(300);
  const text = (unscaled: bigint, scale: number) => {
    const bytes = sent(unscaled, scale);
    return formatNumeric(viewOf(bytes), 0, bytes.length);
  };
  expect(text(BigInt(digits), 0)).toBe(digits);
  expect(text(-BigInt(digits), 298)).toBe(`-77.${digits.slice(2)}`);
});
