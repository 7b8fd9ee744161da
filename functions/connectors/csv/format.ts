/** CSV as a format of files: a file is read in one piece, from its first line to its last. */
import { isUtf8 } from 'node:buffer';
import type { Column } from '#core/column';
import type { SourceSettings } from '#core/source';
import { TerminalError } from '#core/errors';
import type { ExtractRequest, ExtractResult, ObjectReader, ObjectVersion } from '../connector.ts';
import type { FileFormat } from '../files/file-format.ts';
import { checkColumns } from '../files/same-columns.ts';
import { makeRowTest, type RowTest, type TestedColumn } from '../row-test.ts';
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
    if (loader.enough) break;
    if (!writer.full) continue;
    await writer.drain();
    request.onProgress?.({ rows: loader.rows, bytes: storedBytes() });
  }
  if (!loader.enough) tokenizer.end();
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
  private readonly test: RowTest<TestedColumn> | null;
  private readonly testTakers: readonly TakeField[];
  /** Fields of the columns that the test looks at. */
  private testPlaces: readonly number[] = [];

  constructor(request: ExtractRequest, uri: string, like: string | null) {
    this.request = request;
    this.uri = uri;
    this.like = like;
    this.takers = request.columns.map((column, index) => {
      const builder = request.writer.builders[index];
      if (builder === undefined) throw new RangeError(`a writer without a column for ${column.name}`);
      return makeTaker(column, builder);
    });
    const { filter } = request;
    this.test =
      filter === undefined
        ? null
        : makeRowTest(
            filter,
            filter.columns.map((column) => ({ column })),
            uri,
          );
    this.testTakers =
      this.test?.columns.map(({ column }, index) => makeTaker(column, this.test!.builders[index]!)) ?? [];
  }

  /** As many rows as were wanted have been taken, or left out. */
  get enough(): boolean {
    const { limit } = this.request;
    return limit !== undefined && this.rows + this.rejected >= limit;
  }

  /** The header was seen. */
  get headed(): boolean {
    return this.width > 0;
  }

  record(record: CsvRecord): void {
    if (isBlank(record)) return;
    if (this.width === 0) return this.header(record);
    if (this.enough) return;
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
    if (this.test !== null && !this.passes(this.test, record)) return;
    const { writer } = this.request;
    const { builders } = writer;
    for (let index = 0; index < this.takers.length; index++) {
      const place = this.places[index]!;
      const start = starts[place]!;
      const end = ends[place]!;
      if (start === end) builders[index]!.appendNull();
      else if (!this.takers[index]!(bytes, start, end)) {
        const column = this.request.columns[index]!;
        const reason = reasonOf(column);
        if (writer.mend?.(index, { reason, text: fieldOf(record, place) }) === true) continue;
        writer.abandonRow();
        return this.misfit(record, column, place);
      }
    }
    writer.endRow();
    this.rows++;
  }

  /** Whether the record is to be loaded; one that cannot be told, for a value is not of its column's type, is left out. */
  private passes(test: RowTest<TestedColumn>, record: CsvRecord): boolean {
    const { bytes, starts, ends } = record;
    for (let index = 0; index < this.testTakers.length; index++) {
      const place = this.testPlaces[index]!;
      const start = starts[place]!;
      const end = ends[place]!;
      if (start === end) test.builders[index]!.appendNull();
      else if (!this.testTakers[index]!(bytes, start, end)) {
        this.misfit(record, test.columns[index]!.column, place);
        return false;
      }
    }
    return test.passes();
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
    const placeOf = ({ name }: { readonly name: string }): number => {
      const place = places.get(name);
      if (place !== undefined) return place;
      throw new TerminalError('column-changed', `${this.uri} has no column "${name}" any more.`, {
        remedy: `Its header has: ${names.join(', ').slice(0, 500)}. Discover the tables of the source again.`,
      });
    };
    this.places = this.request.columns.map(placeOf);
    this.testPlaces = this.test?.columns.map(({ column }) => placeOf(column)) ?? [];
  }

  private misfit(record: CsvRecord, column: Column, place: number): void {
    const value = textOf(record, place, place);
    const message = `Line ${record.line}: "${value.slice(0, 60)}" in column "${column.name}" is not ${column.type}.`;
    this.leaveOut(record.line, column.name, reasonOf(column), value, message);
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

/** Why a field is no value of `column`. */
function reasonOf(column: Column): string {
  return `not-${column.type.toLowerCase()}`;
}

/** The whole field at `place`. */
function fieldOf({ bytes, starts, ends }: CsvRecord, place: number): string {
  return Buffer.from(bytes.subarray(starts[place], ends[place])).toString('utf8');
}

/** Fields `first` to `last` as text, at most 200 characters. */
function textOf({ bytes, starts, ends }: CsvRecord, first: number, last: number): string {
  const start = starts[first]!;
  return Buffer.from(bytes.subarray(start, Math.min(ends[last]!, start + 800)))
    .toString('utf8')
    .slice(0, 200);
}
