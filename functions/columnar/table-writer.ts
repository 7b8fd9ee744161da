/** placeholder to be replaced within minutes: see the exported interfaces, which are final */
import type { Column } from '#core/column';
import type { TableTally } from '#core/tally';

/** Where the bytes of a file go, in order. `write` resolves when more may come; the chunk may be kept. */
export interface ByteSink {
  write(chunk: Uint8Array): Promise<void>;
}

/** Writes rows into one Parquet file, streamed: memory is bounded by a row group. */
export interface TableWriter {
  readonly columns: readonly Column[];
  /** Rows kept. */
  readonly rows: number;
  /** Bytes of output so far, written or waiting. */
  readonly bytes: number;
  /** True when output waits: `await drain()` before many more rows. */
  readonly full: boolean;
  endRow(): void;
  abandonRow(): void;
  drain(): Promise<void>;
  /** Writes the footer; the tally of the file. The sink is not closed. */
  close(): Promise<TableTally>;
}

/** A writer of `columns` to `sink`. */
export declare function makeTableWriter(columns: readonly Column[], sink: ByteSink): TableWriter;
