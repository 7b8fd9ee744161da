/**
 * What every column builder of a `TableWriter` can do. Each row appends exactly one value or one null to each
 * builder, then `TableWriter.endRow()` keeps the row or `abandonRow()` takes it back.
 *
 * The page buffers are the final Parquet bytes already: appending is the encoding.
 */
import type { PhysicalType } from './parquet-metadata.ts';

/** One page ready to be compressed. `body` parts follow the levels. */
export interface Page {
  readonly values: number;
  readonly nulls: number;
  readonly encoding: 'PLAIN' | 'RLE_DICTIONARY';
  readonly body: readonly Uint8Array[];
}

/** Bounds of a row group in Parquet's own encoding; null where unknown or not worth keeping. */
export interface Bounds {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

/** Figures over everything appended so far; see core/tally.ts for their meaning per type. */
export interface ColumnFigures {
  readonly min: bigint | null;
  readonly max: bigint | null;
  readonly sum: bigint | null;
}

/** The part of a builder that a `TableWriter` uses; sources use the typed `append…` of the concrete classes. */
export interface PageBuilder {
  readonly physical: PhysicalType;
  /** Bytes per value for FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength?: number;
  /** Rows in the page so far, the unfinished row included. */
  readonly rows: number;
  /** Bytes in the page so far. */
  readonly bytes: number;
  appendNull(): void;
  /** Takes back the value of the unfinished row. */
  undo(): void;
  /** Presence bits of the page, one per row, least significant first. */
  readonly presence: Uint8Array;
  /** The page so far; valid until `startPage`. */
  takePage(): Page;
  startPage(): void;
  /** The dictionary of the row group, null where none was used. */
  takeDictionary(): { readonly values: number; readonly body: Uint8Array } | null;
  /** Bounds of the row group; starts the next one. */
  endGroup(): Bounds | null;
  figures(): ColumnFigures;
}
