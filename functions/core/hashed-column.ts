/** Columns of personal data that arrive as keyed hashes. */
import { z } from 'zod';
import type { Column } from './column.ts';
import { warehouseNames } from './warehouse-name.ts';

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

/**
 * `hashed` under the names that its columns have among `columns`, which are all of a table's. One that is written otherwise
 * now (E-mail, e_mail) and has the same name in the warehouse is the same: its values go where the hashes are. Those that
 * are gone are left out.
 */
export function hashedAmong(
  columns: readonly Pick<Column, 'name'>[],
  hashed: readonly HashedColumn[],
): HashedColumn[] {
  const there = new Set(columns.map(({ name }) => name));
  const told = new Set(hashed.map(({ column }) => column));
  return hashed.flatMap((one) => {
    if (there.has(one.column)) return [one];
    const wanted = inSmallLetters(one.column);
    const same = columns.filter(({ name }) => !told.has(name) && inSmallLetters(name) === wanted);
    return same.map(({ name }) => ({ ...one, column: name }));
  });
}

function inSmallLetters(name: string): string {
  return (warehouseNames([name])[0] ?? name).toLowerCase();
}

/** `columns` as they arrive: those hashed are text. Names are those of `hashed` (`hashedAmong`). */
export function asHashed(columns: readonly Column[], hashed: readonly HashedColumn[]): Column[] {
  const names = new Set(hashedAmong(columns, hashed).map(({ column }) => column));
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
