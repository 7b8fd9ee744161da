/** A web server of files over TLS on a free loopback port, and the certificate that it proves itself with. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

/** How it answers for one path. */
export interface WebFile {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  readonly modified?: string;
  /** Answers Range requests with the part; default true. */
  readonly ranges?: boolean;
  /** Sends it in chunks, and does not say how long it is. */
  readonly lengthless?: boolean;
  readonly status?: number;
  readonly location?: string;
  /** Sends so many bytes of the body and then nothing. */
  readonly silentAfter?: number;
  /** Tells again and again that it is at work, and never answers. */
  readonly busy?: boolean;
}

/** A running server. */
export interface WebFiles {
  readonly port: number;
  readonly ca: string;
  /** What lies where; change it as you like. */
  readonly files: Map<string, WebFile>;
  /** Method, path and range of every request so far. */
  readonly asked: string[];
  close(): Promise<void>;
}

const FIXTURES = join(import.meta.dirname, 'fixtures/tls');

/** Starts one that proves itself with `proof`, or as `localhost` by a certificate that it has signed itself. */
export async function startWebFiles(proof?: {
  readonly cert: string;
  readonly key: string;
}): Promise<WebFiles> {
  const ca = readFileSync(join(FIXTURES, 'localhost.crt'), 'utf8');
  const own = proof ?? { cert: ca, key: readFileSync(join(FIXTURES, 'localhost.key'), 'utf8') };
  const files = new Map<string, WebFile>();
  const asked: string[] = [];
  const server = createServer(own, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    answer(files.get(request.url ?? ''), request, response);
  }); // prettier-ignore
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    ca,
    files,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(file: WebFile | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (file === undefined) return void response.writeHead(404).end();
  const { bytes, etag, modified, ranges = true, lengthless, status, location, silentAfter, busy } = file;
  if (busy === true) {
    const telling = setInterval(() => response.writeProcessing(), 20);
    return void response.on('close', () => clearInterval(telling));
  }
  const headers = {
    ...(etag === undefined ? {} : { etag }),
    ...(modified === undefined ? {} : { 'last-modified': modified }),
    ...(location === undefined ? {} : { location }),
  };
  if (status !== undefined) return void response.writeHead(status, headers).end();
  const range = ranges ? /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') : null;
  const start = Number(range?.[1] ?? 0);
  const end = range === null ? bytes.length : Math.min(Number(range[2]) + 1, bytes.length);
  if (range !== null && start >= bytes.length)
    return void response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end();
  response.writeHead(range === null ? 200 : 206, {
    ...headers,
    ...(lengthless === true ? {} : { 'content-length': end - start }),
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
  });
  const body = bytes.subarray(start, end);
  if (silentAfter === undefined) response.end(body);
  else response.write(body.subarray(0, silentAfter));
}
