/** What a table's settings choose of its rows and columns, as a plan of one run: pure. */
import { createHash } from 'node:crypto';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import type { LoadAgain } from '#core/etl-run';
import { type HashedColumn, hashedAmong } from '#core/hashed-column';
import type { SourceTable } from '#core/source';
import {
  alsoWhere,
  type FilterLiteral,
  typeBeginning,
  typeFilter,
  type TypedFilter,
} from '#core/typed-filter';
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
 * The plan by which the rows of `table` from a value of its cursor on are read again; null where it begins anew anyway, has
 * not been read so far yet, or was not asked for.
 * @param plan what it would read otherwise
 * @param after where that goes on; null: it begins anew
 * @param asOf from when relative dates count, in milliseconds
 * @throws TerminalError `again-not-possible`, `filter-not-possible`
 */
export function readFrom(
  table: Pick<SourceTable, 'name' | 'mode' | 'cursor' | 'rowLimit' | 'excluded' | 'hashed' | 'filter'>,
  again: LoadAgain | null,
  columns: readonly Column[],
  plan: ReadPlan,
  after: string | null,
  asOf: number,
): ReadFrom | null {
  if (again === null || 'anew' in again || after === null) return null;
  // All rows of a merge are read anyway, for the sake of columns that have come.
  if (plan.write === 'merge' && plan.range !== null && plan.range.after === null) return null;
  const column = columns.find(({ name }) => name === table.cursor);
  const why = whyNotFrom(table);
  if (why !== null || column === undefined) throw notFrom(table.name, why ?? 'its cursor is gone');
  const filter = mustType(typeBeginning(column, again.from));
  const [condition] = filter.conditions;
  const value = condition === undefined || 'match' in condition ? undefined : condition.values[0];
  if (value === undefined) throw new RangeError('a beginning without a value');
  const later = isPast(value, after);
  if (later === null) throw notFrom(table.name, 'where it was read to last cannot be compared with that');
  // What lies between would be read neither now nor later. All rows from there on are new, and are read as ever.
  if (later) return null;
  const upTo = plan.watermark;
  return {
    plan: {
      ...plan,
      nothing: upTo === null,
      range: upTo === null ? null : { column: column.name, after: null, upTo },
    },
    filter,
    replaced:
      table.mode === 'append'
        ? { column: column.name, value: beginningOf(table, column, value.text, asOf) }
        : null,
  };
}

/**
 * From where rows make place: `from`, or later where older rows are not read any more, because they are too old by now. Both
 * are canonical texts of one type, in which the order of texts is that of moments.
 */
function beginningOf(
  { filter }: Pick<SourceTable, 'filter'>,
  cursor: Column,
  from: string,
  asOf: number,
): string {
  const moving = (filter?.conditions ?? []).filter(
    (one) => !('match' in one) && one.operator === 'within-last',
  );
  const typed =
    moving.length === 0 ? null : mustType(typeFilter({ match: 'all', conditions: moving }, [cursor], asOf));
  return (typed?.conditions ?? []).reduce((latest, one) => {
    const oldest = 'match' in one ? '' : (one.values[0]?.text ?? '');
    return oldest > latest ? oldest : latest;
  }, from);
}

function notFrom(name: string, why: string): TerminalError {
  const message = `"${name}" cannot be read again from a value on: ${why}.`;
  return new TerminalError('again-not-possible', message, { remedy: 'Read it anew instead.' });
}

/** Watermarks of moments, as the kinds of sources write them: in UTC, or without a zone as the column is. */
const MOMENT_READ = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(?:Z|\+00(?::00)?)?$/;

/** Whether `from` is past the watermark `after`; null where that cannot be told. */
function isPast({ type, text }: FilterLiteral, after: string): boolean | null {
  if (type === 'number') {
    // A rowversion is written as bytes.
    if (!/^(?:-?\d+|0x[0-9A-F]{16})$/.test(after)) return null;
    const read = after.startsWith('0x') ? BigInt.asIntN(64, BigInt(after)) : BigInt(after);
    const [whole = '', decimals = ''] = text.split('.');
    return BigInt(whole + decimals) > read * 10n ** BigInt(decimals.length);
  }
  // Later than any date that can be told.
  if (/^\d{5,6}-/.test(after)) return false;
  const [, day, time, fraction = ''] = MOMENT_READ.exec(after) ?? [];
  if (day === undefined || time === undefined) return null;
  // Both are of one form then, in which the order of texts is that of moments.
  return text.padEnd(27, '0') > `${day} ${time}.${fraction.padEnd(7, '0')}`;
}

/** The columns that are hashed, of those of the source (`described`) that are loaded (`columns`). */
export function hashedOf(
  table: Pick<SourceTable, 'hashed'>,
  described: readonly Column[],
  columns: readonly Column[],
): HashedColumn[] {
  return hashedAmong(described, table.hashed).filter(({ column }) =>
    columns.some(({ name }) => name === column),
  );
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
