import { zstdDecompressSync } from 'node:zlib';
import { type DecodedArray, type FileMetaData, parquetMetadataAsync, parquetScan } from 'hyparquet';
import { TerminalError } from '#core/errors';

/** A part file of a table. `name` is for messages. */
export interface Part {
  readonly name: string;
  readonly bytes: number;
  /** Its bytes from `start` to before `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A part whose footer has been read. */
export interface OpenPart {
  readonly part: Part;
  readonly metadata: FileMetaData;
  readonly rows: number;
}

/** Smaller parts are fetched at once; of larger ones each column of a row group when its turn comes. */
const WHOLE_BYTES = 32 * 1024 * 1024;
/** Read from the end for the footer; where it is longer, the rest is fetched. */
const FOOTER_BYTES = 64 * 1024;
/** Footers that are fetched at a time. */
const LANES = 8;

/** The parts with their footers, in their order: how many rows there are is known before any of them is read. */
export async function openParts(parts: readonly Part[]): Promise<OpenPart[]> {
  const opened: OpenPart[] = [];
  for (let n = 0; n < parts.length; n += LANES)
    opened.push(...(await Promise.all(parts.slice(n, n + LANES).map(openPart))));
  return opened;
}

async function openPart(part: Part): Promise<OpenPart> {
  return naming(part, async () => {
    const metadata = await parquetMetadataAsync(fileOf(part), { initialFetchSize: FOOTER_BYTES });
    return { part, metadata, rows: Number(metadata.num_rows) };
  });
}

/** Whether the part has a column of that name. */
export function hasColumn({ metadata }: OpenPart, column: string): boolean {
  // The first element is the root.
  return metadata.schema.slice(1).some(({ name }) => name === column);
}

/**
 * Hands on the columns of a part, row group by row group: `take(column, values, first)` with the number of the values'
 * first row within the part. In memory at a time: the bytes of one column of one row group (of small parts, the part),
 * and the values of one row group.
 */
export async function readColumns(
  { part, metadata }: OpenPart,
  columns: readonly string[],
  take: (column: string, values: DecodedArray, first: number) => void,
): Promise<void> {
  await naming(part, async () => {
    const whole = part.bytes <= WHOLE_BYTES ? await part.read(0, part.bytes) : null;
    const scan = await parquetScan({
      file:
        whole === null
          ? fileOf(part)
          : fileOf({ ...part, read: async (start, end) => whole.subarray(start, end) }),
      metadata,
      columns: [...columns],
      compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
      parsers: {
        timestampFromMilliseconds: (millis) => Number(millis),
        timestampFromMicroseconds: (micros) => Number(micros) / 1000,
        timestampFromNanoseconds: (nanos) => Number(nanos) / 1e6,
      },
    });
    for (const { rowStart, rowEnd } of scan.ranges)
      for (const column of columns)
        take(column, await scan.readColumn({ column, rowStart, rowEnd }), rowStart);
  });
}

function fileOf(part: Part) {
  return {
    byteLength: part.bytes,
    // A copy of just the slice: hyparquet wants an ArrayBuffer of its own.
    slice: async (start: number, end = part.bytes) => {
      const from = start < 0 ? part.bytes + start : start;
      return new Uint8Array(await part.read(from, Math.min(end, part.bytes))).buffer;
    },
  };
}

async function naming<T>(part: Part, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof TerminalError) throw cause;
    throw invalid(
      `${part.name} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
      cause,
    );
  }
}

/** The TerminalError `snapshot-invalid`, saying `what` is wrong. */
export function invalid(what: string, cause?: unknown): TerminalError {
  return new TerminalError('snapshot-invalid', `The snapshot cannot be used: ${what}.`, {
    remedy: 'Run the pipeline again from extraction.',
    cause,
  });
}
