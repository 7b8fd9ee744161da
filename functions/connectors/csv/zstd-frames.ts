/**
 * Zstandard data as its frames. Files may have several (parallel compressors write them so, and files put together have
 * them), and Node unpacks only the first of what it is given. Source: RFC 8878.
 */
import { TerminalError } from '#core/errors';

const MAGIC = 0xfd2fb528;
/** Skippable frames: sixteen of these. */
const SKIPPABLE = 0x184d2a50;

/** Each frame's bytes, to be read to its end before the next. Terminal `zstd-broken`. */
export async function* zstdFrames(
  chunks: AsyncIterable<Uint8Array>,
  uri: string,
): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const input = new ByteQueue(chunks);
  while (await input.has(1)) {
    const magic = (await input.has(4)) ? input.uint32(0) : 0;
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE && (await input.has(8))) {
      for await (const _ of input.take(8 + input.uint32(4))) continue;
    } else if (magic === MAGIC) yield frame(input);
    else
      throw new TerminalError('zstd-broken', `${uri} holds something after its zstd data.`, {
        remedy: 'Compress and upload the file again.',
      });
  }
}

/** One frame: a header, blocks that tell their lengths, perhaps a checksum. Ends early where the input does. */
async function* frame(input: ByteQueue): AsyncGenerator<Uint8Array> {
  if (!(await input.has(5))) return yield* input.take(5);
  const descriptor = input.byte(4);
  const single = (descriptor >> 5) & 1;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? single : 2 ** sizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  yield* input.take(5 + (1 - single) + dictionaryBytes + sizeBytes);
  for (let last = false; !last;) {
    if (!(await input.has(3))) return yield* input.take(3);
    const header = input.byte(0) | (input.byte(1) << 8) | (input.byte(2) << 16);
    last = (header & 1) === 1;
    // A block of one byte, repeated, says how often.
    yield* input.take(3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3));
  }
  if ((descriptor & 4) !== 0) yield* input.take(4);
}

/** Bytes that were received and not yet taken. */
class ByteQueue {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private held: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** Whether `length` bytes come; they are held then. */
  async has(length: number): Promise<boolean> {
    while (this.held.length < length) {
      const { value, done } = await this.chunks.next();
      if (done === true) return false;
      this.held = this.held.length === 0 ? value : Buffer.concat([this.held, value]);
    }
    return true;
  }

  byte(at: number): number {
    return this.held[at] ?? 0;
  }

  uint32(at: number): number {
    return (
      (this.byte(at) | (this.byte(at + 1) << 8) | (this.byte(at + 2) << 16) | (this.byte(at + 3) << 24)) >>> 0
    );
  }

  /** The next `length` bytes, or as many as come. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0 && (await this.has(1));) {
      const part = this.held.subarray(0, left);
      this.held = this.held.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
