import { z } from 'zod';
import { Id, Moment } from './ids.ts';

/*
 * A tenant's configuration and history as a file: gzip of JSON Lines. The first line is the header, each following one a
 * document by its path below the tenant, the last one the end with the number of documents. What is not in it: the
 * warehouse's data (BigQuery exports that itself), artifacts and uploads (objects of Cloud Storage), and secrets.
 */

/** Days after which an export's file is removed; the export itself stays listed. */
export const EXPORT_DAYS = 7;

const Failure = z.object({ code: z.string(), message: z.string(), remedy: z.string().nullable() });

/** `tenants/{t}/exports/{x}`. */
export const TenantExport = z.object({
  id: Id,
  status: z.enum(['queued', 'done', 'failed', 'expired']),
  requestedBy: z.string(),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
  /** When its file is removed; null while there is none. */
  expiresAt: Moment.nullable(),
  documents: z.int().nullable(),
  bytes: z.int().nullable(),
  failure: Failure.nullable(),
});
export type TenantExport = z.infer<typeof TenantExport>;

/** Something that an export does not hold and a person must set again, e.g. a source's password. */
export const Missing = z.object({
  kind: z.enum(['credentials', 'api-key', 'member', 'object']),
  /** Path of what misses it, below the tenant. */
  path: z.string(),
  name: z.string(),
});
export type Missing = z.infer<typeof Missing>;

/** `tenants/{t}/imports/{i}`. */
export const TenantImport = z.object({
  id: Id,
  status: z.enum(['awaiting-file', 'queued', 'done', 'failed']),
  requestedBy: z.string(),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
  documents: z.int().nullable(),
  /** Runs that were under way when they were exported: they are not brought over. */
  leftOut: z.int().nullable(),
  /** What must be set again; at most 200 are named. */
  missing: z.array(Missing),
  failure: Failure.nullable(),
});
export type TenantImport = z.infer<typeof TenantImport>;

/** First line of the file. */
export const FileHeader = z.object({
  format: z.literal('tradewind-tenant'),
  version: z.literal(1),
  tenant: Id,
  name: z.string(),
  exportedAt: Moment,
  holds: z.string(),
});

/** A document of the file: `path` below the tenant. */
export const FileDocument = z.object({
  path: z.string().max(400),
  data: z.record(z.string(), z.unknown()),
});
export type FileDocument = z.infer<typeof FileDocument>;

/** Last line of the file. */
export const FileEnd = z.object({ end: z.literal(true), documents: z.int() });
