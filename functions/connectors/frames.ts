/**
 * Messages found in a socket's own buffers and handed on in place, without an object for each: ten times faster than a
 * driver's own reading. The socket is borrowed: its data listeners are taken off, and put back with the bytes that
 * follow the last message of ours.
 *
 * Memory: one message at most, and what the socket holds. A server that sends nothing for long is taken for gone, unless
 * it is the sink that rests.
 */
import type { Socket } from 'node:net';
import { freeNow } from '#columnar/free-memory';
import { toError } from '#core/errors';

/** A larger buffer for one big message is let go afterwards. */
const MAX_CARRY = 4 * 1024 * 1024;
const CARRY = 64 * 1024;
/** Memory taken for a message before its bytes come. */
const MAX_EXPECTED = 32 * 1024 * 1024;
/**
 * After so many bytes whatever else waits for this thread has its turn. By itself Node reads a socket that is never empty
 * 32 times before it looks at anything else, which is 2 MiB.
 */
const TURN_BYTES = 256 * 1024;
/**
 * A turn with less than that is followed by a wait of so long, in which more comes: a server on its own machine sends 8 KB at
 * a time, and to wake up for each of them is an eighth of the work. The system's buffers hold what comes meanwhile.
 */
const GATHER_MS = 1;

/** How messages look, and who takes them. The bytes are valid during a call only. */
export interface FrameTaker {
  /** Bytes from which the length of a message can be told. */
  readonly header: number;
  /** The length of the message at `at`, header included. Throws for one that cannot be. */
  lengthOf(bytes: Buffer, at: number): number;
  /** Takes the whole message `bytes[at .. end)`. Answers −1 to go on, else where the lender's bytes begin: `at` or `end`. */
  take(bytes: Buffer, at: number, end: number): number;
  /** When true the socket rests until `drain` is done. Asked after each buffer. */
  readonly full: boolean;
  drain(): Promise<void>;
  /** The reading ended with `error`; the socket is destroyed. Called once at most. */
  failed(error: Error): void;
}

type DataListener = (bytes: Buffer) => void;

/** One reading of messages from one socket. */
export class FrameReader {
  /** Bytes read so far. */
  bytes = 0;
  private readonly taker: FrameTaker;
  private readonly idleMs: number;
  private stream: Socket | null = null;
  private lenders: DataListener[] = [];
  /** The beginning of a message that continues in the next buffer, and its length so far. */
  private carry = Buffer.alloc(CARRY);
  private held = 0;
  private draining: Promise<void> | null = null;
  private over = false;
  /** Bytes since others had their turn. */
  private inTurn = 0;
  /** Whether the end of this turn, or of the wait after it, is on its way. */
  private turning = false;
  private givenBack = false;
  private watch: NodeJS.Timeout | undefined;

  /** `idleMs`: how long the server may send nothing. */
  constructor(taker: FrameTaker, idleMs: number) {
    this.taker = taker;
    this.idleMs = idleMs;
  }

  /** Borrows the socket: to be called before the answer can come. */
  begin(stream: Socket): void {
    this.stream = stream;
    // Only parsers listen to data; the cast names their argument.
    this.lenders = stream.listeners('data') as DataListener[];
    stream.removeAllListeners('data');
    stream.on('data', this.onData);
    this.watch = setTimeout(() => this.idle(), this.idleMs);
  }

  /** Ends the reading; the connection cannot be used any more. */
  fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.stream?.destroy();
    this.taker.failed(error);
  }

  /** Nothing more is expected, whatever happened: to be called at the end in any case. */
  stop(): void {
    this.over = true;
    clearTimeout(this.watch);
  }

  /** Resolves when what the sink had to write has gone out. May be called while the last buffer is still being read. */
  async settled(): Promise<void> {
    await Promise.resolve();
    await this.draining;
  }

  private idle(): void {
    // While the sink is full it is not the server that rests.
    if (this.draining !== null) this.watch = setTimeout(() => this.idle(), this.idleMs);
    else this.fail(new Error(`it sent nothing for ${this.idleMs / 1000} seconds`));
  }

  private readonly onData = (received: Buffer): void => {
    if (this.over) return;
    this.bytes += received.length;
    this.watch?.refresh();
    try {
      const start = this.held === 0 ? 0 : this.finishHeld(received);
      if (start >= 0) this.readMessages(received, start);
    } catch (error) {
      this.fail(toError(error));
      return;
    }
    if (this.draining !== null) return;
    this.inTurn += received.length;
    if (this.taker.full) this.rest();
    else if (this.inTurn > TURN_BYTES) this.stream?.pause();
    if (this.turning) return;
    this.turning = true;
    setImmediate(() => this.endTurn());
  };

  /** Completes the message begun before, alone, and reads it: where the rest of `received` begins, −1 without one. */
  private finishHeld(received: Buffer): number {
    const { header } = this.taker;
    let at = this.hold(received, 0, header - this.held);
    if (this.held < header) return -1;
    const needed = this.taker.lengthOf(this.carry, 0);
    // At once, where that is not more than any server means.
    const expected = Math.min(needed, MAX_EXPECTED);
    if (expected > this.carry.length) this.enlarge(expected);
    at = this.hold(received, at, needed - this.held);
    if (this.held < needed) return -1;
    this.held = 0;
    const ours = this.readMessages(this.carry.subarray(0, needed), 0);
    if (this.carry.length > MAX_CARRY) {
      freeNow(this.carry);
      this.carry = Buffer.alloc(CARRY);
    }
    if (ours) return at;
    // The message ended the reading: what follows is not ours any more.
    if (at < received.length) for (const listener of this.lenders) listener(received.subarray(at));
    return -1;
  }

  /** Keeps up to `count` bytes of `bytes` from `start` on, and answers where it stopped. */
  private hold(bytes: Buffer, start: number, count: number): number {
    const end = Math.min(bytes.length, start + Math.max(count, 0));
    const total = this.held + end - start;
    if (total > this.carry.length) this.enlarge(Math.max(total, this.carry.length * 2));
    bytes.copy(this.carry, this.held, start, end);
    this.held = total;
    return end;
  }

  private enlarge(size: number): void {
    const larger = Buffer.alloc(size);
    this.carry.copy(larger, 0, 0, this.held);
    freeNow(this.carry);
    this.carry = larger;
  }

  /** Reads whole messages from `start` on and holds the last one's beginning; false once the socket was given back. */
  private readMessages(bytes: Buffer, start: number): boolean {
    const { taker } = this;
    const { header } = taker;
    let at = start;
    while (at + header <= bytes.length) {
      const end = at + taker.lengthOf(bytes, at);
      if (end > bytes.length) break;
      const rest = taker.take(bytes, at, end);
      if (rest >= 0) {
        this.giveBack(bytes.subarray(rest));
        return false;
      }
      at = end;
    }
    this.hold(bytes, at, bytes.length - at);
    return true;
  }

  private giveBack(rest: Buffer): void {
    const { stream } = this;
    if (stream === null) return;
    this.givenBack = true;
    stream.removeListener('data', this.onData);
    for (const listener of this.lenders) stream.on('data', listener);
    if (rest.length > 0) for (const listener of this.lenders) listener(rest);
  }

  private endTurn(): void {
    const little = this.inTurn <= TURN_BYTES;
    this.inTurn = 0;
    if (!little || this.over || this.givenBack || this.draining !== null) {
      this.beginTurn();
      return;
    }
    this.stream?.pause();
    setTimeout(() => this.beginTurn(), GATHER_MS);
  }

  private beginTurn(): void {
    this.turning = false;
    // A sink that has become full meanwhile goes on by itself.
    if (this.draining === null && this.stream?.destroyed === false) this.stream.resume();
  }

  private rest(): void {
    this.stream?.pause();
    this.draining = this.drainThenGoOn();
  }

  private async drainThenGoOn(): Promise<void> {
    try {
      await this.taker.drain();
      this.draining = null;
      // After the last message too: the lender waits for what comes next.
      if (this.stream?.destroyed === false) this.stream.resume();
    } catch (error) {
      this.fail(toError(error));
    }
  }
}
