/** What may be chosen of a table's rows, and of the columns that arrive hashed. */
import { isDeepStrictEqual } from 'node:util';
import { TerminalError } from '#core/errors';
import { conditionsOf } from '#core/row-filter';
import type { SourceTable } from '#core/source';
import { typeBeginning, typeFilter } from '#core/typed-filter';

type Table = Pick<SourceTable, 'name' | 'columns' | 'cursor' | 'filter' | 'startFrom' | 'hashed'>;

/**
 * Whether the rows and hashed columns of a table can be what was chosen. A table whose columns are not known yet is
 * believed, and so is what was chosen `before`: where its columns have changed since, a load says so, and nothing else that
 * is chosen has to wait for it.
 * @throws TerminalError `unknown-column`, `filter-not-possible`, `hash-not-possible`, `start-not-possible`
 */
export function checkRows(table: Table, before: Table | null = null): void {
  checkHashed(table, before?.hashed ?? []);
  if (table.columns.length === 0) return;
  const isNew = (...parts: readonly (keyof Table)[]) =>
    before === null || !parts.every((part) => isDeepStrictEqual(table[part], before[part]));
  if (table.filter !== null && isNew('filter'))
    mustBePossible(table.name, typeFilter(table.filter, table.columns, 0));
  if (table.startFrom === null || !isNew('startFrom', 'cursor')) return;
  const cursor = table.columns.find(({ name }) => name === table.cursor);
  if (cursor === undefined)
    throw new TerminalError(
      'start-not-possible',
      `"${table.name}" has no cursor, so where it is to begin cannot be told.`,
      { remedy: 'Choose a cursor, or choose the rows by a filter.' },
    );
  mustBePossible(table.name, typeBeginning(cursor, table.startFrom));
}

function checkHashed({ name, columns, cursor, filter, hashed }: Table, before: Table['hashed']): void {
  const refuse = (message: string, remedy: string): TerminalError =>
    new TerminalError('hash-not-possible', message, { remedy });
  const names = hashed.map(({ column }) => column);
  const twice = names.find((column, index) => names.indexOf(column) !== index);
  if (twice !== undefined) throw refuse(`"${twice}" is named twice.`, 'Name each column once.');
  if (cursor !== null && names.includes(cursor))
    throw refuse(
      `New rows of "${name}" are told by "${cursor}", which cannot be where it is hashed.`,
      'Choose another cursor, or do not hash it.',
    );
  for (const { column, form } of hashed) {
    if (before.some((one) => one.column === column && one.form === form)) continue;
    const found = columns.find((one) => one.name === column);
    if (columns.length > 0 && found === undefined)
      throw new TerminalError('unknown-column', `"${name}" has no column "${column}".`, {
        remedy: 'Hash only columns that the table has; discover the tables again if they have changed.',
      });
    if (form === 'folded' && found !== undefined && found.type !== 'STRING')
      throw refuse(
        `"${column}" is ${found.type}, which has no letters to be made small.`,
        'Hash it in the form "exact".',
      );
  }
  // The values would be kept in the settings, and each row that comes would tell its own.
  const asked = filter === null ? [] : conditionsOf(filter);
  const told = asked.find(
    ({ column, operator }) => names.includes(column) && operator !== 'null' && operator !== 'not-null',
  );
  if (told !== undefined)
    throw refuse(
      `Rows of "${name}" are chosen by values of "${told.column}", which is to be hashed.`,
      'Choose the rows by another column, or only by whether it is null.',
    );
}

function mustBePossible(name: string, typed: ReturnType<typeof typeFilter>): void {
  if (!('problem' in typed)) return;
  const { code, message, remedy } = typed.problem;
  throw new TerminalError(code, `"${name}": ${message}`, { remedy });
}
