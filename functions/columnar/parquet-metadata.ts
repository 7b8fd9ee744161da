/**
 * Parquet's page headers and footer as bytes. Numbers are those of parquet.thrift (apache/parquet-format 2.11).
 * Decimals carry both the converted and the logical type: readers disagree on which of the two they look at.
 */
import { decimalShape, wireTypeOf, type Column } from '#core/column';
import { CompactWriter } from './compact-writer.ts';

const PHYSICAL = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
} as const;
const ENCODING = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const;
const CONVERTED = { UTF8: 0, DECIMAL: 5, DATE: 6, TIMESTAMP_MICROS: 10 } as const;
const ZSTD = 6;
const OPTIONAL = 1;
const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31);

export type PhysicalType = keyof typeof PHYSICAL;
export type Encoding = keyof typeof ENCODING;

/** Bounds of a row group in PLAIN encoding (without the length before byte arrays). */
export interface Bounds {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

/** Where a column of a row group lies and what is in it. */
export interface ColumnChunk {
  readonly offset: number;
  readonly dataOffset: number;
  readonly dictionaryOffset: number | null;
  readonly encodings: readonly Encoding[];
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly nulls: number;
  readonly bounds: Bounds | null;
}

export interface RowGroup {
  readonly rows: number;
  readonly chunks: readonly ColumnChunk[];
}

/** A column of the file: its name and how it is stored. */
export interface StoredColumn {
  readonly column: Column;
  readonly physical: PhysicalType;
  /** Bytes per value of FIXED_LEN_BYTE_ARRAY, else null. */
  readonly typeLength: number | null;
}

/** The four bytes a file starts and ends with. */
export function magic(): Uint8Array {
  return MAGIC.slice();
}

/** Header of a data page (version 1) of `values` rows, nulls included. */
export function dataPageHeader(
  values: number,
  encoding: Encoding,
  uncompressed: number,
  compressed: number,
): Uint8Array {
  const out = new CompactWriter();
  out.i32(1, 0);
  out.i32(2, uncompressed);
  out.i32(3, compressed);
  out.struct(5, () => {
    out.i32(1, values);
    out.i32(2, ENCODING[encoding]);
    out.i32(3, ENCODING.RLE);
    out.i32(4, ENCODING.RLE);
  });
  return out.finish();
}

/** Header of a dictionary page of `values` entries. */
export function dictionaryPageHeader(values: number, uncompressed: number, compressed: number): Uint8Array {
  const out = new CompactWriter();
  out.i32(1, 2);
  out.i32(2, uncompressed);
  out.i32(3, compressed);
  out.struct(7, () => {
    out.i32(1, values);
    out.i32(2, ENCODING.PLAIN);
  });
  return out.finish();
}

/** Everything after the last row group: metadata, its length, magic. */
export function footer(columns: readonly StoredColumn[], groups: readonly RowGroup[]): Uint8Array {
  const out = new CompactWriter();
  out.i32(1, 2);
  out.structs(2, [null, ...columns], (stored) => {
    if (stored === null) {
      out.text(4, 'root');
      out.i32(5, columns.length);
    } else writeSchemaElement(out, stored);
  });
  out.i64(
    3,
    groups.reduce((rows, group) => rows + group.rows, 0),
  );
  out.structs(4, groups, (group) => writeRowGroup(out, columns, group));
  out.text(6, 'tradewind');
  // Without declared orders readers must ignore the bounds.
  out.structs(7, columns, () => out.struct(1, () => undefined));
  const metadata = out.finish();
  const bytes = new Uint8Array(metadata.length + 8);
  bytes.set(metadata);
  new DataView(bytes.buffer).setUint32(metadata.length, metadata.length, true);
  bytes.set(MAGIC, metadata.length + 4);
  return bytes;
}

function writeSchemaElement(out: CompactWriter, { column, physical, typeLength }: StoredColumn): void {
  out.i32(1, PHYSICAL[physical]);
  if (typeLength !== null) out.i32(2, typeLength);
  out.i32(3, OPTIONAL);
  out.text(4, column.name);
  switch (wireTypeOf(column.type)) {
    case 'STRING':
      out.i32(6, CONVERTED.UTF8);
      out.struct(10, () => out.struct(1, () => undefined));
      return;
    case 'DATE':
      out.i32(6, CONVERTED.DATE);
      out.struct(10, () => out.struct(6, () => undefined));
      return;
    case 'TIMESTAMP':
      out.i32(6, CONVERTED.TIMESTAMP_MICROS);
      out.struct(10, () =>
        out.struct(8, () => {
          out.bool(1, true);
          out.struct(2, () => out.struct(2, () => undefined));
        }),
      );
      return;
    case 'NUMERIC':
    case 'BIGNUMERIC': {
      const { precision, scale } = decimalShape(column);
      out.i32(6, CONVERTED.DECIMAL);
      out.i32(7, scale);
      out.i32(8, precision);
      out.struct(10, () =>
        out.struct(5, () => {
          out.i32(1, scale);
          out.i32(2, precision);
        }),
      );
      return;
    }
    case 'INT64':
    case 'FLOAT64':
    case 'BOOL':
    case 'BYTES':
  }
}

function writeRowGroup(out: CompactWriter, columns: readonly StoredColumn[], group: RowGroup): void {
  out.structs(1, group.chunks, (chunk) => {
    const stored = columns[group.chunks.indexOf(chunk)];
    if (stored === undefined) throw new RangeError(`parquet row group of ${group.chunks.length} columns`);
    out.i64(2, chunk.offset);
    out.struct(3, () => {
      out.i32(1, PHYSICAL[stored.physical]);
      out.i32s(
        2,
        chunk.encodings.map((encoding) => ENCODING[encoding]),
      );
      out.texts(3, [stored.column.name]);
      out.i32(4, ZSTD);
      out.i64(5, group.rows);
      out.i64(6, chunk.uncompressedBytes);
      out.i64(7, chunk.compressedBytes);
      out.i64(9, chunk.dataOffset);
      if (chunk.dictionaryOffset !== null) out.i64(11, chunk.dictionaryOffset);
      out.struct(12, () => {
        out.i64(3, chunk.nulls);
        if (chunk.bounds === null) return;
        out.bytes(5, chunk.bounds.max);
        out.bytes(6, chunk.bounds.min);
      });
    });
  });
  out.i64(
    2,
    group.chunks.reduce((bytes, chunk) => bytes + chunk.uncompressedBytes, 0),
  );
  out.i64(3, group.rows);
}
