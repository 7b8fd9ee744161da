/**
 * Parquet decimals of more than 38 digits, which DuckDB would read as DOUBLE. Such a file is read through a copy whose
 * footer calls those columns plain bytes, and the bytes are made into numbers here, exactly.
 */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOB, DuckDBScalarFunction, INTEGER, VARCHAR } from '@duckdb/node-api';
import { parquetMetadata } from 'hyparquet';
import type { FileMetaData } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';

/** Files fit for DuckDB. `wide`: the scale of each column (lower-case name) that is bytes now. */
export interface ReadableFiles {
  readonly files: readonly string[];
  readonly wide: ReadonlyMap<string, number>;
  /** Removes the copies. */
  forget(): void;
}

/** DuckDB's widest decimal. */
const DUCK_DIGITS = 38;
/** Length of the footer and "PAR1", after the footer. */
const TAIL_BYTES = 8;

/** `files` as DuckDB can read them exactly; those without wide decimals are left where they are. */
export function withoutWideDecimals(files: readonly string[]): ReadableFiles {
  const wide = new Map<string, number>();
  let folder: string | null = null;
  const readable = files.map((file, index) => {
    const footer = readFooter(file);
    const found = footer?.metadata.schema.filter(
      (element) =>
        element.type === 'FIXED_LEN_BYTE_ARRAY' &&
        element.converted_type === 'DECIMAL' &&
        (element.precision ?? 0) > DUCK_DIGITS,
    );
    if (footer === null || found === undefined || found.length === 0) return file;
    for (const element of found) wide.set(element.name.toLowerCase(), element.scale ?? 0);
    folder ??= mkdtempSync(join(tmpdir(), 'tradewind-decimals-'));
    const copy = join(folder, `${index}.parquet`);
    copyFileSync(file, copy);
    truncateSync(copy, footer.start);
    appendFileSync(copy, footerWithout(footer.metadata, new Set(found.map(({ name }) => name))));
    return copy;
  });
  return {
    files: readable,
    wide,
    forget: () => {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The metadata and where they begin; null for a file that is no Parquet: DuckDB says so better. */
function readFooter(file: string): { metadata: FileMetaData; start: number } | null {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    if (size < TAIL_BYTES) return null;
    const tail = new DataView(new ArrayBuffer(TAIL_BYTES));
    readSync(handle, tail, 0, TAIL_BYTES, size - TAIL_BYTES);
    const start = size - TAIL_BYTES - tail.getUint32(0, true);
    if (start < 4) return null;
    const footer = new ArrayBuffer(size - start);
    readSync(handle, new DataView(footer), 0, size - start, start);
    return { metadata: parquetMetadata(footer), start };
  } catch {
    return null;
  } finally {
    closeSync(handle);
  }
}

function footerWithout(metadata: FileMetaData, names: ReadonlySet<string>): Uint8Array {
  const plain: FileMetaData = {
    ...metadata,
    schema: metadata.schema.map((element) => {
      if (!names.has(element.name)) return element;
      const { converted_type: _c, logical_type: _l, scale: _s, precision: _p, ...rest } = element;
      return rest;
    }),
    // Bounds are only hints, and those of the changed columns would be read as bytes.
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.map((chunk) => {
        if (chunk.meta_data === undefined) return chunk;
        const { statistics: _, ...rest } = chunk.meta_data;
        return { ...chunk, meta_data: rest };
      }),
    })),
  };
  const writer = new ByteWriter();
  writeMetadata(writer, plain);
  writer.appendUint32(0x31524150); // "PAR1"
  return writer.getBytes();
}

/** `wide_decimal(bytes, scale)`: the number's decimal text, trailing zeros left out. */
export function wideDecimalFunction(): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: 'wide_decimal',
    parameterTypes: [BLOB, INTEGER],
    returnType: VARCHAR,
    mainFunction: (_info, input, output) => {
      const values = input.getColumnVector(0);
      const scales = input.getColumnVector(1);
      for (let row = 0; row < input.rowCount; row += 1) {
        const value = values.getItem(row);
        // The parameter is a BLOB, so a value that is not NULL has `bytes`.
        const text =
          value === null
            ? null
            : decimalText((value as { bytes: Uint8Array }).bytes, Number(scales.getItem(row)));
        output.setItem(row, text);
      }
      output.flush();
    },
  });
}

/** Big-endian two's complement at `scale` as decimal text. */
export function decimalText(bytes: Uint8Array, scale: number): string {
  const unsigned = bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const value = BigInt.asIntN(bytes.length * 8, unsigned);
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
