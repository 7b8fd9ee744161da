/**
 * `COPY … TO STDOUT (FORMAT binary)` read from the authenticated (and encrypted) socket of a `pg` client.
 *
 * `pg` would make an object of each message; here the frames are found in the socket's own buffers and handed on in
 * place, which is ten times faster. The socket is borrowed: its data listener is taken off after the query is sent and
 * put back at CopyDone or ErrorResponse, with the bytes that follow, so that `pg` sees the end of the query as usual.
 * Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { Socket } from 'node:net';
import type { Client, Connection, Submittable } from 'pg';
import { toError } from '#core/errors';

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;
/** A message longer than this is no row that a warehouse takes. PostgreSQL's own limit for a row is 1 GB. */
const MAX_FRAME = 256 * 1024 * 1024;
/** A larger buffer for one big message is let go afterwards. */
const MAX_CARRY = 4 * 1024 * 1024;
/** A server that sorts or filters may send nothing for minutes; one that sends nothing for longer is taken for gone. */
const IDLE_MS = 10 * 60 * 1000;
/** Code and length. */
const HEADER = 5;

/** What gets the data of each CopyData message, in order; the bytes are valid during the call only. */
export interface FrameSink {
  frame(bytes: Uint8Array, start: number, end: number): void;
  /** When true the socket rests until `drain` is done. Asked after each buffer. */
  readonly full: boolean;
  drain(): Promise<void>;
}

/**
 * Runs `sql` and feeds `sink`; answers the bytes read. Fails where nothing comes for `idleMs` while it waits. After a failure or an abort the client is closed: the rest of
 * the data could not be told from answers.
 */
export async function readCopy(
  client: Client,
  sql: string,
  sink: FrameSink,
  signal: AbortSignal,
  idleMs = IDLE_MS,
): Promise<number> {
  signal.throwIfAborted();
  const reader = new CopyReader(sql, sink, idleMs);
  const abort = (): void => reader.fail(toError(signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  try {
    client.query(reader);
    return await reader.done;
  } finally {
    signal.removeEventListener('abort', abort);
    reader.stopWatching();
  }
}

type DataListener = (bytes: Buffer) => void;

/** `pg`'s types leave out what its own queries use. */
interface BorrowedConnection {
  readonly stream: Socket;
  query(sql: string): void;
}

class CopyReader implements Submittable {
  readonly done: Promise<number>;
  private readonly sql: string;
  private readonly sink: FrameSink;
  private resolve: (bytes: number) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;
  private stream: Socket | null = null;
  private lenders: DataListener[] = [];
  private bytes = 0;
  /** The beginning of a message that continues in the next buffer, and its length so far. */
  private carry = Buffer.alloc(64 * 1024);
  private held = 0;
  private draining: Promise<void> | null = null;
  private failed = false;

  /** In place of `pg`'s limit for answers: the server's own limit for a statement comes first. */
  readonly query_timeout = 65 * 60 * 1000;
  /** Where that is set, `pg` puts here what takes its clock away. */
  callback: (() => void) | undefined = undefined;
  private readonly idleMs: number;
  private watch: NodeJS.Timeout | undefined;

  constructor(sql: string, sink: FrameSink, idleMs: number) {
    this.sql = sql;
    this.sink = sink;
    this.idleMs = idleMs;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  submit(connection: Connection): void {
    // The public type lacks `stream` and the query method's real form.
    const borrowed = connection as unknown as BorrowedConnection;
    this.stream = borrowed.stream;
    // Only `pg`'s parser listens to data; the cast names its argument.
    this.lenders = this.stream.listeners('data') as DataListener[];
    this.stream.removeAllListeners('data');
    this.stream.on('data', this.onData);
    borrowed.query(this.sql);
    this.watch = setTimeout(() => this.idle(), this.idleMs);
  }

  stopWatching(): void {
    clearTimeout(this.watch);
    this.callback?.();
  }

  private idle(): void {
    // While the sink is full it is not the server that rests.
    if (this.draining !== null) this.watch = setTimeout(() => this.idle(), this.idleMs);
    else this.fail(new Error(`it sent nothing for ${this.idleMs / 1000} seconds`));
  }

  /** Ends the reading; the connection cannot be used any more. */
  fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.stream?.destroy();
    this.reject(error);
  }

  handleError(error: Error): void {
    this.failed = true;
    this.reject(error);
  }

  handleReadyForQuery(): void {
    void this.finish();
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}

  private readonly onData = (received: Buffer): void => {
    if (this.failed) return;
    this.bytes += received.length;
    this.watch?.refresh();
    try {
      const start = this.held === 0 ? 0 : this.finishHeld(received);
      if (start >= 0) this.readMessages(received, start);
    } catch (error) {
      this.fail(toError(error));
      return;
    }
    if (this.sink.full && this.draining === null) this.rest();
  };

  /** Completes the message begun before, alone, and reads it: where the rest of `received` begins, −1 without one. */
  private finishHeld(received: Buffer): number {
    let at = this.hold(received, 0, HEADER - this.held);
    if (this.held < HEADER) return -1;
    const needed = lengthOf(this.carry, 0);
    at = this.hold(received, at, needed - this.held);
    if (this.held < needed) return -1;
    this.held = 0;
    const ours = this.readMessages(this.carry.subarray(0, needed), 0);
    if (this.carry.length > MAX_CARRY) this.carry = Buffer.alloc(64 * 1024);
    if (ours) return at;
    // The message ended the copy: what follows is not ours any more.
    if (at < received.length) for (const listener of this.lenders) listener(received.subarray(at));
    return -1;
  }

  /** Keeps up to `count` bytes of `bytes` from `start` on, and answers where it stopped. */
  private hold(bytes: Buffer, start: number, count: number): number {
    const end = Math.min(bytes.length, start + Math.max(count, 0));
    const total = this.held + end - start;
    if (total > this.carry.length) {
      const larger = Buffer.alloc(Math.max(total, this.carry.length * 2));
      this.carry.copy(larger, 0, 0, this.held);
      this.carry = larger;
    }
    bytes.copy(this.carry, this.held, start, end);
    this.held = total;
    return end;
  }

  /** Reads whole messages from `start` on and holds the last one's beginning; false once the socket was given back. */
  private readMessages(bytes: Buffer, start: number): boolean {
    let at = start;
    while (at + HEADER <= bytes.length) {
      const end = at + lengthOf(bytes, at);
      if (end > bytes.length) break;
      const code = bytes[at];
      if (code === COPY_DATA) this.sink.frame(bytes, at + HEADER, end);
      else if (code === COPY_DONE || code === ERROR_RESPONSE) {
        this.giveBack(bytes.subarray(code === COPY_DONE ? end : at));
        return false;
      }
      // CopyOutResponse, notices and parameter changes need no answer.
      at = end;
    }
    this.hold(bytes, at, bytes.length - at);
    return true;
  }

  private giveBack(rest: Buffer): void {
    const { stream } = this;
    if (stream === null) return;
    stream.removeListener('data', this.onData);
    for (const listener of this.lenders) stream.on('data', listener);
    if (rest.length > 0) for (const listener of this.lenders) listener(rest);
  }

  private rest(): void {
    const { stream } = this;
    stream?.pause();
    this.draining = this.drainThenGoOn();
  }

  private async drainThenGoOn(): Promise<void> {
    try {
      await this.sink.drain();
      this.draining = null;
      if (!this.failed) this.stream?.resume();
    } catch (error) {
      this.fail(toError(error));
    }
  }

  /** Called while the last buffer is still being read; its pages may have to go out first. */
  private async finish(): Promise<void> {
    await Promise.resolve();
    await this.draining;
    this.resolve(this.bytes);
  }
}

/** The length of the message at `at`, header included. */
function lengthOf(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 1);
  if (length < 4 || length > MAX_FRAME) throw new RangeError(`PostgreSQL sent a message of ${length} bytes`);
  return length + 1;
}
