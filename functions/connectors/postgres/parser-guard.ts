/*
 * `pg`'s parser trusts the server. A message that does not end where it should makes it read on beyond its buffer, in
 * an error message for ever: one customer's server would hold up the process, and everybody else in it. And what it
 * throws, it throws out of a socket's listener, which ends the process. So both are mended here, for every client of the
 * process: text has to end within what was received, a message has a size, and the first that is neither ends the
 * connection as a failure of the protocol (SQLSTATE 08P01).
 */
import { DatabaseError } from 'pg-protocol';
import { BufferReader } from 'pg-protocol/dist/buffer-reader.js';
import { Parser } from 'pg-protocol/dist/parser.js';

/** More than PostgreSQL ever sends in one message: its rows and fields end at 1 GiB, its rows in practice far earlier. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** What of a reader and a parser is not in their types. */
interface Reader {
  buffer: Buffer;
  offset: number;
}
interface Pending {
  readonly buffer: Buffer;
  readonly bufferOffset: number;
  readonly bufferLength: number;
}

/** Guards the parser of this process. May be called again. */
export function guardParser(): void {
  if (guarded) return;
  guarded = true;
  BufferReader.prototype.cstring = function cstring(this: unknown) {
    // The reader's own fields.
    const reader = this as Reader;
    const end = reader.buffer.indexOf(0, reader.offset);
    if (end < 0) throw new Error('text without an end');
    const text = reader.buffer.toString('utf8', reader.offset, end);
    reader.offset = end + 1;
    return text;
  };
  const broken = new WeakSet<Parser>();
  // Called with the parser it is taken from, below.
  // oxlint-disable-next-line typescript/unbound-method
  const parse = Parser.prototype.parse;
  Parser.prototype.parse = function guardedParse(buffer, callback) {
    if (broken.has(this)) return;
    try {
      parse.call(this, buffer, callback);
      refuseHuge(this as unknown as Pending); // the parser's own fields
    } catch (error) {
      broken.add(this);
      callback(violation(error));
    }
  };
}

let guarded = false;

/** A message is kept until it is whole: one that claims to be huge would fill the memory. */
function refuseHuge({ buffer, bufferOffset, bufferLength }: Pending): void {
  if (bufferLength < 5) return;
  const bytes = buffer.readUInt32BE(bufferOffset + 1);
  if (bytes > MAX_MESSAGE_BYTES) throw new Error(`a message of ${bytes} bytes`);
}

function violation(error: unknown): DatabaseError {
  const why = error instanceof Error ? error.message : 'unreadable';
  const found = new DatabaseError(`the server does not speak PostgreSQL’s protocol: ${why}`, 0, 'error');
  found.severity = 'FATAL';
  found.code = '08P01';
  return found;
}
