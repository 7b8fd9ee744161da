import { z } from 'zod';

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
