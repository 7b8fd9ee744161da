/**
 * Buckets and objects as files. The disk is the only state: every read looks there, so a second process (the local BigQuery,
 * which exports Parquet) may write objects too, and kill -9 at any moment leaves either the old or the new object.
 * Functions are synchronous on purpose: check-precondition-then-commit is atomic within the process that serves clients.
 */
import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  existsSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Checksums } from './checksum.ts';
import { bucketFolder, isBucketName, isObjectName, objectStem } from './paths.ts';
import { StorageError } from './storage-error.ts';

/** The fields a client may set. */
export interface ObjectFields {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly customTime?: string;
  readonly storageClass?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One object's record. Numbers are decimal strings, as in the JSON API. */
export interface ObjectRecord extends ObjectFields {
  readonly name: string;
  readonly bucket: string;
  readonly generation: string;
  readonly metageneration: string;
  readonly size: string;
  readonly crc32c: string;
  /** Absent for composed objects, as in Cloud Storage. */
  readonly md5Hash?: string;
  readonly componentCount?: number;
  readonly timeCreated: string;
  readonly updated: string;
}

/** One bucket's record; unknown settings (lifecycle, labels, cors) are kept as given. */
export interface BucketRecord {
  readonly name: string;
  readonly location: string;
  readonly timeCreated: string;
  readonly metageneration: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

function readJson<T>(file: string): T | null {
  try {
    // Only this program writes these records, whole (rename), so they have the shape it wrote.
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT')
      return null;
    throw error;
  }
}

function writeJson(dir: string, file: string, value: unknown): void {
  const draft = incomingFile(dir);
  writeFileSync(draft, JSON.stringify(value));
  renameSync(draft, file);
}

/** A fresh path for a file that is not an object yet, on the same file system as the objects. */
export function incomingFile(dir: string): string {
  mkdirSync(join(dir, '.incoming'), { recursive: true });
  return join(dir, '.incoming', randomUUID());
}

/** Removes what a killed process left half-written. Resumable sessions (`*.session`, `*.part`) stay: clients continue them. */
export function sweepIncoming(dir: string): void {
  const folder = join(dir, '.incoming');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (!/\.(session|part)$/.test(name)) rmSync(join(folder, name), { force: true });
  for (const bucket of listBuckets(dir)) {
    const live = new Set(listRecords(dir, bucket.name).map((r) => basename(dataFile(dir, r))));
    for (const file of readdirSync(bucketFolder(dir, bucket.name)))
      if (!file.endsWith('.json') && !live.has(file))
        rmSync(join(bucketFolder(dir, bucket.name), file), { force: true });
  }
}

export function listBuckets(dir: string): BucketRecord[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter(isBucketName)
    .flatMap((name) => readJson<BucketRecord>(join(dir, name, 'bucket.json')) ?? [])
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function readBucket(dir: string, bucket: string): BucketRecord | null {
  return isBucketName(bucket) ? readJson<BucketRecord>(join(bucketFolder(dir, bucket), 'bucket.json')) : null;
}

/** The bucket, or 404 in the words of Cloud Storage. */
export function needBucket(dir: string, bucket: string): BucketRecord {
  const found = readBucket(dir, bucket);
  if (found === null)
    throw new StorageError(404, 'notFound', `The specified bucket does not exist: ${bucket}`);
  return found;
}

export function writeBucket(dir: string, record: BucketRecord): void {
  if (!isBucketName(record.name))
    throw new StorageError(
      400,
      'invalid',
      `Invalid bucket name: '${record.name}'. Use 3-222 of a-z, 0-9, '-', '_', '.'`,
    );
  mkdirSync(bucketFolder(dir, record.name), { recursive: true });
  writeJson(dir, join(bucketFolder(dir, record.name), 'bucket.json'), record);
}

export function removeBucket(dir: string, bucket: string): void {
  needBucket(dir, bucket);
  if (listRecords(dir, bucket).length > 0)
    throw new StorageError(409, 'conflict', `The bucket you tried to delete is not empty: ${bucket}`);
  rmSync(bucketFolder(dir, bucket), { recursive: true });
}

export function readRecord(dir: string, bucket: string, name: string): ObjectRecord | null {
  if (!isBucketName(bucket) || !isObjectName(name)) return null;
  return readJson<ObjectRecord>(`${objectStem(dir, bucket, name)}.json`);
}

/** Every object of a bucket, by name in UTF-8 byte order as Cloud Storage lists them. */
export function listRecords(dir: string, bucket: string): ObjectRecord[] {
  const folder = bucketFolder(dir, bucket);
  return readdirSync(folder)
    .filter((file) => /^[0-9a-f]{64}\.json$/.test(file))
    .flatMap((file) => readJson<ObjectRecord>(join(folder, file)) ?? [])
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

export function dataFile(dir: string, record: ObjectRecord): string {
  return `${objectStem(dir, record.bucket, record.name)}.${record.generation}`;
}

let lastGeneration = 0n;

/** Microseconds since 1970, always greater than any generation given before by this process. */
function nextGeneration(now: Date, previous: ObjectRecord | null): string {
  const candidates = [
    BigInt(now.getTime()) * 1000n,
    lastGeneration + 1n,
    BigInt(previous?.generation ?? 0) + 1n,
  ];
  lastGeneration = candidates.reduce((a, b) => (a > b ? a : b));
  return String(lastGeneration);
}

/** Makes `file` (an `incomingFile`, whose checksums are `sums`) the new live generation of the object. Atomic. */
export function commitObject(
  dir: string,
  target: { readonly bucket: string; readonly name: string; readonly fields: ObjectFields },
  file: string,
  sums: Omit<Checksums, 'md5Hash'> & { readonly md5Hash?: string; readonly componentCount?: number },
  now: Date,
): ObjectRecord {
  needBucket(dir, target.bucket);
  if (!isObjectName(target.name))
    throw new StorageError(
      400,
      'invalid',
      `Invalid object name: '${target.name}'. Use 1-1024 bytes without line breaks`,
    );
  const previous = readRecord(dir, target.bucket, target.name);
  const record: ObjectRecord = {
    contentType: 'application/octet-stream',
    ...target.fields,
    storageClass: target.fields.storageClass ?? 'STANDARD',
    name: target.name,
    bucket: target.bucket,
    generation: nextGeneration(now, previous),
    metageneration: '1',
    size: String(sums.size),
    crc32c: sums.crc32c,
    ...(sums.md5Hash === undefined ? {} : { md5Hash: sums.md5Hash }),
    ...(sums.componentCount === undefined ? {} : { componentCount: sums.componentCount }),
    timeCreated: now.toISOString(),
    updated: now.toISOString(),
  };
  renameSync(file, dataFile(dir, record));
  writeJson(dir, `${objectStem(dir, record.bucket, record.name)}.json`, record);
  if (previous !== null) rmSync(dataFile(dir, previous), { force: true });
  return record;
}

/** Replaces the client-settable fields. Raises the metageneration, keeps the generation. */
export function updateRecord(
  dir: string,
  record: ObjectRecord,
  fields: ObjectFields,
  now: Date,
): ObjectRecord {
  const updated: ObjectRecord = {
    ...record,
    ...fields,
    metageneration: String(Number(record.metageneration) + 1),
    updated: now.toISOString(),
  };
  writeJson(dir, `${objectStem(dir, record.bucket, record.name)}.json`, updated);
  return updated;
}

export function removeObject(dir: string, record: ObjectRecord): void {
  rmSync(`${objectStem(dir, record.bucket, record.name)}.json`, { force: true });
  rmSync(dataFile(dir, record), { force: true });
}

/** Bytes on disk of a file. */
export function fileSize(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
