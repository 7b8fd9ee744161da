/** FLOAT64: NaN and infinities included, which the warehouse keeps. No sum: it would depend on the order of rows. */
import { FLOAT_FACTOR, LARGE_FIGURE } from '#core/sql/figures';
import { ColumnPages, type ColumnFigures, type Page } from './column-pages.ts';
import type { Bounds } from './parquet-metadata.ts';

const LIMIT = 2 ** 31;

export class FloatColumn extends ColumnPages {
  readonly kind = 'float';
  readonly physical = 'DOUBLE';
  private readonly values: Float64Array;
  private count = 0;
  private min = Infinity;
  private max = -Infinity;
  private unordered = false;

  constructor(maxRows: number) {
    super(maxRows);
    this.values = new Float64Array(maxRows);
  }

  append(value: number): void {
    this.values[this.count++] = value;
    this.present();
  }

  figuresInto(out: Int32Array): void {
    const { values, count } = this;
    for (let at = 0; at < count; at++) {
      const value = values[at]!;
      // At most 2^51, of which assigning keeps the lowest 32 bits; NaN is within no bounds.
      out[at] = value >= -LIMIT && value < LIMIT ? Math.trunc(value * FLOAT_FACTOR) : LARGE_FIGURE;
    }
  }

  takePage(): Page {
    for (const value of this.values.subarray(0, this.count)) {
      if (value < this.min) this.min = value;
      if (value > this.max) this.max = value;
      if (Number.isNaN(value)) this.unordered = true;
    }
    return { encoding: 'PLAIN', body: [new Uint8Array(this.values.buffer, 0, this.count * 8)] };
  }

  endGroup(): Bounds | null {
    // The format asks for no bounds beside NaN, and for −0 below and +0 above.
    const known = !this.unordered && this.min <= this.max;
    const bounds = known
      ? { min: encode(this.min === 0 ? -0 : this.min), max: encode(this.max === 0 ? 0 : this.max) }
      : null;
    this.min = Infinity;
    this.max = -Infinity;
    this.unordered = false;
    return bounds;
  }

  figures(): ColumnFigures {
    return { min: null, max: null, sum: null };
  }

  protected buffers(): readonly ArrayBufferView[] {
    return [this.values];
  }

  protected dropLast(): void {
    this.count--;
  }

  protected clear(): void {
    this.count = 0;
  }
}

function encode(value: number): Uint8Array {
  return new Uint8Array(Float64Array.of(value).buffer);
}
