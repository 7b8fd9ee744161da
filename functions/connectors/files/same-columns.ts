/** Whether the files of one table have the same columns, in whatever order: what they have is never put together silently. */
import { createHash } from 'node:crypto';
import { TerminalError } from '#core/errors';

/** Every unit carries the names; longer lists are carried as their digest. */
const MAX_LENGTH = 8000;

/** The names of a table's columns as text, to be compared. */
export function columnsMark(names: readonly string[]): string {
  const text = JSON.stringify(names.toSorted());
  return text.length <= MAX_LENGTH ? text : createHash('sha256').update(text, 'utf8').digest('base64');
}

/** Compares the columns of one file with the `mark` of its table. Terminal `columns-differ`. */
export function checkColumns(uri: string, names: readonly string[], mark: string): void {
  if (columnsMark(names) === mark) return;
  throw new TerminalError('columns-differ', `${uri} has ${differenceOf(names, mark)} its table.`, {
    remedy: 'Give files with other columns a pattern, or a folder, of their own.',
  });
}

function differenceOf(names: readonly string[], mark: string): string {
  if (!mark.startsWith('[')) return 'other columns than the other files of';
  const expected: unknown = JSON.parse(mark);
  const known = new Set(Array.isArray(expected) ? expected.map(String) : []);
  const surplus = names.find((name) => !known.has(name));
  if (surplus !== undefined) return `the column "${surplus}", unlike the other files of`;
  const missing = [...known].find((name) => !names.includes(name));
  return `no column "${missing}", unlike the other files of`;
}
