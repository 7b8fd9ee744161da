/** The header before every page of a column chunk. Source: parquet-format/src/main/thrift/parquet.thrift. */
import { FormatError } from './format-error.ts';
import { readStruct, ThriftTruncated, type ThriftStruct } from './thrift.ts';

/** What is needed of a page's header; lengths in bytes. */
export interface PageHeader {
  readonly kind: 'data' | 'data-v2' | 'dictionary' | 'other';
  readonly headerBytes: number;
  readonly unpacked: number;
  readonly packed: number;
  /** CRC-32 of the page as it is stored; null where the writer left it out. */
  readonly crc: number | null;
  readonly values: number;
  readonly encoding: string;
  /** Of `data`: how the definition and repetition levels are stored. */
  readonly levelEncodings: readonly string[];
  /** Of `data-v2`: bytes of the repetition and of the definition levels, which are never compressed. */
  readonly repetitionBytes: number;
  readonly definitionBytes: number;
  readonly compressed: boolean;
}

const encodings = [
  'PLAIN',
  'GROUP_VAR_INT',
  'PLAIN_DICTIONARY',
  'RLE',
  'BIT_PACKED',
  'DELTA_BINARY_PACKED',
  'DELTA_LENGTH_BYTE_ARRAY',
  'DELTA_BYTE_ARRAY',
  'RLE_DICTIONARY',
  'BYTE_STREAM_SPLIT',
];
const kinds = ['data', 'other', 'dictionary', 'data-v2'] as const;

/** A header is bounds and a few numbers; more than this is none. */
export const MAX_HEADER_BYTES = 1024 * 1024;

/** The header at the beginning of `bytes`; null where more bytes are needed to tell. @throws FormatError */
export function readPageHeader(bytes: Uint8Array): PageHeader | null {
  let read: ReturnType<typeof readStruct>;
  try {
    read = readStruct(bytes, 0);
  } catch (error) {
    if (error instanceof ThriftTruncated && bytes.length < MAX_HEADER_BYTES) return null;
    throw error;
  }
  const { fields, end } = read;
  const kind = kinds[count(fields, 1)] ?? 'other';
  const data = child(fields, 5);
  const dictionary = child(fields, 7);
  const second = child(fields, 8);
  const about = kind === 'data' ? data : kind === 'data-v2' ? second : dictionary;
  const named = (id: number): string => encodings[optional(about, id) ?? 0] ?? 'unknown';
  if (kind !== 'other' && about.size === 0) throw new FormatError('a page does not say what it holds');
  const crc = fields.get(4);
  return {
    kind,
    headerBytes: end,
    unpacked: count(fields, 2),
    packed: count(fields, 3),
    crc: typeof crc === 'number' ? crc >>> 0 : null,
    values: kind === 'other' ? 0 : count(about, 1),
    encoding: named(kind === 'data-v2' ? 4 : 2),
    levelEncodings: kind === 'data' ? [named(3), named(4)] : [],
    repetitionBytes: optional(second, 6) ?? 0,
    definitionBytes: optional(second, 5) ?? 0,
    compressed: second.get(7) !== false,
  };
}

function child(fields: ThriftStruct, id: number): ThriftStruct {
  const found = fields.get(id);
  return found instanceof Map ? found : new Map();
}

function optional(fields: ThriftStruct, id: number): number | null {
  const value = fields.get(id);
  if (value === undefined) return null;
  if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) return value;
  throw new FormatError('a page announces a length that cannot be');
}

function count(fields: ThriftStruct, id: number): number {
  const value = optional(fields, id);
  if (value === null) throw new FormatError('a page does not say how long it is');
  return value;
}
