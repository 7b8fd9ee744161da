/**
 * Cloud Storage on this machine: the part of its JSON API that the official client (@google-cloud/storage, pointed here by
 * STORAGE_EMULATOR_HOST) uses, and signed URLs. Every other call is answered 501 and names itself.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync } from 'node:fs';
import { KEEP_ALIVE_MS } from '../proxy.ts';
import {
  listBuckets,
  listRecords,
  needBucket,
  readBucket,
  readRecord,
  removeBucket,
  sweepIncoming,
  writeBucket,
} from './object-store.ts';
import { bucketResource, objectFields, objectResource } from './object-resource.ts';
import { pageOf, readListQuery } from './listing.ts';
import { composeCall, copyCall, needObject, objectCall, readJsonBody, sendJson } from './object-routes.ts';
import type { Call } from './object-routes.ts';
import { sendObject } from './download.ts';
import { checkSignedUrl, openSigner } from './signed-url.ts';
import type { Signer } from './signed-url.ts';
import { StorageError } from './storage-error.ts';
import { cancelSession, continueSession, startSession, uploadMedia, uploadMultipart } from './uploads.ts';

/** A running server. */
export interface LocalStorage {
  /** The value for STORAGE_EMULATOR_HOST, e.g. `http://127.0.0.1:4443`. */
  readonly url: string;
  readonly port: number;
  /** A service-account key that signs URLs this server accepts: the value for GOOGLE_APPLICATION_CREDENTIALS. */
  readonly credentialsFile: string;
  close(): Promise<void>;
}

/**
 * Serves the objects under `dir` on 127.0.0.1. `port` 0 takes a free one. Cross-origin requests are always allowed:
 * the browser's uploads come from a page on another port, and nothing here is secret.
 */
export async function startLocalStorage(options: {
  readonly dir: string;
  readonly port?: number;
  readonly projectId?: string;
  readonly clock?: () => Date;
}): Promise<LocalStorage> {
  const { dir, port = 0, projectId = 'demo-tradewind', clock = () => new Date() } = options;
  mkdirSync(dir, { recursive: true });
  sweepIncoming(dir);
  const signer = openSigner(dir, projectId);
  const server: Server = createServer((request, response) => {
    void answer(server, { dir, signer, now: clock() }, request, response);
  });
  // As at Google: a client that was busy for a while finds its connection still there (Node's own limit is 5 s).
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  // A listening TCP server has an address with a port.
  const bound = (server.address() as AddressInfo).port;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${bound}`, port: bound, credentialsFile: signer.credentialsFile, close };
}

async function answer(
  server: Server,
  { dir, signer, now }: { dir: string; signer: Signer; now: Date },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://local');
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  response.setHeader('access-control-expose-headers', '*, location, range, x-goog-hash, x-goog-generation');
  if (request.method === 'OPTIONS') {
    const headers = request.headers['access-control-request-headers'] ?? '*';
    response.writeHead(204, {
      'access-control-allow-methods': 'GET, HEAD, PUT, POST, PATCH, DELETE',
      'access-control-allow-headers': headers,
    });
    return void response.end();
  }
  // As above: the server is listening.
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await route({ dir, base, now, query: url.searchParams, request, response }, url.pathname, signer);
  } catch (thrown) {
    request.resume();
    if (response.headersSent) return void response.destroy();
    const failure =
      thrown instanceof StorageError
        ? thrown
        : new StorageError(request.destroyed ? 400 : 500, 'backendError', String(thrown));
    response.writeHead(failure.status, { 'content-type': 'application/json; charset=UTF-8' });
    response.end(failure.status === 304 ? undefined : JSON.stringify(failure.toBody()));
  }
}

const decode = (text: string | undefined): string => {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    throw new StorageError(400, 'invalid', `"${text}" is not a percent-encoded name`);
  }
};

/** Object names are percent-encoded in paths, so a name's own slashes never split it (except in signed URLs). */
async function route(call: Call, path: string, signer: Signer): Promise<void> {
  const method = call.request.method ?? 'GET';
  const upload = /^(?:\/resumable)?\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(path);
  if (upload) return uploadCall(call, decode(upload[1]));
  const api = /^(?:\/download)?(?:\/storage\/v1)?\/b(?:\/([^/]+))?(?:\/(o)(?:\/(.+))?)?\/?$/.exec(path);
  if (!api) return signedCall(call, path, signer);
  const bucket = decode(api[1]);
  if (bucket === '') return bucketsCall(call);
  if (api[2] === undefined) return bucketCall(call, bucket);
  if (api[3] === undefined && method === 'GET') return listCall(call, bucket);
  const copy = /^([^/]+)\/(rewriteTo|copyTo)\/b\/([^/]+)\/o\/([^/]+)$/.exec(api[3] ?? '');
  if (copy && method === 'POST') {
    const verb = copy[2] === 'copyTo' ? 'copyTo' : 'rewriteTo';
    return copyCall(
      call,
      { bucket, name: decode(copy[1]) },
      { bucket: decode(copy[3]), name: decode(copy[4]) },
      verb,
    );
  }
  const compose = /^([^/]+)\/compose$/.exec(api[3] ?? '');
  if (compose && method === 'POST') return composeCall(call, bucket, decode(compose[1]));
  if (api[3] !== undefined && !api[3].includes('/')) {
    if (path.startsWith('/download/')) call.query.set('alt', 'media');
    return objectCall(call, bucket, decode(api[3]));
  }
  throw new StorageError(
    501,
    'notImplemented',
    `Not supported by the local Cloud Storage: ${method} ${path}`,
  );
}

async function bucketsCall(call: Call): Promise<void> {
  if (call.request.method === 'GET') {
    const prefix = call.query.get('prefix') ?? '';
    const items = listBuckets(call.dir)
      .filter((b) => b.name.startsWith(prefix))
      .map((b) => bucketResource(b, call.base));
    return sendJson(call, { kind: 'storage#buckets', items });
  }
  const { name, location, ...settings } = await readJsonBody(call.request);
  if (typeof name !== 'string') throw new StorageError(400, 'required', 'A bucket needs a name');
  if (readBucket(call.dir, name) !== null)
    throw new StorageError(
      409,
      'conflict',
      `Your previous request to create the named bucket succeeded and you already own it: ${name}`,
    );
  const place = typeof location === 'string' ? location.toUpperCase() : 'US';
  const record = {
    name,
    location: place,
    timeCreated: call.now.toISOString(),
    metageneration: '1',
    settings,
  };
  writeBucket(call.dir, record);
  sendJson(call, bucketResource(record, call.base));
}

async function bucketCall(call: Call, bucket: string): Promise<void> {
  const record = needBucket(call.dir, bucket);
  const method = call.request.method;
  if (method === 'GET') return sendJson(call, bucketResource(record, call.base));
  if (method === 'DELETE') {
    removeBucket(call.dir, bucket);
    return void call.response.writeHead(204).end();
  }
  if (method === 'PATCH') {
    const settings = { ...record.settings, ...(await readJsonBody(call.request)) };
    const changed = { ...record, settings, metageneration: String(Number(record.metageneration) + 1) };
    writeBucket(call.dir, changed);
    return sendJson(call, bucketResource(changed, call.base));
  }
  throw new StorageError(
    501,
    'notImplemented',
    `Not supported by the local Cloud Storage: ${method} of a bucket`,
  );
}

function listCall(call: Call, bucket: string): void {
  needBucket(call.dir, bucket);
  const page = pageOf(listRecords(call.dir, bucket), readListQuery(call.query));
  sendJson(call, {
    kind: 'storage#objects',
    items: page.items.map((record) => objectResource(record, call.base)),
    ...(page.prefixes.length > 0 ? { prefixes: page.prefixes } : {}),
    ...(page.nextPageToken === null ? {} : { nextPageToken: page.nextPageToken }),
  });
}

async function uploadCall(call: Call, bucket: string): Promise<void> {
  const { dir, query, request, now } = call;
  needBucket(dir, bucket);
  const type = query.get('uploadType');
  const id = query.get('upload_id');
  if (id !== null) return sessionCall(call, id);
  if (request.method !== 'POST')
    throw new StorageError(
      501,
      'notImplemented',
      `Not supported by the local Cloud Storage: ${request.method} upload`,
    );
  if (type === 'multipart')
    return sendJson(call, objectResource(await uploadMultipart(dir, request, bucket, query, now), call.base));
  const asked = query.get('name');
  if (type === 'media') {
    const fields = objectFields({ contentType: request.headers['content-type'] });
    const target = { bucket, name: asked ?? '', fields, query: query.toString() };
    return sendJson(call, objectResource(await uploadMedia(dir, request, target, now), call.base));
  }
  if (type !== 'resumable')
    throw new StorageError(400, 'invalid', `uploadType "${type}" is none of media, multipart, resumable`);
  const body = await readJsonBody(request);
  const contentType = request.headers['x-upload-content-type'];
  const fields = objectFields({ contentType, ...body });
  const name = asked ?? (typeof body['name'] === 'string' ? body['name'] : '');
  const session = startSession(dir, { bucket, name, fields, query: query.toString() });
  const location = `${call.base}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${session}`;
  call.response.writeHead(200, { location, 'x-guploader-uploadid': session }).end();
}

async function sessionCall(call: Call, id: string): Promise<void> {
  if (call.request.method === 'DELETE') {
    cancelSession(call.dir, id);
    return void call.response.writeHead(499).end();
  }
  const step = await continueSession(call.dir, id, call.request, call.now);
  if ('record' in step) return sendJson(call, objectResource(step.record, call.base));
  call.response
    .writeHead(308, {
      ...(step.received > 0 ? { range: `bytes=0-${step.received - 1}` } : {}),
      'content-length': 0,
    })
    .end();
}

/** `/<bucket>/<object>`: the XML API's address, which signed URLs use. */
async function signedCall(call: Call, path: string, signer: Signer): Promise<void> {
  const { dir, request, query, now } = call;
  const at = /^\/([^/]+)\/(.+)$/.exec(path);
  const method = request.method ?? 'GET';
  if (!at || !query.has('X-Goog-Signature') || !['GET', 'HEAD', 'PUT', 'DELETE', 'POST'].includes(method))
    throw new StorageError(
      501,
      'notImplemented',
      `Not supported by the local Cloud Storage: ${method} ${path} without a signature`,
    );
  checkSignedUrl(signer, { method, rawPath: path, query, headers: request.headers }, now);
  const bucket = decode(at[1]);
  const name = decode(at[2]);
  if (method === 'GET' || method === 'HEAD')
    return sendObject(dir, needObject(call, bucket, name), request, call.response);
  needBucket(dir, bucket);
  const fields = objectFields({ contentType: request.headers['content-type'] });
  const generation = request.headers['x-goog-if-generation-match'];
  const condition = typeof generation === 'string' ? `ifGenerationMatch=${generation}` : '';
  if (method === 'POST' && request.headers['x-goog-resumable'] === 'start') {
    const session = startSession(dir, { bucket, name, fields, query: condition });
    const location = `${call.base}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${session}`;
    return void call.response.writeHead(201, { location }).end();
  }
  if (method !== 'PUT')
    throw new StorageError(
      501,
      'notImplemented',
      `Not supported by the local Cloud Storage: signed ${method}`,
    );
  const record = await uploadMedia(dir, request, { bucket, name, fields, query: condition }, now);
  const live = readRecord(dir, bucket, name) ?? record;
  call.response
    .writeHead(200, { 'x-goog-generation': live.generation, 'x-goog-hash': `crc32c=${live.crc32c}` })
    .end();
}
