import { z } from 'zod';

/** One thing that was looked at before anything is spent, and what was found. */
export const PreflightCheck = z.object({
  /** What was looked at: a stable code, e.g. `source-reachable`. */
  check: z.string(),
  ok: z.boolean(),
  /** One sentence for people. */
  message: z.string(),
  /** What to do; null where all is well. */
  remedy: z.string().nullable(),
  /** The source, table or column it is about, by name; null where it is about the whole. */
  where: z.string().nullable(),
});
export type PreflightCheck = z.infer<typeof PreflightCheck>;

/** What a load of one table will probably take. */
export const TableEstimate = z.object({
  table: z.string(),
  name: z.string(),
  /** What it is reckoned from: former loads of the same way, the source's own statistics, or nothing. */
  basis: z.enum(['former-loads', 'source', 'unknown']),
  rows: z.int().nullable(),
  /** Of values in the warehouse, or in the source before the first load. */
  bytes: z.int().nullable(),
  /** From its planning to its end; null before the first load. */
  seconds: z.number().nullable(),
  /** What BigQuery reads to publish it, and what that costs in US dollars at list price. Loading is free. */
  scannedBytes: z.int().nullable(),
  cost: z.number().nullable(),
});
export type TableEstimate = z.infer<typeof TableEstimate>;
