/**
 * The pages of one column chunk, one after the other: read, checked, unpacked, and decoded into levels and values. Holds
 * one page and the chunk's dictionary; all that is held is taken from a budget.
 */
import { crc32 } from 'node:zlib';
import type { ByteBudget } from './byte-budget.ts';
import type { ChunkBytes } from './chunk-bytes.ts';
import { unpack } from './codecs.ts';
import { bitWidth, decodeHybrid } from './encodings.ts';
import { FormatError } from './format-error.ts';
import { MAX_HEADER_BYTES, readPageHeader, type PageHeader } from './page-header.ts';
import {
  decodeValues,
  heldBytes,
  MAX_PAGE_BYTES,
  NO_VALUES,
  tooBig,
  type PageValues,
  type ValueShape,
} from './page-values.ts';

/** One decoded page. */
export interface Page {
  /** Entries: rows of a flat column. */
  readonly count: number;
  /** Levels of each entry; null where all are the highest (definition) or zero (repetition). */
  readonly definitions: Uint8Array | null;
  readonly repetitions: Uint8Array | null;
  readonly values: PageValues;
  /** Of each value its place in `values`; null where they are in order. */
  readonly indices: Int32Array | null;
}

/** What a chunk's pages are made of. */
export interface ChunkShape extends ValueShape {
  readonly codec: string;
  /** The highest levels of the leaf. */
  readonly definition: number;
  readonly repetition: number;
  /** Entries that the chunk announces. */
  readonly count: number;
}

/** Entries of one page at most: a few bytes can announce any number of nulls. */
const MAX_ENTRIES = 2 ** 25;

/** See the top of the file. */
export interface PageSource {
  /** The next page with entries; null after the last. The one before is let go. @throws FormatError */
  next(): Promise<Page | null>;
  close(): void;
}

/** The pages of `bytes`. */
export function makePageSource(bytes: ChunkBytes, shape: ChunkShape, budget: ByteBudget): PageSource {
  let left = shape.count;
  let dictionary: PageValues | null = null;
  let held = 0;
  const take = (more: number): void => {
    budget.take(more);
    held += more;
  };
  const letGo = (): void => {
    budget.give(held);
    held = 0;
  };
  const stored = async (header: PageHeader): Promise<Uint8Array> => {
    const { packed, unpacked, crc } = header;
    if (packed > MAX_PAGE_BYTES || unpacked > MAX_PAGE_BYTES) throw tooBig(Math.max(packed, unpacked));
    if (packed > bytes.left)
      throw new FormatError(`a page of ${packed} bytes reaches beyond its column chunk`);
    const body = await bytes.peek(packed);
    if (crc !== null && crc32(body) !== crc)
      throw new FormatError('the checksum of a page does not match its bytes');
    return body;
  };

  return {
    async next() {
      letGo();
      while (left > 0) {
        const header = await nextHeader(bytes);
        const body = await stored(header);
        if (header.kind === 'dictionary') {
          if (dictionary !== null) throw new FormatError('a column chunk has two dictionaries');
          // Kept to the end of the chunk, so not among what the next page lets go.
          budget.take(header.unpacked + heldBytes(shape, checked(header.values)));
          const raw = unpack(shape.codec, body, header.unpacked);
          const encoding = header.encoding === 'PLAIN_DICTIONARY' ? 'PLAIN' : header.encoding;
          dictionary = decodeValues(shape, encoding, raw, 0, raw.length, header.values);
          // What is not compressed points into the block that was read.
          if (raw.buffer === body.buffer)
            dictionary = { ...dictionary, bytes: new Uint8Array(dictionary.bytes) };
        } else if (header.kind === 'data' || header.kind === 'data-v2') {
          if (checked(header.values) > left)
            throw new FormatError(`a column chunk holds more than the ${shape.count} values it announces`);
          const levels = (shape.definition > 0 ? 1 : 0) + (shape.repetition > 0 ? 1 : 0);
          take(header.unpacked + header.values * (levels + 4) + heldBytes(shape, header.values));
          const page = decodePage(shape, header, body, dictionary);
          bytes.pass(header.packed);
          left -= header.values;
          if (header.values > 0) return page;
          continue;
        }
        bytes.pass(header.packed);
      }
      return null;
    },
    close() {
      letGo();
      bytes.close();
      dictionary = null;
    },
  };
}

function checked(values: number): number {
  if (values <= MAX_ENTRIES) return values;
  throw new FormatError(
    `a page holds ${values} values, more than the ${MAX_ENTRIES} that are read at once`,
    'page-too-big',
    'Write it with smaller data pages (20,000 rows are usual).',
  );
}

async function nextHeader(bytes: ChunkBytes): Promise<PageHeader> {
  for (let length = 512; ; length *= 8) {
    const known = await bytes.peek(Math.min(length, bytes.left));
    const header = known.length === 0 ? null : readPageHeader(known);
    if (header !== null) {
      bytes.pass(header.headerBytes);
      return header;
    }
    if (length >= bytes.left || length > MAX_HEADER_BYTES)
      throw new FormatError('a column chunk ends before all its values came');
  }
}

function decodePage(
  shape: ChunkShape,
  header: PageHeader,
  body: Uint8Array,
  dictionary: PageValues | null,
): Page {
  return header.kind === 'data'
    ? decodeFirst(shape, header, body, dictionary)
    : decodeSecond(shape, header, body, dictionary);
}

/** Version 1: levels and values are compressed together, each kind of level after its length. */
function decodeFirst(
  shape: ChunkShape,
  header: PageHeader,
  body: Uint8Array,
  dictionary: PageValues | null,
): Page {
  const raw = unpack(shape.codec, body, header.unpacked);
  let at = 0;
  const levels = (highest: number, encoding: string | undefined, what: string): Uint8Array | null => {
    if (highest === 0) return null;
    if (encoding !== 'RLE')
      throw new FormatError(
        `its ${what} are encoded as ${encoding}`,
        'parquet-unsupported',
        'Write it again with a program of this decade.',
      );
    if (at + 4 > raw.length) throw new FormatError(`${what} end in their middle`);
    const length = new DataView(raw.buffer, raw.byteOffset + at, 4).getUint32(0, true);
    const start = at + 4;
    if (start + length > raw.length) throw new FormatError(`${what} reach beyond their page`);
    at = start + length;
    return readLevels(raw, start, at, highest, header.values, what);
  };
  const repetitions = levels(shape.repetition, header.levelEncodings[1], 'repetition levels');
  const definitions = levels(shape.definition, header.levelEncodings[0], 'definition levels');
  return withValues(shape, header, raw, at, { repetitions, definitions }, dictionary);
}

/** Version 2: levels come first and are never compressed. */
function decodeSecond(
  shape: ChunkShape,
  header: PageHeader,
  body: Uint8Array,
  dictionary: PageValues | null,
): Page {
  const { repetitionBytes, definitionBytes, values } = header;
  const start = repetitionBytes + definitionBytes;
  if (start > body.length || start > header.unpacked) throw new FormatError('levels reach beyond their page');
  const repetitions =
    shape.repetition === 0
      ? null
      : readLevels(body, 0, repetitionBytes, shape.repetition, values, 'repetition levels');
  const definitions =
    shape.definition === 0
      ? null
      : readLevels(body, repetitionBytes, start, shape.definition, values, 'definition levels');
  const rest = body.subarray(start);
  const raw = header.compressed ? unpack(shape.codec, rest, header.unpacked - start) : rest;
  return withValues(shape, header, raw, 0, { repetitions, definitions }, dictionary);
}

function readLevels(
  bytes: Uint8Array,
  start: number,
  end: number,
  highest: number,
  count: number,
  what: string,
): Uint8Array {
  const levels = new Uint8Array(count);
  decodeHybrid(bytes, start, end, bitWidth(highest + 1), levels, what);
  for (let entry = 0; entry < count; entry++)
    if (levels[entry]! > highest) throw new FormatError(`${what} are above ${highest}`);
  return levels;
}

function withValues(
  shape: ChunkShape,
  { values: count, encoding }: PageHeader,
  raw: Uint8Array,
  at: number,
  levels: Pick<Page, 'definitions' | 'repetitions'>,
  dictionary: PageValues | null,
): Page {
  let present = count;
  if (levels.definitions !== null) {
    const { definitions } = levels;
    present = 0;
    for (let entry = 0; entry < count; entry++) if (definitions[entry] === shape.definition) present++;
  }
  if (encoding !== 'RLE_DICTIONARY' && encoding !== 'PLAIN_DICTIONARY')
    return {
      count,
      ...levels,
      indices: null,
      values: decodeValues(shape, encoding, raw, at, raw.length, present),
    };
  if (present === 0) return { count, ...levels, indices: null, values: NO_VALUES };
  if (dictionary === null) throw new FormatError('a page refers to a dictionary that is not there');
  const indices = new Int32Array(present);
  const width = raw[at];
  if (width === undefined) throw new FormatError('a page ends before its values');
  decodeHybrid(raw, at + 1, raw.length, width, indices, 'indices');
  for (let place = 0; place < present; place++) {
    const index = indices[place]!;
    if (index < 0 || index >= dictionary.count)
      throw new FormatError(`a page refers to value ${index} of a dictionary of ${dictionary.count}`);
  }
  return { count, ...levels, values: dictionary, indices };
}
