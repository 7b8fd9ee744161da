/** Values as keyed hashes: what is hashed of each, and each distinct one once. */
import { createHmac, hash as digest } from 'node:crypto';
import type { Column } from '#core/column';
import type { HashForm } from '#core/hashed-column';
import { ValueDictionary } from './dictionary.ts';
import type { Receiver } from './receiver.ts';
import { wholeText } from './value-text.ts';

/** SHA-256 in base64url. */
const HASH_BYTES = 43;
/** SHA-256's own, in bytes. */
const BLOCK = 64;
/** Longer values are few, and cost by their length. */
const SHORT = 1024;

/**
 * Hashes under one key. What is hashed of a value is its canonical text (value-text.ts) in UTF-8, whatever the type that a
 * source has for it; bytes as they are.
 */
export class ValueHashes {
  private readonly key: Uint8Array;
  /** The key mixed with RFC 2104's inner padding, with room for a value after it; and with the outer, and an inner hash. */
  private readonly inner = Buffer.alloc(BLOCK + SHORT);
  private readonly outer = Buffer.alloc(BLOCK + 32);
  private readonly dictionary = new ValueDictionary();
  /** The hashes of the dictionary's values, one after the other. */
  private hashes = new Uint8Array(HASH_BYTES * 256);
  private known = 0;

  constructor(key: Uint8Array) {
    if (key.length > BLOCK) throw new RangeError(`a key of ${key.length} bytes`);
    this.key = key;
    for (let at = 0; at < BLOCK; at++) {
      this.inner[at] = (key[at] ?? 0) ^ 0x36;
      this.outer[at] = (key[at] ?? 0) ^ 0x5c;
    }
  }

  /** Gives the hash of `source[start .. start + length)` to `take`, valid during the call only. */
  hash(
    source: Uint8Array,
    start: number,
    length: number,
    take: (bytes: Uint8Array, start: number, length: number) => void,
  ): void {
    let entry = this.dictionary.find(source, start, length, false);
    if (entry < 0) {
      // Full: those that come often come again.
      this.dictionary.clear();
      this.known = 0;
      entry = this.dictionary.find(source, start, length, false);
    }
    if (entry < 0) return take(this.compute(source, start, length), 0, HASH_BYTES);
    const at = entry * HASH_BYTES;
    if (entry === this.known) {
      if (at + HASH_BYTES > this.hashes.length) {
        const larger = new Uint8Array(this.hashes.length * 2);
        larger.set(this.hashes);
        this.hashes = larger;
      }
      this.hashes.set(this.compute(source, start, length), at);
      this.known++;
    }
    take(this.hashes, at, HASH_BYTES);
  }

  /** An Hmac object costs eight times as much as the two hashes that it stands for. */
  private compute(source: Uint8Array, start: number, length: number): Uint8Array {
    const value = source.subarray(start, start + length);
    if (length > SHORT)
      return Buffer.from(createHmac('sha256', this.key).update(value).digest('base64url'), 'latin1');
    this.inner.set(value, BLOCK);
    this.outer.set(digest('sha256', this.inner.subarray(0, BLOCK + length), 'buffer'), BLOCK);
    return Buffer.from(digest('sha256', this.outer, 'base64url'), 'latin1');
  }
}

/** What gets hashes: a builder of bytes. */
interface HashTaker {
  appendNull(): void;
  append(source: Uint8Array, start: number, length: number): void;
}

/** Takes the values of `column` and gives their hashes to `taker`; null stays null. */
export function hashingReceiver(
  column: Column,
  form: HashForm,
  hashes: ValueHashes,
  taker: HashTaker,
): Receiver {
  const append = (bytes: Uint8Array, start: number, length: number): void =>
    taker.append(bytes, start, length);
  const text = (value: string): void => {
    const bytes = Buffer.from(value, 'utf8');
    hashes.hash(bytes, 0, bytes.length, append);
  };
  const whole = wholeText(column);
  return {
    nothing: () => taker.appendNull(),
    whole: (value) => text(whole(value)),
    float: (value) => text(String(value)),
    truth: (value) => text(String(value)),
    bytes(source, start, length) {
      if (form === 'exact' || column.type === 'BYTES') hashes.hash(source, start, length, append);
      else text(folded(Buffer.from(source.buffer, source.byteOffset + start, length).toString('utf8')));
    },
  };
}

/** One text for what people take for the same: no spaces around it, composed letters, lower case. */
function folded(text: string): string {
  return text.normalize('NFC').trim().toLowerCase();
}
