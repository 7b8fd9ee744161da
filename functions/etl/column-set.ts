/**
 * Which columns of a raw table are ours, as the ledger keeps it with each publication: what people have added to the table
 * themselves is never touched, and a merge by a cursor knows when the rows it does not read have to be read again.
 */
import { z } from 'zod';
import type { LoadMode } from '#core/source';

/** Columns under their names in the warehouse. */
const ColumnSet = z.object({
  /** Brought by the publication. */
  loaded: z.array(z.string()),
  /** Brought by former ones, and no more: null in rows that came since. */
  gone: z.array(z.string()),
  /** Of those, columns that were left out by choice and are null in every row. */
  cleared: z.array(z.string()),
});
export type ColumnSet = z.infer<typeof ColumnSet>;

/** What the ledger says of a publication's columns; null where it was written before it said anything. */
export function readColumnSet(text: string | null): ColumnSet | null {
  if (text === null) return null;
  return ColumnSet.parse(JSON.parse(text));
}

/** What the columns of a load come to, beside those of the loads before it. */
export interface ColumnChange {
  /** Columns that former loads brought and this one does not. */
  readonly gone: string[];
  /** Of those, the ones that are to be null in every row from now on. */
  readonly cleared: string[];
  /** Columns whose values are missing in the rows that are there. */
  readonly fresh: string[];
  /** The columns after this load. */
  readonly next: ColumnSet;
}

/**
 * Compares a load's columns with those before it. Names differ without regard to case.
 * @param names the columns of this load
 * @param excluded columns that were left out by choice
 * @param last the columns of the last publication; null: unknown, and `raw` decides what is new
 * @param raw the columns of the raw table; null where there is none
 * @param known where `last` is unknown, what former loads may have brought
 */
export function compareColumns({
  mode,
  names,
  excluded,
  last,
  raw,
  known,
}: {
  readonly mode: LoadMode;
  readonly names: readonly string[];
  readonly excluded: readonly string[];
  readonly last: ColumnSet | null;
  readonly raw: readonly string[] | null;
  readonly known: readonly string[];
}): ColumnChange {
  const there = last === null ? raw : last.loaded;
  const before =
    last === null
      ? without(
          known.filter((name) => has(raw ?? [], name)),
          [],
        )
      : last.loaded;
  const gone = without([...before, ...(last?.gone ?? [])], names);
  const left = mode === 'merge' ? gone.filter((name) => has(excluded, name)) : [];
  const fresh = there === null ? [] : without(names, there);
  return {
    gone,
    cleared: without(left, last?.cleared ?? []),
    fresh,
    next: { loaded: [...names], gone, cleared: left },
  };
}

function has(names: readonly string[], name: string): boolean {
  return names.some((one) => one.toLowerCase() === name.toLowerCase());
}

/** Each once. */
function without(names: readonly string[], left: readonly string[]): string[] {
  return names.filter((name, index) => !has(left, name) && !has(names.slice(0, index), name));
}
