/** What becomes of values that their column's type in the warehouse cannot hold. */
import { z } from 'zod';
import type { Column } from './column.ts';
import { asHashed, type HashedColumn } from './hashed-column.ts';

/**
 * `null`: the value is left out of its row and counted. `text`: the whole column arrives as text, what fits in the one form
 * that its type has, what does not as the source has it, counted too.
 */
export const MisfitForm = z.enum(['null', 'text']);
export type MisfitForm = z.infer<typeof MisfitForm>;

/** A column whose misfits cost no row. Of every other column they do: the row is rejected. */
export const MisfitColumn = z.strictObject({
  column: z.string().min(1).max(300),
  as: MisfitForm,
});
export type MisfitColumn = z.infer<typeof MisfitColumn>;

/** `columns` as they arrive: those loaded as text are text. Names are those of `misfits`. */
export function asTexts(columns: readonly Column[], misfits: readonly MisfitColumn[]): Column[] {
  const texts = new Set(misfits.flatMap(({ column, as }) => (as === 'text' ? [column] : [])));
  return columns.map((column) => {
    const { name, nullable, sourceType } = column;
    return texts.has(name) ? { name, type: 'STRING', nullable, sourceType } : column;
  });
}

/** `columns` as they arrive, by what was chosen of them: as they are, as text, or hashed. */
export function asChosen(
  columns: readonly Column[],
  chosen: { readonly hashed: readonly HashedColumn[]; readonly misfits: readonly MisfitColumn[] },
): Column[] {
  return asHashed(asTexts(columns, chosen.misfits), chosen.hashed);
}
