/** What a table's settings choose of its rows and columns, as a plan of one run: pure. */
import { createHash } from 'node:crypto';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import type { LoadAgain } from '#core/etl-run';
import type { HashedColumn } from '#core/hashed-column';
import type { SourceTable } from '#core/source';
import { alsoWhere, typeBeginning, typeFilter, type TypedFilter } from '#core/typed-filter';
import { whyNotFrom } from './again.ts';
import type { ReadCursor, ReadPlan } from './plan.ts';

type Choice = Pick<SourceTable, 'filter' | 'startFrom' | 'hashed' | 'cursor'>;

/**
 * Stands for what was chosen of a table's rows and of how their columns arrive: what was loaded by another choice is not
 * gone on from. Empty where everything is loaded as it is.
 */
export function choiceMark({ filter, startFrom, hashed, cursor }: Choice): string {
  const begins = cursor === null ? null : startFrom;
  if (filter === null && begins === null && hashed.length === 0) return '';
  const sorted = hashed
    .map(({ column, form }) => [column, form])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const text = JSON.stringify([filter, begins, sorted]);
  return ` of ${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
}

/**
 * The rows that are read of `table`; null: all.
 * @param asOf from when relative dates count, in milliseconds
 * @throws TerminalError `unknown-column`, `filter-not-possible`
 */
export function chosenRows(
  table: Pick<SourceTable, 'filter' | 'startFrom' | 'cursor'>,
  columns: readonly Column[],
  asOf: number,
): TypedFilter | null {
  const filter = table.filter === null ? null : mustType(typeFilter(table.filter, columns, asOf));
  const cursor = columns.find(({ name }) => name === table.cursor);
  if (table.startFrom === null || cursor === undefined) return filter;
  return alsoWhere(filter, mustType(typeBeginning(cursor, table.startFrom)));
}

/** A part of a table that is read once more. */
export interface ReadFrom {
  readonly plan: ReadPlan;
  /** One more condition on the rows that are read. */
  readonly filter: TypedFilter;
  /** Adding rows: those there are from this value of this column on (of the source) make place. */
  readonly replaced: { readonly column: string; readonly value: string } | null;
}

/**
 * The plan by which the rows of `table` from a value of its cursor on are read again; null where it begins anew anyway, or
 * was not asked for.
 * @param plan what it would read otherwise
 * @throws TerminalError `again-not-possible`, `filter-not-possible`
 */
export function readFrom(
  table: Pick<SourceTable, 'name' | 'mode' | 'cursor' | 'rowLimit' | 'excluded' | 'hashed'>,
  again: LoadAgain | null,
  columns: readonly Column[],
  plan: ReadPlan,
  goesOn: boolean,
): ReadFrom | null {
  if (again === null || 'anew' in again || !goesOn) return null;
  // All rows of a merge are read anyway, for the sake of columns that have come.
  if (plan.write === 'merge' && plan.range !== null && plan.range.after === null) return null;
  const column = columns.find(({ name }) => name === table.cursor);
  const why = whyNotFrom(table);
  if (why !== null || column === undefined)
    throw new TerminalError(
      'again-not-possible',
      `"${table.name}" cannot be read again from a value on: ${why ?? 'its cursor is gone'}.`,
      {
        remedy: 'Read it anew instead.',
      },
    );
  const filter = mustType(typeBeginning(column, again.from));
  const [condition] = filter.conditions;
  const value = condition === undefined || 'match' in condition ? undefined : condition.values[0]?.text;
  if (value === undefined) throw new RangeError('a beginning without a value');
  const upTo = plan.watermark;
  return {
    plan: {
      ...plan,
      nothing: upTo === null,
      range: upTo === null ? null : { column: column.name, after: null, upTo },
    },
    filter,
    replaced: table.mode === 'append' ? { column: column.name, value } : null,
  };
}

/** Columns that are hashed, of those that are there; a cursor that is hashed could not be followed. */
export function hashedOf(table: Pick<SourceTable, 'hashed'>, columns: readonly Column[]): HashedColumn[] {
  return table.hashed.filter(({ column }) => columns.some(({ name }) => name === column));
}

/** What people should know of what a load of `table` took. */
export function choiceNotes(
  { rowLimit, estimatedRows }: Pick<SourceTable, 'rowLimit' | 'estimatedRows'>,
  from: ReadFrom | null,
  copied: boolean,
): string[] {
  const count = (rows: number): string => rows.toLocaleString('en');
  const notes: string[] = [];
  if (rowLimit !== null)
    notes.push(
      `A sample: limited to ${count(rowLimit)}${estimatedRows === null ? '' : ` of about ${count(estimatedRows)}`} rows.`,
    );
  if (copied)
    notes.push(
      'Deleted rows were not looked for, because the warehouse copies this table itself: merge it without a cursor, or set a key for the source.',
    );
  const [begins] = from?.filter.conditions ?? [];
  if (begins !== undefined && !('match' in begins))
    notes.push(`Rows whose "${begins.column}" is ${begins.values[0]?.text} or more were read again.`);
  return notes;
}

/** An hour, and the share of the wanted time after which another look for deleted rows is due: runs are not on the second. */
const HOUR_MILLIS = 3_600_000;
const DUE_SHARE = 0.9;

/** Whether the keys of all rows are to be read, to find those that are gone. `lastAt`: when that was done, null: never. */
export function sweepDue(
  table: Pick<SourceTable, 'deletes' | 'sweepHours'>,
  cursor: ReadCursor | null,
  plan: ReadPlan,
  goesOn: boolean,
  lastAt: number | null,
  now: number,
): boolean {
  const incremental = cursor !== null && cursor.column !== null && cursor.column !== '';
  if (table.deletes !== 'mark' || !incremental || !goesOn || plan.write !== 'merge') return false;
  return lastAt === null || now - lastAt >= table.sweepHours * HOUR_MILLIS * DUE_SHARE;
}

function mustType(typed: ReturnType<typeof typeFilter>): TypedFilter {
  if ('filter' in typed) return typed.filter;
  const { code, message, remedy } = typed.problem;
  throw new TerminalError(code, message, { remedy });
}
