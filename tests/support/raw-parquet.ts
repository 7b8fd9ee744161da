/** Parquet files put together by hand, page by page: what no writer of ours would write, and what nobody should. */
import type { ColumnMetaData, FileMetaData, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';

const encodings = { PLAIN: 0, PLAIN_DICTIONARY: 2, RLE: 3, DELTA_BINARY_PACKED: 5, DELTA_LENGTH_BYTE_ARRAY: 6, DELTA_BYTE_ARRAY: 7, RLE_DICTIONARY: 8, BYTE_STREAM_SPLIT: 9 } as const; // prettier-ignore
type Codec = ColumnMetaData['codec'];

/** A page: `body` as it is stored. */
export interface RawPage {
  readonly kind?: 'data' | 'dictionary';
  readonly values: number;
  readonly encoding?: keyof typeof encodings;
  readonly body: Uint8Array;
  /** Bytes that it announces to unpack to; as many as it has. */
  readonly unpacked?: number;
  readonly crc?: number;
}

/** A leaf and its pages. */
export interface RawColumn {
  readonly element: SchemaElement;
  readonly pages: readonly RawPage[];
  readonly codec?: Codec;
  readonly path?: readonly string[];
}

export interface RawFile {
  readonly columns: readonly RawColumn[];
  readonly rows: number;
  /** Groups between the root and the leaves; without any the leaves are the schema. */
  readonly schema?: readonly SchemaElement[];
  /** Changes the footer before it is written. */
  readonly change?: (metadata: FileMetaData) => void;
}

/** The bytes of the file. */
export function rawParquet({ columns, rows, schema, change }: RawFile): Uint8Array {
  const writer = new ByteWriter();
  const magic = () => Buffer.from('PAR1').forEach((byte) => writer.appendUint8(byte));
  magic();
  const chunks = columns.map(({ element, pages, codec = 'UNCOMPRESSED', path = [element.name] }) => {
    const start = writer.offset;
    for (const page of pages) writePage(writer, page);
    const size = BigInt(writer.offset - start);
    const values = pages.reduce((sum, page) => sum + (page.kind === 'dictionary' ? 0 : page.values), 0);
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: element.type!,
        encodings: [],
        path_in_schema: [...path],
        codec,
        num_values: BigInt(values),
        total_uncompressed_size: size,
        total_compressed_size: size,
        data_page_offset: BigInt(start),
      },
    };
  });
  const leaves = schema ?? columns.map(({ element }) => element);
  const metadata: FileMetaData = {
    version: 2,
    schema: [{ name: 'root', num_children: childrenOf(leaves) }, ...leaves],
    num_rows: BigInt(rows),
    row_groups: [{ columns: chunks, total_byte_size: BigInt(writer.offset), num_rows: BigInt(rows) }],
    metadata_length: 0,
  };
  change?.(metadata);
  writeMetadata(writer, metadata);
  magic();
  return new Uint8Array(writer.getBytes());
}

/** How many of `elements` are at the top. */
function childrenOf(elements: readonly SchemaElement[]): number {
  let count = 0;
  let skip = 0;
  for (const { num_children = 0 } of elements) {
    if (skip > 0) skip--;
    else count++;
    skip += num_children;
  }
  return count;
}

function writePage(writer: ByteWriter, page: RawPage): void {
  const { kind = 'data', values, encoding = 'PLAIN', body, unpacked = body.length, crc } = page;
  const about = { field_1: values, field_2: encodings[encoding] };
  serializeTCompactProtocol(writer, {
    field_1: kind === 'data' ? 0 : 2,
    field_2: unpacked,
    field_3: body.length,
    ...(crc === undefined ? {} : { field_4: crc | 0 }),
    ...(kind === 'data'
      ? { field_5: { ...about, field_3: encodings.RLE, field_4: encodings.RLE } }
      : { field_7: about }),
  });
  for (const byte of body) writer.appendUint8(byte);
}

/** PLAIN values, one after the other. */
export const plain = {
  i32: (...values: readonly number[]) => bytesOf(Int32Array.from(values)),
  i64: (...values: readonly bigint[]) => bytesOf(BigInt64Array.from(values.map((v) => BigInt.asIntN(64, v)))),
  /** Nanoseconds of the day and Julian day of each. */
  i96(...values: readonly (readonly [bigint, number])[]): Uint8Array {
    return Buffer.concat(values.map(([nanos, day]) => Buffer.concat([plain.i64(nanos), plain.i32(day)])));
  },
  f32: (...values: readonly number[]) => bytesOf(Float32Array.from(values)),
  f64: (...values: readonly number[]) => bytesOf(Float64Array.from(values)),
  /** BYTE_ARRAY: each after its length. */
  bytes: (...values: readonly (string | Uint8Array)[]) =>
    Buffer.concat(values.flatMap((v) => [plain.i32(Buffer.from(v).length), Buffer.from(v)])),
  fixed: (...values: readonly Uint8Array[]) => Buffer.concat(values),
  bools: (...values: readonly boolean[]) =>
    Uint8Array.from({ length: Math.ceil(values.length / 8) }, (_, at) =>
      values.slice(at * 8, at * 8 + 8).reduce((byte, value, bit) => byte | (value ? 1 << bit : 0), 0),
    ),
};

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Levels of a version 1 page: runs of [level, times] after their length. */
export function levels(...runs: readonly (readonly [level: number, times: number])[]): Uint8Array {
  const bytes = runs.flatMap(([level, times]) => [...varint(times * 2), level]);
  return Buffer.concat([plain.i32(bytes.length), Uint8Array.from(bytes)]);
}

/** A varint. */
export function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
