import { TerminalError } from '#core/errors';
import { conditionsOf, type RowFilter } from '#core/row-filter';
import type { LoadAgain } from '#core/etl-run';
import { type SourceTable, samples } from '#core/source';
import { typeBeginning } from '#core/typed-filter';

/**
 * Whether what was loaded of `tables` can be read once more as wanted. From a value on it can be only where rows are read
 * by a cursor whose value is in the warehouse too: anything else leaves rows there twice, or none at all.
 * @throws TerminalError `again-without-tables`, `again-not-possible`, `filter-not-possible`
 */
export function checkAgain(again: LoadAgain, named: boolean, tables: readonly SourceTable[]): void {
  if (!named)
    throw new TerminalError('again-without-tables', 'Which tables are to be read once more?', {
      remedy: 'Name them in "tables".',
    });
  if ('anew' in again) return;
  for (const table of tables) {
    const column = table.columns.find(({ name }) => name === table.cursor);
    const why = whyNotFrom(table);
    if (why !== null || column === undefined)
      throw new TerminalError(
        'again-not-possible',
        `"${table.name}" cannot be read again from ${JSON.stringify(again.from)} on: ${why ?? 'its cursor is not among its columns'}.`,
        { remedy: 'Read it anew instead: with "again": { "anew": true }.' },
      );
    const typed = typeBeginning(column, again.from);
    if ('problem' in typed)
      throw new TerminalError(typed.problem.code, typed.problem.message, { remedy: typed.problem.remedy });
  }
}

/** Why a part of a table cannot take the place of what is there; null where it can. */
export function whyNotFrom(
  table: Pick<SourceTable, 'mode' | 'cursor' | 'rowLimit' | 'excluded' | 'filter'>,
): string | null {
  if (table.mode === 'replace' || samples(table)) return 'each load reads all of it';
  if (table.cursor === null) return 'it has no cursor by which a part of it could be told';
  if (table.mode === 'append' && table.excluded.includes(table.cursor))
    return 'its cursor is not loaded, so the rows to replace could not be told';
  if (table.mode === 'append' && table.filter !== null && !isToldByCursor(table.filter, table.cursor))
    return 'its rows are chosen by how long ago something was, so some that are there would be deleted and not read any more';
  return null;
}

/**
 * Whether the rows that have become too old for `filter` are told by the cursor: then those stay, and only later ones are
 * read again. Told by another column, or by one condition of several, they could not be left out of what is deleted.
 */
function isToldByCursor(filter: RowFilter, cursor: string): boolean {
  const moving = conditionsOf(filter).filter(({ operator }) => operator === 'within-last');
  if (moving.length === 0) return true;
  const alone = filter.match === 'all' ? filter.conditions : [];
  return moving.every((one) => one.column === cursor && alone.includes(one));
}
