/**
 * Whether the warehouse would make of a file what we make of it, as far as its footer tells: then it is loaded as it is, once
 * every value in it has been seen to fit. Pure.
 *
 * What is let through is what BigQuery documents for Parquet, and no more
 * (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet): of its other conversions some lose digits
 * (nanoseconds, unsigned numbers of 64 bits), some give another type than ours (JSON, TIME, UUID, lists), some are not
 * written down (encodings of version 2, brotli, the framed LZ4).
 */
import type { SchemaElement } from 'hyparquet';
import type { Column } from '#core/column';
import type { Footer } from './footer.ts';
import type { ColumnPlan } from './types.ts';

/** What is wanted of the file. */
export interface PassChoice {
  /** Every column that is loaded, as the table has it, in order. */
  readonly columns: readonly Column[];
  /** The file is one of several, which one load job takes together. */
  readonly several: boolean;
}

const CODECS: ReadonlySet<string> = new Set(['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD']);
const ENCODINGS: ReadonlySet<string> = new Set([
  'PLAIN',
  'PLAIN_DICTIONARY',
  'RLE_DICTIONARY',
  'RLE',
  'BIT_PACKED',
]);
const GIB = 1024 ** 3;
/** One task looks at all of a file: larger ones are read in parts, by several. */
const MAX_FILE_BYTES = 4 * GIB;
/** A row group is loaded by one worker of the warehouse. */
const MAX_GROUP_BYTES = GIB;
/** Groups much smaller than the 16 MiB that BigQuery asks for slow its loads down where there are many. */
const MANY_GROUPS = 1000;
const SMALL_GROUP_BYTES = 1024 * 1024;

/** Why the file of `bytes` bytes is written anew, for people, as the rest of a sentence; null: it can be loaded as it is. */
export function passThrough(
  footer: Pick<Footer, 'plans' | 'nodes' | 'groups'>,
  bytes: number,
  { columns, several }: PassChoice,
): string | null {
  const { plans, nodes, groups } = footer;
  if (bytes > MAX_FILE_BYTES) return 'it has more than 4 GiB, and is read in parts';
  const large = groups.find((group) => group.bytes > MAX_GROUP_BYTES);
  if (large !== undefined) return 'it has a row group of more than 1 GiB';
  if (groups.length > MANY_GROUPS && bytes / groups.length < SMALL_GROUP_BYTES)
    return `it has ${groups.length} row groups, which are small`;
  if (plans.length !== nodes.length) return 'it has columns that are not loaded';
  const missing = columns.find(({ name }) => !plans.some(({ column }) => column.name === name));
  if (missing !== undefined || columns.length !== plans.length) return 'it has other columns than are loaded';
  for (const plan of plans) {
    const { column, node } = plan;
    const why = columns.some((one) => isSame(one, column))
      ? (ofColumn(plan, several) ?? ofStorage(groups, node.first))
      : 'has another type than the table';
    if (why !== null) return `its column "${column.name.slice(0, 100)}" ${why}`;
  }
  return null;
}

function isSame(one: Column, other: Column): boolean {
  const { name, type, precision, scale } = one;
  return name === other.name && type === other.type && precision === other.precision && scale === other.scale;
}

function ofColumn({ column, node, form }: ColumnPlan, several: boolean): string | null {
  const { element } = node;
  if (element.name !== column.name) return 'shares its name with another';
  if (form === null) return 'is nested';
  // One load job asks for one mode of a column in all of its files, and what we write ourselves is optional.
  if (several && element.repetition_type !== 'OPTIONAL') return 'is not optional';
  switch (form.kind) {
    case 'bool':
    case 'float':
      return null;
    case 'int':
    case 'long':
      return isUnsigned(element) ? 'is unsigned' : null;
    case 'date':
      return element.converted_type === 'DATE' ? null : 'is a date of the newer form only';
    case 'text':
      return isText(element) ? null : `is ${element.logical_type?.type ?? element.converted_type}`;
    case 'bytes':
      return element.logical_type === undefined && element.converted_type === undefined
        ? null
        : `is ${element.logical_type?.type ?? element.converted_type}`;
    case 'timestamp':
      return form.unit === 'NANOS' ? 'counts in nanoseconds' : null;
    case 'decimal':
      return ofDecimal(column, element);
    case 'uint32':
    case 'uint64':
      return 'is unsigned';
    case 'int96':
      return 'is INT96';
    case 'float16':
    case 'uuid':
    case 'interval':
    case 'time':
      return `is ${form.kind.toUpperCase()}`;
  }
}

function isUnsigned({ logical_type, converted_type }: SchemaElement): boolean {
  return (
    converted_type?.startsWith('UINT') === true ||
    (logical_type?.type === 'INTEGER' && !logical_type.isSigned)
  );
}

function isText({ logical_type, converted_type }: SchemaElement): boolean {
  return converted_type === 'UTF8' && (logical_type?.type === undefined || logical_type.type === 'STRING');
}

/** Readers disagree on which of the two types of a decimal they look at; the shape must be the one that we take it for. */
function ofDecimal(column: Column, { type, converted_type, precision, scale }: SchemaElement): string | null {
  if (column.type !== 'NUMERIC' && column.type !== 'BIGNUMERIC')
    return 'is wider than any decimal of BigQuery';
  if (type === 'BYTE_ARRAY') return 'has decimals of any length';
  if (converted_type !== 'DECIMAL') return 'is a decimal of the newer form only';
  return precision === column.precision && (scale ?? 0) === column.scale
    ? null
    : 'has decimals of another shape';
}

function ofStorage(groups: Footer['groups'], leaf: number): string | null {
  for (const { chunks } of groups) {
    const chunk = chunks[leaf];
    if (chunk === undefined) return 'is not stored';
    if (!CODECS.has(chunk.codec)) return `is compressed with ${chunk.codec}`;
    const odd = chunk.encodings.find((encoding) => !ENCODINGS.has(encoding));
    if (odd !== undefined) return `is encoded as ${odd}`;
  }
  return null;
}
