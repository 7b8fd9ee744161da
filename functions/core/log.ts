import { z } from 'zod';
import { Moment } from './ids.ts';

export const Severity = z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']);
export type Severity = z.infer<typeof Severity>;

/** One line of a run's log. Lines are kept in chunk documents of at most 200. */
export const LogLine = z.object({
  at: Moment,
  severity: Severity,
  message: z.string(),
  /** Who said it: a container task, a function. */
  source: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
});
export type LogLine = z.infer<typeof LogLine>;

/** `…/logs/{chunk}`: chunk ids sort in the order the lines were said by one writer. */
export const LogChunk = z.object({ lines: z.array(LogLine).max(200) });
