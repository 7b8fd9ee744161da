/** A builder that hands its values on, one at a time, instead of making pages of them. */
import { isUtf8 } from 'node:buffer';
import { decimalShape, wireTypeOf, type Column } from '#core/column';
import { type ColumnBuilder, SHORT_DECIMAL } from './table-writer.ts';

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
