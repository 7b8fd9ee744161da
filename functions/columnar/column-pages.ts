/**
 * What all column builders share. Each row appends exactly one value or one null to each builder, then
 * `TableWriter.endRow()` keeps the row or `abandonRow()` takes it back.
 *
 * The page buffers are the final Parquet bytes already: appending is the encoding.
 */
import { freeNow } from './free-memory.ts';
import type { Bounds, Encoding, PhysicalType } from './parquet-metadata.ts';

/** The values of one page, without its levels. The parts are valid until the next `startPage`. */
export interface Page {
  readonly encoding: Encoding;
  readonly body: readonly Uint8Array[];
}

/** Figures over everything kept so far; core/tally.ts says what they mean for each type. */
export interface ColumnFigures {
  readonly min: bigint | null;
  readonly max: bigint | null;
  readonly sum: bigint | null;
}

/** The dictionary of a row group. */
export interface Dictionary {
  readonly values: number;
  readonly body: Uint8Array;
}

/** Told when a page should end early because values are big. Shared by the columns of a table. */
export interface Pressure {
  full: boolean;
}

/** A column under construction: rows, nulls and presence bits; subclasses hold the values. */
export abstract class ColumnPages {
  abstract readonly physical: PhysicalType;
  /** Bytes per value of FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength: number | null = null;
  /** Rows in the page, an unfinished one included. */
  rows = 0;
  /** Nulls among them. */
  nulls = 0;
  /** One bit per row, least significant first. */
  readonly presence: Uint8Array;

  constructor(maxRows: number) {
    this.presence = new Uint8Array((maxRows + 7) >> 3);
  }

  appendNull(): void {
    this.rows++;
    this.nulls++;
  }

  /** Takes back what the unfinished row appended. */
  undo(): void {
    const row = --this.rows;
    const at = row >> 3;
    const bit = 1 << (row & 7);
    const bits = this.presence[at] ?? 0;
    if ((bits & bit) === 0) this.nulls--;
    else {
      this.presence[at] = bits & ~bit;
      this.dropLast();
    }
  }

  /** Gives the memory of the pages back: nothing is appended any more. The figures stay. */
  release(): void {
    freeNow(this.presence);
    for (const buffer of this.buffers()) freeNow(buffer);
  }

  /** Forgets the page's rows. */
  startPage(): void {
    this.rows = 0;
    this.nulls = 0;
    this.presence.fill(0);
    this.clear();
  }

  /** See row-checksum.ts. Before `takePage`. */
  abstract figuresInto(out: Int32Array): void;
  /** Ends the page: its encoded values, counted into the figures. */
  abstract takePage(): Page;
  /** Ends the page in place of `takePage`: counted into the figures, and not encoded. */
  countPage(): void {
    this.takePage();
  }
  /** The row group's dictionary, null where none was used. Called after its last page. */
  takeDictionary(): Dictionary | null {
    return null;
  }
  /** Bounds of the row group, null where unknown; the next group starts. */
  abstract endGroup(): Bounds | null;
  abstract figures(): ColumnFigures;

  /** What holds the page's values. */
  protected abstract buffers(): readonly ArrayBufferView[];
  protected abstract dropLast(): void;
  protected abstract clear(): void;

  /** Marks the row's value as present and counts the row: every append ends with it. */
  protected present(): void {
    const row = this.rows++;
    // In range: a table ends the page at `maxRows`.
    this.presence[row >> 3]! |= 1 << (row & 7);
  }
}

/** Minimum, maximum and sum of bigints, per row group and in all. */
export class Extremes {
  min: bigint | null = null;
  max: bigint | null = null;
  sum = 0n;
  private groupMin: bigint | null = null;
  private groupMax: bigint | null = null;

  /** Adds a page's figures. */
  add(min: bigint, max: bigint, sum: bigint): void {
    if (this.groupMin === null || min < this.groupMin) this.groupMin = min;
    if (this.groupMax === null || max > this.groupMax) this.groupMax = max;
    if (this.min === null || min < this.min) this.min = min;
    if (this.max === null || max > this.max) this.max = max;
    this.sum += sum;
  }

  /** The group's bounds through `encode`; starts the next group. */
  endGroup(encode: (value: bigint) => Uint8Array): Bounds | null {
    const { groupMin, groupMax } = this;
    this.groupMin = null;
    this.groupMax = null;
    return groupMin === null || groupMax === null ? null : { min: encode(groupMin), max: encode(groupMax) };
  }

  figures(): ColumnFigures {
    return { min: this.min, max: this.max, sum: this.min === null ? null : this.sum };
  }
}
