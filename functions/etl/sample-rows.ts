/** Rows of a Parquet file in memory as people read them. */
import { zstdDecompressSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';

/** As much of a value as is shown. */
const SHOWN = 200;

/** Each row's values as text, in the order of `columns`; those of `hidden` columns are left out. */
export async function readSample(
  bytes: Uint8Array<ArrayBuffer>,
  columns: readonly string[],
  hidden: ReadonlySet<string>,
): Promise<(string | null)[][]> {
  const metadata = parquetMetadata(bytes.buffer);
  // The reader makes floating numbers of decimals: it is told of none, and they are written out here.
  const scales = new Map<string, number>();
  for (const element of metadata.schema) {
    if (element.converted_type !== 'DECIMAL') continue;
    scales.set(element.name, element.scale ?? 0);
    delete element.converted_type;
    delete element.logical_type;
  }
  const rows = await parquetReadObjects({
    file: bytes.buffer,
    metadata,
    utf8: false,
    compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
  });
  return rows.map((row) =>
    columns.map((name) => {
      if (hidden.has(name)) return null;
      const scale = scales.get(name);
      return scale === undefined ? toText(row[name]) : decimalText(row[name], scale);
    }),
  );
}

/** A value as text, cut; bytes as hex. */
export function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text =
    value instanceof Date
      ? value.toISOString()
      : value instanceof Uint8Array
        ? `0x${Buffer.from(value.subarray(0, SHOWN)).toString('hex')}`
        : typeof value === 'string'
          ? value
          : typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
            ? String(value)
            : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

/** An unscaled decimal, a whole number or its bytes (big-endian, two's complement), written out without trailing zeros. */
export function decimalText(value: unknown, scale: number): string | null {
  if (value === null || value === undefined) return null;
  const whole =
    value instanceof Uint8Array
      ? BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value).toString('hex') || '0'}`))
      : typeof value === 'bigint' || typeof value === 'number'
        ? BigInt(value)
        : null;
  if (whole === null) throw new RangeError(`sample decimal ${typeof value}`);
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, '0');
  const cut = digits.length - scale;
  const fraction = digits.slice(cut).replace(/0+$/, '');
  return `${whole < 0n ? '-' : ''}${digits.slice(0, cut)}${fraction === '' ? '' : `.${fraction}`}`;
}
