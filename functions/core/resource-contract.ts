import { z } from 'zod';
import { Dependent } from './resource.ts';
import { contract } from './api/contract.ts';

/* Parts that the contracts of all editable nouns share. */

/** A filter of lists: names that begin like this, capitals and all. The list is then in the order of names. */
export const search = z.string().min(1).max(80).optional();

/** `true` or `false` in a query; false unless given. */
export const flag = z.stringbool({ truthy: ['true'], falsy: ['false'] }).default(false);

/** A filter of lists for a boolean field. */
export const either = z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional();

/** What uses a thing: what a deletion would be refused for, and what else would notice. */
export function dependents<Path extends string>(path: Path, summary: string) {
  return contract({
    method: 'GET',
    path,
    access: 'read',
    summary,
    answer: z.object({ items: z.array(Dependent) }),
  });
}

/** The two things to compare. */
export const twoIds = <T extends z.ZodType>(id: T) => z.strictObject({ left: id, right: id });
