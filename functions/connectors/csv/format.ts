/** CSV as a format of files: a file is read in one piece, from its first line to its last. */
import { isUtf8 } from 'node:buffer';
import type { SourceSettings } from '#core/source';
import { TerminalError } from '#core/errors';
import type { ExtractRequest, ExtractResult, ObjectReader, ObjectVersion } from '../connector.ts';
import type { FileFormat } from '../files/file-format.ts';
import { checkColumns } from '../files/same-columns.ts';
import { readObjectText } from './object-text.ts';
import { badHeader, badLines, findShape, headerNames, isBlank, noHeader, type CsvShape } from './shape.ts';
import { makeTaker, type TakeField } from './text-values.ts';
import { makeTokenizer, type BadLine, type CsvRecord } from './tokenizer.ts';

/** The settings of a CSV source. */
export type CsvSettings = Extract<SourceSettings, { kind: 'csv' }>;

/** Files of a table whose beginnings tell the types of its columns: the first, the last and some between. */
const SAMPLED_FILES = 5;

/** The format of `settings` over `objects`. */
export function makeCsvFormat(settings: CsvSettings, objects: ObjectReader): FileFormat {
  const shapes = new Map<string, CsvShape>();
  const textOf = ({ uri, generation }: ObjectVersion, onBytes?: (stored: number) => void) =>
    readObjectText(objects.open(uri, generation), {
      encoding: settings.encoding,
      uri,
      ...(onBytes === undefined ? {} : { onBytes }),
    });
  const shapeOf = async (files: readonly ObjectVersion[]): Promise<CsvShape> => {
    const key = JSON.stringify(files.map(({ uri, generation }) => [uri, generation]));
    const known = shapes.get(key);
    if (known !== undefined) return known;
    let shape: CsvShape | null = null;
    for (const file of files) shape = await findShape(textOf(file), file.uri, settings.delimiter, shape);
    if (shape === null) throw new RangeError('a table of no files');
    shapes.set(key, shape);
    return shape;
  };

  return {
    async describe(files) {
      const sample = spread(files, SAMPLED_FILES);
      const shape = await shapeOf(sample);
      const whole = shape.whole && sample.length === files.length;
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return {
        // Of longer files the unpacked size is not known; their rows are guessed as if they were stored plainly.
        estimatedRows: whole
          ? shape.records
          : Math.round(shape.records * Math.max(1, bytes / Math.max(1, shape.bytes))),
        columns: shape.columns,
        notes: [...(whole ? [] : [sampleNote(files.length)]), ...spoiledNotes(shape)],
      };
    },

    async plan(file) {
      return [{ part: {}, estimatedRows: null, estimatedBytes: file.bytes }];
    },

    async extract({ file, like, request }) {
      // Files of one pattern may have been written by different programs.
      const delimiter = settings.delimiter ?? (await shapeOf([file])).delimiter;
      let stored = 0;
      const text = textOf(file, (bytes) => {
        stored = bytes;
      });
      const counts = await extractRecords(text, file.uri, { delimiter, like }, request, () => stored);
      return { ...counts, bytes: stored };
    },

    close() {
      shapes.clear();
    },
  };
}

/** At most `count` of `files`: the first, the last and, evenly, some between. */
function spread(files: readonly ObjectVersion[], count: number): readonly ObjectVersion[] {
  if (files.length <= count) return files;
  return Array.from(
    { length: count },
    (_, index) => files[Math.round((index * (files.length - 1)) / (count - 1))]!,
  );
}

function sampleNote(files: number): string {
  return files === 1
    ? 'The types were guessed from the first 32 MiB of the file.'
    : `The types were guessed from the beginnings of ${Math.min(files, SAMPLED_FILES)} of ${files} files.`;
}

/** Notes of one table at most. */
const MAX_NOTES = 10;

/** What made text of columns that nearly are something else: mended in the file, they are what they seem. */
function spoiledNotes({ spoiled }: CsvShape): string[] {
  return spoiled
    .slice(0, MAX_NOTES)
    .map(
      ({ name, type, line, value, misfits }) =>
        `Column "${name}" is taken as text for ${misfits === 1 ? 'one value that is' : `${misfits} values that are`} not ${type}, the first "${value}" on line ${line}.`,
    );
}

/** How a file is read. */
interface Reading {
  readonly delimiter: string;
  readonly like: string | null;
}

async function extractRecords(
  text: AsyncIterable<Uint8Array>,
  uri: string,
  { delimiter, like }: Reading,
  request: ExtractRequest,
  storedBytes: () => number,
): Promise<Omit<ExtractResult, 'bytes'>> {
  const { writer, signal } = request;
  signal.throwIfAborted();
  const loader = new RecordLoader(request, uri, like);
  const tokenizer = makeTokenizer({
    delimiter,
    onRecord: (record) => loader.record(record),
    onBadLine: (line) => loader.badLine(line),
  });
  for await (const chunk of text) {
    signal.throwIfAborted();
    tokenizer.push(chunk);
    if (!writer.full) continue;
    await writer.drain();
    request.onProgress?.({ rows: loader.rows, bytes: storedBytes() });
  }
  tokenizer.end();
  if (!loader.headed) throw noHeader(uri);
  return { rows: loader.rows, rejected: loader.rejected };
}

/** Takes the header, then every record into the writer or to the rejects. */
class RecordLoader {
  rows = 0;
  rejected = 0;
  private readonly request: ExtractRequest;
  private readonly uri: string;
  private readonly like: string | null;
  private readonly takers: readonly TakeField[];
  /** Field of each column; empty until the header was seen. */
  private places: readonly number[] = [];
  private width = 0;

  constructor(request: ExtractRequest, uri: string, like: string | null) {
    this.request = request;
    this.uri = uri;
    this.like = like;
    this.takers = request.columns.map((column, index) => {
      const builder = request.writer.builders[index];
      if (builder === undefined) throw new RangeError(`a writer without a column for ${column.name}`);
      return makeTaker(column, builder);
    });
  }

  /** The header was seen. */
  get headed(): boolean {
    return this.width > 0;
  }

  record(record: CsvRecord): void {
    if (isBlank(record)) return;
    if (this.width === 0) return this.header(record);
    const { count, line } = record;
    if (count !== this.width)
      return this.leaveOut(
        line,
        null,
        'field-count',
        this.rawText(record),
        `Line ${line} has ${count} fields instead of ${this.width}.`,
      );
    const { bytes, starts, ends } = record;
    if (!isUtf8(bytes.subarray(starts[0], ends[count - 1])))
      return this.leaveOut(
        line,
        null,
        'invalid-utf8',
        this.rawText(record),
        `Line ${line} is not UTF-8; choose encoding latin1 if the file is.`,
      );
    const { builders } = this.request.writer;
    for (let index = 0; index < this.takers.length; index++) {
      const place = this.places[index]!;
      const start = starts[place]!;
      const end = ends[place]!;
      if (start === end) builders[index]!.appendNull();
      else if (!this.takers[index]!(bytes, start, end)) return this.misfit(record, index);
    }
    this.request.writer.endRow();
    this.rows++;
  }

  badLine(bad: BadLine): void {
    if (!this.headed) throw badHeader(this.uri, bad);
    const { line, reason, start } = bad;
    const text = Buffer.from(start).toString('utf8');
    this.leaveOut(line, null, reason, text, `Line ${line} ${badLines[reason]}.`);
  }

  private header(record: CsvRecord): void {
    const names = headerNames(record, this.uri);
    this.width = names.length;
    if (this.like !== null) checkColumns(this.uri, names, this.like);
    const places = new Map(names.map((name, place) => [name, place]));
    this.places = this.request.columns.map(({ name }) => {
      const place = places.get(name);
      if (place !== undefined) return place;
      throw new TerminalError('column-changed', `${this.uri} has no column "${name}" any more.`, {
        remedy: `Its header has: ${names.join(', ').slice(0, 500)}. Discover the tables of the source again.`,
      });
    });
  }

  private misfit(record: CsvRecord, index: number): void {
    this.request.writer.abandonRow();
    const column = this.request.columns[index]!;
    const place = this.places[index]!;
    const value = textOf(record, place, place);
    const message = `Line ${record.line}: "${value.slice(0, 60)}" in column "${column.name}" is not ${column.type}.`;
    this.leaveOut(record.line, column.name, `not-${column.type.toLowerCase()}`, value, message);
  }

  private rawText(record: CsvRecord): string {
    return textOf(record, 0, record.count - 1);
  }

  private leaveOut(
    line: number,
    column: string | null,
    reason: string,
    value: string,
    message: string,
  ): void {
    this.rejected++;
    this.request.reject({ line, column, reason, value, message });
  }
}

/** Fields `first` to `last` as text, at most 200 characters. */
function textOf({ bytes, starts, ends }: CsvRecord, first: number, last: number): string {
  const start = starts[first]!;
  return Buffer.from(bytes.subarray(start, Math.min(ends[last]!, start + 800)))
    .toString('utf8')
    .slice(0, 200);
}
