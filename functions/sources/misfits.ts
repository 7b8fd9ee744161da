/** What may be chosen of columns whose misfits cost no row. */
import { TerminalError } from '#core/errors';
import type { MisfitColumn } from '#core/misfit-policy';
import { samples, type SourceTable } from '#core/source';

/**
 * Whether the misfits of a table's columns can be loaded as chosen. A table whose columns are not known yet is believed, and
 * so is what was chosen `before`: a column that is gone may stay chosen, should it come back.
 * @throws TerminalError `unknown-column`, `misfits-not-possible`
 */
export function checkMisfits(
  {
    name,
    columns,
    cursor,
    hashed,
    misfits,
  }: Pick<SourceTable, 'name' | 'columns' | 'cursor' | 'hashed' | 'misfits'>,
  before: readonly MisfitColumn[] = [],
): void {
  const names = misfits.map(({ column }) => column);
  const twice = names.find((column, index) => names.indexOf(column) !== index);
  if (twice !== undefined)
    throw new TerminalError('misfits-not-possible', `"${twice}" is named twice.`, {
      remedy: 'Name each column once.',
    });
  const known = [...columns.map((one) => one.name), ...before.map(({ column }) => column)];
  const unknown = columns.length === 0 ? undefined : names.find((column) => !known.includes(column));
  if (unknown !== undefined)
    throw new TerminalError('unknown-column', `"${name}" has no column "${unknown}".`, {
      remedy: 'Name only columns that the table has; discover the tables again if they have changed.',
    });
  if (cursor !== null && names.includes(cursor))
    throw new TerminalError(
      'misfits-not-possible',
      `New rows of "${name}" are told by "${cursor}": a row without its value would never be looked for again.`,
      { remedy: 'Choose another cursor, or have its misfits rejected.' },
    );
  const hidden = misfits.find(
    ({ column, as }) => as === 'text' && hashed.some((one) => one.column === column),
  );
  if (hidden !== undefined)
    throw new TerminalError(
      'misfits-not-possible',
      `Of "${hidden.column}" only hashes arrive, so its values cannot come as text.`,
      { remedy: 'Have its misfits rejected or null, or do not hash it.' },
    );
}

/**
 * What a change of misfits does not do by itself: where loads go on from the last one, rows that it rejected are not read
 * again. A column that becomes text is another one, and its table is read anew.
 * @param ownCursor the kind of source tells by itself what is new
 */
export function misfitRemarks(
  before: Pick<SourceTable, 'misfits' | 'loaded'>,
  after: Pick<SourceTable, 'misfits' | 'mode' | 'cursor' | 'rowLimit'>,
  ownCursor: boolean,
): string[] {
  const goesOn = after.mode !== 'replace' && (ownCursor || after.cursor !== null) && !samples(after);
  if (before.loaded === null || !goesOn) return [];
  const fresh = after.misfits.filter(
    ({ column, as }) => as === 'null' && !before.misfits.some((one) => one.column === column),
  );
  if (fresh.length === 0) return [];
  const named = fresh.map(({ column }) => `"${column}"`).join(', ');
  return [
    `Rows that were rejected before for ${named} are not read again by the next load. To have them, load the table again: anew, or from where they begin.`,
  ];
}
