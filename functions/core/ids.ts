import { z } from 'zod';

/**
 * An id made by the server: a letter, then 3 to 31 lower-case letters or digits. Safe as a Firestore document id, a
 * part of a BigQuery dataset or table name, of a Cloud Run service name and of a Cloud Storage object name.
 */
export const Id = z.string().regex(/^[a-z][a-z0-9]{3,31}$/, 'must be a lower-case id such as "m4k2p7qd"');

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A new id: `prefix` (one lower-case letter) and 15 characters (75 bits) drawn from `bytes` (15 random bytes). */
export function newId(prefix: string, bytes: Uint8Array): string {
  let id = prefix;
  for (const byte of bytes.subarray(0, 15)) id += ALPHABET[byte % ALPHABET.length];
  return id;
}

/** A moment, ISO 8601 in UTC with milliseconds: sorts as text. */
export const Moment = z.iso.datetime();

/** `millis` since the epoch as a Moment. */
export function toMoment(millis: number): string {
  return new Date(millis).toISOString();
}

/** A name given by a person: 1 to 80 characters, no control characters, not blank. */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters');
