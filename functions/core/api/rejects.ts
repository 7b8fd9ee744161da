import { z } from 'zod';
import { contract } from './contract.ts';

/** Rows kept as examples of one unit of work, beyond which they are only counted. */
const MOST_OFFSET = 1_000_000;

/** A row, or a line of a file, that a load left out. */
export const RejectedRow = z.object({
  /** Line of the file; null of databases. */
  line: z.number().nullable(),
  /** Null where the whole row is at fault. */
  column: z.string().nullable(),
  reason: z.string(),
  /** What is wrong with it; null for who may not see values, which it may quote. */
  message: z.string().nullable(),
  /** At most 200 characters; null for who may not see values. */
  value: z.string().nullable(),
});
export type RejectedRow = z.infer<typeof RejectedRow>;

export const listEtlRejects = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/etl/runs/{run}/tables/{table}/rejects',
  access: 'read',
  summary:
    'Rows of a table that a run left out, by reason, line and column; their values only for who may edit the model.',
  query: z.strictObject({
    reason: z.string().min(1).max(80).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    offset: z.coerce.number().int().min(0).max(MOST_OFFSET).default(0),
  }),
  /** `counts`: of all rows left out, by reason; `next`: the `offset` of the following page; `values`: whether they are shown. */
  answer: z.object({
    counts: z.record(z.string(), z.number()),
    items: z.array(RejectedRow),
    next: z.number().nullable(),
    values: z.boolean(),
  }),
});
