/**
 * Parquet's encodings of levels, indices and values, over bytes that may be hostile: every count is checked against what
 * is there before it is followed. Source: parquet-format/Encodings.md.
 */
import { FormatError } from './format-error.ts';

/** What `decode…` fills: one number a value. */
export type Numbers = Uint8Array | Int32Array;

function ended(what: string): FormatError {
  return new FormatError(`${what} end in their middle`);
}

/**
 * Runs and bit-packed groups of `width` bits between `at` and `end` into all of `out`.
 * @returns where they end
 */
export function decodeHybrid(
  bytes: Uint8Array,
  at: number,
  end: number,
  width: number,
  out: Numbers,
  what: string,
): number {
  if (width > 32) throw new FormatError(`${what} have ${width} bits`);
  let place = at;
  let filled = 0;
  while (filled < out.length) {
    let header = 0;
    for (let factor = 1; ; factor *= 128) {
      if (place >= end || factor > 2 ** 35) throw ended(what);
      const byte = bytes[place++]!;
      header += (byte & 127) * factor;
      if (byte < 128) break;
    }
    if (header % 2 === 1) {
      const count = Math.min(((header - 1) / 2) * 8, out.length - filled);
      const needed = Math.ceil((count * width) / 8);
      if (place + needed > end) throw ended(what);
      unpackBits(bytes, place, width, out, filled, count);
      filled += count;
      // The last group may be cut off after the values that count.
      place = Math.min(end, place + ((header - 1) / 2) * width);
    } else {
      const wide = (width + 7) >> 3;
      if (place + wide > end) throw ended(what);
      let value = 0;
      for (let byte = 0; byte < wide; byte++) value |= bytes[place++]! << (byte * 8);
      const stop = Math.min(out.length, filled + header / 2);
      out.fill(value, filled, stop);
      filled = stop;
    }
  }
  return place;
}

function unpackBits(
  bytes: Uint8Array,
  at: number,
  width: number,
  out: Numbers,
  from: number,
  count: number,
): void {
  if (width === 0) return void out.fill(0, from, from + count);
  if (width > 24) {
    for (let index = 0; index < count; index++) out[from + index] = bitsAt(bytes, at, index * width, width);
    return;
  }
  const mask = (1 << width) - 1;
  let held = 0;
  let bits = 0;
  let place = at;
  for (let index = from; index < from + count; index++) {
    while (bits < width) {
      held |= bytes[place++]! << bits;
      bits += 8;
    }
    out[index] = held & mask;
    held >>>= width;
    bits -= width;
  }
}

/** `width` (at most 32) bits, `bit` bits after byte `at`, least significant first; zeros beyond the end. */
function bitsAt(bytes: Uint8Array, at: number, bit: number, width: number): number {
  const place = at + Math.floor(bit / 8);
  const low =
    (bytes[place] ?? 0) +
    (bytes[place + 1] ?? 0) * 256 +
    (bytes[place + 2] ?? 0) * 65_536 +
    (bytes[place + 3] ?? 0) * 16_777_216 +
    (bytes[place + 4] ?? 0) * 4_294_967_296;
  return Math.floor(low / 2 ** (bit % 8)) % 2 ** width;
}

/** How many bits `values` different numbers from 0 need. */
export function bitWidth(values: number): number {
  return values <= 1 ? 0 : 32 - Math.clz32(values - 1);
}

const WORD = 4_294_967_296;

/**
 * DELTA_BINARY_PACKED: `count` whole numbers into `out`, two words each (low, high).
 * @returns where they end
 */
export function decodeDelta(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  out: Int32Array,
): number {
  let at = start;
  /** A varint's halves; zigzag undone. */
  let low = 0;
  let high = 0;
  const varint = (): number => {
    low = 0;
    high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw ended('deltas');
      const byte = bytes[at++]!;
      const part = byte & 127;
      // Parts before the 32nd bit count for the low half, the one across it for both.
      if (shift < 28) low += part * 2 ** shift;
      else if (shift === 28) {
        low += (part & 15) * 2 ** 28;
        high += part >> 4;
      } else high += part * 2 ** (shift - 32);
      if (byte < 128) return high * WORD + low;
    }
    throw new FormatError('deltas hold a number without an end');
  };
  const zigzag = (): void => {
    varint();
    const negative = low % 2 === 1;
    low = Math.floor(low / 2) + (high % 2) * 2 ** 31;
    high = Math.floor((high % WORD) / 2);
    if (!negative) return;
    low = WORD - 1 - low;
    high = WORD - 1 - high;
  };

  const block = varint();
  const miniblocks = varint();
  const total = varint();
  const perMiniblock = block / miniblocks;
  if (!Number.isInteger(perMiniblock) || perMiniblock % 8 !== 0 || miniblocks > 4096 || block > 2 ** 24)
    throw new FormatError(`deltas come in ${miniblocks} parts of blocks of ${block}`);
  if (total < count) throw new FormatError(`deltas hold ${total} values instead of ${count}`);
  zigzag();
  if (count === 0) return at;
  let valueLow = low;
  let valueHigh = high;
  out[0] = valueLow | 0;
  out[1] = valueHigh | 0;
  for (let index = 1; index < count;) {
    zigzag();
    const leastLow = low;
    const leastHigh = high;
    const widths = at;
    at += miniblocks;
    if (at > end) throw ended('deltas');
    for (let mini = 0; mini < miniblocks && index < count; mini++) {
      const width = bytes[widths + mini]!;
      if (width > 64) throw new FormatError(`deltas have ${width} bits`);
      const values = Math.min(perMiniblock, count - index);
      if (at + Math.ceil((values * width) / 8) > end) throw ended('deltas');
      for (let value = 0; value < values; value++, index++) {
        const bit = value * width;
        const addLow = bitsAt(bytes, at, bit, Math.min(width, 32));
        const addHigh = width > 32 ? bitsAt(bytes, at, bit + 32, width - 32) : 0;
        const sum = valueLow + leastLow + addLow;
        valueLow = sum % WORD;
        valueHigh = (valueHigh + leastHigh + addHigh + Math.floor(sum / WORD)) % WORD;
        out[index * 2] = valueLow | 0;
        out[index * 2 + 1] = valueHigh | 0;
      }
      at = Math.min(end, at + (perMiniblock * width) / 8);
    }
  }
  return at;
}

/** The low halves of DELTA_BINARY_PACKED numbers, and where they end. */
export function decodeDelta32(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
): { readonly values: Int32Array; readonly end: number } {
  const words = new Int32Array(count * 2);
  const after = decodeDelta(bytes, start, end, count, words);
  const values = new Int32Array(count);
  for (let index = 0; index < count; index++) values[index] = words[index * 2]!;
  return { values, end: after };
}
