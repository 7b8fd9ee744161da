/** Columns of personal data that arrive as keyed hashes. */
import { z } from 'zod';
import type { Column } from './column.ts';

/**
 * `exact`: the value as it is. `folded`: without spaces around it and in lower case, so that an e-mail address is one
 * however it was typed.
 */
export const HashForm = z.enum(['exact', 'folded']);
export type HashForm = z.infer<typeof HashForm>;

/**
 * A column whose values are replaced by HMAC-SHA-256 under the tenant's own key, as base64url: the same value is the same
 * hash in every table and run, whatever its type (the number 5 and the text "5" are alike), so joins hold. Null stays null.
 */
export const HashedColumn = z.strictObject({
  column: z.string().min(1).max(300),
  form: HashForm.default('exact'),
});
export type HashedColumn = z.infer<typeof HashedColumn>;

/** `columns` as they arrive: those hashed are text. Names are those of `hashed`. */
export function asHashed(columns: readonly Column[], hashed: readonly HashedColumn[]): Column[] {
  const names = new Set(hashed.map(({ column }) => column));
  return columns.map((column) => (names.has(column.name) ? hashedColumn(column) : column));
}

/** A column of hashes in place of `column`. */
export function hashedColumn({ name, nullable, sourceType }: Column): Column {
  return { name, type: 'STRING', nullable, sourceType };
}

/** `notes` of a discovery without those that show a value of one of the `hashed` columns. */
export function notesWithout(notes: readonly string[], hashed: readonly HashedColumn[]): string[] {
  return notes.filter(
    (note) => !hashed.some(({ column }) => note.startsWith(`Column "${column}" is taken as text`)),
  );
}
