/** The calls on one object and on several: read, change, delete, copy, compose. */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendObject } from './download.ts';
import {
  commitObject,
  dataFile,
  needBucket,
  readRecord,
  removeObject,
  updateRecord,
} from './object-store.ts';
import type { ObjectRecord } from './object-store.ts';
import { objectFields, objectResource, patchedFields } from './object-resource.ts';
import { checkPreconditions } from './preconditions.ts';
import { StorageError } from './storage-error.ts';
import { receive } from './uploads.ts';

/** One request, taken apart. */
export interface Call {
  readonly dir: string;
  readonly base: string;
  readonly now: Date;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export function sendJson(call: Call, value: unknown, status = 200): void {
  call.response
    .writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
    .end(JSON.stringify(value));
}

/** The request's JSON body as a record; an empty body is an empty record. */
export async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new StorageError(400, 'parseError', `The request body is not JSON: ${String(cause)}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new StorageError(400, 'parseError', 'The request body is not a JSON object');
  // Just checked: a non-null object that is no array.
  return body as Record<string, unknown>;
}

/** The live object, or 404; also where the call names another generation, since older ones are not kept. */
export function needObject(
  call: Call,
  bucket: string,
  name: string,
  generation = call.query.get('generation'),
): ObjectRecord {
  needBucket(call.dir, bucket);
  const record = readRecord(call.dir, bucket, name);
  if (record === null || (generation !== null && generation !== record.generation))
    throw new StorageError(
      404,
      'notFound',
      `No such object: ${bucket}/${name}${generation === null ? '' : `#${generation}`}`,
    );
  return record;
}

export async function objectCall(call: Call, bucket: string, name: string): Promise<void> {
  const { dir, query, request } = call;
  const method = request.method ?? 'GET';
  const record = needObject(call, bucket, name);
  checkPreconditions(query, record, { read: method === 'GET' });
  if (method === 'GET' && query.get('alt') === 'media')
    return sendObject(dir, record, request, call.response);
  if (method === 'GET') return sendJson(call, objectResource(record, call.base));
  if (method === 'DELETE') {
    removeObject(dir, record);
    return void call.response.writeHead(204).end();
  }
  if (method === 'PATCH') {
    const body = await readJsonBody(request);
    const live = needObject(call, bucket, name);
    checkPreconditions(query, live);
    return sendJson(
      call,
      objectResource(updateRecord(dir, live, patchedFields(live, body), call.now), call.base),
    );
  }
  throw new StorageError(
    501,
    'notImplemented',
    `Not supported by the local Cloud Storage: ${method} of an object`,
  );
}

/** `rewriteTo` and `copyTo`: one step always suffices, so `done` is true at once. */
export async function copyCall(
  call: Call,
  source: { readonly bucket: string; readonly name: string },
  target: { readonly bucket: string; readonly name: string },
  verb: 'rewriteTo' | 'copyTo',
): Promise<void> {
  const { dir, query } = call;
  const body = await readJsonBody(call.request);
  const from = needObject(call, source.bucket, source.name, query.get('sourceGeneration'));
  checkPreconditions(query, from, { prefix: 'ifSource' });
  needBucket(dir, target.bucket);
  const received = await receive(dir, async (write) => {
    for await (const chunk of createReadStream(dataFile(dir, from)) as AsyncIterable<Buffer>)
      await write(chunk);
  });
  checkPreconditions(query, readRecord(dir, target.bucket, target.name));
  // A copy keeps the source's fields unless the body gives its own.
  const fields = { ...objectFields({ ...from }), ...objectFields(body) };
  const record = objectResource(
    commitObject(dir, { ...target, fields }, received.file, received.sums, call.now),
    call.base,
  );
  if (verb === 'copyTo') return sendJson(call, record);
  const size = from.size;
  sendJson(call, {
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: size,
    objectSize: size,
    done: true,
    resource: record,
  });
}

/** Joins up to 32 objects into one. */
export async function composeCall(call: Call, bucket: string, name: string): Promise<void> {
  const { dir, query } = call;
  const body = await readJsonBody(call.request);
  const given = body['sourceObjects'];
  if (!Array.isArray(given) || given.length === 0 || given.length > 32)
    throw new StorageError(
      400,
      'invalid',
      `compose takes 1 to 32 source objects, not ${Array.isArray(given) ? given.length : 'none'}`,
    );
  const sources = given.map((item: unknown) => {
    // As the official client sends it; another value is looked up as its text and not found.
    const {
      name: part,
      generation,
      objectPreconditions,
    } = item as {
      name?: string;
      generation?: string | number;
      objectPreconditions?: { ifGenerationMatch?: string | number };
    };
    const record = needObject(
      call,
      bucket,
      String(part),
      generation === undefined ? null : String(generation),
    );
    const wanted = objectPreconditions?.ifGenerationMatch;
    if (wanted !== undefined && String(wanted) !== record.generation)
      throw new StorageError(
        412,
        'conditionNotMet',
        `Source ${record.name} has generation ${record.generation}, not ${String(wanted)}`,
      );
    return record;
  });
  const received = await receive(dir, async (write) => {
    for (const source of sources)
      for await (const chunk of createReadStream(dataFile(dir, source)) as AsyncIterable<Buffer>)
        await write(chunk);
  });
  checkPreconditions(query, readRecord(dir, bucket, name));
  const destination = body['destination'];
  const fields = objectFields(
    typeof destination === 'object' && destination !== null ? { ...destination } : {},
  );
  const componentCount = sources.reduce((sum, source) => sum + (source.componentCount ?? 1), 0);
  const { crc32c, size } = received.sums;
  sendJson(
    call,
    objectResource(
      commitObject(dir, { bucket, name, fields }, received.file, { crc32c, size, componentCount }, call.now),
      call.base,
    ),
  );
}
