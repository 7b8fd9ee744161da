/** The JSON API's form of buckets and objects: what is read from a request body and what is answered. */
import type { BucketRecord, ObjectFields, ObjectRecord } from './object-store.ts';

const textFields = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'customTime',
  'storageClass',
] as const;

/** The settable fields of a request body; anything that is not text (or, in `metadata`, not text to text) is left out. */
export function objectFields(body: Readonly<Record<string, unknown>>): ObjectFields {
  const fields: Record<string, unknown> = {};
  for (const name of textFields) if (typeof body[name] === 'string') fields[name] = body[name];
  const metadata = body['metadata'];
  if (typeof metadata === 'object' && metadata !== null)
    fields['metadata'] = Object.fromEntries(
      Object.entries(metadata)
        .filter(([, value]) => value !== null)
        .map(([k, v]) => [k, String(v)]),
    );
  return fields;
}

/** The fields after a PATCH: `null` removes one; `metadata` is merged key by key, as Cloud Storage does. */
export function patchedFields(record: ObjectRecord, body: Readonly<Record<string, unknown>>): ObjectFields {
  const fields: Record<string, unknown> = { ...objectFields(body) };
  for (const name of textFields) if (body[name] === null) fields[name] = undefined;
  const change = body['metadata'];
  if (change === null) fields['metadata'] = undefined;
  else if (typeof change === 'object') {
    const merged: Record<string, unknown> = { ...record.metadata, ...change };
    for (const [key, value] of Object.entries(merged)) if (value === null) delete merged[key];
    fields['metadata'] = merged;
  }
  // `undefined` members vanish when the record is written as JSON, which is what removing a field means.
  return fields;
}

/** Entity tag of one state of an object. */
export const objectEtag = (record: ObjectRecord): string =>
  Buffer.from(`${record.generation}/${record.metageneration}`).toString('base64');

/** The object as the JSON API answers it; `base` is this server's address. */
export function objectResource(record: ObjectRecord, base: string): Record<string, unknown> {
  const path = `b/${record.bucket}/o/${encodeURIComponent(record.name)}`;
  return {
    kind: 'storage#object',
    id: `${record.bucket}/${record.name}/${record.generation}`,
    selfLink: `${base}/storage/v1/${path}`,
    mediaLink: `${base}/download/storage/v1/${path}?generation=${record.generation}&alt=media`,
    etag: objectEtag(record),
    timeStorageClassUpdated: record.timeCreated,
    ...record,
  };
}

export function bucketResource(bucket: BucketRecord, base: string): Record<string, unknown> {
  return {
    storageClass: 'STANDARD',
    ...bucket.settings,
    kind: 'storage#bucket',
    id: bucket.name,
    name: bucket.name,
    selfLink: `${base}/storage/v1/b/${bucket.name}`,
    location: bucket.location,
    locationType: 'region',
    timeCreated: bucket.timeCreated,
    updated: bucket.timeCreated,
    metageneration: bucket.metageneration,
    etag: Buffer.from(bucket.metageneration).toString('base64'),
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
  };
}
