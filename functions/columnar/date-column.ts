/** DATE: days since 1970-01-01 in four bytes. */
import { ColumnPages, Extremes, type ColumnFigures, type Page } from './column-pages.ts';
import type { Bounds } from './parquet-metadata.ts';

export class DateColumn extends ColumnPages {
  readonly kind = 'date';
  readonly physical = 'INT32';
  private readonly days: Int32Array;
  private count = 0;
  private readonly extremes = new Extremes();

  constructor(maxRows: number) {
    super(maxRows);
    this.days = new Int32Array(maxRows);
  }

  /** A day within the warehouse's range, −719162 (0001-01-01) to 2932896 (9999-12-31). */
  append(day: number): void {
    this.days[this.count++] = day;
    this.present();
  }

  figuresInto(out: Int32Array): void {
    out.set(this.days.subarray(0, this.count));
  }

  takePage(): Page {
    if (this.count > 0) {
      let min = this.days[0]!;
      let max = min;
      let sum = 0;
      for (const day of this.days.subarray(0, this.count)) {
        if (day < min) min = day;
        if (day > max) max = day;
        sum += day;
      }
      this.extremes.add(BigInt(min), BigInt(max), BigInt(sum));
    }
    return { encoding: 'PLAIN', body: [new Uint8Array(this.days.buffer, 0, this.count * 4)] };
  }

  endGroup(): Bounds | null {
    return this.extremes.endGroup((value) => new Uint8Array(Int32Array.of(Number(value)).buffer));
  }

  figures(): ColumnFigures {
    return this.extremes.figures();
  }

  protected buffers(): readonly ArrayBufferView[] {
    return [this.days];
  }

  protected dropLast(): void {
    this.count--;
  }

  protected clear(): void {
    this.count = 0;
  }
}
