/**
 * RFC 4180 over a stream of bytes: quoted fields with doubled quotes and line breaks, CRLF or LF, any one-byte delimiter.
 * A quote inside an unquoted field is an ordinary character, as it is for most programs (5" pipe).
 *
 * A record that makes no sense (unclosed quote, text after a closing quote, too long) costs one line: it is reported and
 * reading goes on at the next line, so that one stray quote does not swallow the rest of the file.
 */
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** One record's fields as places in `bytes`, quotes removed; valid during the call. */
export interface CsvRecord {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Number of the line it starts on, from 1. */
  readonly line: number;
}

/** A line that is no record. */
export interface BadLine {
  readonly line: number;
  readonly reason: 'unclosed-quote' | 'text-after-quote' | 'line-too-long' | 'too-many-fields';
  /** Its first 200 bytes. */
  readonly start: Uint8Array;
}

export interface TokenizerOptions {
  /** One ASCII character. */
  readonly delimiter: string;
  readonly onRecord: (record: CsvRecord) => void;
  readonly onBadLine: (line: BadLine) => void;
  /** Longest record in bytes; default 16 MiB. */
  readonly maxRecordBytes?: number;
}

/** Most fields of a record: as many columns as a warehouse table has. */
const MAX_FIELDS = 10_000;

/** Feed it with `push`, then `end`. Lines are numbered from 1. */
export interface Tokenizer {
  push(chunk: Uint8Array): void;
  end(): void;
}

export function makeTokenizer(options: TokenizerOptions): Tokenizer {
  return new CsvTokenizer(options);
}

type Scan = 'more' | 'record' | BadLine['reason'];

class CsvTokenizer implements Tokenizer {
  private readonly delimiter: number;
  private readonly onRecord: TokenizerOptions['onRecord'];
  private readonly onBadLine: TokenizerOptions['onBadLine'];
  private readonly maxRecord: number;
  private buffer = new Uint8Array(256 * 1024);
  private length = 0;
  /** With an unfinished record held, do not look again before so many bytes are there: the work stays linear. */
  private enough = 0;
  private line = 1;
  /** In a line that was given up before its end was seen. */
  private skipping = false;
  private starts = new Int32Array(64);
  private ends = new Int32Array(64);
  private count = 0;
  /** After `scan`: where the next record begins, and line breaks inside this one. */
  private next = 0;
  private breaks = 0;

  constructor(options: TokenizerOptions) {
    this.delimiter = options.delimiter.charCodeAt(0);
    this.onRecord = options.onRecord;
    this.onBadLine = options.onBadLine;
    this.maxRecord = options.maxRecordBytes ?? 16 * 1024 * 1024;
  }

  push(chunk: Uint8Array): void {
    // Copied, because unescaping works in place.
    if (this.length + chunk.length > this.buffer.length) {
      const larger = new Uint8Array((this.length + chunk.length) * 2);
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
    }
    this.buffer.set(chunk, this.length);
    this.length += chunk.length;
    if (this.length >= this.enough) this.read(false);
  }

  end(): void {
    this.read(true);
  }

  private read(last: boolean): void {
    let at = this.skipping ? this.restOfLine() : 0;
    while (at < this.length) {
      const found = this.scan(at, last);
      if (found === 'more' && this.length - at <= this.maxRecord) break;
      if (found === 'record') {
        this.emit();
        this.line += 1 + this.breaks;
        at = this.next;
      } else at = this.skipLine(at, found === 'more' ? 'line-too-long' : found);
    }
    this.buffer.copyWithin(0, at, this.length);
    this.length -= at;
    this.enough = at === 0 ? this.length * 2 : 0;
  }

  private emit(): void {
    const { buffer: bytes, count, starts, ends, line } = this;
    this.onRecord({ bytes, count, starts, ends, line });
  }

  /** Reports the line at `start` and returns where the next one begins. */
  private skipLine(start: number, reason: BadLine['reason']): number {
    const end = this.buffer.subarray(0, this.length).indexOf(LF, start);
    this.onBadLine({
      line: this.line,
      reason,
      start: this.buffer.slice(start, Math.min(start + 200, end < 0 ? this.length : end)),
    });
    this.line++;
    this.skipping = end < 0;
    return end < 0 ? this.length : end + 1;
  }

  /** Where the line after the one that is being skipped begins. */
  private restOfLine(): number {
    const end = this.buffer.subarray(0, this.length).indexOf(LF);
    this.skipping = end < 0;
    return end < 0 ? this.length : end + 1;
  }

  /** Finds the fields of the record at `from`. The buffer is changed only when the record is whole. */
  private scan(from: number, last: boolean): Scan {
    const { buffer, length, delimiter } = this;
    this.count = 0;
    this.breaks = 0;
    let escaped = false;
    let at = from;
    for (;;) {
      const start = at;
      if (buffer[at] === QUOTE && at < length) {
        at++;
        for (;;) {
          while (at < length && buffer[at] !== QUOTE) {
            if (buffer[at] === LF) this.breaks++;
            at++;
          }
          if (at >= length) return last ? 'unclosed-quote' : 'more';
          if (at + 1 >= length && !last) return 'more';
          if (at + 1 >= length || buffer[at + 1] !== QUOTE) break;
          escaped = true;
          at += 2;
        }
        // The quotes stay inside for now: `unescape` takes them off once the record is known to be whole.
        if (!this.field(start, ++at)) return 'too-many-fields';
        const after = buffer[at];
        if (at < length && after !== delimiter && after !== LF && after !== CR) return 'text-after-quote';
      } else {
        let byte = buffer[at];
        while (at < length && byte !== delimiter && byte !== LF) byte = buffer[++at];
        const end = at > start && byte === LF && at < length && buffer[at - 1] === CR ? at - 1 : at;
        if (!this.field(start, at === length && end > start && buffer[end - 1] === CR ? end - 1 : end))
          return 'too-many-fields';
      }
      if (at < length && buffer[at] === CR) {
        if (at + 1 >= length && !last) return 'more';
        if (at + 1 < length && buffer[at + 1] !== LF) return 'text-after-quote';
        at++;
      }
      if (at >= length) {
        if (!last) return 'more';
        this.next = length;
        break;
      }
      if (buffer[at] === LF) {
        this.next = at + 1;
        break;
      }
      at++; // the delimiter
    }
    if (at - from > this.maxRecord) return 'line-too-long';
    this.unquote(escaped);
    return 'record';
  }

  private field(start: number, end: number): boolean {
    if (this.count === MAX_FIELDS) return false;
    if (this.count === this.starts.length) {
      const starts = new Int32Array(this.count * 2);
      const ends = new Int32Array(this.count * 2);
      starts.set(this.starts);
      ends.set(this.ends);
      this.starts = starts;
      this.ends = ends;
    }
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
    return true;
  }

  /** Takes the quotes off, and where `escaped` the doubled ones inside. */
  private unquote(escaped: boolean): void {
    const { buffer, starts, ends } = this;
    for (let index = 0; index < this.count; index++) {
      const start = starts[index]!;
      const end = ends[index]!;
      if (buffer[start] !== QUOTE || end === start) continue;
      starts[index] = start + 1;
      ends[index] = end - 1;
      if (!escaped) continue;
      let to = start + 1;
      for (let at = start + 1; at < end - 1; at++) {
        buffer[to++] = buffer[at]!;
        if (buffer[at] === QUOTE) at++;
      }
      ends[index] = to;
      // What is left behind must not cut a character in two: records are checked for UTF-8 as a whole.
      buffer.fill(0x20, to, end - 1);
    }
  }
}
