import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Id } from './ids.ts';
import { RejectedRow } from './rejected-row.ts';

/** A cell as text of at most 200 characters; null: no value. */
const Cell = z.string().nullable();

/** What a load would make of the first rows of a table. */
export const SampledTable = z.object({
  table: Id,
  name: z.string(),
  /** Columns as they would arrive; `hashed`: only hashes would, and no value is shown. */
  columns: z.array(
    z.object({ name: z.string(), type: z.string(), sourceType: z.string(), hashed: z.boolean() }),
  ),
  /** Rows that fit, and those that do not, by reason. */
  rows: z.int(),
  rejected: z.record(z.string(), z.int()),
  /** The first of what does not fit. */
  rejects: z.array(RejectedRow),
  /** The rows that fit, in the order of `columns`. */
  preview: z.array(z.array(Cell)),
  /** Why the table could not be looked at. */
  failure: FailureSchema.nullable(),
});
export type SampledTable = z.infer<typeof SampledTable>;
