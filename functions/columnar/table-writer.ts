/**
 * Rows into one Parquet file, streamed: pages are compressed (zstd, level 1) beside the filling of the next, a row group
 * goes out when it is big enough, the footer comes last, so neither the whole file nor a temporary file is ever held.
 *
 *     append… to each builder → endRow | abandonRow → … → full? await drain() → … → close()
 *
 * Memory: the page buffers (about 25 MiB for ten columns), a few pages that wait to be compressed, and one compressed row
 * group. Proven against DuckDB's reader and hyparquet in tests.
 */
import { decimalShape, wireTypeOf, type Column, type WireType } from '#core/column';
import type { TableTally } from '#core/tally';
import { BoolColumn } from './bool-column.ts';
import { BytesColumn } from './bytes-column.ts';
import type { Pressure } from './column-pages.ts';
import { DateColumn } from './date-column.ts';
import { DecimalColumn } from './decimal-column.ts';
import { FloatColumn } from './float-column.ts';
import { IntegerColumn } from './integer-column.ts';
import { footer, magic, type StoredColumn } from './parquet-metadata.ts';
import { RowChecksum } from './row-checksum.ts';
import { RowGroups } from './row-groups.ts';

/** Where the bytes of a file go, in order. `write` resolves when more may come; the chunk may be kept. */
export interface ByteSink {
  write(chunk: Uint8Array): Promise<void>;
}

/** The part of a builder that takes values. */
type Appending<C> = Pick<C, Extract<keyof C, 'kind' | `append${string}`>>;

type PageBuilder = IntegerColumn | DateColumn | FloatColumn | BoolColumn | DecimalColumn | BytesColumn;

/** What takes the values of one column; `kind` tells which `append…` it has. Each is called once a row, or `appendNull`. */
export type ColumnBuilder =
  | Appending<IntegerColumn>
  | Appending<DateColumn>
  | Appending<FloatColumn>
  | Appending<BoolColumn>
  | Appending<DecimalColumn>
  | Appending<BytesColumn>;

/** Sizes at which pages and row groups end. */
export interface TableWriterOptions {
  /** Rows a page; default 20,000, fewer for tables of more than 20 columns. At most 1,000,000. */
  readonly pageRows?: number;
  /** Compressed bytes at which a row group ends; default 16 MiB, which the warehouse loads best. */
  readonly groupBytes?: number;
  /** Rows at which a row group ends whatever its size; default 2,000,000. */
  readonly groupRows?: number;
}

/** See the top of the file. One user at a time; nothing may be appended after `close`. */
export interface TableWriter {
  readonly columns: readonly Column[];
  /** One builder per column, in order. Decimals of up to 18 digits are `integer` builders (unscaled values). */
  readonly builders: readonly ColumnBuilder[];
  /** Rows kept. */
  readonly rows: number;
  /** Bytes of output so far, written or waiting. */
  readonly bytes: number;
  /** True when output waits: `await drain()` before many more rows, or memory grows. */
  readonly full: boolean;
  /** Keeps the row. Every builder must have got one value or null. */
  endRow(): void;
  /** Takes back what the row appended so far. */
  abandonRow(): void;
  /**
   * Asked about a value that the column at `index` cannot hold, before anything is appended for it: true where something
   * else was appended in its place, and the row goes on. Without it, such a row is abandoned. `text`: all of the value; null
   * where there is none of it.
   */
  mend?(index: number, value: { readonly reason: string; readonly text: string | null }): boolean;
  /** Writes what waits. Throws what the sink throws. */
  drain(): Promise<void>;
  /** Writes the rest and the footer; the tally of the file. The sink is left open. */
  close(): Promise<TableTally>;
}

/** A writer of `columns` to `sink`, with the wire types of core/column.ts. Column names must differ. */
export function makeTableWriter(
  columns: readonly Column[],
  sink: ByteSink,
  options: TableWriterOptions = {},
): TableWriter {
  return new ParquetTableWriter(columns, sink, options);
}

/**
 * A writer that writes nothing: it counts what a file of the same rows would have been counted by (the tally's `bytes` is 0),
 * and drops each page. For rows that are stored elsewhere already.
 */
export function makeCountingWriter(columns: readonly Column[]): TableWriter {
  return new ParquetTableWriter(columns, null, {});
}

const builders: Readonly<
  Record<WireType, (column: Column, maxRows: number, pressure: Pressure) => PageBuilder>
> = {
  INT64: (_, maxRows) => new IntegerColumn(maxRows),
  TIMESTAMP: (_, maxRows) => new IntegerColumn(maxRows),
  DATE: (_, maxRows) => new DateColumn(maxRows),
  FLOAT64: (_, maxRows) => new FloatColumn(maxRows),
  BOOL: (_, maxRows) => new BoolColumn(maxRows),
  NUMERIC: makeDecimal,
  BIGNUMERIC: makeDecimal,
  STRING: (_, maxRows, pressure) => new BytesColumn(maxRows, pressure),
  BYTES: (_, maxRows, pressure) => new BytesColumn(maxRows, pressure),
};

/** Digits of a decimal up to which its builder is an `integer` one. */
export const SHORT_DECIMAL = 18;

function makeDecimal(column: Column, maxRows: number): PageBuilder {
  const { precision } = decimalShape(column);
  return precision <= SHORT_DECIMAL ? new IntegerColumn(maxRows) : new DecimalColumn(maxRows, precision);
}

/** Rows that a dictionary serves where there are no row groups. */
const DROPPED_ROWS = 500_000;

class ParquetTableWriter implements TableWriter {
  readonly columns: readonly Column[];
  readonly builders: readonly PageBuilder[];
  rows = 0;
  bytes = 0;
  /** Null: nothing is written. */
  private readonly sink: ByteSink | null;
  private readonly pageRows: number;
  private readonly groupBytes: number;
  private readonly groupRows: number;
  private readonly pressure: Pressure = { full: false };
  private rowsInPage = 0;
  /** Of a writer that writes nothing: since its dictionaries began. */
  private droppedRows = 0;
  private readonly groups: RowGroups;
  private groupNulls: number[];
  private readonly nulls: number[];
  private readonly checksum: RowChecksum;
  private readonly outbox: Uint8Array[] = [];
  private draining: Promise<void> | null = null;

  constructor(columns: readonly Column[], sink: ByteSink | null, options: TableWriterOptions) {
    this.columns = columns;
    this.sink = sink;
    const fitting = Math.floor(400_000 / Math.max(20, columns.length));
    this.pageRows = Math.min(options.pageRows ?? Math.max(1000, fitting), 1_000_000);
    this.groupBytes = options.groupBytes ?? 16 * 1024 * 1024;
    this.groupRows = options.groupRows ?? 2_000_000;
    this.builders = columns.map((column) =>
      builders[wireTypeOf(column.type)](column, this.pageRows, this.pressure),
    );
    this.checksum = new RowChecksum(columns, this.pageRows);
    this.groups = new RowGroups(columns.length, (chunk) => this.put(chunk));
    this.groupNulls = columns.map(() => 0);
    this.nulls = columns.map(() => 0);
    if (sink !== null) this.put(magic());
  }

  get full(): boolean {
    return this.outbox.length > 1 || this.groups.full;
  }

  endRow(): void {
    this.rowsInPage++;
    this.rows++;
    if (this.rowsInPage >= this.pageRows || this.pressure.full) this.endPage();
  }

  abandonRow(): void {
    for (const builder of this.builders) if (builder.rows > this.rowsInPage) builder.undo();
  }

  drain(): Promise<void> {
    this.draining ??= this.writeOutbox();
    return this.draining;
  }

  async close(): Promise<TableTally> {
    try {
      this.endPage();
      if (this.sink !== null) {
        if (this.groups.rows > 0) this.endGroup();
        await this.drain();
        this.put(footer(this.stored(), this.groups.done));
        await this.drain();
      }
    } finally {
      this.groups.close();
      this.checksum.release();
      for (const builder of this.builders) builder.release();
    }
    return {
      rows: this.rows,
      bytes: this.bytes,
      checksum: this.checksum.value.toString(),
      columns: this.columns.map(({ name }, index) => {
        const { min, max, sum } = this.builders[index]!.figures();
        return {
          name,
          nulls: this.nulls[index]!,
          min: min?.toString() ?? null,
          max: max?.toString() ?? null,
          sum: sum?.toString() ?? null,
        };
      }),
    };
  }

  private async writeOutbox(): Promise<void> {
    try {
      await this.groups.settle();
      for (let chunk = this.outbox[0]; chunk !== undefined; chunk = this.outbox[0]) {
        await this.sink?.write(chunk);
        this.outbox.shift();
      }
    } finally {
      this.draining = null;
    }
  }

  private stored(): StoredColumn[] {
    return this.columns.map((column, index) => {
      const { physical, typeLength } = this.builders[index]!;
      return { column, physical, typeLength };
    });
  }

  private endPage(): void {
    this.pressure.full = false;
    const rows = this.rowsInPage;
    if (rows === 0) return;
    this.builders.forEach(({ rows: found }, index) => {
      if (found !== rows)
        throw new RangeError(`column ${this.columns[index]?.name} has ${found} of ${rows} rows`);
    });
    this.checksum.add(this.builders, rows);
    if (this.sink === null) return this.dropPage(rows);
    const pages = this.builders.map((builder) => {
      const { encoding, body } = builder.takePage();
      return { encoding, body: [...levels(builder, rows), ...body] };
    });
    const bytes = this.groups.addPages(rows, pages);
    this.startPages();
    if (bytes >= this.groupBytes || this.groups.rows >= this.groupRows) this.endGroup();
  }

  private dropPage(rows: number): void {
    for (const builder of this.builders) builder.countPage();
    this.droppedRows += rows;
    // What would be a new group's dictionary.
    if (this.droppedRows >= DROPPED_ROWS) {
      for (const builder of this.builders) builder.endGroup();
      this.droppedRows = 0;
    }
    this.startPages();
  }

  private startPages(): void {
    this.builders.forEach((builder, index) => {
      this.groupNulls[index]! += builder.nulls;
      this.nulls[index]! += builder.nulls;
      builder.startPage();
    });
    this.rowsInPage = 0;
  }

  private endGroup(): void {
    this.groups.end(
      this.builders.map((builder, index) => ({
        dictionary: builder.takeDictionary(),
        nulls: this.groupNulls[index]!,
        bounds: builder.endGroup(),
      })),
    );
    this.groupNulls = this.columns.map(() => 0);
    // The dictionaries start anew, and with them the pages' choice of encoding.
    for (const builder of this.builders) builder.startPage();
  }

  /** Takes the next bytes of the file and answers where they begin. */
  private put(chunk: Uint8Array): number {
    const at = this.bytes;
    this.outbox.push(chunk);
    this.bytes += chunk.length;
    return at;
  }
}

/** Definition levels: one run when nothing is null, else the presence bits; preceded by their length. */
function levels(builder: PageBuilder, rows: number): Uint8Array[] {
  const groups = (rows + 7) >> 3;
  const run = builder.nulls === 0 ? [...varint(rows * 2), 1] : varint(groups * 2 + 1);
  const bits = builder.nulls === 0 ? new Uint8Array(0) : builder.presence.subarray(0, groups);
  const head = new Uint8Array(4 + run.length);
  new DataView(head.buffer).setUint32(0, run.length + bits.length, true);
  head.set(run, 4);
  return [head, bits];
}

function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}
