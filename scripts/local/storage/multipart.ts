/** The `multipart/related` body of a one-request upload: a JSON part, then the bytes. Streams the second part. */
import { StorageError } from './storage-error.ts';

const metadataLimit = 1024 * 1024;

/**
 * Reads the two parts of `body`. `onData` receives the second part's bytes in order; the answer is the first part's text.
 * Memory: the metadata (at most 1 MiB) and one chunk. A body that ends early is refused, so a cut upload is never an object.
 */
export async function readMultipart(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  onData: (bytes: Buffer) => void | Promise<void>,
): Promise<string> {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const word = boundary?.[1] ?? boundary?.[2];
  if (word === undefined)
    throw new StorageError(400, 'badRequest', `No boundary in content-type "${contentType}"`);
  const end = Buffer.from(`\r\n--${word}--`);
  let held: Buffer = Buffer.alloc(0);
  let metadata: string | null = null;
  let ended = false;
  for await (const chunk of body) {
    if (ended) continue;
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    if (metadata === null) {
      const parts = splitMetadata(held, word);
      if (parts === null) {
        if (held.length > metadataLimit)
          throw new StorageError(400, 'badRequest', 'Multipart metadata exceeds 1 MiB');
        continue;
      }
      metadata = parts.metadata;
      held = parts.rest;
    }
    const at = held.indexOf(end);
    ended = at >= 0;
    // The end mark may be split over two chunks: its length is held back.
    const ready = ended ? at : Math.max(0, held.length - end.length);
    if (ready > 0) await onData(held.subarray(0, ready));
    held = held.subarray(ready);
  }
  if (!ended || metadata === null)
    throw new StorageError(400, 'badRequest', 'The multipart body ended before its end mark');
  return metadata;
}

function splitMetadata(held: Buffer, word: string): { metadata: string; rest: Buffer } | null {
  const headersEnd = held.indexOf('\r\n\r\n');
  if (headersEnd < 0) return null;
  const next = held.indexOf(`\r\n--${word}\r\n`, headersEnd + 2);
  if (next < 0) return null;
  const dataStart = held.indexOf('\r\n\r\n', next + 4);
  if (dataStart < 0) return null;
  return { metadata: held.toString('utf8', headersEnd + 4, next), rest: held.subarray(dataStart + 4) };
}
