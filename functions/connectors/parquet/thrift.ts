/**
 * Thrift's compact protocol as far as Parquet uses it, over bytes that may be hostile: nothing is allocated that the bytes
 * do not hold, nothing goes deeper than MAX_DEPTH. Source: thrift/doc/specs/thrift-compact-protocol.md.
 */
import { FormatError } from './format-error.ts';

/** Fields by number: whole numbers (64 bits cut to doubles), bytes, truth values, structs, lists. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | boolean | Uint8Array | ThriftStruct | readonly ThriftValue[];

const MAX_DEPTH = 32;
/** Above all fields of the format. Names must be made for others. */
const MAX_KNOWN_FIELD = 64;
/** A field of a struct is a place in it; only structs that are all of different shapes take more. */
const FIELDS_OF_PART = 4;
/** A varint of 64 bits has so many bytes at most. */
const MAX_VARINT = 10;

/** The bytes ended inside the struct: with more of them it may be whole. */
export class ThriftTruncated extends FormatError {}

/** The struct that begins at `at`, and where it ends. @throws ThriftTruncated, FormatError */
export function readStruct(
  bytes: Uint8Array,
  at: number,
): { readonly fields: ThriftStruct; readonly end: number } {
  const reader = new CompactReader(bytes, at, null);
  return { fields: reader.struct(0), end: reader.at };
}

/**
 * Walks through the struct at the beginning of `bytes` without keeping what it holds. Whoever keeps it makes something for
 * each of its parts, and a part may be a single byte: there may be `maxParts` of them. Parts are structs, lists, elements of
 * lists, texts, fields that the format does not have, and every few fields of those that it has.
 * @returns the numbers of its own fields
 * @throws FormatError where it is not whole; `tooMany()` where it has more parts
 */
export function checkStruct(
  bytes: Uint8Array,
  maxParts: number,
  tooMany: () => FormatError,
): ReadonlySet<number> {
  let parts = 0;
  const onPart = (): void => {
    if (++parts > maxParts) throw tooMany();
  };
  return new Set(new CompactReader(bytes, 0, onPart).struct(0).keys());
}

const NOTHING: ThriftStruct = new Map();

class CompactReader {
  at: number;
  private readonly bytes: Uint8Array;
  private readonly keep: boolean;
  private readonly onPart: () => void;
  private passed = 0;

  /** `onPart`: keeps nothing and calls it for each part. */
  constructor(bytes: Uint8Array, at: number, onPart: (() => void) | null) {
    this.bytes = bytes;
    this.at = at;
    this.keep = onPart === null;
    this.onPart = onPart ?? (() => undefined);
  }

  struct(depth: number): ThriftStruct {
    if (depth > MAX_DEPTH) throw new FormatError('a header is nested too deeply');
    this.onPart();
    const fields = this.keep || depth === 0 ? new Map<number, ThriftValue>() : null;
    let id = 0;
    for (;;) {
      const head = this.byte();
      const type = head & 15;
      if (type === 0) return fields ?? NOTHING;
      id = head >> 4 === 0 ? this.zigzag() : id + (head >> 4);
      if (id < 1 || id > MAX_KNOWN_FIELD || ++this.passed % FIELDS_OF_PART === 0) this.onPart();
      const value = this.value(type, depth);
      fields?.set(id, value);
    }
  }

  private value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return this.byte();
      case 4:
      case 5:
      case 6:
        return this.zigzag();
      case 7:
        return this.take(8);
      case 8:
        this.onPart();
        return this.take(this.varint());
      case 9:
      case 10:
        return this.list(depth);
      case 12:
        return this.struct(depth + 1);
    }
    throw new FormatError(`a header holds a value of the unknown type ${type}`);
  }

  private list(depth: number): ThriftValue[] {
    if (depth > MAX_DEPTH) throw new FormatError('a header is nested too deeply');
    this.onPart();
    const head = this.byte();
    const size = head >> 4 === 15 ? this.varint() : head >> 4;
    // Every element has a byte at least.
    if (size > this.bytes.length - this.at)
      throw new ThriftTruncated(`a header announces a list of ${size} elements, more than it has bytes for`);
    const type = head & 15;
    const list: ThriftValue[] = [];
    for (let index = 0; index < size; index++) {
      // What is more than a number counts itself.
      if (type < 8) this.onPart();
      const value = type === 1 || type === 2 ? this.byte() === 1 : this.value(type, depth + 1);
      if (this.keep) list.push(value);
    }
    return list;
  }

  private take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at)
      throw new ThriftTruncated(`a header announces ${length} bytes, more than it has`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new ThriftTruncated('a header ends in its middle');
    return value;
  }

  private varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < MAX_VARINT; count++) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    throw new FormatError('a header holds a number without an end');
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
