/** INT64, TIMESTAMP (microseconds) and decimals of up to 18 digits: eight bytes a value. */
import { ColumnPages, Extremes, type ColumnFigures, type Page } from './column-pages.ts';
import type { Bounds } from './parquet-metadata.ts';

const WORD = 4_294_967_296;

export class IntegerColumn extends ColumnPages {
  readonly kind = 'integer';
  readonly physical = 'INT64';
  private readonly words: Int32Array;
  private count = 0;
  private readonly extremes = new Extremes();

  constructor(maxRows: number) {
    super(maxRows);
    this.words = new Int32Array(maxRows * 2);
  }

  /** The value `high · 2^32 + low` of two's complement halves. */
  appendWords(low: number, high: number): void {
    const at = this.count++ * 2;
    this.words[at] = low;
    this.words[at + 1] = high;
    this.present();
  }

  /** A safe integer (|value| < 2^53). */
  appendNumber(value: number): void {
    this.appendWords(value | 0, Math.floor(value / WORD)); // `| 0` keeps exactly the low 32 bits
  }

  /** A value within 64 bits. */
  appendBigInt(value: bigint): void {
    this.appendWords(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  figuresInto(out: Int32Array): void {
    const { words, count } = this;
    for (let value = 0; value < count; value++) out[value] = words[value * 2]!;
  }

  addFigures(sums: Int32Array, weight: number): void {
    const { words, count } = this;
    for (let row = 0; row < count; row++) sums[row]! += Math.imul(weight, words[row * 2]!);
  }

  takePage(): Page {
    this.tally();
    return { encoding: 'PLAIN', body: [new Uint8Array(this.words.buffer, 0, this.count * 8)] };
  }

  endGroup(): Bounds | null {
    return this.extremes.endGroup((value) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigInt64(0, value, true);
      return bytes;
    });
  }

  figures(): ColumnFigures {
    return this.extremes.figures();
  }

  protected buffers(): readonly ArrayBufferView[] {
    return [this.words];
  }

  protected dropLast(): void {
    this.count--;
  }

  protected clear(): void {
    this.count = 0;
  }

  /** Sums the halves apart: a page of 2^20 rows keeps both below 2^53, so no digit is lost. */
  private tally(): void {
    const { words, count } = this;
    if (count === 0) return;
    let minLow = words[0]! >>> 0;
    let minHigh = words[1]!;
    let maxLow = minLow;
    let maxHigh = minHigh;
    let sumLow = 0;
    let sumHigh = 0;
    for (let at = 0; at < count * 2; at += 2) {
      const low = words[at]! >>> 0;
      const high = words[at + 1]!;
      sumLow += low;
      sumHigh += high;
      if (high < minHigh || (high === minHigh && low < minLow)) {
        minHigh = high;
        minLow = low;
      }
      if (high > maxHigh || (high === maxHigh && low > maxLow)) {
        maxHigh = high;
        maxLow = low;
      }
    }
    this.extremes.add(join(minHigh, minLow), join(maxHigh, maxLow), join(sumHigh, sumLow));
  }
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) + BigInt(low);
}
