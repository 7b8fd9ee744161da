/**
 * Thrift's compact protocol, the part that Parquet's headers and footers need: structs, lists, non-negative integers,
 * booleans, text and bytes. Source: thrift-compact-protocol.md of apache/thrift.
 */
const TYPE = { true: 1, false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/** Writes one struct; nested structs and lists are written by callbacks. Field ids must ascend. */
export class CompactWriter {
  private buffer = new Uint8Array(256);
  private length = 0;
  private lastField = 0;

  /** The struct as bytes; the writer must not be used any more. */
  finish(): Uint8Array {
    this.byte(0);
    return this.buffer.subarray(0, this.length);
  }

  i32(field: number, value: number): void {
    this.header(field, TYPE.i32);
    this.integer(value);
  }

  i64(field: number, value: number): void {
    this.header(field, TYPE.i64);
    this.integer(value);
  }

  bool(field: number, value: boolean): void {
    this.header(field, value ? TYPE.true : TYPE.false);
  }

  bytes(field: number, value: Uint8Array): void {
    this.header(field, TYPE.binary);
    this.raw(value);
  }

  text(field: number, value: string): void {
    this.bytes(field, new TextEncoder().encode(value));
  }

  struct(field: number, body: () => void): void {
    this.header(field, TYPE.struct);
    this.nested(body);
  }

  structs<T>(field: number, items: readonly T[], each: (item: T) => void): void {
    this.listHeader(field, TYPE.struct, items.length);
    for (const item of items) this.nested(() => each(item));
  }

  i32s(field: number, items: readonly number[]): void {
    this.listHeader(field, TYPE.i32, items.length);
    for (const item of items) this.integer(item);
  }

  texts(field: number, items: readonly string[]): void {
    this.listHeader(field, TYPE.binary, items.length);
    for (const item of items) this.raw(new TextEncoder().encode(item));
  }

  private nested(body: () => void): void {
    const outer = this.lastField;
    this.lastField = 0;
    body();
    this.byte(0);
    this.lastField = outer;
  }

  private header(field: number, type: number): void {
    const delta = field - this.lastField;
    if (delta < 1 || delta > 15) throw new RangeError(`thrift field ${field} after ${this.lastField}`);
    this.byte((delta << 4) | type);
    this.lastField = field;
  }

  private listHeader(field: number, type: number, size: number): void {
    this.header(field, TYPE.list);
    if (size < 15) this.byte((size << 4) | type);
    else {
      this.byte(0xf0 | type);
      this.varint(size);
    }
  }

  private integer(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER / 2))
      throw new RangeError(`thrift integer ${value}`);
    this.varint(value * 2); // zigzag of a non-negative number
  }

  private varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  private raw(value: Uint8Array): void {
    this.varint(value.length);
    this.room(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  private byte(value: number): void {
    this.room(1);
    this.buffer[this.length++] = value;
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }
}
