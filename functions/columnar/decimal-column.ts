/** Decimals of more than 18 digits: two's complement, big endian, 16 bytes (up to 38 digits) or 32 (up to 76). */
import { LARGE_FIGURE } from '#core/sql/figures';
import { ColumnPages, Extremes, type ColumnFigures, type Page } from './column-pages.ts';
import type { Bounds } from './parquet-metadata.ts';

/** The high word of 2^62. */
const BOUND = 2 ** 30;

export class DecimalColumn extends ColumnPages {
  readonly kind = 'decimal';
  readonly physical = 'FIXED_LEN_BYTE_ARRAY';
  override readonly typeLength: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private count = 0;
  private readonly extremes = new Extremes();

  constructor(maxRows: number, precision: number) {
    super(maxRows);
    this.typeLength = precision > 38 ? 32 : 16;
    this.bytes = new Uint8Array(maxRows * this.typeLength);
    this.view = new DataView(this.bytes.buffer);
  }

  /** An unscaled safe integer (|value| < 2^53): the fast way for almost every value. */
  appendNumber(value: number): void {
    const at = this.count++ * this.typeLength;
    const end = at + this.typeLength;
    this.bytes.fill(value < 0 ? 0xff : 0, at, end - 8);
    const high = Math.floor(value / 4_294_967_296);
    this.view.setInt32(end - 8, high);
    this.view.setUint32(end - 4, value - high * 4_294_967_296);
    this.present();
  }

  /**
   * An unscaled value that fits: its amount as words of 32 bits, the lowest first and at least as many as the column is
   * wide, and its sign. For what would cost a bigint a value otherwise.
   */
  appendWords(words: Uint32Array, negative: boolean): void {
    const at = this.count++ * this.typeLength;
    let carry = negative ? 1 : 0;
    for (let word = 0, place = at + this.typeLength - 4; place >= at; word++, place -= 4) {
      // Two's complement: all bits turned, plus one.
      const sum = negative ? (~words[word]! >>> 0) + carry : words[word]!;
      carry = sum > 0xffff_ffff ? 1 : 0;
      this.view.setUint32(place, sum);
    }
    this.present();
  }

  /** An unscaled value that fits. */
  appendBigInt(value: bigint): void {
    writeBigEndian(this.view, this.count++ * this.typeLength, this.typeLength, value);
    this.present();
  }

  figuresInto(out: Int32Array): void {
    const { view, count, typeLength } = this;
    for (let at = 0; at < count; at++) {
      const end = (at + 1) * typeLength;
      const high = view.getInt32(end - 8);
      // Only of 16 bytes: wider ones have no figure.
      const small =
        high >= -BOUND &&
        high < BOUND &&
        view.getInt32(end - 16) === high >> 31 &&
        view.getInt32(end - 12) === high >> 31;
      out[at] = small ? view.getInt32(end - 4) : LARGE_FIGURE;
    }
  }

  takePage(): Page {
    this.tally();
    return { encoding: 'PLAIN', body: [this.bytes.subarray(0, this.count * this.typeLength)] };
  }

  endGroup(): Bounds | null {
    return this.extremes.endGroup((value) => {
      const bytes = new Uint8Array(this.typeLength);
      writeBigEndian(new DataView(bytes.buffer), 0, this.typeLength, value);
      return bytes;
    });
  }

  figures(): ColumnFigures {
    return this.extremes.figures();
  }

  protected buffers(): readonly ArrayBufferView[] {
    return [this.bytes];
  }

  protected dropLast(): void {
    this.count--;
  }

  protected clear(): void {
    this.count = 0;
  }

  /** Adds words apart (each sum stays below 2^53), and makes bigints only for the extremes. */
  private tally(): void {
    const { view, typeLength, count } = this;
    if (count === 0) return;
    const sums = Array.from({ length: typeLength / 4 }, () => 0);
    let min = 0;
    let max = 0;
    for (let at = 0; at < count * typeLength; at += typeLength) {
      sums[0]! += view.getInt32(at);
      for (let word = 1; word < sums.length; word++) sums[word]! += view.getUint32(at + word * 4);
      if (this.less(at, min)) min = at;
      if (this.less(max, at)) max = at;
    }
    const sum = sums.reduce((total, word) => (total << 32n) + BigInt(word), 0n);
    this.extremes.add(this.read(min), this.read(max), sum);
  }

  private less(a: number, b: number): boolean {
    const high = this.view.getInt32(a) - this.view.getInt32(b);
    if (high !== 0) return high < 0;
    for (let word = 4; word < this.typeLength; word += 4) {
      const difference = this.view.getUint32(a + word) - this.view.getUint32(b + word);
      if (difference !== 0) return difference < 0;
    }
    return false;
  }

  private read(at: number): bigint {
    let value = BigInt(this.view.getInt32(at));
    for (let word = 4; word < this.typeLength; word += 4)
      value = (value << 32n) + BigInt(this.view.getUint32(at + word));
    return value;
  }
}

function writeBigEndian(view: DataView, at: number, length: number, value: bigint): void {
  let rest = value;
  for (let end = at + length - 8; end >= at; end -= 8) {
    view.setBigInt64(end, BigInt.asIntN(64, rest));
    rest >>= 64n;
  }
}
