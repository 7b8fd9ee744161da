import type { CursorRange, UpperBound } from '#connectors/connector';
import type { Column } from '#core/column';
import { type EtlCounts, EVERY_ROW, WHOLE_READ } from '#core/etl-run';
import { mergeKeyOf } from '#core/merge-key';
import { type Deletes, type LoadMode, samples, type SourceTable } from '#core/source';
import { choiceMark } from './table-choice.ts';

/** The last publication of a table, as its ledger row says. */
export interface LastPublished {
  readonly run: string;
  /** What its watermark belongs to; null where it had none. */
  readonly cursor: string | null;
  readonly watermark: string | null;
  /** Where its rows were read, in words; null in publications of before it was kept. */
  readonly place: string | null;
  /** Its columns (`column-set.ts`); null likewise. */
  readonly columns: string | null;
  /** When it was, in milliseconds. */
  readonly at?: number;
}

/** What to read of a table and how to put it into the warehouse. */
export interface ReadPlan {
  readonly write: LoadMode;
  /** Rows to read; null: all of them. */
  readonly range: CursorRange | null;
  /** There is nothing to read: no units are planned, nothing is published, and what is there stays. */
  readonly nothing: boolean;
  readonly cursor: string | null;
  /** How far the table will have been read once this is published. */
  readonly watermark: string | null;
  /** Nothing is settled yet: all rows there are, to be replaced by the next load; where there are none, what is there stays. */
  readonly unsettled: boolean;
}

/** The cursor of sources with a notion of their own (files: name and generation). */
export const OWN_CURSOR = '(own)';

/** By what a table goes on where its last publication ended. */
export interface ReadCursor {
  /** What the watermark belongs to, as the ledger keeps it: with another one the table begins anew. */
  readonly id: string;
  /** '' where the source has a notion of its own; null: every row is read each time. */
  readonly column: string | null;
}

/**
 * The cursor of `table`; null for a replace or a sample, which go on from nothing. What was published under another key,
 * by another mode or by another choice of rows may hold a row twice, or miss some, so the table then begins anew.
 */
export function cursorOf(
  table: Pick<
    SourceTable,
    'mode' | 'cursor' | 'key' | 'mergeKey' | 'filter' | 'startFrom' | 'hashed' | 'rowLimit'
  >,
  ownCursor: boolean,
): ReadCursor | null {
  if (table.mode === 'replace' || samples(table)) return null;
  const column = table.cursor ?? (ownCursor ? '' : null);
  const id = column === '' ? OWN_CURSOR : (column ?? WHOLE_READ);
  const mark = choiceMark(table);
  if (table.mode === 'merge') return { id: `${id} by ${JSON.stringify(mergeKeyOf(table))}${mark}`, column };
  return { id: `${column === null ? EVERY_ROW : id}${mark}`, column };
}

/**
 * Where a table goes on: the last publication's watermark, only if that one was read by the same cursor. After a
 * replace, or with another cursor, what is there may overlap, so the table begins anew (null).
 */
export function planAfter(cursor: ReadCursor | null, last: LastPublished | null): string | null {
  return cursor !== null && last?.cursor === cursor.id ? last.watermark : null;
}

/**
 * Plans one table.
 * @param after where it goes on; null: from the start, replacing what is there
 * @param bound how far may be read; null where the table has no cursor
 * @param again a merge: rows up to `after` are read once more, for columns that they have not
 */
export function planRead(
  { mode }: Pick<SourceTable, 'mode'>,
  cursor: ReadCursor | null,
  after: string | null,
  bound: UpperBound | null,
  again = false,
): ReadPlan {
  const whole = { range: null, nothing: false, unsettled: false };
  if (cursor === null) return { ...whole, write: 'replace', cursor: null, watermark: null };
  const { id, column } = cursor;
  if (column === null) {
    const write = after === null ? 'replace' : mode;
    const watermark = mode === 'merge' ? WHOLE_READ : EVERY_ROW;
    return { ...whole, write, cursor: id, watermark };
  }
  const upTo = bound?.value ?? null;
  if (upTo === null && after === null)
    return { ...whole, write: 'replace', cursor: null, watermark: null, unsettled: true };
  const reread = again && mode === 'merge' && after !== null;
  const nothing = !reread && (upTo === null || upTo === after);
  const watermark = upTo ?? after;
  // What takes the place of all rows has those past the bound, too, or they would be gone until the next load. That reads
  // them once more, which only rows without a key must not be. (What a source of files goes by is their names.)
  const all = after === null && mode === 'merge' && column !== '';
  return {
    write: after === null ? 'replace' : mode,
    range:
      nothing || all || watermark === null ? null : { column, after: reread ? null : after, upTo: watermark },
    nothing,
    cursor: id,
    watermark,
    unsettled: false,
  };
}

/** Why nothing of a table can be loaded: it has no column, or none is left; null where something is. */
export function noColumns(
  name: string,
  described: readonly Column[],
  loaded: readonly Column[],
): { readonly code: 'no-columns'; readonly message: string; readonly remedy: string } | null {
  if (loaded.length > 0) return null;
  return described.length === 0
    ? {
        code: 'no-columns',
        message: `"${name}" has no column that can be loaded.`,
        remedy: 'Leave this table out, or give the user the right to read its columns.',
      }
    : {
        code: 'no-columns',
        message: `Of "${name}" every column is left out.`,
        remedy: 'Choose at least one of its columns, or do not load the table.',
      };
}

/** Rows one task reads in about a quarter of an hour of a busy server: more tasks than that says help nobody. */
const ROWS_PER_TASK = 5_000_000;
const MAX_TASKS = 8;

/** What a run reads of a source. */
export interface TaskShare {
  /** Rows of each table as the last discovery estimated them. */
  readonly estimates: readonly (number | null)[];
  /** Tasks that can read it at once; null: any number. 0: the coordinator alone reads it, in the snapshot's own session. */
  readonly readers: number | null;
}

/** How many container tasks a run is worth: no more than its sources let read at once. */
export function planTasks(shares: readonly TaskShare[]): number {
  const shared = shares.filter(({ readers }) => readers !== 0);
  const rows = shared
    .flatMap(({ estimates }) => estimates)
    .reduce<number>((sum, rows) => sum + (rows ?? 0), 0);
  const readers = shared.reduce((sum, { readers }) => sum + (readers ?? MAX_TASKS), 0);
  return Math.max(1, Math.min(MAX_TASKS, readers, Math.ceil(rows / ROWS_PER_TASK)));
}

/** Adds counts by reason. */
export function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}

/** The sum of what came in place of misfits, as counts keep it: left out where there was nothing. */
export function sumMisfits(all: readonly Pick<EtlCounts, 'misfits'>[]): Pick<EtlCounts, 'misfits'> {
  const misfits = all.reduce<Record<string, number>>((sum, one) => addCounts(sum, one.misfits ?? {}), {});
  return Object.keys(misfits).length === 0 ? {} : { misfits };
}

/** Rows that were rejected, for whatever reason. */
export function rejectedRows(rejected: Readonly<Record<string, number>>): number {
  return Object.values(rejected).reduce((sum, count) => sum + count, 0);
}

/** Whether a load tells which rows are gone: a row that was rejected is in the source, and not among those that came. */
export function marksDeleted(
  { write, deletes }: { readonly write: LoadMode; readonly deletes: Deletes },
  rejected: number,
): boolean {
  return write === 'merge' && deletes === 'mark' && rejected === 0;
}

/**
 * What people should know of a merge that left rows out: it may have left their former versions in place.
 * @param looked rows that are gone from the source would have been looked for among those that came
 */
export function leftOutNotes(
  write: LoadMode,
  looked: boolean,
  rejected: Readonly<Record<string, number>>,
): string[] {
  const left = rejectedRows(rejected);
  if (write !== 'merge' || left === 0) return [];
  const rows = left === 1 ? '1 row was' : `${left} rows were`;
  return [
    `${rows} rejected as the source has them now: where former versions are there, they stay and are not current.`,
    ...(looked
      ? ['Rows that are gone from the source were not looked for: a rejected one could be taken for one.']
      : []),
  ];
}

/** Why so many rejects fail the table, or null while they are within its limit (a share of all its rows). */
export function overLimit(
  name: string,
  rows: number,
  rejected: Readonly<Record<string, number>>,
  limit: number,
): { readonly message: string; readonly remedy: string } | null {
  const left = rejectedRows(rejected);
  const total = rows + left;
  if (left === 0 || left <= limit * total) return null;
  const reasons = Object.entries(rejected)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([reason, count]) => `${reason}: ${count}`)
    .join(', ');
  return {
    message: `${left} of ${total} rows of "${name}" were rejected (${reasons}); the limit is ${percent(limit)}.`,
    remedy:
      (rejected['invalid-utf8'] ?? 0) > left / 2
        ? 'The file is not UTF-8: save it as UTF-8, or choose the encoding latin1 for the source.'
        : 'Look at them in the _rejects table; correct them in the source, or raise the table’s reject limit.',
  };
}

/** A share in words: `1 %`, `0.25 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
