import { z } from 'zod';

/** A value that two things do not share: where it is, and what each has there; null where one has nothing. */
export const Difference = z.object({
  /** Names from the outside in, joined by dots, e.g. `training.trials`. */
  path: z.string(),
  left: z.unknown(),
  right: z.unknown(),
});
export type Difference = z.infer<typeof Difference>;

/**
 * The values in which `left` and `right` differ, by path, sorted. Objects are compared field by field; anything else,
 * lists included, as a whole. A field that is undefined or missing counts as null.
 */
export function differences(left: unknown, right: unknown): Difference[] {
  return compare('', left, right).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function compare(path: string, left: unknown, right: unknown): Difference[] {
  if (isFields(left) && isFields(right)) {
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return names.flatMap((name) => compare(path === '' ? name : `${path}.${name}`, left[name], right[name]));
  }
  const [a, b] = [left ?? null, right ?? null];
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ path, left: a, right: b }];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
