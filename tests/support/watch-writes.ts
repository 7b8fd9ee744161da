/*
 * Sees every write that leaves this process: Firestore commits, messages published, whatever changes something in Cloud Run,
 * Vertex AI, BigQuery and Cloud Storage. Nothing of this is known to the code whose writes they are.
 */
import http, { type ClientRequest } from 'node:http';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { createRequire, syncBuiltinESMExports } from 'node:module';

const CHANGES =
  /\/(Commit|Write|Publish|RunJob|CancelExecution|CreateService|UpdateService|DeleteService|SetIamPolicy|CreateCustomJob|CancelCustomJob)$/;

/**
 * Calls `begin` before each write from now on, with what it is; what that answers is called when the write has been
 * answered.
 */
export function watchWrites(begin: (what: string) => (() => void) | undefined): void {
  const watchSession = (session: ClientHttp2Session): ClientHttp2Session => {
    const request = session.request.bind(session);
    session.request = (headers = {}, options = {}): ClientHttp2Stream => {
      const path: unknown = Object(headers)[':path'];
      if (typeof path !== 'string' || !CHANGES.test(path)) return request(headers, options);
      const answered = begin(path);
      const stream = request(headers, options);
      // The trailers come when the server has done what it was asked.
      if (answered !== undefined) stream.prependListener('trailers', answered);
      return stream;
    };
    return session;
  };
  const connect = http2.connect.bind(http2);
  // Every overload of its original, whose arguments are passed on as they are.
  http2.connect = ((...args: Parameters<typeof connect>) =>
    watchSession(connect(...args))) as typeof http2.connect;

  const original = http.request;
  // It takes what its original takes.
  http.request = ((...args: Parameters<typeof http.request>): ClientRequest => {
    const made = original(...args);
    const { method, path, host } = made;
    // Queries are jobs of BigQuery as well; to read by one is not to change anything.
    if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) || /\/queries(\?|$)/.test(path)) return made;
    const answered = begin(`${method} ${host}${path.replace(/\?.*/, '')}`);
    if (answered !== undefined) made.prependListener('response', answered);
    return made;
  }) as typeof http.request;
  syncBuiltinESMExports();
  // CommonJS sees the same objects; asked for here so that they are the ones changed above.
  createRequire(import.meta.url)('node:http');
}
