/**
 * Compresses pages (zstd, level 1) beside the thread that fills them, which would spend a fifth of its time on it.
 *
 * Each lane is one of Node's compression streams, which works in the system's thread pool and ends a frame with each
 * write: one context for all pages, where a call for each would make a new one. The frames are byte for byte those of
 * `zstdCompressSync`, so a page that is needed at once may be compressed here and now instead.
 */
import { constants, createZstdCompress, type ZstdCompress, zstdCompressSync } from 'node:zlib';
import { toError } from '#core/errors';
import { freeNow } from './free-memory.ts';

const params = { [constants.ZSTD_c_compressionLevel]: 1 };
/** A lane takes one page a turn of the event loop: two keep up with a thread that fills pages all the time. */
const LANES = 2;
/** What comes out comes in pieces of this. */
const PIECE_BYTES = 128 * 1024;
/** Buffers that are kept for the next pages, in all. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** A page that is, or will be, compressed. */
export interface PackedPage {
  readonly rawBytes: number;
  /** The frame in pieces, null while it is not done. */
  readonly body: readonly Uint8Array[] | null;
  /** Its length, 0 while it is not done. */
  readonly bytes: number;
}

class Page implements PackedPage {
  readonly rawBytes: number;
  body: readonly Uint8Array[] | null = null;
  bytes = 0;
  /** The page as it was, until it is done. */
  readonly raw: Uint8Array;

  constructor(raw: Uint8Array) {
    this.raw = raw;
    this.rawBytes = raw.length;
  }

  done(body: readonly Uint8Array[]): void {
    this.body = body;
    this.bytes = body.reduce((sum, piece) => sum + piece.length, 0);
  }
}

/** Compresses pages in the order they are given. `close` ends it; after an error everything that waits fails. */
export class PagePacker {
  /** Pages that are not done, and their raw bytes. */
  waiting = 0;
  waitingBytes = 0;
  private readonly queue: Page[] = [];
  private readonly lanes: Lane[] = [];
  private error: Error | null = null;
  private watchers: (() => void)[] = [];

  /** Takes the page that `parts` make; they are copied. */
  pack(parts: readonly Uint8Array[]): PackedPage {
    const raw = kept.take(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      raw.set(part, at);
      at += part.length;
    }
    const page = new Page(raw);
    this.queue.push(page);
    this.waiting++;
    this.waitingBytes += page.rawBytes;
    this.assign();
    return page;
  }

  /** Compresses `page` here and now where that is not done. */
  finish(page: PackedPage): void {
    if (!(page instanceof Page) || page.body !== null) return;
    page.done([zstdCompressSync(page.raw, { params })]);
    const queued = this.queue.indexOf(page);
    // A lane that has it already still reads its bytes.
    if (queued >= 0) {
      this.queue.splice(queued, 1);
      kept.give(page.raw);
    }
    this.settled(page);
  }

  /** Resolves when at most `pages` pages of `bytes` raw bytes wait. Rejects where one could not be compressed. */
  async atMost(pages: number, bytes: number): Promise<void> {
    while (this.error === null && (this.waiting > pages || this.waitingBytes > bytes))
      await new Promise<void>((resolve) => this.watchers.push(resolve));
    if (this.error !== null) throw this.error;
  }

  close(): void {
    for (const lane of this.lanes) lane.close();
    this.lanes.length = 0;
  }

  private assign(): void {
    while (this.queue.length > 0) {
      let lane = this.lanes.find(({ busy }) => !busy);
      if (lane === undefined) {
        if (this.lanes.length === LANES) return;
        lane = new Lane((error) => this.fail(error));
        this.lanes.push(lane);
      }
      const page = this.queue.shift();
      if (page === undefined) return;
      lane.run(page.raw, (body) => {
        kept.give(page.raw);
        if (page.body === null) {
          page.done(body);
          this.settled(page);
        }
        this.assign();
      });
    }
  }

  private settled(page: Page): void {
    this.waiting--;
    this.waitingBytes -= page.rawBytes;
    this.wake();
  }

  private fail(error: Error): void {
    this.error ??= error;
    this.wake();
  }

  private wake(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }
}

/** One compression stream, which does one page at a time. */
class Lane {
  busy = false;
  private readonly stream: ZstdCompress;
  private pieces: Uint8Array[] = [];

  constructor(failed: (error: Error) => void) {
    this.stream = createZstdCompress({ params, flush: constants.ZSTD_e_end, chunkSize: PIECE_BYTES });
    this.stream.on('data', (piece: Uint8Array) => this.pieces.push(piece));
    this.stream.on('error', (error) => failed(toError(error)));
  }

  /** Compresses `raw`, which must stay as it is until `done` is called. */
  run(raw: Uint8Array, done: (body: readonly Uint8Array[]) => void): void {
    this.busy = true;
    // The pieces of a write come before it is called done; where it fails, 'error' tells.
    this.stream.write(raw, (error) => {
      if (error) return;
      this.busy = false;
      const body = this.pieces;
      this.pieces = [];
      done(body);
    });
  }

  close(): void {
    this.stream.destroy();
  }
}

/** Buffers for pages to come: pages are of similar sizes, and fresh memory costs more than it holds. */
class KeptBuffers {
  private readonly free: ArrayBuffer[] = [];
  private bytes = 0;

  /** `length` bytes, whatever is in them. */
  take(length: number): Uint8Array<ArrayBuffer> {
    // A much larger one is left for a larger page.
    const found = this.free.findIndex(({ byteLength }) => byteLength >= length && byteLength <= 4 * length);
    if (found < 0) return new Uint8Array(new ArrayBuffer(length + (length >> 3)), 0, length);
    const [buffer] = this.free.splice(found, 1);
    this.bytes -= buffer!.byteLength;
    return new Uint8Array(buffer!, 0, length);
  }

  give(used: Uint8Array): void {
    const { buffer } = used;
    if (!(buffer instanceof ArrayBuffer)) return;
    if (buffer.byteLength > KEPT_BYTES / 4) {
      freeNow(used);
      return;
    }
    this.free.push(buffer);
    this.bytes += buffer.byteLength;
    while (this.bytes > KEPT_BYTES) {
      const oldest = this.free.shift()!;
      this.bytes -= oldest.byteLength;
      freeNow(new Uint8Array(oldest));
    }
  }
}

/** One for all files of the process, which come one after the other. */
const kept = new KeptBuffers();
