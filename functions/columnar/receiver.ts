/** Builders that hand their values on, one at a time, instead of making pages of them; and writers of such. */
import { isUtf8 } from 'node:buffer';
import { decimalShape, wireTypeOf, type Column } from '#core/column';
import { type ColumnBuilder, SHORT_DECIMAL, type TableWriter } from './table-writer.ts';

/** What gets the values of a column in place of a page, each in the one form that its type has. */
export interface Receiver {
  /** No value. */
  nothing(): void;
  /** INT64, days of DATE, microseconds of moments, unscaled decimals; a number where it is a safe integer. */
  whole(value: number | bigint): void;
  float(value: number): void;
  truth(value: boolean): void;
  /** `source[start .. start + length)`, valid during the call only: STRING (UTF-8), BYTES, and TIME and JSON as text. */
  bytes(source: Uint8Array, start: number, length: number): void;
}

/** A builder of the kind that a writer has for `column`, which gives everything to `receiver`. */
export function receivingBuilder(column: Column, receiver: Receiver): ColumnBuilder {
  const appendNull = (): void => receiver.nothing();
  const appendNumber = (value: number): void => receiver.whole(value);
  const appendBigInt = (value: bigint): void => receiver.whole(value);
  switch (wireTypeOf(column.type)) {
    case 'FLOAT64':
      return { kind: 'float', appendNull, append: (value) => receiver.float(value) };
    case 'BOOL':
      return { kind: 'bool', appendNull, append: (value) => receiver.truth(value) };
    case 'DATE':
      return { kind: 'date', appendNull, append: appendNumber };
    case 'STRING':
    case 'BYTES':
      return {
        kind: 'bytes',
        appendNull,
        append: (source, start, length) => receiver.bytes(source, start, length),
        appendUtf8(source, start, length) {
          if (!isUtf8(source.subarray(start, start + length))) return false;
          receiver.bytes(source, start, length);
          return true;
        },
        appendText(text) {
          const bytes = Buffer.from(text, 'utf8');
          receiver.bytes(bytes, 0, bytes.length);
        },
      };
    case 'NUMERIC':
    case 'BIGNUMERIC': {
      const { precision } = decimalShape(column);
      const width = precision > 38 ? 8 : 4;
      if (precision > SHORT_DECIMAL)
        return {
          kind: 'decimal',
          appendNull,
          appendNumber,
          appendBigInt,
          appendWords: (words, negative) => receiver.whole(fromWords(words.subarray(0, width), negative)),
        };
      break;
    }
    default:
  }
  return {
    kind: 'integer',
    appendNull,
    appendNumber,
    appendBigInt,
    // The halves may be of either sign, as what is stored of them is 32 bits.
    appendWords: (low, high) => receiver.whole(fromHalves(low >>> 0, high | 0)),
  };
}

/** Up to 2^52 either way a double holds both halves. */
function fromHalves(low: number, high: number): number | bigint {
  return high >= -0x10_0000 && high < 0x10_0000
    ? high * 0x1_0000_0000 + low
    : (BigInt(high) << 32n) + BigInt(low);
}

function fromWords(words: Uint32Array, negative: boolean): bigint {
  let amount = 0n;
  for (let at = words.length - 1; at >= 0; at--) amount = (amount << 32n) + BigInt(words[at]!);
  return negative ? -amount : amount;
}

/** What takes bytes of a writer's column. */
type BytesBuilder = Extract<ColumnBuilder, { readonly kind: 'bytes' }>;

/**
 * `writer` as a source fills it: its columns have the source's types (`columns`, in the same order). What is given for one
 * that has a receiver goes there; the receiver fills the builder of bytes that `writer` has for it.
 * @param rows in place of how `writer` ends rows, gives them up and takes misfits
 */
export function receivingWriter(
  writer: TableWriter,
  columns: readonly Column[],
  receiverOf: (column: Column, index: number) => ((taker: BytesBuilder) => Receiver) | null,
  rows: Partial<Pick<TableWriter, 'endRow' | 'abandonRow' | 'mend'>> = {},
): TableWriter {
  const shown = columns.map((column, index) => ({
    ...column,
    name: writer.columns[index]?.name ?? column.name,
  }));
  const builders = columns.map((column, index): ColumnBuilder => {
    const builder = writer.builders[index];
    if (builder === undefined) throw new RangeError(`a writer without a column for ${column.name}`);
    const receiver = receiverOf(column, index);
    if (receiver === null) return builder;
    if (builder.kind !== 'bytes')
      throw new RangeError(`${column.name} received for a builder of ${builder.kind}`);
    return receivingBuilder(column, receiver(builder));
  });
  return {
    columns: shown,
    builders,
    get rows() {
      return writer.rows;
    },
    get bytes() {
      return writer.bytes;
    },
    get full() {
      return writer.full;
    },
    endRow: () => writer.endRow(),
    abandonRow: () => writer.abandonRow(),
    drain: () => writer.drain(),
    close: () => writer.close(),
    ...rows,
  };
}
