/* A source whose table changes while it is read: what every kind of it can do. */
import type { Credentials, SourceSettings } from '#core/source';
import type { FilterValue } from '#core/row-filter';
import type { History, Item } from './history.ts';
import type { Dice } from './random.ts';
import { MISFIT } from './seen.ts';
import type { RoughWay } from './tcp-faults.ts';

/** How the table changes: rows are only added, or also changed, or also deleted. */
export type Habit = 'adds' | 'changes' | 'deletes';

export interface World {
  readonly settings: SourceSettings;
  readonly credentials: Credentials | null;
  readonly history: History;
  /** The column that appends and merges follow; null where the kind has its own notion. */
  readonly cursor: string | null;
  /** Whether the source tells that `id` is the key. */
  readonly keyed: boolean;
  /** Whether a load reads all rows of a table at one moment. */
  readonly pinned: boolean;
  /** Milliseconds after the last commit from which on a load must bring it. */
  readonly settlesMs: number;
  readonly unitBytes: number;
  /** The way to the server; null where there is none. */
  readonly way: RoughWay | null;
  /** Changes the table until `signal` fires; then what is open is brought to its end. */
  readonly write: (signal: AbortSignal) => Promise<void>;
  /** Keeps everybody from reading the table for a while; nothing where the kind knows no locks. */
  readonly lock: (milliseconds: number) => Promise<void>;
  /** The table as the source itself tells it. */
  readonly truth: () => Promise<Told[]>;
  /** The cursor's value as text in a SELECT over the warehouse's table; null where it has none. */
  readonly cursorSql: string | null;
  /** Such a text as people say where reading once more is to begin, perhaps a little before; null where it cannot. */
  readonly beginning: ((moment: string) => FilterValue) | null;
  readonly close: () => Promise<void>;
}

/** A row as its source tells it, with its cursor's value as text. */
export interface Told {
  readonly item: Item;
  readonly moment: string | null;
}

/** Microseconds since 1970 as people say a moment, to the millisecond. */
export function momentOfMicros(micros: string): string {
  return new Date(Math.floor(Number(micros) / 1000)).toISOString().replace('T', ' ').slice(0, -1);
}

/** What makes a world of its own. */
export interface WorldOptions {
  readonly dice: Dice;
  readonly habit: Habit;
  /** There are two tables, and every commit changes both alike. */
  readonly twins: boolean;
  /** Some prices are such as the warehouse cannot hold. */
  readonly misfits: boolean;
  readonly told: (fault: string) => void;
}

/** Rows that are there before anything happens. */
export const FIRST_ROWS = 500;

/** Writers that change the table together. Each has rows of its own, so that they wait for nobody. */
export const WRITERS = 3;

let lastRev = 0;

/** Words that every text format and statement has its own trouble with. */
const NOTES = [
  null,
  '',
  "O'Brien",
  '"quoted", and more',
  'line\nbreak',
  'ünïcödé ☃',
  'tab\there',
  '\\N',
  'NULL',
];

/** A new version of the row `id`. */
export function makeItem(
  id: number,
  dice: Dice,
  { misfits = false, notes = NOTES }: { misfits?: boolean; notes?: readonly (string | null)[] } = {},
): Item {
  const rev = ++lastRev;
  const misfit = misfits && dice.chance(0.05);
  return {
    id,
    name: `item ${id} ${'x'.repeat(dice.whole(0, 150))}`,
    qty: dice.whole(-5, 1000),
    price: misfit ? MISFIT : `${dice.whole(0, 99_999)}.${String(dice.whole(0, 99)).padStart(2, '0')}`,
    note: dice.pick(notes),
    rev,
  };
}

/** The changes of one transaction of `writer`: a few of its rows, each once. */
export function makeChanges(
  history: History,
  { habit, misfits, dice }: WorldOptions,
  writer: number,
  nextId: () => number,
): Map<number, Item | null> {
  const changes = new Map<number, Item | null>();
  const own = [...history.now.keys()].filter((id) => id % WRITERS === writer);
  for (let left = dice.whole(1, 5); left > 0; left--) {
    const id = habit === 'adds' || own.length === 0 || dice.chance(0.4) ? null : dice.pick(own);
    if (id === null) {
      const added = nextId() * WRITERS + writer;
      changes.set(added, makeItem(added, dice, { misfits }));
    } else if (habit === 'deletes' && dice.chance(0.35)) changes.set(id, null);
    else changes.set(id, makeItem(id, dice, { misfits }));
  }
  return changes;
}

/** Waits, or less where `signal` fires. */
export function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}

/** How long a transaction stays open before it ends: mostly not at all, at times very long. */
export function holdMs(dice: Dice): number {
  return dice.chance(0.2) ? dice.whole(500, 5000) : dice.chance(0.3) ? dice.whole(20, 400) : 0;
}
