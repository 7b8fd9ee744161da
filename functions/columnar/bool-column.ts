/** BOOL: one bit a value, least significant first. The sum counts true. */
import { ColumnPages, type ColumnFigures, type Page } from './column-pages.ts';

export class BoolColumn extends ColumnPages {
  readonly kind = 'bool';
  readonly physical = 'BOOLEAN';
  private readonly bits: Uint8Array;
  private count = 0;
  private trues = 0;
  private seen = false;

  constructor(maxRows: number) {
    super(maxRows);
    this.bits = new Uint8Array((maxRows + 7) >> 3);
  }

  append(value: boolean): void {
    const at = this.count++;
    if (value) this.bits[at >> 3]! |= 1 << (at & 7);
    this.present();
  }

  figuresInto(out: Int32Array): void {
    for (let at = 0; at < this.count; at++) out[at] = (this.bits[at >> 3]! >> (at & 7)) & 1;
  }

  takePage(): Page {
    if (this.count > 0) this.seen = true;
    for (let at = 0; at < this.count; at++) if (this.bits[at >> 3]! & (1 << (at & 7))) this.trues++;
    return { encoding: 'PLAIN', body: [this.bits.subarray(0, (this.count + 7) >> 3)] };
  }

  endGroup(): null {
    return null;
  }

  figures(): ColumnFigures {
    return { min: null, max: null, sum: this.seen ? BigInt(this.trues) : null };
  }

  protected buffers(): readonly ArrayBufferView[] {
    return [this.bits];
  }

  protected dropLast(): void {
    const at = --this.count;
    this.bits[at >> 3]! &= ~(1 << (at & 7));
  }

  protected clear(): void {
    this.count = 0;
    this.bits.fill(0);
  }
}
