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
