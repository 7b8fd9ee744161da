/** What a CSV file looks like, found out from its beginning: delimiter, header, types of columns. */
import { isUtf8 } from 'node:buffer';
import { TerminalError } from '#core/errors';
import type { Column } from '#core/column';
import { checkColumns, columnsMark } from '../files/same-columns.ts';
import { possibleTypes, typeBits, type TextType } from './text-values.ts';
import { makeTokenizer, type BadLine, type CsvRecord, type Tokenizer } from './tokenizer.ts';

/** How much of a file is looked at. */
const SAMPLE_BYTES = 32 * 1024 * 1024;
const SAMPLE_RECORDS = 200_000;
const SNIFF_BYTES = 64 * 1024;
const delimiters = [',', ';', '\t', '|'] as const;

/** The shape of a file. */
export interface CsvShape {
  readonly delimiter: string;
  readonly columns: readonly Column[];
  /** Records in the sample, the header not counted, and the bytes of text they took. */
  readonly records: number;
  readonly bytes: number;
  /** The sample is the whole file. */
  readonly whole: boolean;
  /** Columns that are text for the sake of a few values: which, and what they would have been. */
  readonly spoiled: readonly SpoiledColumn[];
  /** What the columns' types were guessed from: more files may add to it. */
  readonly seen: readonly SeenColumn[];
}

/** A column most of whose values are of one type, with the first value that is not. */
export interface SpoiledColumn {
  readonly name: string;
  readonly type: TextType;
  readonly line: number;
  /** At most 60 characters. */
  readonly value: string;
  /** Values of the sample that are not of the type. */
  readonly misfits: number;
}

/** A column with more misfits than one in so many values is not spoiled but text. */
const SPOILED_SHARE = 20;

/**
 * Looks at the beginning of `text`; keeps its first 64 KiB at most. `before`: the shape of other files of the same table,
 * which this one adds to. Terminal `file-empty`, `header-invalid`, `columns-differ`.
 */
export async function findShape(
  text: AsyncIterable<Uint8Array>,
  uri: string,
  delimiter: string | undefined,
  before: CsvShape | null = null,
): Promise<CsvShape> {
  const looking = makeLooker(uri, delimiter, before?.seen ?? null);
  let bytes = 0;
  let whole = true;
  for await (const chunk of text) {
    bytes += chunk.length;
    looking.push(chunk);
    whole = bytes < SAMPLE_BYTES;
    if (!whole) break;
  }
  const { used, columns: found, records } = looking.end(whole);
  const byName = new Map(found.map((column) => [column.name, column]));
  // In the order of the first file, whatever the order in the others.
  const columns = before?.seen.map(({ name }) => byName.get(name)!) ?? found;
  if (found.length === 0) throw noHeader(uri);
  return {
    delimiter: used,
    records: Math.max(records, 0) + (before?.records ?? 0),
    bytes: bytes + (before?.bytes ?? 0),
    whole: whole && before?.whole !== false,
    seen: columns,
    spoiled: columns.flatMap(spoiledColumn),
    columns: columns.map(({ name, bits, seen }) => ({
      name,
      type: seen ? chosenType(bits) : 'STRING',
      nullable: true,
      sourceType: 'csv',
    })),
  };
}

/** The failure of a file without a line. */
export function noHeader(uri: string): TerminalError {
  return new TerminalError('file-empty', `${uri} has no header line.`, {
    remedy:
      'The first line must be the header that names the columns; upload the file again if it should have one.',
  });
}

/** What is wrong with a line that is no record. */
export const badLines: Readonly<Record<BadLine['reason'], string>> = {
  'unclosed-quote': 'has a quote that is never closed',
  'text-after-quote': 'has text after a closing quote',
  'line-too-long': 'is longer than 16 MiB',
  'too-many-fields': 'has more than 10,000 fields',
};

/** The failure of a file whose header is no record: the line after it must not be taken for the header. */
export function badHeader(uri: string, { line, reason }: BadLine): TerminalError {
  const message = `Line ${line} of ${uri}, which must name the columns, ${badLines[reason]}.`;
  const remedy =
    reason === 'too-many-fields'
      ? 'A table has at most 10,000 columns: leave some out, or put them into rows.'
      : 'Check the delimiter of the source, or write the header again, with quotes around whole names only.';
  return new TerminalError('header-invalid', message, { remedy });
}

/** A column and what its values can be so far. */
export interface SeenColumn {
  readonly name: string;
  bits: number;
  seen: boolean;
  /** Values that are not empty. */
  values: number;
  spoiled: { readonly bits: number; readonly line: number; readonly value: string; misfits: number } | null;
}

/** Holds the first chunks until the delimiter is known from them, then passes every chunk through. */
function makeLooker(uri: string, delimiter: string | undefined, known: readonly SeenColumn[] | null) {
  const columns: SeenColumn[] = [];
  const addColumns = (names: readonly string[]): void => {
    if (known !== null) columns.push(...matchColumns(uri, names, known));
    else for (const name of names) columns.push({ name, bits: -1, seen: false, values: 0, spoiled: null });
  };
  let records = -1;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let tokenizer: Tokenizer | null = null;
  let used = delimiter ?? ',';
  const onRecord = (record: CsvRecord): void => {
    if (isBlank(record)) return;
    records++;
    if (records === 0) addColumns(headerNames(record, uri));
    else if (records <= SAMPLE_RECORDS && record.count === columns.length) narrow(columns, record);
  };
  const start = (): Tokenizer => {
    if (delimiter === undefined) used = sniffDelimiter(held);
    const onBadLine = (line: BadLine): void => {
      // Others are told when the file is read in full.
      if (records < 0) throw badHeader(uri, line);
    };
    const begun = makeTokenizer({ delimiter: used, onRecord, onBadLine });
    for (const chunk of held) begun.push(chunk);
    held = [];
    return begun;
  };
  return {
    push(chunk: Uint8Array): void {
      if (tokenizer !== null) return tokenizer.push(chunk);
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes >= SNIFF_BYTES) tokenizer = start();
    },
    /** `whole`: the text is over; otherwise its last record may be cut off and is not counted. */
    end(whole: boolean): { used: string; columns: readonly SeenColumn[]; records: number } {
      tokenizer ??= start();
      if (whole) tokenizer.end();
      return { used, columns, records };
    },
  };
}

/** The columns of other files in the order of `names`, which must be the same. */
function matchColumns(uri: string, names: readonly string[], known: readonly SeenColumn[]): SeenColumn[] {
  checkColumns(uri, names, columnsMark(known.map(({ name }) => name)));
  const byName = new Map(known.map((column) => [column.name, column]));
  return names.map((name) => ({ ...byName.get(name)! }));
}

/** The delimiter that cuts the first lines into the same number of fields, the most of them; a comma in doubt. */
function sniffDelimiter(chunks: readonly Uint8Array[]): string {
  let head = Buffer.alloc(0);
  for (const chunk of chunks) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= SNIFF_BYTES) break;
  }
  head = head.subarray(0, SNIFF_BYTES);
  const scored = delimiters.map((delimiter) => {
    const counts: number[] = [];
    const tokenizer = makeTokenizer({
      delimiter,
      onRecord: (record) => counts.push(record.count),
      // Many fields are fields none the less: the header is refused for them, and not read as one name.
      onBadLine: ({ reason }) => counts.push(reason === 'too-many-fields' ? Infinity : 0),
    });
    tokenizer.push(head);
    if (counts.length === 0) tokenizer.end();
    const width = counts[0] ?? 1;
    const same = counts.filter((count) => count === width).length / Math.max(counts.length, 1);
    return { delimiter, score: width > 1 ? same * 1000 + Math.min(width, 500) : 0 };
  });
  return scored.reduce((best, next) => (next.score > best.score ? next : best)).delimiter;
}

/** The names in a header: trimmed, made different from each other; unnamed columns are `column_N`. */
export function headerNames(record: CsvRecord, uri: string): readonly string[] {
  const names = new Set<string>();
  // Where to go on counting: a thousand columns of one name are not compared with each other.
  const copies = new Map<string, number>();
  for (let index = 0; index < record.count; index++) {
    const bytes = record.bytes.subarray(record.starts[index], record.ends[index]);
    if (!isUtf8(bytes) || bytes.length > 300)
      throw new TerminalError('header-invalid', `Column ${index + 1} of ${uri} has no readable name.`, {
        remedy: 'Save the file as UTF-8, or choose encoding latin1; names have at most 300 bytes.',
      });
    const name = Buffer.from(bytes).toString('utf8').trim() || `column_${index + 1}`;
    let unique = name;
    let copy = copies.get(name) ?? 2;
    for (; names.has(unique); copy++) unique = `${name}_${copy}`;
    copies.set(name, copy);
    names.add(unique);
  }
  return [...names];
}

/** A line with nothing on it. */
export function isBlank(record: CsvRecord): boolean {
  return record.count === 1 && record.starts[0] === record.ends[0];
}

function narrow(columns: readonly SeenColumn[], { bytes, starts, ends, line }: CsvRecord): void {
  columns.forEach((column, index) => {
    const start = starts[index]!;
    const end = ends[index]!;
    // Text it is, and no longer for the sake of a few values.
    if ((column.bits === 0 && column.spoiled === null) || start === end) return;
    const field = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, 64));
    const text = field.toString('latin1').trim();
    if (text === '') return;
    column.values++;
    const possible = possibleTypes(text);
    const { bits, spoiled } = column;
    if (spoiled !== null) {
      if ((possible & spoiled.bits) !== 0) return;
      spoiled.misfits++;
      if (spoiled.misfits > SPOILED_SHARE && spoiled.misfits * SPOILED_SHARE > column.values)
        column.spoiled = null;
      return;
    }
    column.bits &= possible;
    if (column.bits === 0 && column.seen)
      column.spoiled = { bits, line, value: field.toString('utf8').trim().slice(0, 60), misfits: 1 };
    column.seen = true;
  });
}

function spoiledColumn({ name, spoiled, values }: SeenColumn): SpoiledColumn[] {
  if (spoiled === null || spoiled.misfits * SPOILED_SHARE > values) return [];
  const { bits, line, value, misfits } = spoiled;
  return [{ name, type: chosenType(bits), line, value, misfits }];
}

function chosenType(bits: number): TextType {
  for (const [type, bit] of Object.entries(typeBits)) if (bits & bit) return type as keyof typeof typeBits; // its own keys
  return 'STRING';
}
