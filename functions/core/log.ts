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
  /** The request that the work goes back to. */
  requestId: z.string().optional(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
});
export type LogLine = z.infer<typeof LogLine>;

/** `…/logs/{chunk}`: chunk ids sort in the order the lines were said by one writer. */
export const LogChunk = z.object({ lines: z.array(LogLine).max(200) });

/** Where a reader of a run's log goes on, and how many lines they want. */
export const LogPageQuery = z.strictObject({
  /** `next` of a former page: the chunk up to which all were read, and the short names of those read beyond it. */
  after: z
    .string()
    .max(4000)
    .regex(/^[A-Za-z0-9-]{0,100}(\.[A-Za-z0-9_-]{8})*$/, 'must be the `next` of a former page')
    .optional(),
  limit: z.coerce.number().int().min(1).max(5000).default(1000),
});

/** `next`: the `after` of what follows, also of what is yet to be said; null where nothing has been said at all. */
export const LogPage = z.object({ lines: z.array(LogLine), next: z.string().nullable(), more: z.boolean() });
