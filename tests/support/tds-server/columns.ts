/**
 * Columns and rows on the wire, for every type of SQL Server. Source: MS-TDS 2.2.5.4 (types), 2.2.5.5 (values), 2.2.7.4,
 * 2.2.7.13 and 2.2.7.19 (COLMETADATA, NBCROW, ROW).
 *
 * Values are given as the server would show them: numbers, `true`, text, `Buffer`, `2024-02-29 23:59:59.1234567`,
 * `… +02:00`; decimals and money as text, so that no digit is lost on the way here.
 */
import { COLLATION } from './tokens.ts';

export type WireType =
  | 'bit' | 'tinyint' | 'smallint' | 'int' | 'bigint' | 'real' | 'float'
  | 'decimal' | 'numeric' | 'money' | 'smallmoney'
  | 'date' | 'time' | 'datetime' | 'smalldatetime' | 'datetime2' | 'datetimeoffset'
  | 'char' | 'varchar' | 'nchar' | 'nvarchar' | 'binary' | 'varbinary'
  | 'uniqueidentifier' | 'xml' | 'sql_variant'; // prettier-ignore

export interface WireColumn {
  readonly name: string;
  readonly type: WireType;
  /** Characters or bytes; `max` travels in chunks. */
  readonly length?: number | 'max';
  readonly precision?: number;
  readonly scale?: number;
}

interface Wire {
  /** The type with its size, as COLMETADATA has it. */
  readonly info: (column: WireColumn) => Buffer;
  readonly nothing: (column: WireColumn) => Buffer;
  readonly value: (value: unknown, column: WireColumn) => Buffer;
}

/** A type whose values have a length of one byte. */
function sized(code: number, bytes: number, write: (into: Buffer, value: unknown) => void): Wire {
  return {
    info: () => Buffer.from([code, bytes]),
    nothing: () => Buffer.from([0]),
    value: (value) => {
      const body = Buffer.alloc(bytes);
      write(body, value);
      return Buffer.concat([Buffer.from([bytes]), body]);
    },
  };
}

/** Text and bytes: a length of two bytes, or chunks. */
function long(code: number, toBytes: (value: unknown) => Buffer, width: number, collated: boolean): Wire {
  const tail = collated ? COLLATION : Buffer.alloc(0);
  const isMax = (column: WireColumn): boolean => column.length === 'max';
  return {
    info: (column) => {
      const size = column.length === 'max' ? 0xffff : (column.length ?? 1) * width;
      return Buffer.concat([Buffer.from([code, size & 255, size >> 8]), tail]);
    },
    nothing: (column) => Buffer.alloc(isMax(column) ? 8 : 2, 0xff),
    value: (value, column) => {
      const bytes = toBytes(value);
      if (isMax(column)) return inChunks(bytes);
      const head = Buffer.alloc(2);
      head.writeUInt16LE(bytes.length);
      return Buffer.concat([head, bytes]);
    },
  };
}

const CHUNK = 32_003;

/** Chunks of an odd size, so that characters are cut too, after a length that says "not known". */
export function inChunks(bytes: Buffer): Buffer {
  const unknown = Buffer.alloc(8, 0xff);
  unknown[0] = 0xfe;
  const parts: Buffer[] = [unknown];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(chunk.length);
    parts.push(head, chunk);
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

const utf16 = (value: unknown): Buffer => Buffer.from(String(value), 'utf16le');
const latin1 = (value: unknown): Buffer => Buffer.from(String(value), 'latin1');
const asIs = (value: unknown): Buffer => {
  if (value instanceof Uint8Array) return Buffer.from(value);
  throw new Error(`a value of type ${typeof value} for bytes`);
};

const DAY = 86_400_000;
const FIRST_DAY = Date.parse('0001-01-01T00:00:00Z');

function days(date: string): number {
  return (Date.parse(`${date}T00:00:00Z`) - FIRST_DAY) / DAY;
}

/** Three bytes, the lowest first. */
function dayBytes(date: string): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntLE(days(date), 0, 3);
  return bytes;
}

const clockBytes = (scale: number): number => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);

/** `23:59:59.1234567` in units of its last decimal. */
function clockTicks(clock: string, scale: number): number {
  const [whole = '', fraction = ''] = clock.split('.');
  const [hours = 0, minutes = 0, seconds = 0] = whole.split(':').map(Number);
  const ticks = Number(fraction.padEnd(scale, '0').slice(0, scale) || 0);
  return (hours * 3600 + minutes * 60 + seconds) * 10 ** scale + ticks;
}

function clock(text: string, scale: number): Buffer {
  const bytes = Buffer.alloc(clockBytes(scale));
  bytes.writeUIntLE(clockTicks(text, scale), 0, bytes.length);
  return bytes;
}

/** A type of a clock, with a date or an offset or both. */
function clocked(code: number, make: (text: string, scale: number) => Buffer): Wire {
  return {
    info: ({ scale = 7 }) => Buffer.from([code, scale]),
    nothing: () => Buffer.from([0]),
    value: (value, { scale = 7 }) => {
      const body = make(String(value), scale);
      return Buffer.concat([Buffer.from([body.length]), body]);
    },
  };
}

function split(text: string): readonly [date: string, clock: string, offset: string] {
  const [date = '', time = '00:00:00', offset = '+00:00'] = text.split(' ');
  return [date, time, offset];
}

/** The moment in UTC, as SQL Server stores it, then the minutes that it was written with. */
function withOffset(text: string, scale: number): Buffer {
  const [date, time, offset] = split(text);
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
  const shift = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const perDay = 86_400 * 10 ** scale;
  const ticks = clockTicks(time, scale) - shift * 60 * 10 ** scale;
  const moved = Math.floor(ticks / perDay);
  const bytes = Buffer.alloc(clockBytes(scale) + 5);
  bytes.writeUIntLE(ticks - moved * perDay, 0, clockBytes(scale));
  bytes.writeUIntLE(days(date) + moved, clockBytes(scale), 3);
  bytes.writeInt16LE(shift, clockBytes(scale) + 3);
  return bytes;
}

function decimal(code: number): Wire {
  return {
    info: ({ precision = 18, scale = 0 }) => Buffer.from([code, 17, precision, scale]),
    nothing: () => Buffer.from([0]),
    value: (value, { scale = 0 }) => {
      const [whole = '', fraction = ''] = String(value).replace('-', '').split('.');
      let rest = BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale));
      const body = Buffer.alloc(17);
      body[0] = String(value).startsWith('-') ? 0 : 1;
      for (let at = 1; at < 17; at++, rest >>= 8n) body[at] = Number(rest & 255n);
      return Buffer.concat([Buffer.from([17]), body]);
    },
  };
}

/** Ten-thousandths; the high half of the eight bytes comes first. */
function moneyUnits(value: unknown): bigint {
  const [whole = '', fraction = ''] = String(value).replace('-', '').split('.');
  const units = BigInt(whole + fraction.padEnd(4, '0').slice(0, 4));
  return String(value).startsWith('-') ? -units : units;
}

const wires: Readonly<Record<WireType, Wire>> = {
  bit: sized(0x68, 1, (into, value) => into.writeUInt8(value === true ? 1 : 0)),
  tinyint: sized(0x26, 1, (into, value) => into.writeUInt8(Number(value))),
  smallint: sized(0x26, 2, (into, value) => into.writeInt16LE(Number(value))),
  int: sized(0x26, 4, (into, value) => into.writeInt32LE(Number(value))),
  bigint: sized(0x26, 8, (into, value) => into.writeBigInt64LE(BigInt(String(value)))),
  real: sized(0x6d, 4, (into, value) => into.writeFloatLE(Number(value))),
  float: sized(0x6d, 8, (into, value) => into.writeDoubleLE(Number(value))),
  decimal: decimal(0x6a),
  numeric: decimal(0x6c),
  money: sized(0x6e, 8, (into, value) => {
    const units = moneyUnits(value);
    into.writeInt32LE(Number(units >> 32n));
    into.writeUInt32LE(Number(units & 0xffffffffn), 4);
  }),
  smallmoney: sized(0x6e, 4, (into, value) => into.writeInt32LE(Number(moneyUnits(value)))),
  datetime: sized(0x6f, 8, (into, value) => {
    const [date, time] = split(String(value));
    into.writeInt32LE(days(date) - days('1900-01-01'));
    into.writeUInt32LE(Math.round(clockTicks(time, 3) * 0.3), 4);
  }),
  smalldatetime: sized(0x6f, 4, (into, value) => {
    const [date, time] = split(String(value));
    into.writeUInt16LE(days(date) - days('1900-01-01'));
    into.writeUInt16LE(clockTicks(time, 0) / 60, 2);
  }),
  date: {
    info: () => Buffer.from([0x28]),
    nothing: () => Buffer.from([0]),
    value: (value) => Buffer.concat([Buffer.from([3]), dayBytes(String(value))]),
  },
  time: clocked(0x29, clock),
  datetime2: clocked(0x2a, (text, scale) => {
    const [date, time] = split(text);
    return Buffer.concat([clock(time, scale), dayBytes(date)]);
  }),
  datetimeoffset: clocked(0x2b, withOffset),
  uniqueidentifier: sized(0x24, 16, (into, value) => {
    const bytes = Buffer.from(String(value).replaceAll('-', ''), 'hex');
    // Its first three parts are stored as numbers, the lowest byte first.
    const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    order.forEach((from, at) => into.writeUInt8(bytes[from]!, at));
  }),
  char: long(0xaf, latin1, 1, true),
  varchar: long(0xa7, latin1, 1, true),
  nchar: long(0xef, utf16, 2, true),
  nvarchar: long(0xe7, utf16, 2, true),
  binary: long(0xad, asIs, 1, false),
  varbinary: long(0xa5, asIs, 1, false),
  xml: {
    info: () => Buffer.from([0xf1, 0]),
    nothing: () => Buffer.alloc(8, 0xff),
    value: (value) => inChunks(utf16(value)),
  },
  // Only its description is ever sent: nobody here asks for a value.
  sql_variant: {
    info: () => Buffer.from([0x62, 0x49, 0x1f, 0, 0]),
    nothing: () => Buffer.alloc(4),
    value: () => Buffer.alloc(4),
  },
};

/** COLMETADATA. */
export function metadata(columns: readonly WireColumn[]): Buffer {
  const head = Buffer.alloc(3);
  head[0] = 0x81;
  head.writeUInt16LE(columns.length, 1);
  return Buffer.concat([
    head,
    ...columns.flatMap((column) => [
      Buffer.from([0, 0, 0, 0, 1, 0]),
      wires[column.type].info(column),
      Buffer.from([column.name.length]),
      Buffer.from(column.name, 'utf16le'),
    ]),
  ]);
}

/** ROW; with nulls in it NBCROW, which has a bit for each of them and leaves them out. */
export function row(columns: readonly WireColumn[], values: readonly unknown[]): Buffer {
  const nulls = values.filter((value) => value === null).length;
  const body = columns.flatMap((column, at) => {
    const value = values[at];
    if (value === null) return nulls > 1 ? [] : [wires[column.type].nothing(column)];
    return [wires[column.type].value(value, column)];
  });
  if (nulls < 2) return Buffer.concat([Buffer.from([0xd1]), ...body]);
  const bits = Buffer.alloc((columns.length + 7) >> 3);
  values.forEach((value, at) => {
    if (value === null) bits[at >> 3]! |= 1 << (at & 7);
  });
  return Buffer.concat([Buffer.from([0xd2]), bits, ...body]);
}
