/** Parquet's compression codecs: what is unpacked is exactly as long as was announced, or the page is refused. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompress } from 'hyparquet';
import { FormatError } from './format-error.ts';
import { unpackLz4 } from './lz4.ts';

/** Unpacks `input` to `length` bytes. @throws whatever is wrong with it */
type Unpack = (input: Uint8Array, length: number) => Uint8Array;

const codecs: Readonly<Record<string, Unpack>> = {
  UNCOMPRESSED: (input) => input,
  SNAPPY: (input, length) => {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  },
  // The limit stops a page that would unpack to more than it says.
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: length }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: length }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: length }),
  LZ4_RAW: unpackLz4,
};

/** Whether pages of `codec` can be read. */
export function knowsCodec(codec: string): boolean {
  return Object.hasOwn(codecs, codec);
}

/** The names of all codecs that can be read, for remedies. */
export const CODEC_NAMES = Object.keys(codecs).join(', ');

/** The `length` bytes that were compressed to `input`. @throws FormatError */
export function unpack(codec: string, input: Uint8Array, length: number): Uint8Array {
  const known = codecs[codec];
  if (known === undefined)
    throw new FormatError(
      `its pages are compressed with ${codec}`,
      'parquet-unsupported',
      `Write it with one of ${CODEC_NAMES}.`,
    );
  if (length === 0) return new Uint8Array(0);
  let output: Uint8Array;
  try {
    output = known(input, length);
  } catch (cause) {
    throw new FormatError(
      `a page cannot be unpacked with ${codec} to the ${length} bytes it announces (${String(cause)})`,
    );
  }
  if (output.length !== length)
    throw new FormatError(`a page unpacks to ${output.length} bytes instead of the ${length} it announces`);
  return output;
}
