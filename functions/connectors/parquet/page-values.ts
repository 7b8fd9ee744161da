/** The values of one page or dictionary, undecoded as to their meaning: words, floats or places in bytes. */
import { decodeDelta, decodeDelta32, decodeHybrid } from './encodings.ts';
import { FormatError } from './format-error.ts';

/** Parquet's physical types. */
export type PhysicalType =
  'BOOLEAN' | 'INT32' | 'INT64' | 'INT96' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY';

/**
 * - BOOLEAN: `words`, 0 or 1 each. INT32, INT64, INT96: `words`, one, two (low, high), three a value.
 * - FLOAT, DOUBLE: `floats`.
 * - BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY: `bytes[starts[i] .. ends[i])`.
 */
export interface PageValues {
  readonly count: number;
  readonly words: Int32Array;
  readonly floats: Float32Array | Float64Array;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Values of a leaf, wherever they come from. */
export interface ValueShape {
  readonly physical: PhysicalType;
  /** Bytes a value of FIXED_LEN_BYTE_ARRAY. */
  readonly length: number;
}

/** Bytes that one page's values may take once they are decoded. */
export const MAX_PAGE_BYTES = 128 * 1024 * 1024;

const NO_WORDS = new Int32Array(0);
const NO_FLOATS = new Float64Array(0);
const NO_BYTES = new Uint8Array(0);

/** No values. */
export const NO_VALUES: PageValues = {
  count: 0,
  words: NO_WORDS,
  floats: NO_FLOATS,
  bytes: NO_BYTES,
  starts: NO_WORDS,
  ends: NO_WORDS,
};

const widths: Partial<Record<PhysicalType, number>> = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 };

/** Bytes that `count` values take in memory, without those of byte arrays. */
export function heldBytes({ physical }: ValueShape, count: number): number {
  return count * (widths[physical] ?? 8);
}

/**
 * The `count` values that `bytes[at .. end)` hold in `encoding` (not a dictionary's indices).
 * @throws FormatError
 */
export function decodeValues(
  shape: ValueShape,
  encoding: string,
  bytes: Uint8Array,
  at: number,
  end: number,
  count: number,
): PageValues {
  if (count === 0) return NO_VALUES;
  const part = bytes.subarray(at, end);
  const { physical } = shape;
  switch (encoding) {
    case 'PLAIN':
      return plain(shape, part, count);
    case 'RLE':
      if (physical === 'BOOLEAN') return runs(part, count);
      break;
    case 'DELTA_BINARY_PACKED':
      if (physical === 'INT32' || physical === 'INT64') return deltas(physical, part, count);
      break;
    case 'DELTA_LENGTH_BYTE_ARRAY':
      if (physical === 'BYTE_ARRAY') return lengthsAhead(part, count);
      break;
    case 'DELTA_BYTE_ARRAY':
      if (physical === 'BYTE_ARRAY' || physical === 'FIXED_LEN_BYTE_ARRAY')
        return prefixed(shape, part, count);
      break;
    case 'BYTE_STREAM_SPLIT':
      if (physical !== 'BOOLEAN' && physical !== 'BYTE_ARRAY')
        return plain(shape, unsplit(shape, part, count), count);
  }
  throw new FormatError(
    `it holds ${physical} values in the encoding ${encoding}`,
    'parquet-unsupported',
    'Write it with the default encodings of your program.',
  );
}

function plain(shape: ValueShape, bytes: Uint8Array, count: number): PageValues {
  const { physical } = shape;
  if (physical === 'BOOLEAN') {
    need(bytes, Math.ceil(count / 8));
    const words = new Int32Array(count);
    for (let index = 0; index < count; index++) words[index] = (bytes[index >> 3]! >> (index & 7)) & 1;
    return { ...NO_VALUES, count, words };
  }
  if (physical === 'BYTE_ARRAY') return lengthsBefore(bytes, count);
  const width = widths[physical] ?? shape.length;
  need(bytes, count * width);
  if (physical === 'FIXED_LEN_BYTE_ARRAY') {
    const starts = new Int32Array(count);
    const ends = new Int32Array(count);
    for (let index = 0; index < count; index++) {
      starts[index] = index * width;
      ends[index] = (index + 1) * width;
    }
    return { ...NO_VALUES, count, bytes, starts, ends };
  }
  // Copied, for typed arrays begin at whole words only. Parquet and every machine this runs on are little endian.
  const { buffer } = new Uint8Array(bytes.subarray(0, count * width));
  if (physical === 'FLOAT') return { ...NO_VALUES, count, floats: new Float32Array(buffer) };
  if (physical === 'DOUBLE') return { ...NO_VALUES, count, floats: new Float64Array(buffer) };
  return { ...NO_VALUES, count, words: new Int32Array(buffer) };
}

function need(bytes: Uint8Array, length: number): void {
  if (bytes.length < length)
    throw new FormatError(`a page holds ${bytes.length} bytes of values instead of ${length}`);
}

function lengthsBefore(bytes: Uint8Array, count: number): PageValues {
  need(bytes, count * 4);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 4 > bytes.length) throw new FormatError('a page ends in the middle of its values');
    const length = bytes[at]! + bytes[at + 1]! * 256 + bytes[at + 2]! * 65_536 + bytes[at + 3]! * 16_777_216;
    at += 4;
    if (at + length > bytes.length)
      throw new FormatError(`a value of ${length} bytes reaches beyond its page`);
    starts[index] = at;
    at += length;
    ends[index] = at;
  }
  return { ...NO_VALUES, count, bytes, starts, ends };
}

function runs(bytes: Uint8Array, count: number): PageValues {
  need(bytes, 4);
  const words = new Int32Array(count);
  decodeHybrid(bytes, 4, bytes.length, 1, words, 'truth values');
  return { ...NO_VALUES, count, words };
}

function deltas(physical: PhysicalType, bytes: Uint8Array, count: number): PageValues {
  if (physical === 'INT32')
    return { ...NO_VALUES, count, words: decodeDelta32(bytes, 0, bytes.length, count).values };
  const words = new Int32Array(count * 2);
  decodeDelta(bytes, 0, bytes.length, count, words);
  return { ...NO_VALUES, count, words };
}

function lengthsAhead(bytes: Uint8Array, count: number): PageValues {
  const { values: lengths, end } = decodeDelta32(bytes, 0, bytes.length, count);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let at = end;
  for (let index = 0; index < count; index++) {
    const length = lengths[index]!;
    if (length < 0 || at + length > bytes.length)
      throw new FormatError(`a value of ${length} bytes reaches beyond its page`);
    starts[index] = at;
    at += length;
    ends[index] = at;
  }
  return { ...NO_VALUES, count, bytes, starts, ends };
}

/** DELTA_BYTE_ARRAY: each value begins with so many bytes of the one before. */
function prefixed({ physical, length: fixed }: ValueShape, source: Uint8Array, count: number): PageValues {
  const prefixes = decodeDelta32(source, 0, source.length, count);
  const suffixes = decodeDelta32(source, prefixes.end, source.length, count);
  let total = 0;
  for (let index = 0; index < count; index++) {
    const length = prefixes.values[index]! + suffixes.values[index]!;
    const wrong = prefixes.values[index]! < 0 || suffixes.values[index]! < 0;
    if (wrong || (physical === 'FIXED_LEN_BYTE_ARRAY' && length !== fixed))
      throw new FormatError(`a value of ${length} bytes is out of place`);
    total += length;
    if (total > MAX_PAGE_BYTES) throw tooBig(total);
  }
  const bytes = new Uint8Array(total);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let at = suffixes.end;
  let end = 0;
  let before = 0;
  for (let index = 0; index < count; index++) {
    const prefix = prefixes.values[index]!;
    const suffix = suffixes.values[index]!;
    const start = index === 0 ? 0 : starts[index - 1]!;
    if (prefix > before || at + suffix > source.length)
      throw new FormatError('a value reaches beyond its page');
    starts[index] = end;
    bytes.copyWithin(end, start, start + prefix);
    bytes.set(source.subarray(at, at + suffix), end + prefix);
    at += suffix;
    before = prefix + suffix;
    end += before;
    ends[index] = end;
  }
  return { ...NO_VALUES, count, bytes, starts, ends };
}

/** BYTE_STREAM_SPLIT: first bytes of all values, then their second bytes, …; put together again. */
function unsplit({ physical, length }: ValueShape, bytes: Uint8Array, count: number): Uint8Array {
  const width = widths[physical] ?? length;
  need(bytes, count * width);
  const whole = new Uint8Array(count * width);
  for (let byte = 0; byte < width; byte++)
    for (let index = 0; index < count; index++) whole[index * width + byte] = bytes[byte * count + index]!;
  return whole;
}

/** A page is bigger than memory is set aside for. */
export function tooBig(bytes: number): FormatError {
  return new FormatError(
    `a page takes ${bytes} bytes in memory, more than the ${MAX_PAGE_BYTES} that are set aside`,
    'page-too-big',
    'Write it with smaller data pages (1 MiB is usual).',
  );
}
