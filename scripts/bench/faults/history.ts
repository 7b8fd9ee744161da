/*
 * What a source's table has been: every commit in its order. Commits are made one at a time, so whatever reads one moment of
 * the source sees the first k of them, for some k.
 */
import { createHash } from 'node:crypto';

/** A row. `rev` differs in every version that was ever written, and grows. */
export interface Item {
  readonly id: number;
  readonly name: string;
  readonly qty: number;
  /** With two decimals; null only as it arrives. */
  readonly price: string | null;
  readonly note: string | null;
  readonly rev: number;
}

/** What a transaction changes: rows by id, null where they go. */
export type Changes = ReadonlyMap<number, Item | null>;

/** A row as one text: equal where the rows are. */
export function textOf({ id, name, qty, price, note, rev }: Item): string {
  return JSON.stringify([id, name, qty, price, note, rev]);
}

/** Adds up over the rows of a multiset, so that it can follow every change. */
export function markOf(text: string): bigint {
  return createHash('md5').update(text).digest().readBigUInt64LE();
}

const MASK = (1n << 64n) - 1n;

export class History {
  readonly #commits: Changes[] = [];
  readonly #marks: bigint[] = [0n];
  readonly #sizes: number[] = [0];
  readonly #now = new Map<number, Item>();
  /** Every version of a row that was ever committed, as text. */
  readonly ever = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  /** Commits so far. */
  get length(): number {
    return this.#commits.length;
  }
  /** The rows as they are. */
  get now(): ReadonlyMap<number, Item> {
    return this.#now;
  }

  /** Has `work` commit `changes`, when every commit before has come back. */
  commit(changes: Changes, work: () => Promise<unknown>): Promise<void> {
    const before = this.#last;
    const commit = async (): Promise<void> => {
      await before;
      await work();
      this.#add(changes);
    };
    const done = commit();
    this.#last = done.catch(() => undefined);
    return done;
  }

  #add(changes: Changes): void {
    let mark = this.#marks.at(-1) ?? 0n;
    for (const [id, item] of changes) {
      const before = this.#now.get(id);
      if (before !== undefined) mark -= markOf(textOf(before));
      if (item === null) this.#now.delete(id);
      else {
        const text = textOf(item);
        mark += markOf(text);
        this.ever.add(text);
        this.#now.set(id, item);
      }
    }
    this.#commits.push(changes);
    this.#marks.push(mark & MASK);
    this.#sizes.push(this.#now.size);
  }

  /** The same commits of what `see` leaves of each row. */
  seen(see: (item: Item) => Item | null): History {
    const other = new History();
    for (const changes of this.#commits)
      other.#add(new Map([...changes].map(([id, item]) => [id, item === null ? null : see(item)])));
    return other;
  }

  /** The rows that were there all the time from `from` to `to` commits. */
  throughout(from: number, to: number): Set<number> {
    const ids = new Set(this.at(from).keys());
    for (const changes of this.#commits.slice(from, to))
      for (const [id, item] of changes) if (item === null) ids.delete(id);
    return ids;
  }

  /** The rows after the first `length` commits. */
  at(length: number): Map<number, Item> {
    const state = new Map<number, Item>();
    for (const changes of this.#commits.slice(0, length))
      for (const [id, item] of changes) {
        if (item === null) state.delete(id);
        else state.set(id, item);
      }
    return state;
  }

  /** The moments from `from` to `to` commits that may have held exactly these rows: as many, and of the same mark. */
  moments(from: number, to: number, size: number, mark: bigint): number[] {
    const found: number[] = [];
    for (let k = from; k <= to; k++)
      if (this.#sizes[k] === size && this.#marks[k] === (mark & MASK)) found.push(k);
    return found;
  }
}
