/** The footer of a Parquet file: what it holds and where. Everything that is read later is checked against the file here. */
import { parquetMetadata, type ColumnMetaData, type FileMetaData } from 'hyparquet';
import { toError } from '#core/errors';
import type { ObjectReader, ObjectVersion } from '../connector.ts';
import { CODEC_NAMES, knowsCodec } from './codecs.ts';
import { FormatError } from './format-error.ts';
import { leavesOf, readSchema, type SchemaNode } from './schema.ts';
import { checkStruct, readStruct, type ThriftValue } from './thrift.ts';
import { planColumns, type ColumnPlan } from './types.ts';

/** A footer of the last reads of most files. */
const TAIL_BYTES = 256 * 1024;
/** A footer takes some 25 times its length while it is parsed. */
const MAX_FOOTER_BYTES = 8 * 1024 * 1024;
/**
 * A part of a footer (see `checkStruct`) takes up to 220 bytes while it is parsed, however short it is. A column chunk has 10
 * to 22 parts: this is a thousand columns in 45 row groups with all statistics, or in 90 without.
 */
const MAX_PARTS = 1_000_000;
const MAGIC = 'PAR1';
const ENCRYPTED = 'PARE';

/** Where the values of one leaf are in one row group. */
export interface StoredChunk {
  readonly start: number;
  readonly end: number;
  readonly codec: string;
  readonly values: number;
  /** Of its pages and levels, as the footer lists them. */
  readonly encodings: readonly string[];
}

/** Rows that are stored together: the smallest part that is read alone. */
export interface StoredGroup {
  readonly rows: number;
  /** Number of its first row in the file, from 0. */
  readonly firstRow: number;
  /** Compressed bytes of all chunks. */
  readonly bytes: number;
  /** By the leaf's place. */
  readonly chunks: readonly StoredChunk[];
}

/** A whole file as its footer describes it. */
export interface Footer {
  readonly rows: number;
  readonly groups: readonly StoredGroup[];
  /** The top-level columns, also those that are left out. */
  readonly nodes: readonly SchemaNode[];
  readonly leaves: readonly SchemaNode[];
  readonly plans: readonly ColumnPlan[];
  readonly notes: readonly string[];
}

/** Reads and checks the footer. @throws FormatError */
export async function readFooter(objects: ObjectReader, file: ObjectVersion): Promise<Footer> {
  const { uri, generation, bytes } = file;
  if (bytes < 12) throw new FormatError(`it has ${bytes} bytes, fewer than the smallest`);
  const read = async (start: number): Promise<Uint8Array> => {
    const found = await objects.range(uri, generation, start, bytes);
    if (found.length === bytes - start) return found;
    throw new FormatError(`the storage sent ${found.length} bytes instead of ${bytes - start}`);
  };
  let tail = await read(Math.max(0, bytes - TAIL_BYTES));
  const magic = Buffer.from(tail.subarray(-4)).toString('latin1');
  if (magic === ENCRYPTED) throw encrypted();
  if (magic !== MAGIC) throw new FormatError('it does not end as Parquet files do');
  const length = new DataView(tail.buffer, tail.byteOffset + tail.length - 8, 4).getUint32(0, true);
  if (length > bytes - 12)
    throw new FormatError(`its footer says to have ${length} bytes, more than there are`);
  if (length > MAX_FOOTER_BYTES)
    throw new FormatError(
      `its footer has ${length} bytes, more than the ${MAX_FOOTER_BYTES} that are read`,
      'parquet-unsupported',
      'Write it with fewer, larger row groups, or as several files.',
    );
  if (length + 8 > tail.length) tail = await read(bytes - length - 8);
  try {
    return parseFooter(tail.subarray(tail.length - length - 8), bytes);
  } catch (thrown) {
    if (thrown instanceof FormatError) throw thrown;
    // Fields of other types than the format says.
    throw new FormatError(`its footer cannot be read (${toError(thrown).message})`);
  }
}

function tooManyParts(): FormatError {
  return new FormatError(
    `its footer has more than the ${MAX_PARTS} parts that are read`,
    'parquet-unsupported',
    'Write it with fewer, larger row groups, with fewer columns, or as several files.',
  );
}

function encrypted(): FormatError {
  return new FormatError('it is encrypted', 'parquet-unsupported', 'Write it without encryption.');
}

/** `footer`: from the metadata to the end of the file of `bytes` bytes. */
function parseFooter(footer: Uint8Array, bytes: number): Footer {
  // Walked through once before: only now is it safe to allocate what it announces.
  const fields = checkStruct(footer.subarray(0, footer.length - 8), MAX_PARTS, tooManyParts);
  if (fields.has(8)) throw encrypted();
  const metadata = parquetMetadata(footer, { parsers, geoparquet: false });
  restoreMarks(metadata, footer);
  const nodes = readSchema(metadata);
  const leaves = nodes.flatMap(leavesOf);
  const end = bytes - footer.length;
  const groups: StoredGroup[] = [];
  let rows = 0;
  for (const group of metadata.row_groups) {
    const read = readGroup(group, leaves, rows, end);
    groups.push(read);
    rows += read.rows;
  }
  if (BigInt(rows) !== metadata.num_rows)
    throw new FormatError(`its row groups have ${rows} rows and its footer says ${metadata.num_rows}`);
  return { rows, groups, nodes, leaves, ...planColumns(nodes) };
}

/** A byte order mark. */
const MARK = Buffer.from('\ufeff');
/** Of FileMetaData the schema, and of a SchemaElement its name. */
const SCHEMA = 2;
const NAME = 4;

/** Gives names back the mark that they begin with, which the parser takes off: another column may have the rest for a name. */
function restoreMarks({ schema }: FileMetaData, footer: Uint8Array): void {
  if (!Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength).includes(MARK)) return;
  const elements = readStruct(footer, 0).fields.get(SCHEMA);
  if (!Array.isArray(elements)) return;
  elements.forEach((element: ThriftValue, place) => {
    const name = element instanceof Map ? (element as ReadonlyMap<number, ThriftValue>).get(NAME) : undefined;
    const parsed = schema[place];
    if (
      parsed === undefined ||
      !(name instanceof Uint8Array) ||
      !Buffer.from(name).subarray(0, MARK.length).equals(MARK)
    )
      return;
    parsed.name = `\ufeff${parsed.name}`;
  });
}

/** Statistics are not used, and their values not worth a failure. */
const nothing = () => undefined;
const parsers = {
  timestampFromMilliseconds: nothing,
  timestampFromMicroseconds: nothing,
  timestampFromNanoseconds: nothing,
  dateFromDays: nothing,
  stringFromBytes: nothing,
  jsonFromBytes: nothing,
  geometryFromBytes: nothing,
  geographyFromBytes: nothing,
  uuidFromBytes: nothing,
};

function readGroup(
  { columns, num_rows }: FileMetaData['row_groups'][number],
  leaves: readonly SchemaNode[],
  firstRow: number,
  end: number,
): StoredGroup {
  const rows = toLength(num_rows, 'rows of a row group');
  if (columns.length !== leaves.length)
    throw new FormatError(`a row group has ${columns.length} columns and the schema ${leaves.length}`);
  let bytes = 0;
  const chunks = columns.map((column, index) => {
    if (column.crypto_metadata !== undefined || column.encrypted_column_metadata !== undefined)
      throw encrypted();
    if (column.file_path)
      throw new FormatError(
        'its columns are in other files',
        'parquet-unsupported',
        'Name the files with the data, not the one that lists them.',
      );
    const { meta_data } = column;
    const leaf = leaves[index]!;
    if (meta_data === undefined) throw new FormatError('a column chunk is not described');
    const chunk = readChunk(meta_data, leaf, end);
    if (leaf.repetition === 0 && chunk.values !== rows)
      throw new FormatError(`a column has ${chunk.values} values in a row group of ${rows} rows`);
    bytes += chunk.end - chunk.start;
    return chunk;
  });
  return { rows, firstRow, bytes, chunks };
}

function readChunk(meta: ColumnMetaData, leaf: SchemaNode, end: number): StoredChunk {
  const name = leaf.element.name.slice(0, 100);
  if (meta.type !== leaf.element.type)
    throw new FormatError(`the column "${name}" is stored as ${meta.type} and not ${leaf.element.type}`);
  if (meta.codec === undefined || !knowsCodec(meta.codec))
    throw new FormatError(
      `the column "${name}" is compressed with ${meta.codec ?? 'an unknown codec'}`,
      'parquet-unsupported',
      `Write it with one of ${CODEC_NAMES}.`,
    );
  const data = toLength(meta.data_page_offset, 'the place of a column');
  // Some writers name no dictionary, some one at 0; where there is one it comes first.
  const dictionary = toLength(meta.dictionary_page_offset ?? 0n, 'the place of a dictionary');
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const stop = start + toLength(meta.total_compressed_size, 'the length of a column');
  if (start < 4 || stop > end) throw new FormatError(`the column "${name}" reaches beyond the file`);
  const values = toLength(meta.num_values, 'values of a column');
  // The footer's reader takes what a file says for what it should be.
  const listed: readonly unknown[] = Array.isArray(meta.encodings) ? meta.encodings : [undefined];
  const encodings = listed.map((encoding) => (typeof encoding === 'string' ? encoding : 'unknown'));
  return { start, end: stop, codec: meta.codec, values, encodings };
}

function toLength(value: bigint | number | undefined, what: string): number {
  const length = Number(value);
  if (value === undefined || !Number.isSafeInteger(length) || length < 0)
    throw new FormatError(`${what} cannot be ${String(value)}`);
  return length;
}
