import { z } from 'zod';
import { Moment } from './ids.ts';

/*
 * What every noun has in common that people create, edit and delete: when it was last changed, and a deletion that can
 * be undone for a while.
 */

/** Days that a deleted thing can be restored; then it goes for good. */
export const GRACE_DAYS = 30;

/** Fields of a noun that people edit. Records from before `updatedAt` was kept read as of long ago. */
export const editable = { createdAt: Moment, updatedAt: Moment.default('1970-01-01T00:00:00.000Z') } as const;

/** Field of a noun that can be deleted and restored: null while it is there. */
export const deletable = { deletedAt: Moment.nullable().default(null) } as const;

/** The moment up to which deletions are final at `now` (milliseconds): what was deleted then or before is to go. */
export function graceEndedBefore(now: number): string {
  return new Date(now - GRACE_DAYS * 86_400_000).toISOString();
}

/** The part of an edit's body that guards it: with the `updatedAt` that the editor saw, nobody's change is overwritten. */
export const editGuard = {
  expectedUpdatedAt: Moment.optional().describe(
    'Refuse the change where somebody else has changed it since: the `updatedAt` that was seen.',
  ),
} as const;

/** Something that uses what is to be deleted. `blocks`: it must go, end or be changed first. */
export const Dependent = z.object({
  kind: z.enum([
    'source',
    'dataset',
    'pipeline-config',
    'schedule',
    'version',
    'alias',
    'deployment',
    'etl-run',
    'pipeline-run',
  ]),
  id: z.string(),
  /** As people know it. */
  name: z.string(),
  blocks: z.boolean(),
  /** What to do about it, one sentence. */
  remedy: z.string(),
});
export type Dependent = z.infer<typeof Dependent>;
