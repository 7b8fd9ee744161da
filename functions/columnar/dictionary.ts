/**
 * The distinct values of a column within a row group, in the form of a Parquet dictionary page (four bytes of length,
 * then the value). Open addressing over a hash of the bytes; grows from small, so that narrow columns stay cheap.
 */
import { isUtf8 } from 'node:buffer';
import { fingerprints } from './farm-fingerprint.ts';
import { freeNow } from './free-memory.ts';

/** In place of a value's number: it is new and there is no room for it; it is no text. */
export const FULL = -1;
export const INVALID = -2;

const MAX_VALUES = 40_000;
const MAX_BYTES = 1 << 20;

export class ValueDictionary {
  values = 0;
  private bytes = new Uint8Array(4096);
  private length = 0;
  /** Start of each value's length. */
  private starts = new Int32Array(256);
  private hashes = new Int32Array(256);
  /** Low words of fingerprints, of the first `figured` values. */
  private figures = new Int32Array(256);
  private figured = 0;
  /** Value number + 1, or 0; the size is a power of two, at most half full. */
  private slots = new Int32Array(1024);

  /**
   * The number of the value `source[start .. start + length)`; FULL where it is new and there is no room for it, INVALID where
   * it is new, `checked`, and not UTF-8.
   */
  find(source: Uint8Array, start: number, length: number, checked: boolean): number {
    // FNV-1a with a final mix (its low bits alone are weak). Whether all is ASCII comes out of the same pass.
    let hash = 0x9e3779b9 ^ length;
    let bits = 0;
    for (let at = start; at < start + length; at++) {
      const byte = source[at]!;
      bits |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = this.slots[slot]! - 1;
      if (entry < 0) break;
      if (this.hashes[entry] === hash && this.same(entry, source, start, length)) return entry;
      slot = (slot + 1) & mask;
    }
    if (checked && bits > 0x7f && !isUtf8(source.subarray(start, start + length))) return INVALID;
    return this.add(hash, slot, source, start, length);
  }

  /** The length in bytes of value `entry`. */
  lengthOf(entry: number): number {
    return (entry + 1 < this.values ? this.starts[entry + 1]! : this.length) - this.starts[entry]! - 4;
  }

  /** Copies value `entry`, its length first, to `target` and returns the bytes written. */
  copy(entry: number, target: Uint8Array, at: number): number {
    const start = this.starts[entry]!;
    const size = this.lengthOf(entry) + 4;
    target.set(this.bytes.subarray(start, start + size), at);
    return size;
  }

  /** The low words of the values' fingerprints. Valid until the next `find`. */
  fingerprints(): Int32Array {
    if (this.figures.length < this.starts.length) this.figures = grownWords(this.figures, this.starts.length);
    const from = this.figured;
    const start = from < this.values ? this.starts[from]! : this.length;
    const found = fingerprints(this.bytes.subarray(start, this.length), this.values - from);
    for (let value = from; value < this.values; value++) this.figures[value] = found[(value - from) * 2]!;
    this.figured = this.values;
    return this.figures;
  }

  /** All values as a dictionary page. Valid until the next `find`. */
  page(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** The least and greatest value in byte order, null when there is none or one is longer than `limit` bytes. */
  bounds(limit: number): { min: Uint8Array; max: Uint8Array } | null {
    let min: Uint8Array | null = null;
    let max: Uint8Array | null = null;
    for (let entry = 0; entry < this.values; entry++) {
      const start = this.starts[entry]! + 4;
      const value = this.bytes.subarray(start, start + this.lengthOf(entry));
      if (min === null || Buffer.compare(value, min) < 0) min = value;
      if (max === null || Buffer.compare(value, max) > 0) max = value;
    }
    if (min === null || max === null || min.length > limit || max.length > limit) return null;
    return { min: min.slice(), max: max.slice() };
  }

  clear(): void {
    this.values = 0;
    this.figured = 0;
    this.length = 0;
    this.slots.fill(0);
  }

  /** All that is held. */
  buffers(): readonly ArrayBufferView[] {
    return [this.bytes, this.starts, this.hashes, this.figures, this.slots];
  }

  private same(entry: number, source: Uint8Array, start: number, length: number): boolean {
    if (this.lengthOf(entry) !== length) return false;
    const { bytes } = this;
    const from = this.starts[entry]! + 4;
    for (let at = 0; at < length; at++) if (bytes[from + at] !== source[start + at]) return false;
    return true;
  }

  private add(hash: number, slot: number, source: Uint8Array, start: number, length: number): number {
    const end = this.length + 4 + length;
    if (this.values >= MAX_VALUES || end > MAX_BYTES) return FULL;
    if (end > this.bytes.length) this.bytes = grown(this.bytes, Math.max(end, this.bytes.length * 2));
    if (this.values === this.starts.length) {
      this.starts = grownWords(this.starts);
      this.hashes = grownWords(this.hashes);
    }
    const entry = this.values++;
    const at = this.length;
    this.starts[entry] = at;
    this.hashes[entry] = hash;
    this.bytes[at] = length;
    this.bytes[at + 1] = length >>> 8;
    this.bytes[at + 2] = length >>> 16;
    this.bytes[at + 3] = length >>> 24;
    for (let i = 0; i < length; i++) this.bytes[at + 4 + i] = source[start + i]!;
    this.length = end;
    this.slots[slot] = entry + 1;
    if (this.values * 2 > this.slots.length) this.rehash();
    return entry;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.values; entry++) {
      let slot = this.hashes[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    freeNow(this.slots);
    this.slots = slots;
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size);
  larger.set(bytes);
  freeNow(bytes);
  return larger;
}

function grownWords(words: Int32Array<ArrayBuffer>, size = words.length * 2): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(words);
  freeNow(words);
  return larger;
}
