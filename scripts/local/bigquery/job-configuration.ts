/** A job's configuration, read strictly: what would not be honoured is refused by name. */
import { z } from 'zod';
import { RestError } from './rest-error.ts';

/** The outer members; the one for the job's kind is read by its own schema. */
export const Configuration = z.object({
  dryRun: z.boolean().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  jobTimeoutMs: z.coerce.number().optional(),
  query: z.unknown().optional(),
  load: z.unknown().optional(),
  copy: z.unknown().optional(),
  extract: z.unknown().optional(),
});

/** `value` by `schema`; 501 for a member that is not known, 400 for one that is wrong. */
export function parseConfiguration<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const member = [
    ...(issue?.path ?? []),
    ...(issue?.code === 'unrecognized_keys' ? [issue.keys.join(', ')] : []),
  ].join('.');
  throw new RestError(
    issue?.code === 'unrecognized_keys' ? 'notImplemented' : 'invalid',
    `not supported by the local BigQuery: job configuration "${member}": ${issue?.message ?? 'is not valid'}`,
  );
}
