/**
 * Files on web servers, read as if they were objects in storage. Every address is checked by the host guard and connected
 * to at the checked address only, those of redirects too. What tells one version from the next is what the server says of
 * it: ETag, Last-Modified and length.
 */
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { TerminalError, toError, TransientError } from '#core/errors';
import type { ObjectReader, ObjectVersion } from '../connector.ts';
import type { HostGuard } from '../hosts.ts';
import { type CertificateTrouble, certificateTrouble } from '../tls.ts';
import { lengthGeneration, objectChanged } from './pinned.ts';

const MAX_REDIRECTS = 3;
/** As much as may be uploaded. */
const MAX_BYTES = 5_000_000_000;
/** Until the answer begins, and between two parts of it. */
const SILENCE_MS = 30_000;
/** Until the headers of the file itself have come, redirects and all. */
const HEADERS_MS = 60_000;
/** One answer, from its first byte to its last. */
const ANSWER_MS = 60 * 60 * 1000;

/** How files are read. */
export interface HttpsOptions {
  /** Ends whatever is being read: its reason is thrown. */
  readonly signal?: AbortSignal;
  // The rest is what tests change.
  /** Trusted instead of the public authorities. */
  readonly ca?: string;
  readonly maxBytes?: number;
  readonly silenceMs?: number;
  readonly headersMs?: number;
}

type Headers = Readonly<Record<string, string>>;

/** Reads `https://` addresses. `list` finds nothing: web servers have no folders. */
export function makeHttpsObjects(hosts: HostGuard, options: HttpsOptions = {}): ObjectReader {
  const { maxBytes = MAX_BYTES, signal } = options;
  const get = (uri: string, headers: Headers): Promise<IncomingMessage> =>
    follow(hosts, uri, headers, options);

  async function* body(
    uri: string,
    generation: string,
    headers: Headers,
    limit: number,
  ): AsyncGenerator<Uint8Array> {
    const answer = await get(uri, headers);
    const late = setTimeout(() => answer.destroy(new Error('it took longer than an hour')), ANSWER_MS);
    const stop = (): void => void answer.destroy();
    signal?.addEventListener('abort', stop);
    let received = 0;
    try {
      accept(uri, answer, headers['range'] !== undefined);
      const { generation: now } = versionOf(uri, answer);
      if (now !== generation) throw objectChanged(uri);
      signal?.throwIfAborted();
      // A stream of a message yields Buffers; Node's type says any.
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        received += chunk.length;
        if (received > limit) throw tooLong(uri, limit);
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw toReadError(uri, error);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', stop);
      answer.destroy();
    }
  }

  return {
    async stat(uri) {
      // The first byte: some servers answer no HEAD, and signed addresses are for GET alone.
      const answer = await get(uri, { range: 'bytes=0-0' });
      answer.destroy();
      const { statusCode = 0 } = answer;
      if (statusCode === 404 || statusCode === 410) return null;
      if (statusCode !== 416) accept(uri, answer, false);
      const version = versionOf(uri, answer);
      if (version.bytes > maxBytes) throw tooLong(uri, maxBytes);
      return version;
    },
    open: (uri, generation) => body(uri, generation, {}, maxBytes),
    async range(uri, generation, start, end) {
      const chunks: Uint8Array[] = [];
      const headers = { range: `bytes=${start}-${end - 1}` };
      for await (const chunk of body(uri, generation, headers, end - start)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async *list() {
      yield [];
    },
  };
}

/** Reads `gs://` with `storage` and `https://` with `web`. */
export function joinReaders(storage: ObjectReader, web: ObjectReader): ObjectReader {
  const of = (uri: string): ObjectReader => (uri.startsWith('https://') ? web : storage);
  return {
    stat: (uri) => of(uri).stat(uri),
    open: (uri, generation) => of(uri).open(uri, generation),
    range: (uri, generation, start, end) => of(uri).range(uri, generation, start, end),
    list: (prefix) => of(prefix).list(prefix),
  };
}

/** The answer at `uri`, or at where it sends us. */
async function follow(
  hosts: HostGuard,
  uri: string,
  headers: Headers,
  options: HttpsOptions,
): Promise<IncomingMessage> {
  const { signal, headersMs = HEADERS_MS } = options;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tooLate(uri, headersMs)), headersMs);
  const stop = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  try {
    return await followUntil(stop, hosts, uri, headers, options);
  } finally {
    clearTimeout(timer);
  }
}

async function followUntil(
  stop: AbortSignal,
  hosts: HostGuard,
  uri: string,
  headers: Headers,
  options: HttpsOptions,
): Promise<IncomingMessage> {
  let address = uri;
  for (let redirects = 0; ; redirects++) {
    stop.throwIfAborted();
    const answer = await ask(stop, hosts, uri, address, headers, options);
    const { location } = answer.headers;
    const moved = [301, 302, 303, 307, 308].includes(answer.statusCode ?? 0);
    if (!moved || location === undefined) return answer;
    answer.destroy();
    const next = URL.parse(location, address);
    if (next?.protocol !== 'https:' || next.username !== '')
      throw new TerminalError('redirect-refused', `${uri} sends to an address that is not https.`, {
        remedy: 'Give the address where the file is.',
      });
    if (redirects === MAX_REDIRECTS)
      throw new TerminalError('redirect-refused', `${uri} sends on more than ${MAX_REDIRECTS} times.`, {
        remedy: 'Give the address where the file is.',
      });
    address = next.href;
  }
}

async function ask(
  stop: AbortSignal,
  hosts: HostGuard,
  uri: string,
  address: string,
  headers: Headers,
  { ca, silenceMs = SILENCE_MS }: HttpsOptions,
): Promise<IncomingMessage> {
  const url = URL.parse(address);
  if (url === null)
    throw new TerminalError('uri-invalid', `"${address.slice(0, 300)}" is no address of a web server.`, {
      remedy: 'Write it as https://host/file.csv, with the host’s name or address alone before the path.',
    });
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const pinned = await unlessAborted(stop, hosts.pin(host, url.port === '' ? 443 : Number(url.port)));
  const options: RequestOptions = {
    host: pinned.address,
    family: pinned.family,
    port: pinned.port,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, 'accept-encoding': 'identity', 'user-agent': 'tradewind' },
    // Verified against the name although the connection goes to the checked address.
    servername: isIP(pinned.host) === 0 ? pinned.host : '',
    agent: false,
    timeout: silenceMs,
    signal: stop,
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer) => {
      answer.setTimeout(silenceMs, () =>
        answer.destroy(new Error(`it was silent for ${silenceMs / 1000} s`)),
      );
      resolve(answer);
    });
    asked.on('timeout', () => asked.destroy(new Error(`it was silent for ${silenceMs / 1000} s`)));
    asked.on('error', (error) => reject(stop.aborted ? toError(stop.reason) : toReadError(uri, error)));
    asked.end();
  });
}

/** What `work` comes to; rejects with the reason of `signal` as soon as it is aborted. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(toError(signal.reason));
    signal.addEventListener('abort', stop);
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Throws unless the answer is the file, or the part of it that was asked for. */
function accept(uri: string, { statusCode = 0 }: IncomingMessage, part: boolean): void {
  if (statusCode === 206 || (statusCode === 200 && !part)) return;
  if (statusCode === 200)
    throw new TerminalError('ranges-unsupported', `The server of ${uri} sends files as a whole only.`, {
      remedy: 'Parquet is read in parts: upload the file, or have the server answer Range requests.',
    });
  if (statusCode === 404 || statusCode === 410)
    throw new TerminalError('object-not-found', `There is no file ${uri}.`, {
      remedy: 'Check the address.',
    });
  if (statusCode === 401 || statusCode === 403)
    throw new TerminalError('object-forbidden', `The server of ${uri} wants to know who asks.`, {
      remedy: 'Give an address that anybody may read, or upload the file.',
    });
  if (statusCode === 429 || statusCode >= 500)
    throw new TransientError('source-unreachable', `The server of ${uri} answers with ${statusCode}.`, {
      remedy: 'Try again later.',
    });
  throw new TerminalError('source-protocol', `The server of ${uri} answers with ${statusCode}.`, {
    remedy: 'Open the address in a browser to see what it says, or upload the file.',
  });
}

/** Which version of the file an answer is about. */
function versionOf(uri: string, { statusCode, headers }: IncomingMessage): ObjectVersion {
  const whole =
    statusCode === 200 ? headers['content-length'] : /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  const bytes = Number(whole);
  if (whole === undefined || !Number.isSafeInteger(bytes))
    throw new TerminalError('length-unknown', `The server of ${uri} does not say how long the file is.`, {
      remedy: 'Upload the file, or have the server send a Content-Length.',
    });
  const { etag, 'last-modified': modified } = headers;
  const known = etag !== undefined || modified !== undefined;
  const generation = known ? [etag ?? '', modified ?? '', bytes].join('|') : lengthGeneration(bytes);
  return { uri, bytes, generation };
}

function tooLate(uri: string, limit: number): TransientError {
  return new TransientError(
    'source-unreachable',
    `The server of ${uri} had not begun to send the file after ${limit / 1000} s.`,
    { remedy: 'Check the address; try again when the server is less busy, or upload the file.' },
  );
}

function tooLong(uri: string, limit: number): TerminalError {
  return new TerminalError('file-too-long', `${uri} has more than ${limit} bytes.`, {
    remedy: 'Put it into Cloud Storage, or into several files.',
  });
}

const WHAT_OF_CERTIFICATES: Readonly<Record<CertificateTrouble, string>> = {
  expired: 'Have the certificate of the web server renewed.',
  name: 'Write the address with the host name that is in the certificate.',
  authority: 'The certificate must be signed by a public authority.',
};

function toReadError(uri: string, thrown: unknown): Error {
  if (thrown instanceof TerminalError || thrown instanceof TransientError) return thrown;
  const cause = toError(thrown);
  const code = 'code' in cause ? String(cause.code) : '';
  // A certificate does not become valid by asking again.
  if (/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/.test(code))
    return new TerminalError('tls-untrusted', `The server of ${uri} cannot prove who it is (${code}).`, {
      remedy: `${WHAT_OF_CERTIFICATES[certificateTrouble(`${code} ${cause.message}`) ?? 'authority']} Or upload the file.`,
      cause,
    });
  if (/EPROTO|^ERR_SSL/.test(code))
    return new TerminalError('source-protocol', `What answers at ${uri} does not speak https (${code}).`, {
      remedy: 'Check host and port: the address must be one that a browser opens with https.',
      cause,
    });
  return new TransientError('source-unreachable', `${uri} could not be read (${code || cause.message}).`, {
    remedy: 'Check the address; try again in a minute.',
    cause,
  });
}
