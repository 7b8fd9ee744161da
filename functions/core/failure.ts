import { z } from 'zod';

/** What is kept of a failure on a run and shown to people: never a stack, never a secret. */
export const FailureSchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string().nullable(),
});
