import { Readable } from 'node:stream';
import { type File, type GetFilesOptions, Storage } from '@google-cloud/storage';
import { TerminalError, TransientError } from '#core/errors';

/** An object as listed. `generation` changes with every overwrite. */
export interface ObjectInfo {
  readonly uri: string;
  readonly bytes: number;
  readonly generation: string;
}

/** Bytes of an object, `end` not among them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A streaming upload. Nothing is visible under the object's name until `close` has resolved. */
export interface ObjectWriter {
  write(chunk: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(): void;
}

/** Cloud Storage by `gs://` address. Missing objects are null in `stat` and TerminalError `object-missing` in `read`. */
export interface Files {
  stat(uri: string): Promise<ObjectInfo | null>;
  /** The labels of a bucket, by its name. @throws TerminalError `object-missing`, `object-forbidden` */
  bucketLabels(bucket: string): Promise<Readonly<Record<string, string>>>;
  list(prefixUri: string): Promise<ObjectInfo[]>;
  /** What `list` answers, in pages of at most `size` (1,000, which is also the most). */
  listPages(prefixUri: string, size?: number): AsyncIterable<readonly ObjectInfo[]>;
  /**
   * Streams the object's bytes as they are stored, never unpacked; with `generation`, that one only; with `range`, those
   * from `start` to before `end`.
   */
  read(uri: string, generation?: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  readAll(uri: string): Promise<Uint8Array>;
  /** Writes the whole object at once, replacing what was there. */
  save(uri: string, data: Uint8Array | string, contentType: string): Promise<void>;
  /** `temporary`: the bucket's life cycle removes it a week later (its custom time says when it was written). */
  openWriter(uri: string, contentType: string, options?: { readonly temporary?: boolean }): ObjectWriter;
  /**
   * Copies one version of an object within Cloud Storage, whatever the buckets; nothing passes through here. `temporary` as
   * for `openWriter`. @throws TerminalError `object-missing` where that generation is gone
   */
  copy(
    from: { readonly uri: string; readonly generation: string },
    to: string,
    options?: { readonly temporary?: boolean },
  ): Promise<ObjectInfo>;
  delete(uri: string): Promise<void>;
  deleteAll(prefixUri: string): Promise<void>;
  /**
   * An address that takes one PUT of the object's bytes without further authorization (a resumable session).
   * `origin`: the web origin that may use it from a browser.
   */
  uploadAddress(
    uri: string,
    options: { contentType: string; bytes: number; origin?: string },
  ): Promise<string>;
  /**
   * An address from which anybody who has it may download the object, as a file of that name, for `seconds` (a V4 signed
   * URL). Signing asks for the service account's own key or the role Service Account Token Creator on itself.
   */
  downloadAddress(uri: string, options: { seconds: number; fileName: string }): Promise<string>;
}

/** How often in a row a broken read is taken up again. */
const READ_RETRIES = 3;

/** The bucket and object of `gs://bucket/object`. */
export function splitUri(uri: string): { bucket: string; name: string } {
  const match = /^gs:\/\/([^/]+)\/(.*)$/s.exec(uri);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new TerminalError('uri-invalid', `"${uri}" is no Cloud Storage address.`, {
      remedy: 'Write it as gs://bucket/object.',
    });
  return { bucket: match[1], name: match[2] };
}

/** Cloud Storage of `projectId`; at STORAGE_EMULATOR_HOST where that is set (the client's own convention). */
export function openFiles(projectId: string): Files {
  const storage = new Storage({ projectId });
  // Where the client tries a refused download again by itself, it pipes the refusal to a stream that it has destroyed, which
  // ends the process: `read` tries again.
  const reading = new Storage({ projectId, retryOptions: { autoRetry: false } });
  const at = (uri: string, generation?: string, client = storage) => {
    const { bucket, name } = splitUri(uri);
    return client.bucket(bucket).file(name, generation === undefined ? {} : { generation });
  };

  const files: Files = {
    stat: (uri) =>
      translate(uri, async () => {
        const file = at(uri);
        const [exists] = await file.exists();
        if (!exists) return null;
        const [metadata] = await file.getMetadata();
        return { uri, bytes: Number(metadata.size ?? 0), generation: String(metadata.generation ?? '') };
      }),
    bucketLabels: (bucket) =>
      translate(`gs://${bucket}/`, async () => {
        const [metadata] = await storage.bucket(bucket).getMetadata();
        const labels = Object.entries(metadata.labels ?? {});
        return Object.fromEntries(labels.map(([name, value]) => [name, value ?? '']));
      }),
    list: (prefixUri) =>
      translate(prefixUri, async () => {
        const { bucket, name } = splitUri(prefixUri);
        const [found] = await storage.bucket(bucket).getFiles({ prefix: name });
        return found.map(listed);
      }),
    async *listPages(prefixUri, size = 1000) {
      const { bucket, name } = splitUri(prefixUri);
      let query: GetFilesOptions | null = { prefix: name, maxResults: size, autoPaginate: false };
      while (query !== null) {
        const page: GetFilesOptions = query;
        const [found, next] = await translate(prefixUri, () => storage.bucket(bucket).getFiles(page));
        yield found.map(listed);
        // The client answers with the next page's query, or null after the last.
        query = next ?? null;
      }
    },
    async *read(uri, generation, range) {
      const start = range?.start ?? 0;
      let offset = start;
      for (let failures = 0; ;) {
        try {
          // As stored: an object kept with `Content-Encoding: gzip` could unpack to any size on its way here.
          const options = {
            decompress: false,
            ...(offset === 0 ? {} : { start: offset }),
            // The client's end is the last byte.
            ...(range === undefined ? {} : { start: offset, end: range.end - 1 }),
          };
          const stream = at(uri, generation, reading).createReadStream(options);
          // createReadStream yields Buffers, which its type does not say.
          for await (const chunk of stream as AsyncIterable<Buffer>) {
            offset += chunk.length;
            failures = 0;
            yield chunk;
          }
          return;
        } catch (error) {
          const translatedError = translated(uri, error);
          // A connection that broke is taken up where it ended; bytes of another generation must not follow ours.
          const resumable = generation !== undefined || offset === start;
          if (!(translatedError instanceof TransientError) || !resumable || ++failures > READ_RETRIES)
            throw translatedError;
          await new Promise((resolve) => setTimeout(resolve, 200 * 4 ** (failures - 1)));
        }
      }
    },
    async readAll(uri) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of files.read(uri)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    save: (uri, data, contentType) =>
      translate(uri, () =>
        at(uri).save(
          typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
          {
            contentType,
            resumable: false,
          },
        ),
      ),
    copy: (from, to, { temporary = false } = {}) =>
      translate(from.uri, async () => {
        // A client of its own: while one copies, it tries none of its other requests again.
        const copying = new Storage({ projectId });
        const [source, target] = [splitUri(from.uri), splitUri(to)];
        const file = copying.bucket(source.bucket).file(source.name, { generation: from.generation });
        // Between locations a copy takes several requests, of which the client gives only the first what is asked for.
        const [copied] = await file.copy(copying.bucket(target.bucket).file(target.name));
        const [metadata] = temporary
          ? await copied.setMetadata({ customTime: timeNow() })
          : await copied.getMetadata();
        return { uri: to, bytes: Number(metadata.size ?? 0), generation: String(metadata.generation ?? '') };
      }),
    openWriter: (uri, contentType, { temporary = false } = {}) => {
      const metadata = temporary ? { customTime: timeNow() } : {};
      return openWriter(uri, at(uri).createWriteStream({ contentType, resumable: true, metadata }));
    },
    delete: (uri) => translate(uri, async () => void (await at(uri).delete({ ignoreNotFound: true }))),
    async deleteAll(prefixUri) {
      for (const found of await files.list(prefixUri)) await files.delete(found.uri);
    },
    uploadAddress: (uri, { contentType, bytes, origin }) =>
      translate(uri, async () => {
        const [address] = await at(uri).createResumableUpload({
          metadata: { contentType, contentLength: bytes },
          ...(origin === undefined ? {} : { origin }),
        });
        return address;
      }),
    downloadAddress: (uri, { seconds, fileName }) =>
      translate(uri, async () => {
        const [address] = await at(uri).getSignedUrl({
          version: 'v4',
          action: 'read',
          expires: Date.now() + seconds * 1000,
          responseDisposition: `attachment; filename="${fileName.replaceAll(/[^\w.-]/g, '_')}"`,
        });
        return address;
      }),
  };
  return files;
}

const timeNow = () => new Date().toISOString();

function listed({ bucket, name, metadata }: File): ObjectInfo {
  return {
    uri: `gs://${bucket.name}/${name}`,
    bytes: Number(metadata.size ?? 0),
    generation: String(metadata.generation ?? ''),
  };
}

function openWriter(
  uri: string,
  stream: NodeJS.WritableStream & { destroy(error?: Error): unknown },
): ObjectWriter {
  let failure: Error | undefined;
  const settled = new Promise<void>((resolve) => {
    stream.once('finish', resolve);
    stream.once('error', (error: Error) => {
      failure = error;
      resolve();
    });
  });
  const check = () => {
    if (failure) throw translated(uri, failure);
  };
  return {
    async write(chunk) {
      check();
      if (!stream.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)))
        await Promise.race([new Promise<void>((resolve) => stream.once('drain', resolve)), settled]);
      check();
    },
    async close() {
      stream.end();
      await settled;
      check();
    },
    abort() {
      stream.destroy();
    },
  };
}

async function translate<T>(uri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(uri, error);
  }
}

function translated(uri: string, error: unknown): Error {
  if (error instanceof TerminalError) return error;
  const code = error instanceof Error && 'code' in error ? Number(error.code) : 0;
  if (code === 404)
    return new TerminalError('object-missing', `There is no object ${uri}.`, {
      remedy: 'Check the address; upload the file again if it is gone.',
      cause: error,
    });
  if (code === 401 || code === 403)
    return new TerminalError('object-forbidden', `Tradewind may not read ${uri}.`, {
      remedy: 'Give the installation’s service account the role Storage Object Viewer on the bucket.',
      cause: error,
    });
  return new TransientError('storage-unavailable', `Cloud Storage did not answer for ${uri}.`, {
    cause: error,
  });
}

/** A Node stream of what `read` yields, for consumers that want one. */
export function toReadable(chunks: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(chunks, { objectMode: false });
}
