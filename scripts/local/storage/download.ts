/** Sends an object's bytes: whole or one Range, with the headers the official client verifies. */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { dataFile } from './object-store.ts';
import type { ObjectRecord } from './object-store.ts';
import { objectEtag } from './object-resource.ts';
import { StorageError } from './storage-error.ts';

/** First and last byte (inclusive) of a Range header, null for the whole object; 416 when it lies outside. */
export function byteRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (start >= size || start > end)
    throw new StorageError(
      416,
      'requestedRangeNotSatisfiable',
      `Range "${header}" is outside of the object's ${size} bytes`,
    );
  return { start, end };
}

export async function sendObject(
  dir: string,
  record: ObjectRecord,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const size = Number(record.size);
  const gzipped = record.contentEncoding === 'gzip';
  // Cloud Storage unpacks gzip for clients that do not accept it, and then ignores Range.
  const unpack = gzipped && !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const range = unpack ? null : byteRange(request.headers.range, size);
  response.statusCode = range === null ? 200 : 206;
  response.setHeader('content-type', record.contentType ?? 'application/octet-stream');
  response.setHeader('etag', `"${objectEtag(record)}"`);
  response.setHeader('last-modified', new Date(record.updated).toUTCString());
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('x-goog-generation', record.generation);
  response.setHeader('x-goog-metageneration', record.metageneration);
  response.setHeader('x-goog-stored-content-length', record.size);
  response.setHeader('x-goog-stored-content-encoding', record.contentEncoding ?? 'identity');
  response.setHeader(
    'x-goog-hash',
    `crc32c=${record.crc32c}${record.md5Hash === undefined ? '' : `,md5=${record.md5Hash}`}`,
  );
  if (record.cacheControl !== undefined) response.setHeader('cache-control', record.cacheControl);
  if (record.contentDisposition !== undefined)
    response.setHeader('content-disposition', record.contentDisposition);
  if (record.contentEncoding !== undefined && !unpack)
    response.setHeader('content-encoding', record.contentEncoding);
  if (range !== null) response.setHeader('content-range', `bytes ${range.start}-${range.end}/${size}`);
  if (!unpack) response.setHeader('content-length', range === null ? size : range.end - range.start + 1);
  if (request.method === 'HEAD') return void response.end();
  const source = createReadStream(dataFile(dir, record), range ?? {});
  await (unpack ? pipeline(source, createGunzip(), response) : pipeline(source, response));
}
