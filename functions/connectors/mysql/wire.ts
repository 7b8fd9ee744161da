/**
 * Statements over the authenticated (and encrypted) socket of a signed-in `mysql2` connection. From here on the socket is
 * ours: `mysql2` would make an object of each row, and what a broken server sends would be thrown out of its socket's
 * listener, which ends the process.
 *
 * One statement at a time. What the server refuses leaves the connection as it is; what breaks the protocol, an abort, or
 * what the taker of rows throws ends it.
 */
import type { Socket } from 'node:net';
import { toError } from '#core/errors';
import { FrameReader } from '../frames.ts';
import {
  broken,
  ERR,
  HEADER,
  NULL,
  packetLength,
  queryPacket,
  QUIT,
  readError,
  readText,
} from './packets.ts';
import { type RowTaker, TextReader } from './text-reader.ts';

/** How long an answer may take of the catalogue, of a cursor's bound. The server may be gone silently. */
const ANSWER_MS = 120_000;
/** What a question may answer at most: of the catalogue, never of a table. */
const MAX_ANSWER = 64 * 1024 * 1024;
/** A goodbye that was not taken by then is left unsaid. */
const CLOSE_MS = 2000;

/** What gets rows and may hold them back. */
export interface RowSink extends RowTaker {
  /** When true the socket rests until `drain` is done. */
  readonly full: boolean;
  drain(): Promise<void>;
}

/** A row of an answer: values by column name, as text. */
export type AnswerRow = Readonly<Record<string, string | null>>;

/** A signed-in connection. */
export interface Wire {
  /** Runs a statement and feeds `sink`; answers the bytes read. Fails where nothing comes for `idleMs`. */
  read(sql: string, sink: RowSink, signal: AbortSignal, idleMs: number): Promise<number>;
  /** Runs a statement and answers its rows; none where it has no result. */
  ask(sql: string, answerMs?: number): Promise<AnswerRow[]>;
  /** Ends the connection: politely, and in any case within seconds. Never throws. */
  close(): Promise<void>;
}

/** Statements over `stream`, which nobody else listens to any more. `answerMs`: how long a question may stay unanswered. */
export function makeWire(stream: Socket, answerMs = ANSWER_MS): Wire {
  return new SocketWire(stream, answerMs);
}

class SocketWire implements Wire {
  private readonly stream: Socket;
  private readonly answerMs: number;
  /** Why the connection is over; null while it is not. */
  private lost: Error | null = null;
  private reading: FrameReader | null = null;

  constructor(stream: Socket, answerMs: number) {
    this.stream = stream;
    this.answerMs = answerMs;
    stream.removeAllListeners('data');
    stream.on('data', (bytes: Buffer) => this.uncalledFor(bytes));
    stream.on('error', (error) => this.gone(error));
    stream.on('close', () => this.gone(new Error('the connection was closed')));
    stream.resume();
  }

  async read(sql: string, sink: RowSink, signal: AbortSignal, idleMs: number): Promise<number> {
    signal.throwIfAborted();
    if (this.lost !== null) throw this.lost;
    if (this.reading !== null) throw new RangeError('a second statement while one is running');
    const answer = new TextReader(sink);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const reading = new FrameReader(
      {
        header: HEADER,
        lengthOf: packetLength,
        take(bytes, at, end) {
          if (!answer.packet(bytes, at, end)) return -1;
          // The last pages may have to go out first; where that fails, `failed` is called before.
          void reading.settled().then(resolve);
          return end;
        },
        get full() {
          return sink.full;
        },
        drain: () => sink.drain(),
        failed: reject,
      },
      idleMs,
    );
    const abort = (): void => reading.fail(toError(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    this.reading = reading;
    try {
      reading.begin(this.stream);
      this.stream.write(queryPacket(sql));
      await promise;
    } catch (error) {
      this.gone(toError(error));
      // Whoever was reading hears why. Whoever comes next has another question, of which that says nothing.
      this.lost = new Error('the connection was closed after an earlier failure', { cause: error });
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      reading.stop();
      this.reading = null;
    }
    if (answer.error !== null) throw answer.error;
    return reading.bytes;
  }

  async ask(sql: string, answerMs = this.answerMs): Promise<AnswerRow[]> {
    const rows: AnswerRow[] = [];
    let names: readonly string[] = [];
    let bytesSoFar = 0;
    const sink: RowSink = {
      columns: (told) => void (names = told),
      row(bytes, start, end) {
        bytesSoFar += end - start;
        if (bytesSoFar > MAX_ANSWER) throw broken(`an answer of more than ${MAX_ANSWER} bytes`);
        rows.push(readRow(names, bytes, start, end));
      },
      tooBig: (limit) => broken(`a row of more than ${limit} bytes`),
      full: false,
      drain: async () => undefined,
    };
    await this.read(sql, sink, NEVER, answerMs);
    return rows;
  }

  async close(): Promise<void> {
    if (this.lost === null && this.reading === null) {
      const gone = new Promise<void>((resolve) => void this.stream.once('close', () => resolve()));
      const late = setTimeout(() => this.stream.destroy(), CLOSE_MS);
      this.stream.end(QUIT);
      await gone;
      clearTimeout(late);
    }
    this.stream.destroy();
  }

  private gone(error: Error): void {
    this.lost ??= error;
    this.reading?.fail(this.lost);
    this.stream.destroy();
  }

  /** Bytes while nothing was asked: a server that ends the connection may say why. */
  private uncalledFor(bytes: Buffer): void {
    const why =
      bytes.length > HEADER && bytes[HEADER] === ERR
        ? readError(bytes, HEADER, bytes.length)
        : broken('bytes that nobody asked for');
    this.gone(why);
  }
}

const NEVER = new AbortController().signal;

function readRow(names: readonly string[], bytes: Buffer, start: number, end: number): AnswerRow {
  const row: Record<string, string | null> = {};
  let at = start;
  for (const name of names) {
    if (at < end && bytes[at] === NULL) {
      row[name] = null;
      at++;
      continue;
    }
    const { value, next } = readText(bytes, at, end);
    row[name] = value;
    at = next;
  }
  if (at !== end) throw broken(`a row of more than ${names.length} fields`);
  return row;
}
