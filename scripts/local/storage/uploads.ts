/**
 * The three ways to upload: in one request (`media`, `multipart`), or a resumable session of chunks. A session is two files,
 * its plan and the bytes received, so a client may continue after the server was killed.
 */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
  renameSync,
  mkdirSync,
} from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { makeChecksum } from './checksum.ts';
import type { Checksums } from './checksum.ts';
import { readMultipart } from './multipart.ts';
import { commitObject, fileSize, incomingFile, readRecord } from './object-store.ts';
import type { ObjectFields, ObjectRecord } from './object-store.ts';
import { objectFields } from './object-resource.ts';
import { checkPreconditions } from './preconditions.ts';
import { StorageError } from './storage-error.ts';

/** What an upload is to become. `query` carries the preconditions, which are checked at the end: then is when it commits. */
export interface UploadTarget {
  readonly bucket: string;
  readonly name: string;
  readonly fields: ObjectFields;
  readonly query: string;
}

/** Writes `source` to a fresh incoming file, calculating the checksums. The file is removed when the source fails. */
export async function receive(
  dir: string,
  source: (write: (bytes: Buffer) => Promise<void>) => Promise<void>,
) {
  const file = incomingFile(dir);
  const out = createWriteStream(file);
  const sums = makeChecksum();
  try {
    await source(async (bytes) => {
      sums.update(bytes);
      if (!out.write(bytes)) await once(out, 'drain');
    });
    out.end();
    await once(out, 'close');
    return { file, sums: sums.digest() };
  } catch (error) {
    out.destroy();
    rmSync(file, { force: true });
    throw error;
  }
}

/** Commits received bytes after checking what the client said about them. */
export function finish(
  dir: string,
  target: UploadTarget,
  received: { readonly file: string; readonly sums: Checksums },
  claimed: { readonly crc32c?: string | undefined; readonly md5Hash?: string | undefined },
  now: Date,
): ObjectRecord {
  try {
    for (const kind of ['crc32c', 'md5Hash'] as const)
      if (claimed[kind] !== undefined && claimed[kind] !== received.sums[kind])
        throw new StorageError(
          400,
          'invalid',
          `Provided ${kind} "${claimed[kind]}" doesn't match calculated ${kind} "${received.sums[kind]}"`,
        );
    checkPreconditions(new URLSearchParams(target.query), readRecord(dir, target.bucket, target.name));
    return commitObject(dir, target, received.file, received.sums, now);
  } catch (error) {
    rmSync(received.file, { force: true });
    throw error;
  }
}

/** The checksums of an `x-goog-hash` header (`crc32c=…,md5=…`). */
export function claimedChecksums(header: string | string[] | undefined): {
  crc32c?: string | undefined;
  md5Hash?: string | undefined;
} {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return { crc32c: /crc32c=([^,\s]+)/.exec(text)?.[1], md5Hash: /md5=([^,\s]+)/.exec(text)?.[1] };
}

/** `uploadType=media` and a signed PUT: the body is the object. */
export async function uploadMedia(
  dir: string,
  request: IncomingMessage,
  target: UploadTarget,
  now: Date,
): Promise<ObjectRecord> {
  const received = await receive(dir, async (write) => {
    for await (const chunk of request as AsyncIterable<Buffer>) await write(chunk);
  });
  return finish(dir, target, received, claimedChecksums(request.headers['x-goog-hash']), now);
}

/** `uploadType=multipart`: a JSON part with name and fields, then the object. */
export async function uploadMultipart(
  dir: string,
  request: IncomingMessage,
  bucket: string,
  query: URLSearchParams,
  now: Date,
): Promise<ObjectRecord> {
  let text = '';
  const received = await receive(dir, async (write) => {
    text = await readMultipart(
      request as AsyncIterable<Buffer>,
      String(request.headers['content-type']),
      write,
    );
  });
  // A JSON text is unknown until `objectFields` has looked at it.
  const body = JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>;
  const name = query.get('name') ?? (typeof body['name'] === 'string' ? body['name'] : '');
  const claimed = {
    crc32c: typeof body['crc32c'] === 'string' ? body['crc32c'] : undefined,
    md5Hash: typeof body['md5Hash'] === 'string' ? body['md5Hash'] : undefined,
  };
  return finish(
    dir,
    { bucket, name, fields: objectFields(body), query: query.toString() },
    received,
    claimed,
    now,
  );
}

const sessionFile = (dir: string, id: string) => join(dir, '.incoming', `${id}.session`);
const partFile = (dir: string, id: string) => join(dir, '.incoming', `${id}.part`);

/** Opens a resumable session and returns its id. */
export function startSession(dir: string, target: UploadTarget): string {
  checkPreconditions(new URLSearchParams(target.query), readRecord(dir, target.bucket, target.name));
  const id = randomUUID();
  mkdirSync(join(dir, '.incoming'), { recursive: true });
  writeFileSync(partFile(dir, id), '');
  writeFileSync(`${sessionFile(dir, id)}.draft`, JSON.stringify(target));
  renameSync(`${sessionFile(dir, id)}.draft`, sessionFile(dir, id));
  return id;
}

export function cancelSession(dir: string, id: string): void {
  for (const file of [sessionFile(dir, needSession(dir, id)), partFile(dir, id)])
    rmSync(file, { force: true });
}

function needSession(dir: string, id: string): string {
  if (!/^[0-9a-f-]{36}$/.test(id) || !existsSync(sessionFile(dir, id)))
    throw new StorageError(
      404,
      'notFound',
      `Upload session "${id}" does not exist or is finished; start a new one`,
    );
  return id;
}

/**
 * Takes one PUT of a session: a chunk, the last chunk, or a question how much has arrived (`bytes *` + `/*`).
 * Returns the finished object, or how many bytes are kept so far. Bytes received twice are skipped.
 */
export async function continueSession(
  dir: string,
  id: string,
  request: IncomingMessage,
  now: Date,
): Promise<{ readonly record: ObjectRecord } | { readonly received: number }> {
  needSession(dir, id);
  const header = request.headers['content-range'] ?? `bytes 0-*/${request.headers['content-length'] ?? '*'}`;
  const range = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*|undefined)$/.exec(header);
  if (range === null)
    throw new StorageError(400, 'invalid', `Failed to parse Content-Range header "${header}"`);
  const part = partFile(dir, id);
  const open = range[1] !== undefined && range[2] === '*';
  if (range[1] !== undefined) {
    const kept = fileSize(part);
    if (Number(range[1]) > kept)
      throw new StorageError(
        400,
        'invalid',
        `The chunk starts at byte ${range[1]}, but only ${kept} bytes were received; ask with "bytes */*"`,
      );
    let skip = kept - Number(range[1]);
    const out = createWriteStream(part, { flags: 'a' });
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - fresh.length;
        if (fresh.length > 0 && !out.write(fresh)) await once(out, 'drain');
      }
    } finally {
      // Also when the client went away: what arrived stays, and it continues from there.
      out.end();
      await once(out, 'close');
    }
  } else request.resume();
  const size = fileSize(part);
  const total = /^\d+$/.test(range[3] ?? '') ? Number(range[3]) : open && request.complete ? size : null;
  if (total === null || size < total) return { received: size };
  if (size > total)
    throw new StorageError(
      400,
      'invalid',
      `The upload has ${size} bytes, but its total was said to be ${total}`,
    );
  // This program wrote the session file.
  const target = JSON.parse(readFileSync(sessionFile(dir, id), 'utf8')) as UploadTarget;
  const sums = makeChecksum();
  for await (const chunk of createReadStream(part) as AsyncIterable<Buffer>) sums.update(chunk);
  const record = finish(
    dir,
    target,
    { file: part, sums: sums.digest() },
    claimedChecksums(request.headers['x-goog-hash']),
    now,
  );
  rmSync(sessionFile(dir, id), { force: true });
  return { record };
}
