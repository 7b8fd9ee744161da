/**
 * Values as canonical text: numbers in decimal digits without zeros that say nothing, dates as 2024-01-31, moments as
 * 2024-01-31 08:30:00 with decimals where there are, followed by Z where they are of a zone.
 */
import { type Column, decimalShape } from '#core/column';
import type { Receiver } from './receiver.ts';

/** What gets texts: a builder of bytes. */
interface TextTaker {
  appendNull(): void;
  append(source: Uint8Array, start: number, length: number): void;
  appendText(text: string): void;
}

/** Takes the values of `column` and gives their text to `taker`; null stays null, bytes are in hexadecimal digits. */
export function textReceiver(column: Column, taker: TextTaker): Receiver {
  const whole = wholeText(column);
  return {
    nothing: () => taker.appendNull(),
    whole: (value) => taker.appendText(whole(value)),
    float: (value) => taker.appendText(String(value)),
    truth: (value) => taker.appendText(String(value)),
    bytes(source, start, length) {
      if (column.type !== 'BYTES') taker.append(source, start, length);
      else taker.appendText(Buffer.from(source.buffer, source.byteOffset + start, length).toString('hex'));
    },
  };
}

const DAY_MILLIS = 86_400_000;

/** The text of whole numbers that stand for values of `column`, as a `Receiver` gets them. */
export function wholeText(column: Column): (value: number | bigint) => string {
  switch (column.type) {
    case 'DATE':
      return (day) => new Date(Number(day) * DAY_MILLIS).toISOString().slice(0, 10);
    case 'DATETIME':
      return momentText;
    case 'TIMESTAMP':
      return (micros) => `${momentText(micros)}Z`;
    case 'NUMERIC':
    case 'BIGNUMERIC': {
      const { scale } = decimalShape(column);
      return (unscaled) => decimalText(unscaled, scale);
    }
    default:
      return String;
  }
}

function momentText(value: number | bigint): string {
  const micros = BigInt(value);
  const below = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - below) / 1000n)).toISOString();
  const decimals = below === 0n ? '' : `.${String(below).padStart(6, '0').replace(/0+$/, '')}`;
  return `${seconds.slice(0, 10)} ${seconds.slice(11, 19)}${decimals}`;
}

function decimalText(unscaled: number | bigint, scale: number): string {
  const digits = String(unscaled)
    .replace('-', '')
    .padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const decimals = scale === 0 ? '' : digits.slice(-scale).replace(/0+$/, '');
  const sign = unscaled < 0 ? '-' : '';
  return decimals === '' ? `${sign}${whole}` : `${sign}${whole}.${decimals}`;
}
