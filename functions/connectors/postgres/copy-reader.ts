/**
 * `COPY … TO STDOUT (FORMAT binary)` read from the authenticated (and encrypted) socket of a `pg` client.
 *
 * The frames are found in the socket's own buffers (../frames.ts). The socket is borrowed after the query is sent and
 * given back at CopyDone or ErrorResponse, with the bytes that follow, so that `pg` sees the end of the query as usual.
 * Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { Socket } from 'node:net';
import type { Client, Connection, Submittable } from 'pg';
import { toError } from '#core/errors';
import { FrameReader } from '../frames.ts';

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;
/** A message longer than this is no row that a warehouse takes. PostgreSQL's own limit for a row is 1 GB. */
const MAX_FRAME = 256 * 1024 * 1024;
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
 * Runs `sql` and feeds `sink`; answers the bytes read. Fails where nothing comes for `idleMs` while it waits. After a
 * failure or an abort the client is closed: the rest of the data could not be told from answers.
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
    reader.stop();
  }
}

/** `pg`'s types leave out what its own queries use. */
interface BorrowedConnection {
  readonly stream: Socket;
  query(sql: string): void;
}

class CopyReader implements Submittable {
  readonly done: Promise<number>;
  private readonly sql: string;
  private readonly frames: FrameReader;
  private resolve: (bytes: number) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  /** In place of `pg`'s limit for answers: the server's own limit for a statement comes first. */
  readonly query_timeout = 65 * 60 * 1000;
  /** Where that is set, `pg` puts here what takes its clock away. */
  callback: (() => void) | undefined = undefined;

  constructor(sql: string, sink: FrameSink, idleMs: number) {
    this.sql = sql;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.frames = new FrameReader(
      {
        header: HEADER,
        lengthOf,
        take: (bytes, at, end) => {
          const code = bytes[at];
          if (code === COPY_DATA) sink.frame(bytes, at + HEADER, end);
          else if (code === COPY_DONE) return end;
          else if (code === ERROR_RESPONSE) return at;
          // CopyOutResponse, notices and parameter changes need no answer.
          return -1;
        },
        get full() {
          return sink.full;
        },
        drain: () => sink.drain(),
        failed: (error) => this.reject(error),
      },
      idleMs,
    );
  }

  submit(connection: Connection): void {
    // The public type lacks `stream` and the query method's real form.
    const borrowed = connection as unknown as BorrowedConnection;
    this.frames.begin(borrowed.stream);
    borrowed.query(this.sql);
  }

  stop(): void {
    this.frames.stop();
    this.callback?.();
  }

  fail(error: Error): void {
    this.frames.fail(error);
  }

  handleError(error: Error): void {
    this.frames.stop();
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

  /** Called while the last buffer is still being read; its pages may have to go out first. */
  private async finish(): Promise<void> {
    await this.frames.settled();
    this.resolve(this.frames.bytes);
  }
}

/** The length of the message at `at`, header included. */
function lengthOf(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 1);
  if (length < 4 || length > MAX_FRAME) throw new RangeError(`PostgreSQL sent a message of ${length} bytes`);
  return length + 1;
}
