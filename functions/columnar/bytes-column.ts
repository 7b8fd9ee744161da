/**
 * STRING (UTF-8) and BYTES. Starts each row group with a dictionary and goes on plainly when the values turn out to be
 * too many or too big for one.
 */
import { isUtf8 } from 'node:buffer';
import {
  ColumnPages,
  type ColumnFigures,
  type Dictionary,
  type Page,
  type Pressure,
} from './column-pages.ts';
import { FULL, INVALID, ValueDictionary } from './dictionary.ts';
import { fingerprints } from './farm-fingerprint.ts';
import { freeNow } from './free-memory.ts';
import type { Bounds } from './parquet-metadata.ts';

/** The longest value taken, in bytes: warehouse rows end at 50 MB, so three such values still fit. */
export const MAX_VALUE_BYTES = 16 * 1024 * 1024;

const SOFT_PAGE_BYTES = 1 << 20;
/** What a page's indices may stand for: all of it is written out where the dictionary turns out to be too small. */
const SOFT_INDEXED_BYTES = 16 << 20;
const BOUND_BYTES = 64;

export class BytesColumn extends ColumnPages {
  readonly kind = 'bytes';
  readonly physical = 'BYTE_ARRAY';
  private readonly pressure: Pressure;
  private readonly dictionary = new ValueDictionary();
  /** Off for the rest of the group once it does not pay. */
  private useDictionary = true;
  private indices: Int32Array;
  private plain = new Uint8Array(16 * 1024);
  private end = 0;
  private previousEnd = 0;
  /** Values in the page. */
  private count = 0;
  /** Whether this page's values are `indices`, and whether former pages of the group were. */
  private indexed = true;
  /** Bytes that they stand for, about. */
  private indexedBytes = 0;
  private dictionaryPages = 0;
  private plainPages = 0;
  private total = 0n;
  private seen = false;

  constructor(maxRows: number, pressure: Pressure) {
    super(maxRows);
    this.pressure = pressure;
    this.indices = new Int32Array(maxRows);
  }

  /** The value `source[start .. start + length)`, copied. RangeError above MAX_VALUE_BYTES: check before. */
  append(source: Uint8Array, start: number, length: number): void {
    this.take(source, start, length, false);
  }

  /** The same for text: false where it is not UTF-8, and nothing is appended. A column's values are all given so, or none. */
  appendUtf8(source: Uint8Array, start: number, length: number): boolean {
    return this.take(source, start, length, true);
  }

  private take(source: Uint8Array, start: number, length: number, checked: boolean): boolean {
    if (length > MAX_VALUE_BYTES) throw new RangeError(`a value of ${length} bytes`);
    if (this.indexed) {
      const index = this.dictionary.find(source, start, length, checked);
      if (index === INVALID) return false;
      if (index !== FULL) {
        this.indices[this.count++] = index;
        this.indexedBytes += length;
        if (this.indexedBytes > SOFT_INDEXED_BYTES) this.pressure.full = true;
        this.present();
        return true;
      }
      this.leaveDictionary();
    }
    if (!this.appendPlain(source, start, length, checked)) return false;
    this.present();
    return true;
  }

  /** `text` as UTF-8. */
  appendText(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.append(bytes, 0, bytes.length);
  }

  figuresInto(out: Int32Array): void {
    if (this.indexed) {
      const { indices, count } = this;
      const figures = this.dictionary.fingerprints();
      for (let at = 0; at < count; at++) out[at] = figures[indices[at]!]!;
      return;
    }
    const found = fingerprints(this.plain.subarray(0, this.end), this.count);
    for (let at = 0; at < this.count; at++) out[at] = found[at * 2]!;
  }

  addFigures(sums: Int32Array, weight: number): void {
    const { count } = this;
    if (this.indexed) {
      const { indices } = this;
      const figures = this.dictionary.fingerprints();
      for (let row = 0; row < count; row++) sums[row]! += Math.imul(weight, figures[indices[row]!]!);
      return;
    }
    const found = fingerprints(this.plain.subarray(0, this.end), count);
    for (let row = 0; row < count; row++) sums[row]! += Math.imul(weight, found[row * 2]!);
  }

  takePage(): Page {
    this.countPage();
    if (!this.indexed) return { encoding: 'PLAIN', body: [this.plain.subarray(0, this.end)] };
    const body = packIndices(this.indices, this.count, this.dictionary.values);
    return { encoding: 'RLE_DICTIONARY', body: [body] };
  }

  override countPage(): void {
    if (this.count > 0) this.seen = true;
    if (!this.indexed) {
      this.plainPages++;
      this.total += BigInt(this.end - this.count * 4);
      return;
    }
    let bytes = 0;
    for (let at = 0; at < this.count; at++) bytes += this.dictionary.lengthOf(this.indices[at]!);
    this.total += BigInt(bytes);
    this.dictionaryPages++;
    // Most values new after a page: a dictionary would only store them with an index on top.
    if (this.dictionary.values > this.count * 0.7 && this.count > 1000) this.useDictionary = false;
  }

  override takeDictionary(): Dictionary | null {
    if (this.dictionaryPages === 0) return null;
    return { values: this.dictionary.values, body: this.dictionary.page() };
  }

  endGroup(): Bounds | null {
    const bounds = this.plainPages === 0 ? this.dictionary.bounds(BOUND_BYTES) : null;
    this.dictionary.clear();
    this.useDictionary = true;
    this.dictionaryPages = 0;
    this.plainPages = 0;
    return bounds;
  }

  figures(): ColumnFigures {
    return { min: null, max: null, sum: this.seen ? this.total : null };
  }

  protected buffers(): readonly ArrayBufferView[] {
    return [this.indices, this.plain, ...this.dictionary.buffers()];
  }

  protected dropLast(): void {
    this.count--;
    this.end = this.previousEnd;
  }

  protected clear(): void {
    this.count = 0;
    this.end = 0;
    this.previousEnd = 0;
    this.indexedBytes = 0;
    this.indexed = this.useDictionary;
    if (this.plain.length > 4 * SOFT_PAGE_BYTES) {
      freeNow(this.plain);
      this.plain = new Uint8Array(SOFT_PAGE_BYTES);
    }
  }

  /** False where the value is `checked` and not UTF-8; then nothing is appended. */
  private appendPlain(source: Uint8Array, start: number, length: number, checked: boolean): boolean {
    this.room(length + 4);
    const { plain } = this;
    let at = this.end;
    plain[at++] = length;
    plain[at++] = length >>> 8;
    plain[at++] = length >>> 16;
    plain[at++] = length >>> 24;
    // Most values are short and ASCII, which is seen faster while they are copied than asked.
    if (length < 32 || (checked && length < 200)) {
      let bits = 0;
      for (let i = 0; i < length; i++) bits |= plain[at + i] = source[start + i]!;
      if (checked && bits > 0x7f && !isUtf8(source.subarray(start, start + length))) return false;
    } else {
      const value = source.subarray(start, start + length);
      if (checked && !isUtf8(value)) return false;
      plain.set(value, at);
    }
    this.previousEnd = this.end;
    this.end = at + length;
    this.count++;
    if (this.end > SOFT_PAGE_BYTES) this.pressure.full = true;
    return true;
  }

  /** The dictionary is full: this page's values are written out, and no page of the group uses it again. */
  private leaveDictionary(): void {
    this.useDictionary = false;
    this.indexed = false;
    for (let at = 0; at < this.count; at++) {
      const entry = this.indices[at]!;
      this.room(this.dictionary.lengthOf(entry) + 4);
      this.previousEnd = this.end;
      this.end += this.dictionary.copy(entry, this.plain, this.end);
    }
  }

  private room(bytes: number): void {
    if (this.end + bytes <= this.plain.length) return;
    const larger = new Uint8Array(Math.max(this.plain.length * 2, this.end + bytes));
    larger.set(this.plain.subarray(0, this.end));
    freeNow(this.plain);
    this.plain = larger;
  }
}

/** Bit width, one bit-packed run header, then the indices of `values` dictionary entries, least significant bit first. */
function packIndices(indices: Int32Array, count: number, values: number): Uint8Array {
  const width = Math.max(1, 32 - Math.clz32(Math.max(0, values - 1)));
  const groups = (count + 7) >> 3;
  const out = new Uint8Array(6 + groups * width);
  out[0] = width;
  let at = 1;
  let header = groups * 2 + 1;
  while (header > 127) {
    out[at++] = (header & 127) | 128;
    header >>>= 7;
  }
  out[at++] = header;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < groups * 8; i++) {
    // At most 7 held bits and 16 of an index (40,000 values): within 32.
    bits |= (i < count ? indices[i]! : 0) << held;
    held += width;
    while (held >= 8) {
      out[at++] = bits;
      bits >>>= 8;
      held -= 8;
    }
  }
  return out.subarray(0, at);
}
