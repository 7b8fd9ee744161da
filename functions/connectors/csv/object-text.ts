/**
 * The bytes of an object as UTF-8 text: gunzipped where they begin with gzip's magic number, transcoded from latin1
 * where told, without a byte order mark. A small file that unpacks endlessly is stopped.
 */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TerminalError, TransientError, toError } from '#core/errors';

/** CSV compresses 5 to 30 times; this much more than the input is an attack or a mistake. */
const MAX_RATIO = 250;
const RATIO_SLACK = 64 * 1024 * 1024;

export interface ObjectTextOptions {
  readonly encoding: 'utf-8' | 'latin1';
  /** Named in errors. */
  readonly uri: string;
  /** Called with the stored bytes read so far. */
  readonly onBytes?: (stored: number) => void;
}

/** Chunks of text. Terminal `gzip-broken`, `gzip-bomb`, `encoding-unsupported`. */
export async function* readObjectText(
  stored: AsyncIterable<Uint8Array>,
  options: ObjectTextOptions,
): AsyncGenerator<Uint8Array> {
  const counts = { stored: 0 };
  const counted = count(stored, (bytes) => {
    counts.stored += bytes;
    options.onBytes?.(counts.stored);
  });
  const { head, rest } = await peek(counted);
  const plain = head[0] === 0x1f && head[1] === 0x8b ? gunzip(rest, counts, options.uri) : rest;
  let first = true;
  for await (const chunk of plain) {
    if (chunk.length === 0) continue;
    const text = first ? withoutMark(chunk, options.uri) : chunk;
    first = false;
    yield options.encoding === 'latin1' ? Buffer.from(Buffer.from(text).toString('latin1'), 'utf8') : text;
  }
}

async function* count(
  chunks: AsyncIterable<Uint8Array>,
  add: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    add(chunk.length);
    yield chunk;
  }
}

/** The first bytes (four unless the object is shorter) and all of it again. */
async function peek(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ head: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 4) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* chunks;
  }
  return { head, rest: all() };
}

async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  counts: { readonly stored: number },
  uri: string,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: false });
  const unzip = createGunzip({ chunkSize: 256 * 1024 });
  source.once('error', (error) =>
    unzip.destroy(
      new TransientError('object-read', `${uri} could not be read to its end.`, { cause: error }),
    ),
  );
  source.pipe(unzip);
  let unpacked = 0;
  try {
    // A Gunzip yields Buffers; Node's type says any.
    for await (const chunk of unzip as AsyncIterable<Uint8Array>) {
      unpacked += chunk.length;
      if (unpacked > counts.stored * MAX_RATIO + RATIO_SLACK)
        throw new TerminalError('gzip-bomb', `${uri} unpacks to more than ${MAX_RATIO} times its size.`, {
          remedy: 'Store the file uncompressed, or in several files.',
        });
      yield chunk;
    }
  } catch (thrown) {
    const error = toError(thrown);
    if (error instanceof TerminalError || error instanceof TransientError) throw error;
    throw new TerminalError('gzip-broken', `${uri} is not a whole gzip file (${error.message}).`, {
      remedy: 'Compress and upload the file again.',
      cause: error,
    });
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

function withoutMark(chunk: Uint8Array, uri: string): Uint8Array {
  if (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) return chunk.subarray(3);
  const wide = (chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff);
  if (wide)
    throw new TerminalError('encoding-unsupported', `${uri} is UTF-16 text.`, {
      remedy: 'Save the file as UTF-8 and upload it again.',
    });
  return chunk;
}
