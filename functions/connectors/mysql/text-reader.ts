/**
 * The answer to one statement in the text protocol, packet by packet:
 *
 *     ERR | OK                                            nothing to read
 *     count → a definition each → (EOF) → row … → EOF | OK | ERR
 *
 * Whether an EOF follows the definitions was agreed on when the client signed in (DEPRECATE_EOF); the packets tell by
 * themselves, because an EOF has five bytes, an OK seven at least, and a row that begins like them 2^24. A request for a
 * local file is refused: a server could ask for any.
 */
import { freeNow } from '#columnar/free-memory';
import {
  broken,
  EOF,
  ERR,
  FULL_PAYLOAD,
  HEADER,
  LOCAL_INFILE,
  OK,
  readError,
  readLength,
  readText,
  refuseMoreResults,
  type ServerError,
  statusPlace,
} from './packets.ts';

/** A row longer than this is none that a warehouse takes. MySQL's own limit is 1 GB. */
const MAX_ROW = 256 * 1024 * 1024;
const MAX_COLUMNS = 4096;
const EOF_BYTES = 5;

/** What gets the rows of a result. The bytes are valid during the call only. */
export interface RowTaker {
  /** The names of the result's columns, once, before the rows. */
  columns(names: readonly string[]): void;
  /** The payload of one row. */
  row(bytes: Buffer, start: number, end: number): void;
  /** What a row of more than `limit` bytes is: the error to throw. */
  tooBig(limit: number): Error;
}

/** Reads one answer. Throws `source-protocol` for packets that no server sends. */
export class TextReader {
  /** What the server answered instead, or in the middle of the rows. */
  error: ServerError | null = null;
  private readonly taker: RowTaker;
  private phase: 'first' | 'columns' | 'rows' = 'first';
  /** Answers count from 1; the statement was number 0. */
  private sequence = 1;
  private wanted = 0;
  private readonly names: string[] = [];
  /** Whether the packet after the definitions may be their EOF. */
  private mayEnd = false;
  /** A payload that goes on in the next packet, and its length so far. */
  private parts = Buffer.alloc(0);
  private joined = 0;

  constructor(taker: RowTaker) {
    this.taker = taker;
  }

  /** Takes the packet `bytes[at .. end)`, header included; true when it was the answer's last. */
  packet(bytes: Buffer, at: number, end: number): boolean {
    if (bytes[at + 3] !== this.sequence) throw broken('a packet out of its order');
    this.sequence = (this.sequence + 1) & 255;
    const start = at + HEADER;
    const goesOn = end - start === FULL_PAYLOAD;
    if (this.joined === 0 && !goesOn) return this.payload(bytes, start, end);
    this.join(bytes, start, end);
    if (goesOn) return false;
    const total = this.joined;
    const whole = this.parts;
    this.joined = 0;
    this.parts = Buffer.alloc(0);
    if (this.phase !== 'rows') throw broken(`${total} bytes where columns were to be told`);
    this.mayEnd = false;
    this.taker.row(whole, 0, total);
    freeNow(whole);
    return false;
  }

  private join(bytes: Buffer, start: number, end: number): void {
    const total = this.joined + end - start;
    if (total > MAX_ROW) throw this.taker.tooBig(MAX_ROW);
    if (total > this.parts.length) {
      const larger = Buffer.alloc(Math.max(total, Math.min(MAX_ROW, this.parts.length * 2)));
      this.parts.copy(larger, 0, 0, this.joined);
      freeNow(this.parts);
      this.parts = larger;
    }
    bytes.copy(this.parts, this.joined, start, end);
    this.joined = total;
  }

  private payload(bytes: Buffer, start: number, end: number): boolean {
    const first = bytes[start];
    if (this.phase === 'rows') {
      if (first === EOF) return this.endOrEof(bytes, start, end);
      if (first === ERR) return this.failed(bytes, start, end);
      this.mayEnd = false;
      this.taker.row(bytes, start, end);
      return false;
    }
    if (start === end) throw broken('an empty packet');
    if (first === ERR) return this.failed(bytes, start, end);
    if (this.phase === 'columns') return this.definition(bytes, start, end);
    if (first === OK) {
      refuseMoreResults(bytes, statusPlace(bytes, start, end), end);
      return true;
    }
    if (first === LOCAL_INFILE) throw broken('a request for a file of this machine, which is refused');
    const { value, next } = readLength(bytes, start, end);
    if (value > MAX_COLUMNS || next !== end) throw broken(`a result of ${value} columns`);
    this.wanted = value;
    this.phase = 'columns';
    return false;
  }

  private definition(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    // Catalogue, schema, table, the table's own name: then the name.
    for (let skipped = 0; skipped < 4; skipped++) {
      const { value, next } = readLength(bytes, at, end);
      at = next + value;
    }
    this.names.push(readText(bytes, at, end).value);
    if (this.names.length < this.wanted) return false;
    this.phase = 'rows';
    this.mayEnd = true;
    this.taker.columns(this.names);
    return false;
  }

  private endOrEof(bytes: Buffer, start: number, end: number): boolean {
    const ofDefinitions = this.mayEnd && end - start === EOF_BYTES;
    this.mayEnd = false;
    if (ofDefinitions) return false;
    const status = end - start === EOF_BYTES ? start + 3 : statusPlace(bytes, start, end);
    refuseMoreResults(bytes, status, end);
    return true;
  }

  private failed(bytes: Buffer, start: number, end: number): boolean {
    this.error = readError(bytes, start, end);
    return true;
  }
}
