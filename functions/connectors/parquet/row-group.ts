/** The rows of one row group into a table writer, all columns side by side. */
import { setImmediate } from 'node:timers/promises';
import type { ColumnBuilder, TableWriter } from '#columnar/table-writer';
import type { ExtractRequest } from '../connector.ts';
import type { RowTest, TestedColumn } from '../row-test.ts';
import { makeByteBudget, type ByteBudget } from './byte-budget.ts';
import { makeChunkBytes, type ReadRange } from './chunk-bytes.ts';
import { FlatColumn } from './flat-column.ts';
import type { Footer, StoredGroup } from './footer.ts';
import { FormatError } from './format-error.ts';
import { makeJsonShower } from './json-values.ts';
import type { Misfit } from './misfit.ts';
import { makeNestedColumn } from './nested-column.ts';
import { NestedLeaf } from './nested-leaf.ts';
import { makePageSource, type PageSource } from './pages.ts';
import { makeTaker } from './takers.ts';
import { formOf, type ColumnPlan, type ValueForm } from './types.ts';

/** A column being read: rows that are ready, and what to do with the next. */
interface ReadColumn {
  readonly ready: number;
  load(): Promise<void>;
  /** Appends the next row's value. */
  take(): Misfit | null;
  /** Passes the next row, which is left out for another column's sake. */
  pass(): void;
  readonly finished: boolean;
  close(): void;
}

/** Row groups up to this size are read at once, all of their columns together. */
const WHOLE_GROUP_BYTES = 8 * 1024 * 1024;
const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
const MIN_BLOCK_BYTES = 16 * 1024;
/** Rows between looks at the signal and the writer, and at whatever else this process has to do. */
const STRIDE = 2000;

/** Rows written and left out. */
export interface GroupCounts {
  rows: number;
  rejected: number;
}

/** A column that rows are chosen by. */
export interface TestedPlan extends TestedColumn {
  readonly plan: ColumnPlan;
}

/**
 * Reads `group` of the file into `request`'s writer: the rows for which `test` is true, up to the request's limit; `plans`
 * in the order of its builders. Adds to `counts`, and tells by `progress`.
 */
export async function extractGroup(
  footer: Footer,
  group: StoredGroup,
  plans: readonly ColumnPlan[],
  test: RowTest<TestedPlan> | null,
  read: ReadRange,
  request: ExtractRequest,
  counts: GroupCounts,
  progress: () => void,
): Promise<void> {
  const budget = makeByteBudget();
  const open = async (wanted: readonly ColumnPlan[], builders: readonly ColumnBuilder[]) => {
    const pages = await openPages(footer, group, wanted, read, budget);
    return wanted.map((plan, index) => {
      const builder = builders[index];
      if (builder === undefined) throw new RangeError(`a writer without a column for ${plan.column.name}`);
      return plan.form === null
        ? nestedColumn(plan, footer, pages, budget, builder)
        : flatColumn(plan, plan.form, pages, builder);
    });
  };
  const columns = await open(plans, request.writer.builders);
  // Read beside the others, and from pages of their own: a column may be both loaded and looked at.
  const tested =
    test === null
      ? []
      : await open(
          test.columns.map(({ plan }) => plan),
          test.builders,
        );
  try {
    await readRows(group, { columns, test, tested }, request, counts, progress);
  } finally {
    for (const column of [...columns, ...tested]) column.close();
  }
}

/** The columns of a group that is read. */
interface Reading {
  readonly columns: readonly ReadColumn[];
  readonly test: RowTest<TestedPlan> | null;
  readonly tested: readonly ReadColumn[];
}

async function readRows(
  group: StoredGroup,
  { columns, test, tested }: Reading,
  request: ExtractRequest,
  counts: GroupCounts,
  progress: () => void,
): Promise<void> {
  const { writer, signal, limit = Infinity } = request;
  const all = [...tested, ...columns];
  for (let row = 0; row < group.rows;) {
    signal.throwIfAborted();
    let stop = Math.min(group.rows, row + STRIDE);
    for (const column of all) {
      await column.load();
      stop = Math.min(stop, row + column.ready);
    }
    for (; row < stop; row++) {
      if (counts.rows + counts.rejected >= limit) return;
      const unfit = test === null ? null : takeAll(tested, null);
      if (unfit === null && test?.passes() === false) {
        for (const column of columns) column.pass();
        continue;
      }
      const fault = unfit ?? takeAll(columns, writer);
      if (fault === null) {
        writer.endRow();
        counts.rows++;
        continue;
      }
      if (unfit === null) writer.abandonRow();
      else for (const column of columns) column.pass();
      counts.rejected++;
      const { name } = unfit === null ? request.columns[fault.column]! : test!.columns[fault.column]!.column;
      const line = group.firstRow + row + 1;
      const message = `Row ${line}, column "${name}": ${fault.why.message}`;
      const { reason, value } = fault.why;
      request.reject({ line, column: name, reason, value, message });
    }
    // Decoding alone never waits for anything: timers, such as those that hold a unit's claim, would not run.
    await setImmediate();
    if (!writer.full) continue;
    await writer.drain();
    progress();
  }
  if (!all.every((column) => column.finished))
    throw new FormatError('a column has more values than its row group has rows');
}

/**
 * Appends the next row's values; the first that does not fit, and that `writer` takes nothing else for, is told, and what
 * follows it passed.
 */
function takeAll(
  columns: readonly ReadColumn[],
  writer: TableWriter | null,
): { readonly column: number; readonly why: Misfit } | null {
  let fault: { readonly column: number; readonly why: Misfit } | null = null;
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index]!;
    if (fault !== null) column.pass();
    else {
      const why = column.take();
      if (why !== null && writer?.mend?.(index, why) !== true) fault = { column: index, why };
    }
  }
  return fault;
}

/** The pages of every leaf that the columns need, by the leaf's place. */
async function openPages(
  footer: Footer,
  group: StoredGroup,
  plans: readonly ColumnPlan[],
  read: ReadRange,
  budget: ByteBudget,
): Promise<ReadonlyMap<number, PageSource>> {
  const needed = plans.flatMap(({ node }) => range(node.first, node.end));
  const block = Math.min(
    MAX_BLOCK_BYTES,
    Math.max(MIN_BLOCK_BYTES, Math.floor((128 * 1024 * 1024) / Math.max(1, needed.length))),
  );
  const source = await readAtOnce(group, needed, read, budget);
  return new Map(
    needed.map((place) => {
      const { start, end, codec, values } = group.chunks[place]!;
      const leaf = footer.leaves[place]!;
      const { type, type_length = 0 } = leaf.element;
      // A leaf has a type: schema.ts tells them by it.
      const shape = {
        physical: type!,
        length: type_length,
        codec,
        count: values,
        definition: leaf.definition,
        repetition: leaf.repetition,
      };
      return [place, makePageSource(makeChunkBytes(source, start, end, block, budget), shape, budget)];
    }),
  );
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

/** A small group in one read instead of one for each column. */
async function readAtOnce(
  { chunks }: StoredGroup,
  needed: readonly number[],
  read: ReadRange,
  budget: ByteBudget,
): Promise<ReadRange> {
  const first = needed.reduce((least, place) => Math.min(least, chunks[place]!.start), Infinity);
  const last = needed.reduce((most, place) => Math.max(most, chunks[place]!.end), 0);
  if (needed.length < 2 || last - first > WHOLE_GROUP_BYTES) return read;
  budget.take(last - first);
  const bytes = await read(first, last);
  return async (start, end) => bytes.subarray(start - first, end - first);
}

function flatColumn(
  { column, node }: ColumnPlan,
  form: ValueForm,
  pages: ReadonlyMap<number, PageSource>,
  builder: ColumnBuilder,
): ReadColumn {
  const flat = new FlatColumn(pages.get(node.first)!, node.definition);
  const taker = makeTaker(column, node.element.type!, form, builder);
  return {
    get ready() {
      return flat.ready;
    },
    load: () => flat.load(),
    take() {
      const place = flat.next();
      if (place >= 0) return taker(flat.values, place);
      builder.appendNull();
      return null;
    },
    pass() {
      flat.next();
    },
    get finished() {
      // Its values are as many as the group has rows: the footer was checked for that.
      return flat.ready === 0;
    },
    close: () => flat.close(),
  };
}

function nestedColumn(
  { node, column }: ColumnPlan,
  { leaves }: Footer,
  pages: ReadonlyMap<number, PageSource>,
  budget: ByteBudget,
  builder: ColumnBuilder,
): ReadColumn {
  if (builder.kind !== 'bytes')
    throw new RangeError(`the nested column ${column.name} given a builder of ${builder.kind}`);
  const own = range(node.first, node.end).map((place) => {
    const { element, definition } = leaves[place]!;
    const form = formOf(element);
    // planColumns leaves out columns with parts that have no form.
    if (typeof form === 'string') throw new RangeError(`the leaf ${element.name} has no form: ${form}`);
    return new NestedLeaf(pages.get(place)!, definition, makeJsonShower(element.type!, form), budget);
  });
  const nested = makeNestedColumn(node, own);
  return {
    get ready() {
      return nested.ready;
    },
    load: () => nested.load(),
    take() {
      const text = nested.next();
      if (text === null) builder.appendNull();
      else if (typeof text === 'string') builder.appendText(text);
      else return text;
      return null;
    },
    pass() {
      nested.next();
    },
    get finished() {
      return nested.finished;
    },
    close: () => nested.close(),
  };
}
