/** Parquet as a format of files: a part is a run of row groups. */
import { z } from 'zod';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import type { ExtractRequest, ObjectReader, ObjectVersion } from '../connector.ts';
import type { FileFormat, FilePart, PartRequest } from '../files/file-format.ts';
import { mustBePinned } from '../files/pinned.ts';
import { checkColumns } from '../files/same-columns.ts';
import { inFile } from './format-error.ts';
import { readFooter, type Footer, type StoredGroup } from './footer.ts';
import { makeRowTest, type RowTest } from '../row-test.ts';
import { passThrough } from './pass-through.ts';
import { extractGroup, type GroupCounts, type TestedPlan } from './row-group.ts';
import type { ColumnPlan } from './types.ts';

/** Row groups `first` to before `end`. */
const GroupRange = z.object({ first: z.int(), end: z.int() });

/** Footers that are kept: tasks read the parts of a file one after the other. */
const KEPT_FOOTERS = 8;

/** The format over `objects`. */
export function makeParquetFormat(objects: ObjectReader): FileFormat {
  const footers = new Map<string, Promise<Footer>>();
  const footerOf = (file: ObjectVersion): Promise<Footer> => {
    // Read in many parts, which must all be of one version.
    mustBePinned(file, 'Upload the file');
    const key = `${file.uri}#${file.generation}`;
    const known = footers.get(key) ?? inFile(file.uri, () => readFooter(objects, file));
    footers.delete(key);
    footers.set(key, known);
    for (const oldest of footers.keys()) if (footers.size > KEPT_FOOTERS) footers.delete(oldest);
    // What failed is tried again.
    known.catch(() => footers.delete(key));
    return known;
  };

  return {
    async describe(files) {
      const [first] = files;
      if (first === undefined) throw new RangeError('a table of no files');
      const { plans, notes, rows } = await footerOf(first);
      // Of many files the first stands for all; that the others have its columns is seen when they are read.
      const share = files.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, first.bytes);
      return {
        columns: plans.map(({ column }) => column),
        estimatedRows: Math.round(rows * share),
        notes,
      };
    },

    async plan(file, targetBytes, like, loadable) {
      const footer = await footerOf(file);
      compare(file.uri, footer, like);
      if (loadable === undefined) return planParts(footer.groups, targetBytes);
      const written = passThrough(footer, file.bytes, { columns: loadable, several: like !== null });
      const parts = planParts(footer.groups, written === null ? Infinity : targetBytes);
      return parts.map((part) => ({ ...part, written }));
    },

    async extract({ file, part, like, request }: PartRequest) {
      const { first, end } = GroupRange.parse(part);
      request.signal.throwIfAborted();
      const { uri, generation } = file;
      const footer = await footerOf(file);
      compare(uri, footer, like);
      const plans = match(uri, footer.plans, request.columns);
      const test = testOf(uri, footer, request);
      const counts: GroupCounts = { rows: 0, rejected: 0 };
      let bytes = 0;
      const read = async (start: number, stop: number): Promise<Uint8Array> => {
        const found = await objects.range(uri, generation, start, stop);
        bytes += found.length;
        return found;
      };
      const progress = (): void => request.onProgress?.({ rows: counts.rows, bytes });
      for (const group of footer.groups.slice(first, end)) {
        await inFile(uri, () => extractGroup(footer, group, plans, test, read, request, counts, progress));
        progress();
      }
      return { ...counts, bytes };
    },

    close() {
      footers.clear();
    },
  };
}

/** The test of the rows that are wanted; null where all are. */
function testOf(uri: string, { plans }: Footer, { filter }: ExtractRequest): RowTest<TestedPlan> | null {
  if (filter === undefined) return null;
  const tested = match(uri, plans, filter.columns).map((plan) => {
    const single = plan.form?.kind === 'float' && plan.node.element.type === 'FLOAT';
    return { column: plan.column, plan, single };
  });
  return makeRowTest(filter, tested, uri);
}

/** Compares the columns of one of several files with those of its table. Terminal `columns-differ`. */
function compare(uri: string, { plans }: Footer, like: string | null): void {
  const names = plans.map(({ column }) => column.name);
  if (like !== null) checkColumns(uri, names, like);
}

/** Row groups in a row until they have `targetBytes`; a file without any is one part. */
function planParts(groups: readonly StoredGroup[], targetBytes: number): readonly FilePart[] {
  const parts: FilePart[] = [];
  let first = 0;
  let rows = 0;
  let bytes = 0;
  groups.forEach((group, index) => {
    rows += group.rows;
    bytes += group.bytes;
    if (bytes < targetBytes && index < groups.length - 1) return;
    parts.push({ part: { first, end: index + 1 }, estimatedRows: rows, estimatedBytes: bytes });
    first = index + 1;
    rows = 0;
    bytes = 0;
  });
  return parts.length > 0 ? parts : [{ part: { first: 0, end: 0 }, estimatedRows: 0, estimatedBytes: 0 }];
}

/** The plans of `columns` in their order. Terminal `column-changed`. */
function match(uri: string, plans: readonly ColumnPlan[], columns: readonly Column[]): readonly ColumnPlan[] {
  const has = plans.map(({ column }) => column.name);
  const remedy = `The file has: ${has.join(', ').slice(0, 500)}. Discover the tables of the source again.`;
  return columns.map((column) => {
    const plan = plans.find((each) => each.column.name === column.name);
    if (plan === undefined)
      throw new TerminalError('column-changed', `${uri} has no column "${column.name}" any more.`, {
        remedy,
      });
    const { type, precision, scale, sourceType } = plan.column;
    if (type !== column.type || precision !== column.precision || scale !== column.scale)
      throw new TerminalError(
        'column-changed',
        `Column "${column.name}" of ${uri} is ${sourceType} now, and was ${column.sourceType}.`,
        { remedy },
      );
    return plan;
  });
}
