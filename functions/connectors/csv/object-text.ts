/**
 * The bytes of an object as UTF-8 text: unpacked where they begin as gzip or zstd does, transcoded from the encoding that
 * is told, without a byte order mark. A small file that unpacks endlessly is stopped.
 */
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { SourceSettings } from '#core/source';
import { TerminalError, TransientError, toError } from '#core/errors';
import { zstdFrames } from './zstd-frames.ts';

/** CSV compresses 5 to 30 times; this much more than the input is an attack or a mistake. */
const MAX_RATIO = 250;
const RATIO_SLACK = 64 * 1024 * 1024;

/** How text is written. */
export type Encoding = Extract<SourceSettings, { kind: 'csv' }>['encoding'];

export interface ObjectTextOptions {
  readonly encoding: Encoding;
  /** Named in errors. */
  readonly uri: string;
  /** Called with the stored bytes read so far. */
  readonly onBytes?: (stored: number) => void;
}

/** Bytes of a file so far. */
interface Counts {
  stored: number;
  unpacked: number;
}

/** What is said of files that are packed so. */
interface Packing {
  readonly bomb: (uri: string) => TerminalError;
  readonly broken: (uri: string, cause: Error) => TerminalError;
}

const GZIP: Packing = {
  bomb: (uri) => bomb('gzip-bomb', uri),
  broken: (uri, cause) => broken('gzip-broken', 'gzip', uri, cause),
};
const ZSTD: Packing = {
  bomb: (uri) => bomb('zstd-bomb', uri),
  broken: (uri, cause) => broken('zstd-broken', 'zstd', uri, cause),
};

function bomb(code: string, uri: string): TerminalError {
  return new TerminalError(code, `${uri} unpacks to more than ${MAX_RATIO} times its size.`, {
    remedy: 'Store the file uncompressed, or in several files.',
  });
}

function broken(code: string, name: string, uri: string, cause: Error): TerminalError {
  return new TerminalError(code, `${uri} is not a whole ${name} file (${cause.message}).`, {
    remedy: 'Compress and upload the file again.',
    cause,
  });
}

/** How files are packed, by the bytes that they begin with. */
const packings: readonly {
  readonly magic: readonly number[];
  readonly unpack: (
    chunks: AsyncIterable<Uint8Array>,
    counts: Counts,
    uri: string,
  ) => AsyncIterable<Uint8Array>;
}[] = [
  {
    magic: [0x1f, 0x8b],
    unpack: (chunks, counts, uri) =>
      unpack(chunks, GZIP, createGunzip({ chunkSize: 256 * 1024 }), counts, uri),
  },
  {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    async *unpack(chunks, counts, uri) {
      for await (const frame of zstdFrames(chunks, uri))
        yield* unpack(frame, ZSTD, createZstdDecompress({ chunkSize: 256 * 1024 }), counts, uri);
    },
  },
];

/** Chunks of text. Terminal `gzip-broken`, `gzip-bomb` (and for zstd), `encoding-unsupported`, `encoding-broken`. */
export async function* readObjectText(
  stored: AsyncIterable<Uint8Array>,
  options: ObjectTextOptions,
): AsyncGenerator<Uint8Array> {
  const counts: Counts = { stored: 0, unpacked: 0 };
  const counted = count(stored, (bytes) => {
    counts.stored += bytes;
    options.onBytes?.(counts.stored);
  });
  const { head, rest } = await peek(counted);
  const packing = packings.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
  const plain = packing === undefined ? rest : packing.unpack(rest, counts, options.uri);
  let decode: Decoding['decoder'] | null = null;
  // The byte order mark may come in pieces.
  let begun: Uint8Array = new Uint8Array(0);
  for await (const chunk of plain) {
    begun = begun.length === 0 ? chunk : Buffer.concat([begun, chunk]);
    if (decode === null && begun.length < 3) continue;
    const { skip, decoder }: Decoding =
      decode === null ? makeDecoder(begun, options) : { skip: 0, decoder: decode };
    decode = decoder;
    const text = decoder(begun.subarray(skip), false);
    begun = new Uint8Array(0);
    if (text.length > 0) yield text;
  }
  const { skip, decoder } = decode === null ? makeDecoder(begun, options) : { skip: 0, decoder: decode };
  const end = decoder(begun.subarray(skip), true);
  if (end.length > 0) yield end;
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

async function* unpack(
  chunks: AsyncIterable<Uint8Array>,
  packing: Packing,
  unzip: Transform,
  counts: Counts,
  uri: string,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: false });
  source.once('error', (error) =>
    unzip.destroy(
      error instanceof TerminalError
        ? error
        : new TransientError('object-read', `${uri} could not be read to its end.`, { cause: error }),
    ),
  );
  source.pipe(unzip);
  try {
    // What unpacks yields Buffers; Node's type says any.
    for await (const chunk of unzip as AsyncIterable<Uint8Array>) {
      counts.unpacked += chunk.length;
      if (counts.unpacked > counts.stored * MAX_RATIO + RATIO_SLACK) throw packing.bomb(uri);
      yield chunk;
    }
  } catch (thrown) {
    const error = toError(thrown);
    if (error instanceof TerminalError || error instanceof TransientError) throw error;
    throw packing.broken(uri, error);
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

interface Decoding {
  /** Bytes of the byte order mark. */
  readonly skip: number;
  readonly decoder: (chunk: Uint8Array, last: boolean) => Uint8Array;
}

/** How text that begins with `head` is read. */
function makeDecoder(head: Uint8Array, { encoding, uri }: ObjectTextOptions): Decoding {
  const order =
    head[0] === 0xff && head[1] === 0xfe
      ? 'utf-16le'
      : head[0] === 0xfe && head[1] === 0xff
        ? 'utf-16be'
        : null;
  if (encoding === 'utf-16') {
    if (order === null)
      throw new TerminalError('encoding-unsupported', `${uri} does not begin as UTF-16 text does.`, {
        remedy: 'Choose the encoding that it has (utf-8 is most likely), or save it with a byte order mark.',
      });
    return { skip: 2, decoder: transcode(order, uri) };
  }
  if (order !== null)
    throw new TerminalError('encoding-unsupported', `${uri} is UTF-16 text.`, {
      remedy: 'Choose the encoding utf-16 for the source, or save the file as UTF-8.',
    });
  const skip = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  if (skip > 0 || encoding === 'utf-8') return { skip, decoder: (chunk) => chunk };
  if (encoding === 'windows-1252') return { skip, decoder: transcode('windows-1252', uri) };
  return { skip, decoder: (chunk) => Buffer.from(Buffer.from(chunk).toString('latin1'), 'utf8') };
}

/** Whatever is no character ends the reading: a replacement would change data. */
function transcode(encoding: string, uri: string): Decoding['decoder'] {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  return (chunk, last) => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: !last }), 'utf8');
    } catch (cause) {
      throw new TerminalError('encoding-broken', `${uri} holds bytes that are no ${encoding} text.`, {
        remedy: 'Choose the encoding that the file has, or save it as UTF-8.',
        cause,
      });
    }
  };
}
