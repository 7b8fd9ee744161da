/**
 * Where an object lies on disk. Names come from outside and may be anything (`../../etc/passwd`, 1 KiB of emoji, two names
 * that differ by case only), so no part of a name is ever part of a path: the path is the SHA-256 of the name.
 *
 *     <dir>/<bucket>/bucket.json            the bucket
 *     <dir>/<bucket>/<sha256>.json          the object's record; renaming it into place is the commit
 *     <dir>/<bucket>/<sha256>.<generation>  the bytes of one generation, named by the record
 *     <dir>/.incoming/                      half-written files and resumable sessions
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether Cloud Storage would accept this bucket name; also what makes it safe as a folder name. */
export function isBucketName(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket) && !bucket.includes('..');
}

/** Whether Cloud Storage would accept this object name: 1 to 1024 bytes of UTF-8, no line breaks, not `.` or `..`. */
export function isObjectName(name: string): boolean {
  const bytes = Buffer.byteLength(name);
  return bytes > 0 && bytes <= 1024 && !/[\r\n]/.test(name) && name !== '.' && name !== '..';
}

/** The folder of a bucket. `bucket` must satisfy `isBucketName`. */
export function bucketFolder(dir: string, bucket: string): string {
  if (!isBucketName(bucket)) throw new RangeError(`storage bucket name "${bucket}" is not valid`);
  return join(dir, bucket);
}

/** The file without its suffix that stands for an object name. */
export function objectStem(dir: string, bucket: string, name: string): string {
  return join(bucketFolder(dir, bucket), createHash('sha256').update(name).digest('hex'));
}

/**
 * The file that holds the bytes of the object's live generation, or null when there is no such object. The local BigQuery
 * reads load files through this. The file stays readable once opened, also when the object is replaced meanwhile.
 */
export function objectFile(dir: string, bucket: string, name: string): string | null {
  if (!isBucketName(bucket) || !isObjectName(name)) return null;
  const stem = objectStem(dir, bucket, name);
  if (!existsSync(`${stem}.json`)) return null;
  // Only this program writes these records.
  const record = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as { generation: string };
  return `${stem}.${record.generation}`;
}
