import { request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * How long servers here keep an idle connection. Node's 5 s end it at the very moment a busy client uses it again
 * (ECONNRESET); Google's front ends keep theirs for 10 minutes.
 */
export const KEEP_ALIVE_MS = 600_000;

/** Where a request goes, and how long its answer may take. */
export interface Destination {
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** Milliseconds until the first byte of the answer; then the caller gets 504. */
  readonly timeoutMs: number;
  /** Who answers, for the error text. */
  readonly name: string;
  /** Sent instead of the request's own body. */
  readonly body?: Buffer;
}

/** Passes a request on to a process on this machine, and its answer back, without buffering either. */
export function forward(request: IncomingMessage, response: ServerResponse, to: Destination): void {
  const upstream = httpRequest(
    { host: '127.0.0.1', port: to.port, path: to.path, method: request.method, headers: to.headers },
    (answer) => {
      clearTimeout(timer);
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  const timer = setTimeout(() => {
    refuse(response, 504, `${to.name} did not answer within ${to.timeoutMs / 1000} s.`);
    upstream.destroy();
  }, to.timeoutMs);
  upstream.on('error', (error) => {
    clearTimeout(timer);
    refuse(response, 502, `${to.name} broke off: ${error.message}`);
  });
  response.on('close', () => {
    clearTimeout(timer);
    upstream.destroy(); // the caller went away, or has everything
    // An answer may come before the end of the request (a body refused for its size): what is left of it is read off, or
    // the next request on the same connection would wait behind it for ever.
    request.unpipe(upstream);
    request.resume();
  });
  if (to.body === undefined) request.pipe(upstream);
  else upstream.end(to.body);
}

/** Headers without those that speak of one connection only (RFC 9110, 7.6.1). */
function endToEnd(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== 'connection' && name !== 'keep-alive'),
  );
}

/** Answers with a status and one line of text; ends the connection where an answer has already begun. */
export function refuse(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) response.destroy();
  else
    response
      .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
      .end(`${text}\n`);
}

/** Splits `/name/rest?query` into the name and `/rest?query`; null where there is no name. */
export function splitFirstSegment(url: string): { name: string; rest: string } | null {
  const found = /^\/([^/?#]+)(.*)$/.exec(url);
  if (found?.[1] === undefined) return null;
  const rest = found[2] ?? '';
  return { name: found[1], rest: rest.startsWith('/') ? rest : `/${rest}` };
}

/** The whole body of a request. @throws when it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer; // no encoding is set on requests here
    length += bytes.length;
    if (length > limit) throw new Error(`the body is longer than ${limit} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
