/** CSV objects in storage as a `SourceSession`: each object is a table, each table one unit, a generation is the moment. */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { SourceSettings } from '#core/source';
import { TerminalError } from '#core/errors';
import type {
  ExtractRequest,
  ExtractResult,
  ObjectReader,
  ObjectVersion,
  SourceSession,
  TableDescription,
} from '../connector.ts';
import { readObjectText } from './object-text.ts';
import { findShape, headerNames, isBlank, type CsvShape } from './shape.ts';
import { makeTaker, type TakeField } from './text-values.ts';
import { makeTokenizer, type BadLine, type CsvRecord } from './tokenizer.ts';

/** The settings of a CSV source. */
export type CsvSettings = Extract<SourceSettings, { kind: 'csv' }>;

const Pinned = z.array(z.object({ uri: z.string(), generation: z.string(), bytes: z.number() }));
const UnitPart = z.object({ uri: z.string(), generation: z.string() });

/** The table names of `uris`: the last part of each, the whole address where two are the same. */
export function tableNames(uris: readonly string[]): ReadonlyMap<string, string> {
  const last = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1) || uri;
  const names = uris.map(last);
  return new Map(
    uris.map((uri) => [names.filter((name) => name === last(uri)).length > 1 ? uri : last(uri), uri]),
  );
}

/** The newest version of `uri`. Terminal `object-not-found`. */
export async function findObject(objects: ObjectReader, uri: string): Promise<ObjectVersion> {
  const found = await objects.stat(uri);
  if (found === null)
    throw new TerminalError('object-not-found', `There is no object ${uri}.`, {
      remedy: 'Check the address, or upload the file again.',
    });
  return found;
}

/** The session over `objects`. */
export function makeCsvSession(settings: CsvSettings, objects: ObjectReader): SourceSession {
  const tables = tableNames(settings.uris);
  let pinned: readonly ObjectVersion[] | null = null;
  const shapes = new Map<string, CsvShape>();

  const uriOf = (table: string): string => {
    const uri = tables.get(table);
    if (uri !== undefined) return uri;
    throw new TerminalError('table-not-found', `This source has no file "${table}".`, {
      remedy: `It has: ${[...tables.keys()].join(', ')}.`,
    });
  };
  const versionOf = async (uri: string): Promise<ObjectVersion> => {
    if (pinned === null) return findObject(objects, uri);
    const version = pinned.find((each) => each.uri === uri);
    if (version !== undefined) return version;
    throw new TerminalError('object-not-found', `There is no object ${uri} in this snapshot.`, {
      remedy: 'Check the address, or upload the file again.',
    });
  };
  const pinnedVersion = (table: string): Promise<ObjectVersion> => {
    if (pinned !== null) return versionOf(uriOf(table));
    throw new TerminalError('snapshot-missing', 'This session has no snapshot to read from.', {
      remedy: 'Call openSnapshot or importSnapshot first.',
    });
  };
  const shapeOf = async ({ uri, generation }: z.infer<typeof UnitPart>): Promise<CsvShape> => {
    const key = `${uri}#${generation}`;
    const known = shapes.get(key);
    if (known !== undefined) return known;
    const text = readObjectText(objects.open(uri, generation), { encoding: settings.encoding, uri });
    const shape = await findShape(text, uri, settings.delimiter);
    shapes.set(key, shape);
    return shape;
  };

  return {
    async listTables() {
      return Promise.all(
        [...tables].map(async ([name, uri]) => ({
          name,
          kind: 'file' as const,
          estimatedRows: null,
          estimatedBytes: (await versionOf(uri)).bytes,
          comment: null,
        })),
      );
    },

    async describe(table): Promise<TableDescription> {
      const version = await versionOf(uriOf(table));
      const shape = await shapeOf(version);
      return {
        name: table,
        kind: 'file',
        // Of a longer file the unpacked size is not known; its rows are guessed as if it were stored plainly.
        estimatedRows: shape.whole
          ? shape.records
          : Math.round(shape.records * Math.max(1, version.bytes / shape.bytes)),
        estimatedBytes: version.bytes,
        comment: null,
        columns: shape.columns,
        key: [],
        notes: [
          ...(shape.whole ? [] : ['The types were guessed from the first 32 MiB of the file.']),
          ...spoiledNotes(shape),
        ],
      };
    },

    async openSnapshot() {
      pinned ??= await Promise.all(settings.uris.map((uri) => findObject(objects, uri)));
      return { token: JSON.stringify(pinned) };
    },

    async importSnapshot({ token }) {
      pinned = Pinned.parse(JSON.parse(token));
    },

    async safeUpperBound(table) {
      return { value: (await pinnedVersion(table)).generation, guarantee: 'exact', note: null };
    },

    async planUnits(table, { range }) {
      const { uri, generation, bytes } = await pinnedVersion(table);
      if (range?.after === generation) return [];
      const part = { uri, generation };
      return [{ id: 'u00000', table, part, estimatedRows: null, estimatedBytes: bytes }];
    },

    async extract(request) {
      const part = UnitPart.parse(request.unit.part);
      const delimiter = settings.delimiter ?? (await shapeOf(part)).delimiter;
      let stored = 0;
      const text = readObjectText(objects.open(part.uri, part.generation), {
        encoding: settings.encoding,
        uri: part.uri,
        onBytes: (bytes) => {
          stored = bytes;
        },
      });
      const counts = await extractRecords(text, part.uri, delimiter, request, () => stored);
      return { ...counts, bytes: stored };
    },

    async close() {
      shapes.clear();
    },
  };
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

async function extractRecords(
  text: AsyncIterable<Uint8Array>,
  uri: string,
  delimiter: string,
  request: ExtractRequest,
  storedBytes: () => number,
): Promise<Omit<ExtractResult, 'bytes'>> {
  const { writer, signal } = request;
  signal.throwIfAborted();
  const loader = new RecordLoader(request, uri);
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
  return { rows: loader.rows, rejected: loader.rejected };
}

const badLines: Readonly<Record<BadLine['reason'], string>> = {
  'unclosed-quote': 'has a quote that is never closed',
  'text-after-quote': 'has text after a closing quote',
  'line-too-long': 'is longer than 16 MiB',
  'too-many-fields': 'has more than 10,000 fields',
};

/** Takes the header, then every record into the writer or to the rejects. */
class RecordLoader {
  rows = 0;
  rejected = 0;
  private readonly request: ExtractRequest;
  private readonly uri: string;
  private readonly takers: readonly TakeField[];
  /** Field of each column; empty until the header was seen. */
  private places: readonly number[] = [];
  private width = 0;

  constructor(request: ExtractRequest, uri: string) {
    this.request = request;
    this.uri = uri;
    this.takers = request.columns.map((column, index) => {
      const builder = request.writer.builders[index];
      if (builder === undefined) throw new RangeError(`a writer without a column for ${column.name}`);
      return makeTaker(column, builder);
    });
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

  badLine({ line, reason, start }: BadLine): void {
    const text = Buffer.from(start).toString('utf8');
    this.leaveOut(line, null, reason, text, `Line ${line} ${badLines[reason]}.`);
  }

  private header(record: CsvRecord): void {
    const names = headerNames(record, this.uri);
    this.width = names.length;
    this.places = this.request.columns.map(({ name }) => {
      const place = names.indexOf(name);
      if (place >= 0) return place;
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
